"""What of a trajectory was not trained on."""

import math

import numpy as np

from ..data import Trajectories, Trajectory


def held_out(run: Trajectory, train: Trajectories | None, until: float | None) -> np.ndarray:
    """Which rows of a trajectory were not trained on, shape `(times,)`: later than `until`, or not in `train`."""
    late = np.zeros(run.ts.size, dtype=bool) if until is None else run.ts > until
    if train is None:
        return late
    return late | ~np.isin(run.ts, train[run.id].ts) if run.id in train else np.ones_like(late)


def held_out_from(run: Trajectory, train: Trajectories | None, until: float | None) -> float | None:
    """The time after which nothing was trained on: minus infinity for a held-out trajectory, None for no such time."""
    if train is not None and run.id not in train:
        return -math.inf
    if until is not None or train is None:
        return until
    last = float(train[run.id].ts[-1])
    return last if run.ts[-1] > last else None


def left_out_in_plane(run: Trajectory, left_out: Trajectories | None, states: tuple[int, int]) -> np.ndarray:
    """Two states where one of them was left out of the fit and the other is known, `(times, 2)`; NaN in other rows."""
    seen = run.ys[:, list(states)]
    gone = np.full_like(seen, np.nan) if left_out is None else left_out[run.id].ys[:, list(states)]
    both = np.where(np.isnan(gone), seen, gone)
    known = np.isfinite(gone).any(axis=1, keepdims=True) & np.isfinite(both).all(axis=1, keepdims=True)
    return np.where(known, both, np.nan)
