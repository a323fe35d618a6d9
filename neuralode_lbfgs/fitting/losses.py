"""Losses: (parameters, data) -> scalar."""

from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from ..models import NeuralODE, Tableau, solve_on_mesh, trainable
from .batch import Batch
from .evidence import squared_weights


class Parameters(eqx.Module):
    """All that a fit may change.

    Args:
        model: the neural ODE.
        starts: initial states in coordinates of order one, one row a trajectory or shooting segment.
    """

    model: NeuralODE
    starts: Float[Array, "starts states"]


class Weighting(eqx.Module):
    """How much the terms of a loss count; traced, so that a change does not compile anew.

    Args:
        decay: of the sum of squared weights of each network, shape `(groups,)`.
        continuity: of the mean squared jump between shooting segments.
    """

    decay: Float[Array, " groups"]
    continuity: Float[Array, ""]


def residuals(parameters: Parameters, batch: Batch, tableau: Tableau):
    """Weighted residuals of the observations, and the jumps between shooting segments."""
    zs = solve_on_mesh(parameters.model.rate, tableau, batch.mesh, parameters.starts)
    # Where nothing was observed the state may be anything, infinite too: mask before subtracting.
    seen = batch.weights > 0
    observed = jnp.sqrt(batch.weights) * (jnp.where(seen, zs, 0.0) - batch.targets)
    lane, step, start = batch.joins.T
    jumps = zs[lane, step] - parameters.starts[start]
    jumps = jnp.where(batch.join_weights[:, None] > 0, jumps, 0.0)
    return observed, jnp.sqrt(batch.join_weights)[:, None] * jumps


def trajectory_loss(tableau: Tableau) -> Callable[..., Float[Array, ""]]:
    """Mean squared residual over the observed entries, plus decay, plus discontinuity of the segments."""

    def value_fn(free: PyTree, fixed: PyTree, batch: Batch, weighting: Weighting):
        parameters = eqx.combine(free, fixed)
        observed, jumps = residuals(parameters, batch, tableau)
        return (
            jnp.sum(observed**2)
            + weighting.continuity * jnp.sum(jumps**2) / max(jumps.shape[-1], 1)
            + jnp.sum(weighting.decay * squared_weights(parameters.model))
        )

    return value_fn


def split_parameters(parameters: Parameters, *, train_starts: bool) -> tuple[PyTree, PyTree]:
    """`trainable`, with the initial states among the constants unless they are estimated."""
    free, fixed = trainable(parameters)
    if not train_starts:
        free = eqx.tree_at(lambda p: p.starts, free, None)
        fixed = eqx.tree_at(lambda p: p.starts, fixed, parameters.starts, is_leaf=lambda x: x is None)
    return free, fixed
