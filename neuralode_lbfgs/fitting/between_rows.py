"""Fitted runs between their rows, where nothing holds them."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ..data.trajectories import Trajectories, Trajectory
from .run_on import MOST


def between_rows(
    predict: Callable[[Trajectories], Trajectories], data: Trajectories, predictions: Trajectories | None
) -> Trajectories | None:
    """What is predicted of the training trajectories between their first rows and their last.

    Args:
        predict: from fitted starts, at the times of trajectories.
        predictions: of every row, which are used if they are of more times; else times between rows are asked for,
            of some trajectories.
    """
    if predictions is not None:
        known = [predictions[run.id] for run in data]
        inside = [one.at((one.ts >= run.ts[0]) & (one.ts <= run.ts[-1])) for one, run in zip(known, data, strict=True)]
        if any(one.ts.size > run.ts.size for one, run in zip(inside, data, strict=True)):
            return data.with_trajectories(inside)
    runs = [run for run in data if run.ts.size > 1]
    return predict(data.with_trajectories([_middles(run) for run in runs]).some(MOST)) if runs else None


def _middles(run: Trajectory) -> Trajectory:
    """Times that are the middles between even rows, and more where rows are far apart; where inputs are known by rows,
    these as well. Without them there are less than the rows, so that nothing compiles anew."""
    number = run.ts.size - 1
    ts = run.ts[0] + (np.arange(number) + 0.5) * (run.ts[-1] - run.ts[0]) / number
    ts = ts if run.inputs is None else np.union1d(run.ts, ts)
    inputs = None if run.inputs is None else run.inputs_at(ts)
    return replace(run, ts=ts, ys=np.full((ts.size, run.ys.shape[1]), np.nan), sd=None, inputs=inputs)
