"""Whether a first row gives an initial state, or one is estimated with the model."""

import jax
import numpy as np
import pytest

import neuralode_lbfgs as nl
from neuralode_lbfgs.fitting.noise_level import roughness
from neuralode_lbfgs.fitting.smoothing import smooth_all
from neuralode_lbfgs.fitting.starts import first_states


def oscillation(rows, noise=0.0, span=20.0, runs=1, uneven=False):
    rng = np.random.default_rng(0)
    ts = np.linspace(0.0, span, rows)
    if uneven:
        ts[1:-1] += rng.uniform(-0.2, 0.2, rows - 2) * span / rows
    ys = [np.stack([np.sin(ts + phase), np.exp(np.cos(ts + phase))], axis=1) for phase in range(runs)]
    return nl.Trajectories(
        tuple(nl.Trajectory(f"{i}", ts, y + noise * rng.normal(size=y.shape)) for i, y in enumerate(ys))
    )


def estimated(data):
    return first_states(data, smooth_all(data), nl.FitOptions()).estimated


@pytest.mark.parametrize(
    "data",
    [
        oscillation(40, noise=0.05),  # a smoothing spline passes through all of these rows
        oscillation(6, noise=0.02, span=10.0, runs=30),
        oscillation(2, runs=30),  # of two rows nothing tells
        oscillation(200, noise=0.003),
    ],
    ids=["a few rows an oscillation", "six rows", "two rows", "little noise"],
)
def test_noisy_first_rows_are_no_initial_states(data):
    assert estimated(data)


@pytest.mark.parametrize("uneven", [False, True])
def test_clean_first_rows_are(uneven):
    assert not estimated(oscillation(60, uneven=uneven))


@pytest.mark.parametrize("reach", [1, 4])
def test_roughness_is_that_of_white_noise_whatever_it_is_told_by(reach):
    rng = np.random.default_rng(1)
    run = nl.Trajectory("a", np.sort(rng.uniform(0, 1, 30)).cumsum(), 0.3 * rng.normal(size=(30, 1)))
    runs = [nl.Trajectory(f"{i}", run.ts, 0.3 * rng.normal(size=(30, 1))) for i in range(100)]
    assert roughness(runs, 0, reach) == pytest.approx(0.3, rel=0.1)


def test_a_polynomial_through_four_rows_on_each_side_is_exact_for_degree_seven():
    ts = np.sort(np.random.default_rng(2).uniform(-1, 1, 15))
    run = nl.Trajectory("a", ts, np.polynomial.Polynomial([1, -2, 3, 1, -1, 2, 0.5, 1])(ts)[:, None])
    assert roughness([run], 0, 4) < 1e-9
    assert roughness([run], 0, 3) > 1e-6


@pytest.mark.parametrize(("noise", "from_rows"), [(0.0, True), (0.05, False)])
def test_a_model_near_all_rows_begins_at_the_first(noise, from_rows):
    """Nine rows an oscillation: their neighbours do not tell to a thousandth whether they are exact."""
    ts = np.linspace(0.0, 12.0, 13)
    rng = np.random.default_rng(3)
    ys = [np.stack([np.cos(ts + phase), -np.sin(ts + phase)], axis=1) for phase in (0.0, 1.0)]
    runs = [nl.Trajectory(f"{i}", ts, y + noise * rng.normal(size=y.shape)) for i, y in enumerate(ys)]
    data = nl.Trajectories(tuple(runs))
    first = first_states(data, smooth_all(data), nl.FitOptions())
    assert first.estimated
    assert first.rows is not None
    model = nl.NeuralODE(nl.MLPVectorField(2, width_size=6, depth=1, key=jax.random.key(0)))
    result = nl.fit(model, data, validation=False)
    assert result.estimated != from_rows
    told = [stage.why for stage in result.stages if "from the first rows" in stage.why]
    assert bool(told) == from_rows
    if from_rows:
        assert result.loss < 1e-4
        np.testing.assert_allclose(result.starts["0"], ys[0][0], atol=1e-12)
