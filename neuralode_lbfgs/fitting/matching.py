"""Derivative matching: regress the vector field on the slopes of smooth curves. No ODE is solved.

Varah, "A spline least squares method for numerical parameter estimation in differential equations",
SIAM J. Sci. Stat. Comput. 3 (1982).
"""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import scipy.linalg
from jaxtyping import Array, Float

from ..compiling import Compiled
from ..data.trajectories import Trajectories, Trajectory
from ..models import Coordinates, Split, trainable
from .dual import FEWEST_WEIGHTS, DualEquations, most_residuals
from .evidence import MOST_ENTRIES, WeightGroups, squared_weights
from .gauss_newton import Point, Step
from .smoothing import SmoothTrajectory

MOST_POINTS = 1024  # of the regression: more points on the same curves add cost, not knowledge
LEAST_DAMPING = 1e-14  # holds what no slope determines, and leaves the equations fit to be solved


class Slopes(eqx.Module):
    """Points on the smooth curves, in coordinates of order one.

    `weight` multiplies the error of a slope; the squares sum to one.
    """

    tau: Float[Array | np.ndarray, " *points"]
    z: Float[Array | np.ndarray, "*points states"]
    rate: Float[Array | np.ndarray, "*points states"]
    u: Float[Array | np.ndarray, "*points inputs"] | None
    weight: Float[Array | np.ndarray, "*points states"]


def collect_slopes(
    data: Trajectories, curves: Sequence[SmoothTrajectory], coordinates: Coordinates, dtype: np.dtype | type
) -> Slopes | None:
    """States and slopes at and between the observations; None if no trajectory shows all its states.

    Three points an interval: a network that is right at the observations alone may swing in between.
    """
    parts = []
    for trajectory, curve in zip(data, curves, strict=True):
        if any(c is None for c in curve.curves) or trajectory.ts.size < 3:
            continue
        ts = np.interp(
            np.linspace(0, 1, 3 * (trajectory.ts.size - 1) + 1), np.linspace(0, 1, trajectory.ts.size), trajectory.ts
        )
        first = max(c.x[0] for c in curve.curves if c is not None)
        last = min(c.x[-1] for c in curve.curves if c is not None)
        ts = ts[(ts >= first) & (ts <= last)]
        parts.append(
            (
                coordinates.times_in(ts),
                coordinates.states_in(curve.states(ts)),
                coordinates.rates_in(curve.rates(ts)),
                coordinates.inputs_in(trajectory.inputs_at(ts)),
                _certainty(trajectory, ts, np.asarray(coordinates.scale)),
            )
        )
    if not parts:
        return None
    tau, z, rate, u, weight = (np.concatenate(column) for column in zip(*parts, strict=True))
    cast = lambda a: np.asarray(a, dtype)  # noqa: E731
    weight = np.full(rate.shape, 1.0) if data[0].sd is None else weight
    all_of = Slopes(cast(tau), cast(z), cast(rate), cast(u) if data.input_size else None, cast(weight))
    return thinned(all_of, MOST_POINTS)


def thinned(slopes: Slopes, most: int) -> Slopes:
    """So many of the points at most, evenly spread."""
    count = slopes.tau.shape[0]
    keep = np.linspace(0, count - 1, min(most, count)).round().astype(int)
    some = jax.tree.map(lambda a: a[keep], slopes)
    return replace(some, weight=some.weight / np.sqrt(np.sum(some.weight**2)))


