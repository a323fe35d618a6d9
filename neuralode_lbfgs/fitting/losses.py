"""Losses: (parameters, data) -> scalar."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..models import NeuralODE, Steps, solve_on_mesh, trainable
from .batch import Batch
from .evidence import squared_weights


class Parameters(eqx.Module):
    """All that a fit may change.

    Args:
        model: the neural ODE.
        starts: initial states in coordinates of order one, one row a trajectory.
    """

    model: NeuralODE
    starts: Float[Array, "starts states"]


def residuals(
    parameters: Parameters, batch: Batch, tableau: Steps, observe: Callable | None = None
) -> Float[Array, "lanes steps observed"]:
    """Weighted residuals of the observations; their squares sum to the mean square.

    `observe` is what is seen of a state, in coordinates of order one; by default the state itself.
    """
    zs = solve_on_mesh(parameters.model.rate, tableau, batch.mesh, parameters.starts)
    if observe is not None:
        zs = jax.vmap(jax.vmap(observe))(zs)
    # Where nothing was observed the state may be anything, infinite too: mask before subtracting.
    return jnp.sqrt(batch.weights) * (jnp.where(batch.weights > 0, zs, 0.0) - batch.targets)


def trajectory_loss(
    fixed: Any, tableau: Steps, observe: Callable | None, free: Any, batch: Batch, decay: Float[Array, " groups"]
) -> Float[Array, ""]:
    """Mean squared residual over the observed entries, plus the decay of each group of weights."""
    parameters = eqx.combine(free, fixed)
    observed = residuals(parameters, batch, tableau, observe)
    return jnp.sum(observed**2) + jnp.sum(decay * squared_weights(parameters.model))


def trajectory_residuals(
    fixed: Any, tableau: Steps, observe: Callable | None, free: Any, batch: Batch
) -> Float[Array, "lanes steps observed"]:
    """`residuals` of what is trained."""
    return residuals(eqx.combine(free, fixed), batch, tableau, observe)


def split_parameters(parameters: Parameters, *, train_starts: bool) -> tuple[Any, Any]:
    """`trainable`, with the initial states among the constants unless they are estimated."""
    free, fixed = trainable(parameters)
    if not train_starts:
        free = eqx.tree_at(lambda p: p.starts, free, None)
        fixed = eqx.tree_at(lambda p: p.starts, fixed, parameters.starts, is_leaf=lambda x: x is None)
    return free, fixed
