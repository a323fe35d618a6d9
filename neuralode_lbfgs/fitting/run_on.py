"""A model run on beyond its data: what a forecast of it would be, and whether it stays where the data are."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from ..data.trajectories import Trajectories, Trajectory
from .prediction import Observe, free_run, observed

MOST = 20  # trajectories; more of them tell no more
LEAST_TIMES = 7
# Times the range of the data, beyond its ends, when run on for as long again: no forecast goes there. What falls, or is
# pushed, from rest comes three times as far.
MANY_TIMES = 3.5


def run_on(
    model: Callable,
    data: Trajectories,
    starts: Mapping[str, np.ndarray],
    *,
    times: Mapping[str, int] | None = None,
    observe: Observe = None,
) -> Trajectories | None:
    """What the model predicts after the end of each trajectory, for as long again as the trajectory took.

    Nobody knows the inputs there: those of the trajectory are given once more, as of the same times.

    Args:
        starts: initial state of each trajectory, in the data's units, at its first time.
        times: how many times are asked of each trajectory; by default as many as it has rows, so that nothing compiles
            anew.

    Returns:
        None where no trajectory takes any time.
    """
    continued = []
    for run in [run for run in data if run.ts.size > 1][:MOST]:
        number = max(run.ts.size if times is None else times[run.id], LEAST_TIMES + 1)
        if data.input_size:
            ran = _run_again(model, run, starts[run.id], number)
        else:
            # One less than there were: the solve begins with the start, which is no time of these.
            ts = np.linspace(run.ts[-1], 2 * run.ts[-1] - run.ts[0], number)[1:]
            asked = Trajectory(run.id, ts, np.full((ts.size, data.state_size), np.nan))
            ran = free_run(model, asked, float(run.ts[0]), np.asarray(starts[run.id]))
        continued.append(observed(ran, data.state_size, observe))
    return data.with_trajectories(continued) if continued else None


def _run_again(model: Callable, run: Trajectory, start: np.ndarray, number: int) -> Trajectory:
    """From the state at the end of a trajectory, with its inputs; at the times after its end."""
    ts = np.linspace(run.ts[0], run.ts[-1], number)
    blank = np.full((number, run.ys.shape[1]), np.nan)
    asked = Trajectory(run.id, ts, blank, inputs=run.inputs_at(ts), hold=run.hold)
    end = free_run(model, asked, float(ts[0]), np.asarray(start)).ys[-1]
    if not np.isfinite(end).all():
        return replace(asked, ts=ts + (ts[-1] - ts[0]), ys=np.full((number, end.size), np.nan))
    again = free_run(model, asked, float(ts[0]), end)
    return replace(again, ts=ts + (ts[-1] - ts[0]))


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
