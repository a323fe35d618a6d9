"""Persistence: the prediction that nothing changes, which a model must beat to be of use."""

from dataclasses import replace

import numpy as np

from ..data.trajectories import Trajectories
from .metrics import Baseline, errors, state_scale


def persistence(known: Trajectories, asked: Trajectories) -> Trajectories:
    """Every state stays as it was last seen.

    For rows after those of the same trajectory in `known`, that is the last observation there; for all others the
    first observation of the trajectory itself, as a model starts from there.

    Args:
        known: what was trained on.
        asked: the rows to predict.

    Returns:
        The trajectories of `asked`; NaN for a state of which nothing was seen.
    """
    before = {run.id: run for run in known}
    runs = []
    for run in asked:
        seen = before.get(run.id)
        if seen is not None and seen.ts[-1] < run.ts[0]:
            held = [_first(column[::-1]) for column in seen.ys.T]
        else:
            held = [_first(column) for column in run.ys.T]
        runs.append(replace(run, ys=np.tile(held, (run.ts.size, 1)), sd=None))
    return asked.with_trajectories(runs)


def persistence_baseline(train: Trajectories, test: Trajectories | None) -> Baseline:
    """The errors of persistence on training and test data; `scaled_rmse` as for the model."""
    scale = state_scale(train)
    return {
        "train": errors(train, persistence(train, train), scale),
        "test": None if test is None else errors(test, persistence(train, test), scale),
    }


def _first(column: np.ndarray) -> float:
    seen = column[np.isfinite(column)]
    return float(seen[0]) if seen.size else float("nan")
