"""Learned vector fields. Any Equinox module called as `(t, y, args)` can stand beside them."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from .coordinates import Coordinates


class MLPVectorField(eqx.Module):
    """A network as the right-hand side: dz/dtau = rate_scale * mlp(z, u).

    It takes and returns the data's units, so that it can be added to a physical term, but the
    network itself sees the `Coordinates`: states and inputs of order one.

    Args:
        state_size: the number of states.
        width_size, depth: of the hidden layers, as in `equinox.nn.MLP`.
        input_size: the number of known inputs u(t), which arrive as `args`.
        time_dependent: whether the network sees the time as well.
        activation: of the hidden layers.
        key: for the initial weights.

    Raises:
        ValueError: if a size is not positive.
    """

    mlp: eqx.nn.MLP
    coordinates: Coordinates
    time_dependent: bool = eqx.field(static=True)

    def __init__(
        self,
        state_size: int,
        width_size: int = 16,
        depth: int = 2,
        *,
        input_size: int = 0,
        time_dependent: bool = False,
        activation: Callable = jnp.tanh,
        key: PRNGKeyArray,
    ):
        for name, value, least in (
            ("state_size", state_size, 1),
            ("width_size", width_size, 1),
            ("depth", depth, 0),
            ("input_size", input_size, 0),
        ):
            if value < least:
                raise ValueError(f"{name} must be at least {least}; it is {value}.")
        in_size = state_size + input_size + time_dependent
        self.mlp = _initialised(in_size, state_size, width_size, depth, activation, key)
        self.coordinates = Coordinates.identity(state_size, input_size)
        self.time_dependent = time_dependent

    def normalised(
        self,
        tau: Float[Array, ""],
        z: Float[Array, " states"],
        u: Float[Array, " inputs"] | None,
    ) -> Float[Array, " states"]:
        """dz/dtau in coordinates of order one: what a solve uses directly, free of rounding in the units."""
        parts = [z] if u is None else [z, u]
        if self.time_dependent:
            parts.append(jnp.asarray(tau)[None])
        return jnp.asarray(self.coordinates.rate_scale) * self.mlp(jnp.concatenate(parts))

    def __call__(
        self,
        t: Float[Array, ""] | float,
        y: Float[Array, " states"],
        args: Float[Array, " inputs"] | None = None,
    ) -> Float[Array, " states"]:
        """dy/dt in the data's units."""
        c = self.coordinates
        u = None if args is None else c.inputs_in(args)
        return c.rates_out(self.normalised(jnp.asarray(c.times_in(t)), c.states_in(y), u))


@eqx.filter_jit
def _initialised(in_size, out_size, width_size, depth, activation, key):
    """LeCun-normal weights, zero biases, and a small last layer: a first solve that stays near the data.

    Compiled as one, because every eager random draw costs a compilation of its own.
    """
    mlp = eqx.nn.MLP(in_size, out_size, width_size, depth, activation=activation, key=key)
    keys = jax.random.split(key, len(mlp.layers))
    for i, (layer, k) in enumerate(zip(mlp.layers, keys, strict=True)):
        size = 0.1 if i == len(mlp.layers) - 1 else 1.0
        weight = jax.random.normal(k, layer.weight.shape) * (size / np.sqrt(layer.in_features))
        mlp = eqx.tree_at(
            lambda m, i=i: (m.layers[i].weight, m.layers[i].bias), mlp, (weight, jnp.zeros(layer.weight.shape[0]))
        )
    return mlp
