"""How noisy observations are, asked of neighbouring rows alone, without any model."""

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ..data.trajectories import Trajectories, Trajectory

STEADY = 1.25  # estimates from all rows and from every other one: noise gives both alike, a bend or a jump 1.4 to 4
CLEAR = 0.5  # of a state's standard deviation: an oscillation seen three times a period gives both alike, too, and 1.2
MEDIAN = 0.455  # of the square of a normal variable
ALIKE = 1.6  # root mean square and median of noise, which is in all rows; a transient is in a few
LEAST_ROWS = 20  # with fewer the estimates themselves are off by a quarter and more


def roughness(runs: Sequence[Trajectory], state: int, reach: int = 1) -> float:
    """The standard deviation of observations about what their neighbours say: straight lines, or higher polynomials.

    Gasser, Sroka & Jennen-Steinmetz, "Residual variance and residual pattern in nonlinear regression", Biometrika 73
    (1986): of three rows in a row, how far the middle one is from the line, in units of what noise of variance one
    would make of it. What bends between rows counts as noise, so that it is at least the noise, about; through more
    neighbours it bends less.

    Args:
        reach: neighbours on each side through which the polynomial goes, or fewer where a trajectory is short.

    Returns:
        In the unit of the state; NaN if no trajectory has three rows of it.
    """
    return _root_mean(_squares(runs, state, reach))


def usual_roughness(runs: Sequence[Trajectory], state: int) -> float:
    """`roughness` as half of the rows tell it, or of all where most rows stand still."""
    return roughness_of_half(runs, state) or roughness(runs, state)


def roughness_of_half(runs: Sequence[Trajectory], state: int) -> float:
    """`roughness` as half of the rows tell it: steep stretches and jumps that are in few rows count for nothing."""
    return usual_of(_squares(runs, state))


def usual_of(squares: np.ndarray) -> float:
    """The standard deviation that half of these squares tell, as if of normal numbers; NaN where there are none."""
    return float(np.sqrt(np.median(squares) / MEDIAN)) if squares.size else float("nan")


def _root_mean(squares: np.ndarray) -> float:
    return float(np.sqrt(np.mean(squares))) if squares.size else float("nan")


def _squares(runs: Sequence[Trajectory], state: int, reach: int = 1) -> np.ndarray:
    """Of each row with neighbours, what its distance from what they say tells of the variance."""
    squares = [np.zeros(0)]
    for run in runs:
        seen = np.isfinite(run.ys[:, state])
        ts, ys = run.ts[seen], run.ys[seen, state]
        near = min(reach, (ts.size - 1) // 2)
        if near > 0:
            times, values = (sliding_window_view(one, 2 * near + 1) for one in (ts, ys))
            weights = _of_neighbours(times - times[:, near, None], near)
            off = np.sum(weights * np.delete(values, near, axis=1), axis=1) - values[:, near]
            squares.append(off**2 / (np.sum(weights**2, axis=1) + 1))
    return np.concatenate(squares)


def _of_neighbours(times: np.ndarray, near: int) -> np.ndarray:
    """What each neighbour counts in the polynomial through all of them, at time zero: Lagrange's polynomials."""
    t = np.delete(times, near, axis=1)
    others = [np.delete(t, i, axis=1) for i in range(t.shape[1])]
    return np.stack([np.prod(-o / (t[:, i, None] - o), axis=1) for i, o in enumerate(others)], axis=1)


def noise_level(data: Trajectories, state: int) -> float | None:
    """The noise of a state, where neighbouring rows tell it from movement: None if they do not."""
    values = np.concatenate([run.ys[:, state] for run in data])
    values = values[np.isfinite(values)]
    if values.size < LEAST_ROWS:
        return None
    squares = _squares(data.trajectories, state)
    near = _root_mean(squares)
    far = roughness([run.at(slice(first, None, 2)) for run in data for first in (0, 1) if run.ts.size > first], state)
    told = 0 < near < min(CLEAR * np.std(values), ALIKE * usual_of(squares)) and near / STEADY < far < STEADY * near
    return near if told else None
