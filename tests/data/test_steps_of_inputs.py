"""States at the steps of held inputs, against solutions that are known for steps at rows, before them and between."""

import numpy as np
import pytest

from neuralode_lbfgs import Trajectories, Trajectory
from neuralode_lbfgs.data.steps_of_inputs import jump_with, lead

RNG = np.random.default_rng(0)
EVEN = np.arange(0.0, 40.0, 0.1)
UNEVEN = np.sort(RNG.uniform(0.0, 40.0, 400))
STEPS = np.arange(2.0, 40.0, 2.0)
LEVELS = RNG.choice([-2.0, -1.0, 1.0, 2.0], STEPS.size).cumsum()


def input_at(ts):
    return np.concatenate([[0.0], LEVELS])[np.searchsorted(STEPS, ts + 1e-9, side="right")]


def answer(ts, rate, delay=0.0):
    """y' = rate (u(t - delay) - y) from rest, exactly."""
    at = STEPS + delay
    grid = np.union1d(ts, at)
    y = [0.0]
    for before, after in zip(grid[:-1], grid[1:], strict=True):
        u = input_at(np.array([before - delay]))[0]
        y.append(u + (y[-1] - u) * np.exp(-rate * (after - before)))
    return np.array(y)[np.searchsorted(grid, ts)]


def driven(ts, *states, noise=0.0):
    ys = np.stack(states, axis=1) + noise * np.random.default_rng(1).normal(size=(ts.size, len(states)))
    names = tuple(f"y{i}" for i in range(len(states)))
    return Trajectories((Trajectory("a", ts, ys, None, input_at(ts)[:, None], (True,)),), names, ("u",))


@pytest.mark.parametrize("noise", [0.0, 0.002])
@pytest.mark.parametrize(
    "ts, delay, early",
    [
        (EVEN, 0.0, None),
        (EVEN, 20.7, None),  # it answers much later
        (EVEN, -0.1, 1.1),  # a row late
        (EVEN, -0.05, 0.5),
        (UNEVEN, 0.0, 0.6),  # as a logger sees steps that come when they like
    ],
)
def test_a_state_bends_at_the_row_of_a_step_or_before(ts, delay, early, noise):
    found = lead(driven(ts, answer(ts, 0.8, delay), noise=noise), 0, 0)
    assert found == (None if early is None else pytest.approx(early, abs=0.15))


def test_noise_alone_bends_nowhere():
    assert lead(driven(EVEN, 0 * EVEN, noise=1.0), 0, 0) is None


def test_a_fast_state_jumps_with_an_input_only_where_no_other_shows_that_its_steps_are_late():
    at_once = driven(EVEN, 0.5 * input_at(EVEN), answer(EVEN, 0.8))
    assert jump_with(at_once, 0, 0) == pytest.approx(0.5)
    late = driven(EVEN, answer(EVEN, 100.0, -0.05), answer(EVEN, 0.8, -0.05))
    assert jump_with(late, 0, 0) is None
    assert jump_with(driven(EVEN, answer(EVEN, 100.0, -0.05)), 0, 0) == pytest.approx(1.0, rel=0.1)  # who can tell
