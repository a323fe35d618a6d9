"""Derivative matching: regress the vector field on the slopes of smooth curves. No ODE is solved.

Varah, "A spline least squares method for numerical parameter estimation in differential equations",
SIAM J. Sci. Stat. Comput. 3 (1982).
"""

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import scipy.linalg
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from ..data.trajectories import Trajectories, Trajectory
from ..models import Coordinates, trainable
from .evidence import MOST_ENTRIES, WeightGroups, squared_weights
from .gauss_newton import Point, Step
from .smoothing import SmoothTrajectory

MOST_POINTS = 1024  # of the regression: more points on the same curves add cost, not knowledge


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
                _certainty(trajectory, ts) * coordinates.scale,
            )
        )
    if not parts:
        return None
    tau, z, rate, u, weight = (np.concatenate(column) for column in zip(*parts, strict=True))
    if tau.size > MOST_POINTS:
        keep = np.linspace(0, tau.size - 1, MOST_POINTS).round().astype(int)
        tau, z, rate, u, weight = tau[keep], z[keep], rate[keep], u[keep], weight[keep]
    cast = lambda a: np.asarray(a, dtype)  # noqa: E731
    weight = np.full(rate.shape, 1.0) if data[0].sd is None else weight
    weight = weight / np.sqrt(np.sum(weight**2))
    return Slopes(cast(tau), cast(z), cast(rate), cast(u) if data.input_size else None, cast(weight))


def _certainty(trajectory: Trajectory, ts: np.ndarray) -> np.ndarray:
    """One over the standard deviation of each state near `ts`, shape `(times, states)`; one where it is not known."""
    certain = np.ones((ts.size, trajectory.ys.shape[1]))
    for i, seen in enumerate(np.isfinite(trajectory.ys).T):
        if trajectory.sd is not None:
            certain[:, i] = 1 / np.interp(ts, trajectory.ts[seen], trajectory.sd[seen, i])
    return certain


def slope_residuals(model: Any, point: Slopes) -> Float[Array, " states"]:
    """Errors of the slopes at one point (an unbatched `Slopes`) in units of their typical size.

    Over all points their squares sum to the mean square.
    """
    error = (model.rate(point.tau, point.z, point.u) - point.rate) / model.coordinates.rate_scale
    return error * point.weight


def matching_loss(model: Any, slopes: Slopes, decay: Float[Array, " groups"]) -> Float[Array, ""]:
    """Mean squared error of the slopes, plus decay."""
    errors = jax.vmap(slope_residuals, in_axes=(None, 0))(model, slopes)
    return jnp.sum(errors**2) + jnp.sum(decay * squared_weights(model))


class SlopeRegression:
    """The least-squares problem of the slopes; its Jacobian costs a backward pass a state at each point."""

    groups: WeightGroups
    observed: int
    others = 0
    noise: float | None = None  # slopes of curves are no observations
    slopes: Slopes
    start: Point
    model: Callable[[np.ndarray], Any]  # with these free numbers

    def __init__(self, model: Any, slopes: Slopes, observed: int):
        free, fixed = trainable(model)
        self.groups, self.observed, self.slopes = WeightGroups.of(free), observed, slopes
        vector, unravel = ravel_pytree(free)
        self.start = Point(np.asarray(vector, np.float64), np.zeros((0, 0)))
        self._dtype = vector.dtype

        def residuals(x, point):
            return slope_residuals(eqx.combine(unravel(x), fixed), point)

        def normal(x, slopes):
            r = jax.vmap(lambda point: residuals(x, point))(slopes).ravel()
            rows = jax.vmap(lambda point: jax.jacrev(residuals)(x, point))(slopes).reshape(r.size, x.size)
            return rows.T @ rows, rows.T @ r

        self._normal = jax.jit(normal)
        self._value = jax.jit(lambda x, slopes: jnp.sum(jax.vmap(lambda point: residuals(x, point))(slopes) ** 2))
        self.model = lambda x: eqx.combine(unravel(jnp.asarray(x, vector.dtype)), fixed)

    def begun(self, model: Any, slopes: Slopes, observed: int) -> "SlopeRegression":
        """The same programs for other numbers to begin with, and other slopes."""
        other = copy(self)
        other.start = Point(np.asarray(ravel_pytree(trainable(model)[0])[0], np.float64), self.start.states)
        other.slopes, other.observed = slopes, observed
        return other

    @property
    def affordable(self) -> bool:
        """Whether the Jacobian fits into memory."""
        return self.groups.numbers.size * self.slopes.rate.size <= MOST_ENTRIES

    def value(self, point: Point) -> float:
        return float(self._value(point.x.astype(self._dtype), self.slopes))

    def linearised(self, point: Point) -> "NormalEquations":
        matrix, gradient = self._normal(point.x.astype(self._dtype), self.slopes)
        return NormalEquations(point, np.asarray(matrix, np.float64), np.asarray(gradient, np.float64))


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
        added = damping * np.diag(self.matrix).max()
        change = -scipy.linalg.solve(self.matrix + np.diag(ridge + added), gradient, assume_a="pos")
        return Step(Point(change, np.zeros_like(self.point.states)), change @ (added * change - gradient))
