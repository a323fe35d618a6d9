"""Which rows of a trajectory were not trained on."""

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
