"""Second order in time: positions whose accelerations are learned, as of mechanics seen by position alone."""

from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from .coordinates import Coordinates
from .vector_fields import _initialised


class SecondOrderField(eqx.Module):
    """y = (x, v): dx/dt = v exactly, and dv/dt = a(x, v, u) by a network.

    The states are all positions, then all velocities in units of position over time. The network sees both,
    and the inputs, in `Coordinates` of order one.

    Args:
        position_size: the number of positions; there are as many velocities.
        width_size, depth: of the hidden layers, as in `equinox.nn.MLP`.
        input_size: the number of known inputs u(t), which arrive as `args`.
        activation: of the hidden layers.
        key: for the initial weights.

    Raises:
        ValueError: if there is no position.
    """

    mlp: eqx.nn.MLP
    coordinates: Coordinates

    def __init__(
        self,
        position_size: int,
        width_size: int = 16,
        depth: int = 2,
        *,
        input_size: int = 0,
        activation: Callable = jnp.tanh,
        key: PRNGKeyArray,
    ):
        if position_size < 1:
            raise ValueError(f"position_size must be at least 1; it is {position_size}.")
        self.mlp = _initialised(2 * position_size + input_size, position_size, width_size, depth, activation, key)
        self.coordinates = Coordinates.identity(2 * position_size, input_size)

    @property
    def position_size(self) -> int:
        return self.coordinates.centre.shape[0] // 2

    def normalised(
        self,
        tau: Float[Array, ""],
        z: Float[Array, " states"],
        u: Float[Array, " inputs"] | None,
    ) -> Float[Array, " states"]:
        """dz/dtau in coordinates of order one."""
        c, n = self.coordinates, self.position_size
        velocity = z[n:] * jnp.asarray(c.scale)[n:] + jnp.asarray(c.centre)[n:]
        moved = velocity * (jnp.asarray(c.time_scale) / jnp.asarray(c.scale)[:n])
        acceleration = self.mlp(z if u is None else jnp.concatenate([z, u]))
        return jnp.concatenate([moved, jnp.asarray(c.rate_scale)[n:] * acceleration])

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
