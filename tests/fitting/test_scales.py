"""One system in other units is the same fit."""

import jax
import numpy as np
import pytest

import neuralode_lbfgs as nl
from neuralode_lbfgs.fitting.smoothing import smooth_all
from neuralode_lbfgs.fitting.starts import first_states

HUGE = 2.0**30


def measured(of_time, of_states):
    """A noisy spiral, beside it a state that never moves and one that is zero, in units of these sizes."""
    spiral = nl.simulate(
        "spiral_linear", num_trajectories=2, num=20, t1=3.0, noise=0.01, relative_noise=True, key=jax.random.key(0)
    )
    still = np.array([7.0, 0.0])
    return nl.Trajectories(
        tuple(
            nl.Trajectory(
                run.id, run.ts * of_time, np.column_stack([run.ys, np.tile(still, (run.ts.size, 1))]) * of_states
            )
            for run in spiral
        )
    )


def fitted(data):
    model = nl.NeuralODE(nl.MLPVectorField(4, width_size=6, depth=1, key=jax.random.key(0)))
    return nl.fit(model, data, max_evals=60)


def scaled_rmse(result) -> list[float]:
    scale = nl.metrics.state_scale(result.data)
    held_out = result.data.split(until=float(result.data[0].ts[-1]) / 2)[1]
    parts = (
        result.predict(result.data, start="fitted"),
        result.predict(result.data),
        result.predict_held_out(held_out),
    )
    data = (result.data, result.data, held_out)
    errors = [nl.metrics.errors(a, b, scale)["scaled_rmse"] for a, b in zip(data, parts, strict=True)]
    return [float("nan") if error is None else error for error in errors]


@pytest.fixture(scope="module")
def plain():
    return fitted(measured(1.0, np.ones(4)))


def test_a_still_and_a_zero_state_are_no_hindrance(plain):
    assert plain.loss < 1e-3
    predicted = plain.predict(plain.data)[0].ys
    np.testing.assert_allclose(predicted[:, 2:], [[7.0, 0.0]] * 20, atol=0.05)


@pytest.mark.parametrize(
    "of_time, of_states",
    [
        (HUGE, [HUGE, 1 / HUGE, 1.0, 1.0]),
        pytest.param(1 / HUGE, [1 / HUGE, 1 / HUGE, HUGE, 1.0], marks=pytest.mark.slow),
        pytest.param(1.0, [HUGE, HUGE, 1 / HUGE, HUGE], marks=pytest.mark.slow),
    ],
)
def test_units_of_a_power_of_two_are_the_same_fit_to_the_last_bit(plain, of_time, of_states):
    # The state of zeros is scaled by one, whatever its unit, and predicted as a rounding of zero in that.
    other = fitted(measured(of_time, np.array(of_states)))
    assert other.loss == plain.loss
    assert [row["loss"] for row in other.history_rows()] == [row["loss"] for row in plain.history_rows()]
    assert scaled_rmse(other) == scaled_rmse(plain)


@pytest.mark.slow
@pytest.mark.parametrize(
    "of_time, of_states",
    [(1e9, [1e9, 1e-9, 1.0, 1.0]), (1e-9, [1e-9, 1e9, 1e9, 1.0]), (1.0, [1e-9, 1e-9, 1e-9, 1e-9])],
)
def test_any_units_are_nearly_the_same_fit(plain, of_time, of_states):
    other = fitted(measured(of_time, np.array(of_states)))
    assert other.loss == pytest.approx(plain.loss, rel=0.01)
    np.testing.assert_allclose(scaled_rmse(other), scaled_rmse(plain), rtol=0.01)


def test_a_state_that_moves_by_its_rounding_does_not_make_data_noisy():
    """A conserved sum that was computed: constant but for its last digit."""
    ts = np.linspace(0.0, 3.0, 30)
    total = 0.1 + np.spacing(0.1) * np.random.default_rng(0).integers(-1, 2, ts.size)
    data = nl.Trajectories((nl.Trajectory("a", ts, np.stack([np.exp(-ts), total], axis=1)),))
    assert not first_states(data, smooth_all(data), nl.FitOptions()).estimated
