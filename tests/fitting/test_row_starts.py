"""Rows of the training data taken as starts."""

from dataclasses import replace

import equinox as eqx
import jax.numpy as jnp
import numpy as np

import neuralode_lbfgs as nl
from neuralode_lbfgs.fitting import FitResult, row_starts
from neuralode_lbfgs.fitting.row_starts import MOST, from_rows_between
from neuralode_lbfgs.optimise import StopReason


class Turning(eqx.Module):
    """A cycle, outside of which states grow without end."""

    def __call__(self, t, y, args):
        size = y @ y
        return jnp.stack([-y[1], y[0]]) + jnp.where(size > 1.1, size, 0.0) * y


TS = np.linspace(0.0, 10.0, 81)
CYCLE = np.stack([np.cos(TS), np.sin(TS)], axis=1)


MODEL = nl.NeuralODE(Turning(), coordinates=nl.Coordinates.identity(2), state_size=2)


def run_of(ys):
    return nl.Trajectories((nl.Trajectory("a", TS, ys),))


def followed(ys):
    found = from_rows_between(MODEL, run_of(ys))
    assert found is not None
    return found


def test_rows_all_along_a_run_are_followed_for_a_quarter_of_it():
    found = followed(CYCLE)
    rows = [int(run.id.split(":")[1]) for run in found]
    assert MOST / 2 < len(found) <= MOST and rows[0] == 1 and rows[-1] > 50
    for row, run in zip(rows, found, strict=True):
        np.testing.assert_array_equal(run.ts, TS[row : row + 20])
        np.testing.assert_allclose(run.ys, CYCLE[row : row + 20], atol=1e-4)


def test_of_a_long_run_they_are_followed_for_so_many_rows(monkeypatch):
    monkeypatch.setattr(row_starts, "MOST_ROWS", 12)
    assert {run.ts.size for run in followed(CYCLE)} == {12}


def test_a_row_beside_the_run_shows_that_the_model_ends_there():
    off = CYCLE.copy()
    off[41] *= 1.1
    assert [run.id for run in followed(off) if not np.isfinite(run.ys).all()] == ["a:41"]
    result = FitResult(
        MODEL, run_of(off), {"a": CYCLE[0]}, (), StopReason.DECREASE, 0, 0, 0.0, 0.0, 1.0, 0.1, 0.1, True
    )
    for estimated in (True, False):  # the starts, as the rows are noisy
        told = [one.finding for one in replace(result, estimated=estimated).diagnose()]
        assert any("unstable beside its own runs" in finding for finding in told) == estimated


def test_rows_that_are_not_whole_are_no_starts():
    blank = CYCLE.copy()
    blank[:, 1] = np.nan
    assert from_rows_between(MODEL, run_of(blank)) is None
