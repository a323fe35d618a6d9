"""Data that are too many for Gauss-Newton: a part of them first, then all."""

import jax
import numpy as np
import pytest

import neuralode_lbfgs as nl
from neuralode_lbfgs.data import Trajectories, Trajectory
from neuralode_lbfgs.fitting import large, problems
from neuralode_lbfgs.fitting.large import part_of


def runs(*lengths):
    return Trajectories(
        tuple(Trajectory(f"run{i}", np.arange(float(n)), np.ones((n, 2))) for i, n in enumerate(lengths))
    )


@pytest.fixture
def newton_does_120_numbers(monkeypatch):
    """Of a model of ten weights; fewer of a larger one."""
    monkeypatch.setattr(problems, "MOST_WORK", 120 * 10**2)


@pytest.mark.parametrize("lengths", [(1000,), (10,) * 100, (200, 2, 2, 2, 2, 2, 2, 2)])
def test_the_part_is_spread_over_the_data_and_not_too_large(newton_does_120_numbers, lengths):
    part = part_of(runs(*lengths), 10)
    assert part is not None
    assert 15 <= sum(run.ts.size for run in part) <= 60
    assert len(part) >= 3
    assert max(run.ts.size for run in part) <= 60 // 8
    first, last = part.ids[0].split(":")[0], part.ids[-1].split(":")[0]
    assert first == "run0"
    assert int(last.removeprefix("run")) >= 0.9 * (len(lengths) - 1) - 1


def test_pieces_in_which_nothing_was_seen_are_left_out(newton_does_120_numbers):
    data = runs(500)
    ys = data[0].ys.copy()
    ys[:499] = np.nan
    part = part_of(data.with_trajectories([Trajectory("run0", data[0].ts, ys)]), 10)
    assert part is not None
    assert len(part) == 1


def test_all_of_the_data_where_gauss_newton_can_do_them(newton_does_120_numbers):
    assert part_of(runs(30, 30), 10) is None


@pytest.fixture(scope="module")
def spirals():
    return nl.simulate(
        "spiral_linear", num_trajectories=4, num=60, t1=6.0, noise=0.02, relative_noise=True, key=jax.random.key(0)
    )


def test_the_model_of_a_part_is_fitted_to_all(spirals, monkeypatch):
    monkeypatch.setattr(problems, "MOST_WORK", 100 * 42**2)
    data, model = spirals, nl.NeuralODE(nl.MLPVectorField(2, width_size=8, depth=1, key=jax.random.key(0)))
    result = nl.fit(model, data, max_evals=200)
    assert "of 480 numbers first, in 8 pieces; then polish with all." in result.notes[0]
    assert [stage.name for stage in result.stages] == ["matching", "polish", "polish"]
    assert result.stages[-1].why.startswith("all data")
    assert set(result.starts) == set(data.ids)
    assert result.loss**0.5 == pytest.approx(0.02, rel=0.1)
    assert result.evaluations == sum(stage.history[-1].evaluations for stage in result.stages)


def test_the_law_of_a_part_is_fitted_to_all(spirals, monkeypatch):
    monkeypatch.setattr(problems, "MOST_WORK", 200 * 42**2)
    monkeypatch.setattr(large, "ENOUGH", 2)
    model = nl.NeuralODE(nl.MLPVectorField(2, width_size=8, depth=1, key=jax.random.key(0)))
    result = nl.fit(model, spirals, max_evals=200, degree=1)
    assert result.stages[-1].why.startswith("all data")
    assert [(term.rate, term.name) for term in result.law] == [
        (f"d {rate}/dt", name) for rate in spirals.state_names for name in spirals.state_names
    ]
    assert result.loss**0.5 == pytest.approx(0.02, rel=0.1)
