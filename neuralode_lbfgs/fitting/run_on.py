"""A model run on beyond its data: what a forecast of it would be, and whether it stays where the data are."""

from collections.abc import Callable, Mapping

import numpy as np

from ..data.trajectories import Trajectories, Trajectory
from .prediction import Observe, predict

MOST = 20  # trajectories; more of them tell no more
LEAST_TIMES = 7
MANY_TIMES = 3.0  # the range of the data, beyond its ends, when run on for as long again: no forecast goes there


def run_on(
    model: Callable,
    data: Trajectories,
    starts: Mapping[str, np.ndarray],
    *,
    times: Mapping[str, int] | None = None,
    observe: Observe = None,
) -> Trajectories | None:
    """What the model predicts after the end of each trajectory, for as long again as the trajectory took.

    Args:
        starts: initial state of each trajectory, in the data's units, at its first time.
        times: how many times are asked of each trajectory; by default as many as it has rows, so that nothing compiles
            anew.

    Returns:
        None where inputs drive the model, which nobody knows beyond the data, or no trajectory takes any time.
    """
    if data.input_size:
        return None
    asked = []
    for run in [run for run in data if run.ts.size > 1][:MOST]:
        number = run.ts.size if times is None else times[run.id]
        # One less than there were: the solve begins with the start, which is no time of these.
        ts = np.linspace(run.ts[-1], 2 * run.ts[-1] - run.ts[0], max(number, LEAST_TIMES + 1))[1:]
        asked.append(Trajectory(run.id, ts, np.full((ts.size, data.state_size), np.nan)))
    if not asked:
        return None
    known = {run.id: (float(data[run.id].ts[0]), np.asarray(starts[run.id])) for run in asked}
    return predict(model, data.with_trajectories(asked), starts=known, observe=observe)


def beyond(continued: np.ndarray, seen: np.ndarray) -> float:
    """How far states `(rows, states)` leave the range of those that were seen, in units of it; infinite if they end."""
    if not np.isfinite(continued).all():
        return np.inf
    known = np.ma.masked_invalid(seen)
    low, high = known.min(axis=0).filled(np.nan), known.max(axis=0).filled(np.nan)
    out = np.maximum(low - continued, continued - high).max(axis=0) / np.where(high > low, high - low, np.nan)
    return float(np.nanmax(out, initial=0.0))


def rows_of(data: Trajectories) -> np.ndarray:
    """The states of all trajectories, `(rows, states)`."""
    return np.concatenate([run.ys for run in data])
