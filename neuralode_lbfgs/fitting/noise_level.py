"""How noisy observations are, asked of neighbouring rows alone, without any model."""

from collections.abc import Sequence

import numpy as np

from ..data.trajectories import Trajectories, Trajectory

STEADY = 1.25  # estimates from all rows and from every other one: noise gives both alike, a bend or a jump 1.4 to 4
CLEAR = 0.5  # of a state's standard deviation: an oscillation seen three times a period gives both alike, too, and 1.2
LEAST_ROWS = 20  # with fewer the estimates themselves are off by a quarter and more


def roughness(runs: Sequence[Trajectory], state: int) -> float:
    """The standard deviation of observations about straight lines between their neighbours.

    Gasser, Sroka & Jennen-Steinmetz, "Residual variance and residual pattern in nonlinear regression", Biometrika 73
    (1986): of three rows in a row, how far the middle one is from the line, in units of what noise of variance one
    would make of it. What bends between rows counts as noise, so that it is at least the noise, about.

    Returns:
        In the unit of the state; NaN if no trajectory has three rows of it.
    """
    squares = []
    for run in runs:
        seen = np.isfinite(run.ys[:, state])
        ts, ys = run.ts[seen], run.ys[seen, state]
        if ts.size > 2:
            left = (ts[2:] - ts[1:-1]) / (ts[2:] - ts[:-2])
            off = left * ys[:-2] + (1 - left) * ys[2:] - ys[1:-1]
            squares.append(off**2 / (left**2 + (1 - left) ** 2 + 1))
    return float(np.sqrt(np.mean(np.concatenate(squares)))) if squares else float("nan")


def noise_level(data: Trajectories, state: int) -> float | None:
    """The noise of a state, where neighbouring rows tell it from movement: None if they do not."""
    values = np.concatenate([run.ys[:, state] for run in data])
    values = values[np.isfinite(values)]
    if values.size < LEAST_ROWS:
        return None
    near = roughness(data.trajectories, state)
    far = roughness([run.at(slice(first, None, 2)) for run in data for first in (0, 1) if run.ts.size > first], state)
    told = 0 < near < CLEAR * np.std(values) and near / STEADY < far < STEADY * near
    return near if told else None
