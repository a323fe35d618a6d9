"""Columns that a person sets are told from measurements in few digits."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from neuralode_lbfgs.data.steps import looks_set

T = np.linspace(0, 10, 300)
LEVELS = {
    "two": (0, 1),
    "three": (0, 100, 200),
    "four": (0.2, 0.3, 0.4, 0.5),
    "four, uneven": (0.2, 0.3, 0.4, 0.55),
    "five": (0, 5, 10, 15, 20),
    "three, uneven": (0, 5, 7),
}


def steps(rng, levels, most=25):
    """Levels that are chosen, none twice in a row, each held for some rows."""
    chosen = [int(rng.integers(len(levels)))]
    while len(chosen) < 16:
        chosen.append((chosen[-1] + int(rng.integers(1, len(levels)))) % len(levels))
    return np.concatenate([np.full(rng.integers(most // 5, most), levels[one], float) for one in chosen])


def doses(rng, levels):
    column = np.zeros(30)
    column[rng.choice(30, 3, replace=False)] = rng.choice(levels[1:] if levels[0] == 0 else levels, 3)
    return column


@pytest.mark.parametrize("levels", LEVELS.values(), ids=LEVELS)
@pytest.mark.parametrize("seed", range(3))
def test_what_is_set(levels, seed):
    rng = np.random.default_rng(seed)
    assert looks_set([steps(rng, levels) for _ in range(3)])
    assert looks_set([steps(rng, levels, most=10) for _ in range(3)])
    assert looks_set([doses(rng, levels) for _ in range(8)])


def test_one_run_of_four_levels_and_doses_of_two_heights():
    assert looks_set([np.repeat([0.55, 0.4, 0.3, 0.2, 0.3, 0.4, 0.2], [114, 63, 71, 88, 53, 68, 43])])
    late = {8: 100, 13: 200}
    doses = [[first, *np.zeros(row - 1), late[row], *np.zeros(20 - row)] for first in (100, 200) for row in late]
    assert looks_set([np.array(column, float) for column in doses])


def relaxing(rng, stiff):
    """Van der Pol's oscillator, which drifts and leaps."""
    solution = solve_ivp(
        lambda t, y: [y[1], stiff * (1 - y[0] ** 2) * y[1] - y[0]],
        (0, 4 * stiff + 30),
        [rng.uniform(-2, 2), 0],
        method="LSODA",
        t_eval=np.linspace(10, 4 * stiff + 30, 300),
    )
    return solution.y[0]


MEASURED = {
    "waves": lambda rng: [np.sin(rng.uniform(1, 8) * T + rng.uniform(0, 6))],
    "decays": lambda rng: [rng.uniform(0.5, 3) * np.exp(-T * rng.uniform(0.3, 2)) for _ in range(4)],
    "growth": lambda rng: [1 / (1 + np.exp((5 - T) * rng.uniform(0.5, 3))) for _ in range(3)],
    "relaxing": lambda rng: [relaxing(rng, 20.0)],
    "slow, with leaps": lambda rng: [(T * rng.uniform(0.3, 2)) % 1],
}


@pytest.mark.parametrize("motion", MEASURED.values(), ids=MEASURED)
@pytest.mark.parametrize("digit", [0.05, 0.1, 0.25])
@pytest.mark.parametrize("noise", [0, 0.1, 0.3])
def test_what_is_measured_in_few_digits(motion, digit, noise):
    rng = np.random.default_rng(7)
    for _ in range(3):
        columns = motion(rng)
        assert not looks_set([digit * np.round(y / digit + noise * rng.normal(size=y.size)) for y in columns])


@pytest.mark.parametrize(("births", "deaths"), [(0.5, 0.1), (1, 1), (2, 0.5), (0.3, 0.6)])
@pytest.mark.parametrize("step", [0.05, 0.3, 1])
def test_what_is_counted(births, deaths, step):
    rng, runs = np.random.default_rng(7), []
    for _ in range(3):
        count = [2]
        for _ in range(200):
            died = rng.binomial(count[-1], 1 - np.exp(-deaths * step))
            count.append(count[-1] + int(rng.poisson(births * step)) - int(died))
        runs.append(np.array(count, float))
    assert not looks_set(runs)
    assert not looks_set([rng.poisson(births / 2, 100).astype(float) for _ in range(3)])


def test_a_state_of_charge_in_whole_percents_stays_a_state():
    rng = np.random.default_rng(7)
    current = np.repeat(rng.uniform(-0.2, 0.3, 10), 40)
    assert not looks_set([np.round(90 - np.cumsum(current))])
