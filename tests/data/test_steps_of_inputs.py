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


HALF_A_MINUTE = np.arange(0.0, 3600.0, 30.0)
CURRENTS = RNG.uniform(-1.0, 4.0, 12).repeat(10)


def relaxing(ts, held, rate):
    """y' = rate (u - y) from rest, exactly, for an input that is held from each row."""
    y = [0.0]
    for u, taken in zip(held[:-1], np.diff(ts), strict=True):
        y.append(u + (y[-1] - u) * np.exp(-rate * taken))
    return np.array(y)


def held_by(held, state, noise):
    ys = (state + noise * np.random.default_rng(3).normal(size=state.size))[:, None]
    return Trajectories((Trajectory("a", HALF_A_MINUTE, ys, None, held[:, None], (True,)),), ("y",), ("u",))


def test_a_voltage_jumps_over_a_resistance_though_a_part_relaxes_within_a_row():
    voltage = 3.9 - 0.03 * CURRENTS - 0.03 * relaxing(HALF_A_MINUTE, CURRENTS, 1 / 45)
    assert jump_with(held_by(CURRENTS, voltage, 0.003), 0, 0) == pytest.approx(-0.03, rel=0.1)


@pytest.mark.parametrize("rate", [1 / 600, 1 / 100, 1 / 45, 1 / 15, 1 / 3])  # slow, and over before the next row
@pytest.mark.parametrize("noise", [0.0, 0.003, 0.1])
def test_what_a_heater_warms_does_not_jump_as_it_is_switched_on(rate, noise):
    on_and_off = np.tile(np.repeat([0.0, 1.0], 10), 6)
    for held in (CURRENTS, on_and_off):
        warm = relaxing(HALF_A_MINUTE, held, rate)
        assert jump_with(held_by(held, warm, noise), 0, 0) is None


def test_what_a_thermostat_switches_does_not_jump():
    warm, on = [0.0], [1.0]
    for _ in HALF_A_MINUTE[1:]:
        warm.append(on[-1] + (warm[-1] - on[-1]) * np.exp(-30 / 100))
        on.append(1.0 if warm[-1] < 0.3 else 0.0 if warm[-1] > 0.7 else on[-1])
    assert np.count_nonzero(np.diff(on)) > 10
    assert jump_with(held_by(np.array(on), np.array(warm), 0.0), 0, 0) is None
