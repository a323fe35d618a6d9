"""Smooth curves through the observations, for scales, first guesses and derivative matching."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import CubicSpline, PPoly, make_interp_spline
from scipy.linalg import LinAlgError

from ..data.trajectories import Trajectories, Trajectory
from .smoothness import smoothed

LEAST_FOR_GCV = 6  # generalised cross-validation of fewer points is noise
WEIGHING_ROUNDS = 6
BLIND = 0.5  # of the variance of a state: curves that leave more show little of it


@runtime_checkable
class Curve(Protocol):
    """One state over time: a piecewise polynomial, as SciPy has them."""

    @property
    def x(self) -> np.ndarray:
        """The times at which its pieces begin and end."""
        ...

    def __call__(self, ts: ArrayLike, derivative: int = 0, /) -> np.ndarray: ...


@dataclass(frozen=True)
class SmoothTrajectory:
    """One curve per state through a trajectory; None for a state that was not seen often enough.

    Curves are trusted only between their first and last observation.
    """

    curves: tuple[Curve | None, ...]

    def states(self, ts: np.ndarray) -> np.ndarray:
        """Shape `(times, states)`; NaN for a state without a curve."""
        return self._evaluate(ts, 0)

    def rates(self, ts: np.ndarray) -> np.ndarray:
        """dy/dt, shape `(times, states)`."""
        return self._evaluate(ts, 1)

    def _evaluate(self, ts, derivative):
        columns = [np.full(len(ts), np.nan) if c is None else c(ts, derivative) for c in self.curves]
        return np.stack(columns, axis=1)


def smooth(trajectory: Trajectory) -> SmoothTrajectory:
    """A cubic smoothing spline per state, its smoothness chosen by generalised cross-validation.

    Woltring, "A Fortran package for generalized, cross-validatory spline smoothing and differentiation",
    Adv. Eng. Software 8 (1986). With fewer than six observations the curve interpolates. Observations count by their
    standard deviations, if these are known.
    """
    curves = []
    for i in range(trajectory.ys.shape[1]):
        seen = np.isfinite(trajectory.ys[:, i])
        ts, ys = trajectory.ts[seen], trajectory.ys[seen, i]
        known = None if trajectory.sd is None else trajectory.sd[seen, i]
        curves.append(curve_through(ts, ys) if known is None else weighted_curve(ts, ys, known))
    return SmoothTrajectory(tuple(curves))


def weighted_curve(ts: np.ndarray, ys: np.ndarray, sd: np.ndarray) -> Curve | None:
    """The curve through observations moved towards it by what they lack in weight, again and again.

    Where that ends w (y - curve) is the residual of the smoothing, as in one weighted by w. SciPy's weights will not
    do: its cross-validation squares residuals without them, so that what counts nothing decides on the smoothness.
    """
    kept = sd <= np.std(ys) if ys.size > 2 else np.ones(ys.size, bool)  # the others know less than the mean does
    if kept.any():
        ts, ys, sd = ts[kept], ys[kept], sd[kept]
    weights = np.minimum((np.quantile(sd, 0.25) / sd) ** 2, 1.0) if sd.size else sd
    curve = curve_through(ts, ys)
    for _ in range(WEIGHING_ROUNDS if np.any(weights < 1) else 0):
        if curve is not None:
            curve = curve_through(ts, curve(ts) + weights * (ys - curve(ts)))
    return curve


def curve_through(ts: np.ndarray, ys: np.ndarray) -> Curve | None:
    """One such curve through values at times; None for fewer than two."""
    if ts.size < 2:
        return None
    if ts.size == 2 or np.ptp(ys) == 0:
        return lines_through(ts[[0, -1]], ys[[0, -1]])
    if ts.size < LEAST_FOR_GCV:
        return CubicSpline(ts, ys, bc_type="natural" if ts.size > 3 else "not-a-knot")
    # In units of order one: rounding is not scale invariant.
    span, centre, scale = (ts[-1] - ts[0]) / (ts.size - 1), np.mean(ys), np.std(ys)
    try:
        values = centre + scale * smoothed((ts - ts[0]) / span, (ys - centre) / scale)
    except LinAlgError:
        values = ys
    return CubicSpline(ts, values if np.isfinite(values).all() else ys, bc_type="natural")


def lines_through(ts: np.ndarray, ys: np.ndarray) -> Curve | None:
    """Straight lines from each value to the next: a guess of states that costs nothing; None for fewer than two."""
    return None if ts.size < 2 else PPoly(np.stack([np.diff(ys) / np.diff(ts), ys[:-1]]), ts)


def each_state(trajectory: Trajectory, through: Callable[[np.ndarray, np.ndarray], Curve | None]) -> SmoothTrajectory:
    """A curve of one kind, such as `quintic_through`, through the observations of every state."""
    seen = np.isfinite(trajectory.ys)
    return SmoothTrajectory(
        tuple(through(trajectory.ts[at], y[at]) for at, y in zip(seen.T, trajectory.ys.T, strict=True))
    )


def quintic_through(ts: np.ndarray, ys: np.ndarray) -> Curve | None:
    """`curve_through` as a quintic, for slopes of slopes up to the first and last time.

    A smoothing spline has no curvature at its ends, where trajectories start: of a clean oscillation its first slope is
    wrong by a sixth, that of the quintic by less than a thousandth.
    """
    smooth = curve_through(ts, ys)
    if smooth is None or ts.size < LEAST_FOR_GCV or np.ptp(ys) == 0:
        return smooth
    span, scale = (ts[-1] - ts[0]) / (ts.size - 1), np.std(ys)
    quintic = PPoly.from_spline(make_interp_spline((ts - ts[0]) / span, smooth(ts) / scale, k=5))
    powers = np.arange(5, -1, -1)[:, None]
    return PPoly(quintic.c * scale / span**powers, quintic.x * span + ts[0])


def smooth_all(data: Trajectories) -> tuple[SmoothTrajectory, ...]:
    """`smooth` of every trajectory; straight lines through the observations of a state of which that shows too little.

    Of few rows an oscillation a smoothing spline goes through their middle: fits that began with it ended there.
    """
    curves = tuple(smooth(trajectory) for trajectory in data)
    if any(trajectory.sd is not None for trajectory in data):  # they may say that what is left is worth nothing
        return curves
    blind = _left_of_each(data, curves) > BLIND
    if not blind.any():
        return curves
    lines = (each_state(trajectory, lines_through) for trajectory in data)
    return tuple(
        SmoothTrajectory(tuple(a if use else b for use, a, b in zip(blind, line.curves, curve.curves, strict=True)))
        for line, curve in zip(lines, curves, strict=True)
    )


def _left_of_each(data: Trajectories, curves: Sequence[SmoothTrajectory]) -> np.ndarray:
    """The share of the variance of each state that curves leave, `(states,)`."""
    ys = np.concatenate([trajectory.ys for trajectory in data])
    known = np.concatenate([curve.states(trajectory.ts) for trajectory, curve in zip(data, curves, strict=True)])
    seen = np.isfinite(ys) & np.isfinite(known)
    count = np.maximum(seen.sum(axis=0), 1)
    mean = np.sum(ys, axis=0, where=seen) / count
    variance = np.sum((ys - mean) ** 2, axis=0, where=seen)
    left = np.sum((ys - known) ** 2, axis=0, where=seen)
    return np.divide(left, variance, out=np.zeros_like(left), where=variance > 0)
