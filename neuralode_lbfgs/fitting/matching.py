"""Derivative matching: regress the vector field on the slopes of smooth curves. No ODE is solved.

Varah, "A spline least squares method for numerical parameter estimation in differential equations",
SIAM J. Sci. Stat. Comput. 3 (1982).
"""

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PyTree

from ..data.trajectories import Trajectories
from ..models import Coordinates
from .evidence import squared_weights
from .smoothing import SmoothTrajectory

MOST_POINTS = 1024  # of the regression: more points on the same curves add cost, not knowledge


class Slopes(eqx.Module):
    """Points on the smooth curves, in coordinates of order one.

    `weight` is one over the root of the number of slopes, the same at each point.
    """

    tau: Float[Array | np.ndarray, " *points"]
    z: Float[Array | np.ndarray, "*points states"]
    rate: Float[Array | np.ndarray, "*points states"]
    u: Float[Array | np.ndarray, "*points inputs"] | None
    weight: Float[Array | np.ndarray, " *points"]


def collect_slopes(
    data: Trajectories, curves: Sequence[SmoothTrajectory], coordinates: Coordinates, dtype
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
        if trajectory.inputs is None:
            us = np.zeros((ts.size, 0))
        else:
            us = np.stack([np.interp(ts, trajectory.ts, column) for column in trajectory.inputs.T], axis=1)
        parts.append(
            (
                coordinates.times_in(ts),
                coordinates.states_in(curve.states(ts)),
                coordinates.rates_in(curve.rates(ts)),
                coordinates.inputs_in(us),
            )
        )
    if not parts:
        return None
    tau, z, rate, u = (np.concatenate(column) for column in zip(*parts, strict=True))
    if tau.size > MOST_POINTS:
        keep = np.linspace(0, tau.size - 1, MOST_POINTS).round().astype(int)
        tau, z, rate, u = tau[keep], z[keep], rate[keep], u[keep]
    cast = lambda a: np.asarray(a, dtype)  # noqa: E731
    weight = np.full(tau.size, 1 / np.sqrt(rate.size))
    return Slopes(cast(tau), cast(z), cast(rate), cast(u) if data.input_size else None, cast(weight))


def slope_residuals(model: PyTree, point: Slopes) -> Float[Array, " states"]:
    """Errors of the slopes at one point (an unbatched `Slopes`) in units of their typical size.

    Over all points their squares sum to the mean square.
    """
    error = (model.rate(point.tau, point.z, point.u) - point.rate) / model.coordinates.rate_scale
    return error * point.weight


def matching_loss(model: PyTree, slopes: Slopes, decay: Float[Array, " groups"]) -> Float[Array, ""]:
    """Mean squared error of the slopes, plus decay."""
    errors = jax.vmap(slope_residuals, in_axes=(None, 0))(model, slopes)
    return jnp.sum(errors**2) + jnp.sum(decay * squared_weights(model))
