"""Which numbers of a model are trained."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from .coordinates import is_constant


def trainable(parameters: Any) -> tuple[Any, Any]:
    """Split a pytree into (what is trained, all the rest); `equinox.combine` joins them again.

    Trained is every array of floating-point numbers, `eqx.is_inexact_array`: not `eqx.is_array`, which
    also takes integers and random keys. Python floats, `Coordinates` and what
    `constant` marks are constants. What is frozen or bounded has been made so beforehand: `constrained`.
    """
    spec = jax.tree.map(
        lambda node: False if is_constant(node) else eqx.is_inexact_array(node), parameters, is_leaf=is_constant
    )
    return eqx.partition(parameters, spec)


class Split(NamedTuple):
    """A pytree in two, as `trainable` splits it, and what is trained of it as one vector."""

    free: Any
    fixed: Any

    @property
    def vector(self) -> Float[Array, " free"]:
        """The numbers that are trained, in NumPy: operations on JAX arrays outside a program compile one each."""
        leaves = [np.ravel(leaf) for leaf in jax.tree.leaves(self.free)]
        return jnp.asarray(np.concatenate(leaves)) if leaves else jnp.zeros(0)

    def whole(self, x: Float[Array, " free"]) -> Any:
        """The pytree with these numbers in place of its own."""
        return eqx.combine(ravel_pytree(self.free)[1](x), self.fixed)


def count_trained(model: Any) -> int:
    """How many numbers of a model are trained."""
    return sum(leaf.size for leaf in jax.tree.leaves(trainable(model)[0]))
