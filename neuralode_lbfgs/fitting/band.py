"""Predictions of several models as one: their median, and a band in which most of them lie."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..data.trajectories import Trajectories

QUANTILES = (0.1, 0.9)


@dataclass(frozen=True, eq=False)
class Band:
    """At every time and for every state: the median of the models, and the quantiles of `QUANTILES`."""

    middle: Trajectories
    low: Trajectories
    high: Trajectories


def band_of(predictions: Sequence[Trajectories]) -> Band:
    """The median and the band of predictions of the same trajectories at the same times.

    A model that does not reach a row says nothing of it; a row that more than half of them do not reach is NaN.
    """
    if len(predictions) == 1:
        return Band(predictions[0], predictions[0], predictions[0])
    parts: tuple[list, list, list] = ([], [], [])
    for runs in zip(*predictions, strict=True):
        ys = np.stack([run.ys for run in runs])
        lost = 2 * np.isfinite(ys).sum(axis=0) < len(runs)
        # Where most are lost there may be nothing to take a quantile of.
        known = np.where(lost, 0.0, np.where(np.isfinite(ys), ys, np.nan))
        for part, level in zip(parts, (0.5, *QUANTILES), strict=True):
            part.append(replace(runs[0], ys=np.where(lost, np.nan, np.nanquantile(known, level, axis=0))))
    return Band(*(predictions[0].with_trajectories(part) for part in parts))