def _certainty(trajectory: Trajectory, ts: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """One over the standard deviation of each state near `ts` in order one, shape `(times, states)`; of a hidden state,
    which has none, that of the others in the mean."""
    certain = np.full((ts.size, scale.size), np.nan)
    if trajectory.sd is None:
        return np.ones_like(certain)
    for i, seen in enumerate(np.isfinite(trajectory.ys).T):
        if seen.any():
            certain[:, i] = scale[i] / np.interp(ts, trajectory.ts[seen], trajectory.sd[seen, i])
    return np.where(np.isnan(certain), np.nanmean(certain, axis=1, keepdims=True), certain)


def slope_residuals(model: Any, point: Slopes) -> Float[Array, " states"]:
    """Errors of the slopes at one point (an unbatched `Slopes`) in units of their typical size.

    Over all points their squares sum to the mean square.
    """
    error = (model.rate(point.tau, point.z, point.u) - point.rate) / model.coordinates.rate_scale
    return error * point.weight


def matching_residuals(fixed: Any, free: Any, slopes: Slopes) -> Float[Array, "points states"]:
    """`slope_residuals` at all points."""
    model = eqx.combine(free, fixed)
    return jax.vmap(lambda point: slope_residuals(model, point))(slopes)


def matching_loss(fixed: Any, free: Any, slopes: Slopes, decay: Float[Array, " groups"]) -> Float[Array, ""]:
    """Mean squared error of the slopes, plus decay."""
    errors = matching_residuals(fixed, free, slopes)
    return jnp.sum(errors**2) + jnp.sum(decay * squared_weights(eqx.combine(free, fixed)))


class SlopeRegression:
    """The least-squares problem of the slopes; its Jacobian costs a backward pass a state at each point."""

    groups: WeightGroups
    observed: int
    others = 0
    noise: float | None = None  # slopes of curves are no observations
    slopes: Slopes
    start: Point

    def __init__(self, model: Any, slopes: Slopes, observed: int):
        self._split = Split(*trainable(model))
        self.groups, self.observed, self.slopes = WeightGroups.of(self._split.free), observed, slopes
        vector = self._split.vector
        self.start, self._dtype = Point(np.asarray(vector, np.float64), np.zeros((0, 0))), vector.dtype
        self._normal, self._value = Compiled(_normal, self._split), Compiled(_mean_square, self._split)
        self._rows = Compiled(_rows, self._split)

    def begun(self, model: Any, slopes: Slopes, observed: int) -> "SlopeRegression":
        """The same programs for other numbers to begin with, and other slopes."""
        other = copy(self)
        other.start = Point(np.asarray(Split(*trainable(model)).vector, np.float64), self.start.states)
        other.slopes, other.observed = slopes, observed
        return other

    def model(self, x: np.ndarray) -> Any:
        """The model with these free numbers."""
        return self._split.whole(jnp.asarray(x, self._dtype))

    @property
    def affordable(self) -> bool:
        """Whether Gauss-Newton pays."""
        weights, residuals = self.groups.numbers.size, self.slopes.rate.size
        if weights > FEWEST_WEIGHTS:
            return residuals <= most_residuals(weights)
        return weights * residuals <= MOST_ENTRIES

    def value(self, point: Point) -> float:
        return float(self._value(point.x.astype(self._dtype), self.slopes))

    def linearised(self, point: Point) -> "NormalEquations | DualEquations":
        if point.x.size > FEWEST_WEIGHTS:
            rows, r = (np.asarray(a, np.float64) for a in self._rows(point.x.astype(self._dtype), self.slopes))
            return DualEquations(point, r, rows, self.groups)
        matrix, gradient = self._normal(point.x.astype(self._dtype), self.slopes)
        return NormalEquations(point, np.asarray(matrix, np.float64), np.asarray(gradient, np.float64))


def _residuals(split: Split, x: Array, slopes: Slopes) -> Array:
    model = split.whole(x)
    return jax.vmap(lambda point: slope_residuals(model, point))(slopes)


def _mean_square(split: Split, x: Array, slopes: Slopes) -> Array:
    return jnp.sum(_residuals(split, x, slopes) ** 2)


def _rows(split: Split, x: Array, slopes: Slopes) -> tuple[Array, Array]:
    """The Jacobian of all residuals, and these."""
    r = _residuals(split, x, slopes).ravel()
    of_point = jax.jacrev(lambda x, point: slope_residuals(split.whole(x), point))
    return jax.vmap(of_point, in_axes=(None, 0))(x, slopes).reshape(r.size, x.size), r


def _normal(split: Split, x: Array, slopes: Slopes) -> tuple[Array, Array]:
    rows, r = _rows(split, x, slopes)
    return rows.T @ rows, rows.T @ r


@dataclass(frozen=True)
class NormalEquations:
    """J^T J and J^T r at a point."""

    point: Point
    matrix: np.ndarray
    gradient: np.ndarray

    @property
    def finite(self) -> bool:
        return bool(np.isfinite(self.matrix).all())

    def step(self, ridge: np.ndarray, damping: float) -> Step:
        gradient = self.gradient + ridge * self.point.x
        added = max(damping, LEAST_DAMPING) * np.diag(self.matrix).max()
        change = -scipy.linalg.cho_solve(scipy.linalg.cho_factor(self.matrix + np.diag(ridge + added)), gradient)
        return Step(Point(change, np.zeros_like(self.point.states)), change @ (added * change - gradient))
