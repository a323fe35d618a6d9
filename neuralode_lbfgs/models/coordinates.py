"""Coordinates: the data's units on one side, numbers of order one on the other.

L-BFGS is not scale invariant and networks learn functions of order one, so states, their
derivatives and time are centred and scaled from the training data. A person never sees it:
models take and return the data's units.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PyTree


class Coordinates(eqx.Module):
    """z = (y - centre) / scale and tau = (t - time_origin) / time_scale; inputs likewise.

    `rate_scale` is the size of dz/dtau in the data. The numbers stay as they are during a fit
    (`is_constant`) and are saved with the model. Arrays may carry leading axes in every method.

    Args:
        centre, scale: per state, in its unit, shape `(states,)`.
        rate_scale: per state, without unit, shape `(states,)`.
        time_origin, time_scale: in the unit of time.
        input_centre, input_scale: per input, in its unit, shape `(inputs,)`.
    """

    centre: Float[Array | np.ndarray, " states"]
    scale: Float[Array | np.ndarray, " states"]
    rate_scale: Float[Array | np.ndarray, " states"]
    time_origin: Float[Array | np.ndarray, ""]
    time_scale: Float[Array | np.ndarray, ""]
    input_centre: Float[Array | np.ndarray, " inputs"]
    input_scale: Float[Array | np.ndarray, " inputs"]

    @classmethod
    def identity(cls, state_size: int, input_size: int = 0) -> "Coordinates":
        """The coordinates in which nothing changes."""
        zeros, ones = np.zeros, np.ones
        return cls(
            zeros(state_size), ones(state_size), ones(state_size), np.asarray(0.0), np.asarray(1.0),
            zeros(input_size), ones(input_size),
        )  # fmt: skip

    def states_in(self, ys):
        """Data units -> order one."""
        return (ys - self.centre) / self.scale

    def states_out(self, zs):
        """Order one -> data units."""
        return zs * self.scale + self.centre

    def times_in(self, ts):
        return (ts - self.time_origin) / self.time_scale

    def times_out(self, taus):
        return taus * self.time_scale + self.time_origin

    def inputs_in(self, us):
        return (us - self.input_centre) / self.input_scale

    def rates_in(self, dy_dt):
        """dy/dt in data units -> dz/dtau."""
        return dy_dt * (self.time_scale / self.scale)

    def rates_out(self, dz_dtau):
        """dz/dtau -> dy/dt in data units."""
        return dz_dtau * (self.scale / self.time_scale)


class Constant(eqx.Module):
    """Arrays of a model that are never trained, such as a known matrix: use its `value`."""

    value: Any


def constant(value: PyTree) -> Constant:
    """Mark an array, or a module, as known: `fit` does not train it.

    >>> mass = constant(np.array([1.0, 2.0]))
    >>> mass.value.sum()
    np.float64(3.0)
    """
    return Constant(value)


def is_constant(node: object) -> bool:
    """Whether a node of a model is never trained."""
    return isinstance(node, Coordinates | Constant)


def with_coordinates(model: PyTree, coordinates: Coordinates) -> PyTree:
    """The model with all its `Coordinates` replaced: those of the solve and those inside its networks."""
    cast = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.result_type(float)), coordinates)
    return jax.tree.map(
        lambda node: cast if isinstance(node, Coordinates) else node,
        model,
        is_leaf=lambda node: isinstance(node, Coordinates),
    )
