"""How runs that a model has not seen are predicted from their first rows."""

import jax
import numpy as np
import pytest

import neuralode_lbfgs as nl
from neuralode_lbfgs.fitting.new_runs import new_runs, said_of_new_runs
from neuralode_lbfgs.fitting.start_estimates import predict_like_training

TS = np.linspace(0.0, 4.0, 41)
NOISE = 0.02


def decays(*starts, noise=NOISE):
    """Runs of dx/dt = -x."""
    rng = np.random.default_rng(1)
    runs = [(str(x0), x0 * np.exp(-TS)[:, None] + noise * rng.normal(size=(41, 1))) for x0 in starts]
    return nl.Trajectories(tuple(nl.Trajectory(name, TS, ys) for name, ys in runs), ("x",))


def of(rate, data):
    model = nl.NeuralODE(lambda t, y, args: rate(y), state_size=1)
    found = predict_like_training(model, data, {}, estimated=True, noise=NOISE)
    return new_runs(model, data, found, NOISE)


def test_a_true_law_misses_them_by_no_more_than_noise_moves_them():
    new = of(lambda y: -y, decays(1.0, 2.0))
    assert new is not None and new.by_noise is not None
    assert new.first_half <= 1.1 * NOISE
    assert new.first_row < 3 * np.hypot(new.by_noise, NOISE)
    assert new.by_noise == pytest.approx(NOISE * np.sqrt(np.mean(np.exp(-2 * TS))), rel=0.6)


def test_a_law_that_is_wrong_where_they_begin_is_hidden_by_starts_that_suit_it():
    """dx/dt = 1, and 3 at first: a start from farther away leads to the rest."""
    ys = TS[:, None] + NOISE * np.random.default_rng(1).normal(size=(41, 1))
    data = nl.Trajectories((nl.Trajectory("a", TS, ys),), ("x",))
    new = of(lambda y: 1.0 + 2.0 * jax.nn.sigmoid((0.5 - y) / 0.1), data)
    assert new is not None and new.by_noise is not None
    assert new.first_row > 0.3 and new.first_row > 1.5 * new.first_half
    assert new.first_row > 5 * np.hypot(new.by_noise, NOISE)


def test_nothing_is_known_of_runs_without_a_complete_first_row():
    data = decays(1.0)
    ys = data[0].ys.copy()
    ys[0] = np.nan
    assert of(lambda y: -y, data.with_trajectories([nl.Trajectory("1.0", TS, ys)])) is None


def test_what_is_said_of_it():
    data = decays(1.0)
    said = said_of_new_runs(None, 0.076, None, data)
    assert said.startswith("new runs as predict starts them: RMSE/sd infinite from the first row, 0.076 from the first")
    assert said.endswith("of 1.0, which goes where others do: what begins elsewhere may be missed by more")
    for told in (said_of_new_runs(0.5, 0.1, data, data), said_of_new_runs(0.5, 0.1, None, decays(*np.arange(1.0, 7)))):
        assert told.endswith("RMSE/sd 0.5 from the first row, 0.1 from the first half of the rows")
