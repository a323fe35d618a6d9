"""Finding the coordinates of order one in the training data."""

from collections.abc import Sequence

import numpy as np

from ..data.trajectories import Trajectories
from ..models import Coordinates
from .smoothing import SmoothTrajectory


def find_coordinates(data: Trajectories, curves: Sequence[SmoothTrajectory]) -> Coordinates:
    """Centre and scale of states, their derivatives, time and inputs.

    States: mean and standard deviation of what was observed; what is less certain than the states are spread counts
    less. Time: the unit in which the typical
    state moves by one standard deviation. A column that never moves is scaled by its own size, or by
    one if it is zero, so that nothing divides by zero.
    """
    ys = np.concatenate([trajectory.ys for trajectory in data])
    ts = [trajectory.ts for trajectory in data]
    # A hidden state has the scale of the curve that it begins as.
    guessed = np.concatenate([curve.states(t) for curve, t in zip(curves, ts, strict=True)])
    ys = np.where(np.isfinite(ys).any(axis=0), ys, guessed)
    centre, scale = centre_and_scale(ys, np.concatenate([np.nan * t.ys if t.sd is None else t.sd for t in data]))

    span = max(float(t[-1] - t[0]) for t in ts) or 1.0
    rates = np.concatenate([curve.rates(t) / scale for curve, t in zip(curves, ts, strict=True)])
    # The root mean square over both time and states, with the extreme per cent left out: the ends of
    # a spline can be wild.
    speed = np.array([_typical(column[np.isfinite(column)]) for column in rates.T])
    moving = speed[speed * span > 1e-6]
    time_scale = 1.0 / float(np.sqrt(np.mean(moving**2))) if moving.size else span
    rate_scale = np.clip(speed * time_scale, 1e-2, None)

    us = np.concatenate(
        [np.zeros((t.size, 0)) if (u := r.inputs) is None else u for t, r in zip(ts, data, strict=True)]
    )
    input_centre, input_scale = centre_and_scale(us)
    return Coordinates(
        centre=centre,
        scale=scale,
        rate_scale=rate_scale,
        time_origin=np.asarray(min(t[0] for t in ts)),
        time_scale=np.asarray(time_scale),
        input_centre=input_centre,
        input_scale=input_scale,
    )


def centre_and_scale(columns: np.ndarray, sd: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each column, NaN left out; the size of a column that moves by no more than its
    rounding."""
    centre, scale = np.zeros(columns.shape[1]), np.ones(columns.shape[1])
    for i, column in enumerate(columns.T):
        seen = column[np.isfinite(column)]
        if seen.size:
            weights = None if sd is None else _weights(seen, sd[np.isfinite(column), i])
            centre[i] = seen.mean() if weights is None else np.average(seen, weights=weights)
            spread = seen.std() if weights is None else np.sqrt(np.average((seen - centre[i]) ** 2, weights=weights))
            still = spread <= 1e-12 * np.abs(seen).max()
            scale[i] = (abs(centre[i]) or 1.0) if still else spread
    return centre, scale


def _weights(seen: np.ndarray, sd: np.ndarray) -> np.ndarray | None:
    """One over the variance of each observation: that of its noise and, by the median, that of the state itself."""
    spread = 1.4826 * np.median(np.abs(seen - np.median(seen)))  # the standard deviation of a normal distribution
    return 1 / (spread**2 + sd**2) if np.isfinite(sd).all() and spread > 0 else None


def _typical(values: np.ndarray) -> float:
    if not values.size:
        return 0.0
    size = np.abs(values)
    kept = size[size <= np.quantile(size, 0.98)]
    return float(np.sqrt(np.mean(kept**2)))
