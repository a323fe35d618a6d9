"""Whether held-out rows follow from several rows before them far better than from one: something remembers that is in
no column.

y[k] = A y[k-1] + ... + B u[k] + ... + c, by least squares over the training rows, and run on over those held out from
its own rows: what a linear law with hidden states predicts (Ljung, "System Identification", 2nd ed., section 4.2).
"""

from typing import NamedTuple

import numpy as np

from ...data.trajectories import Trajectories, Trajectory
from .view import View, root_mean_square

LAGS = 4  # rows: those of two or three hidden states, or of fewer in noise
EVEN = 0.01  # of a step, by which the others may differ from it
EACH = 3  # rows for each number of the recurrence, at least
ROUNDING = 1e-9  # standard deviations: of two that are exact none is better


class Memory(NamedTuple):
    """The errors of the recurrence on held-out rows in standard deviations: by one row before, and by several."""

    one: float
    several: float


def memory(view: View) -> Memory | None:
    """None where rows are not whole or not even, or too few."""
    if view.test is None:
        return None
    whole = [_of_order_one(view, _joined(view.train, run)) for run in view.test]
    seen = [_of_order_one(view, run) for run in view.train]
    steps = np.concatenate([np.diff(run.ts) for run in [*whole, *seen]])
    complete = all(np.isfinite(run.ys).all() for run in [*whole, *seen])
    if not complete or not steps.size or np.ptp(steps) > EVEN * steps.max():
        return None
    begun = [max(run.ts.size - asked.ts.size, LAGS) for run, asked in zip(whole, view.test, strict=True)]
    errors = [_error(seen, whole, begun, lags) for lags in (1, LAGS)]
    return Memory(*np.maximum(errors, ROUNDING).tolist()) if np.isfinite(errors).all() else None


def _joined(train: Trajectories, run: Trajectory) -> Trajectory:
    """A run with the rows of it that were trained on before it."""
    if run.id not in train or train[run.id].ts[-1] >= run.ts[0]:
        return run
    before = train[run.id]
    inputs = None if before.inputs is None or run.inputs is None else np.concatenate([before.inputs, run.inputs])
    ts, ys = np.concatenate([before.ts, run.ts]), np.concatenate([before.ys, run.ys])
    return Trajectory(run.id, ts, ys, inputs=inputs, hold=run.hold)


def _of_order_one(view: View, run: Trajectory) -> Trajectory:
    return Trajectory(run.id, run.ts, run.ys / view.spread, inputs=run.inputs, hold=run.hold)


def _error(seen: list[Trajectory], whole: list[Trajectory], begun: list[int], lags: int) -> float:
    """Of the rows from those on at which each run is begun; NaN where there are too few to learn from."""
    rows = [(_before(run, run.ys, k, lags), run.ys[k]) for run in seen for k in range(LAGS, run.ts.size)]
    if not rows or len(rows) < EACH * rows[0][0].size:
        return np.nan
    matrix, values = (np.stack(part) for part in zip(*rows, strict=True))
    law = np.linalg.lstsq(matrix, values)[0]
    errors = []
    for run, first in zip(whole, begun, strict=True):
        ys = run.ys.copy()
        for k in range(first, len(ys)):
            ys[k] = _before(run, ys, k, lags) @ law
        errors.append(ys[first:] - run.ys[first:])
    return root_mean_square(errors)


def _before(run: Trajectory, ys: np.ndarray, row: int, lags: int) -> np.ndarray:
    inputs = np.zeros(0) if run.inputs is None else run.inputs[row - lags : row + 1].ravel()
    return np.concatenate([np.ones(1), ys[row - lags : row].ravel(), inputs])
