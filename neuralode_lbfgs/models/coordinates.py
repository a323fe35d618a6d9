"""Coordinates: the data's units on one side, numbers of order one on the other.

L-BFGS is not scale invariant and networks learn functions of order one, so states, their
derivatives and time are centred and scaled from the training data. A person never sees it:
models take and return the data's units.
"""

from dataclasses import replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from .transform import States, Transform

# Of states that are kept positive, in units of their scale and typical rate.
NEAR_ZERO = 0.05  # where the typical rate is the fastest at which the state may fall; in proportion below
FASTEST = 1e3  # rise: no network makes the state infinite in a finite time
LEAST = 1e-9  # what is left of a state that a step of the solver, within its tolerance, has put below zero


class Coordinates(eqx.Module):
    """z = (w - centre) / scale and tau = (s - time_origin) / time_scale; inputs likewise.

    w and s are the states and the time of the data, or their logarithms, as `transform` says.

    `rate_scale` is the size of dz/dtau in the data. The numbers stay as they are during a fit
    (`is_constant`) and are saved with the model. Arrays may carry leading axes in every method.

    Args:
        centre, scale: per state, in the unit of w, shape `(states,)`.
        rate_scale: per state, without unit, shape `(states,)`.
        time_origin, time_scale: in the unit of s.
        input_centre, input_scale: per input, in its unit, shape `(inputs,)`.
        transform: which states, and whether time, are modelled in logarithms; which states stay positive.
    """

    centre: Float[Array | np.ndarray, " states"]
    scale: Float[Array | np.ndarray, " states"]
    rate_scale: Float[Array | np.ndarray, " states"]
    time_origin: Float[Array | np.ndarray, ""]
    time_scale: Float[Array | np.ndarray, ""]
    input_centre: Float[Array | np.ndarray, " inputs"]
    input_scale: Float[Array | np.ndarray, " inputs"]
    transform: Transform = eqx.field(static=True, default=Transform())

    @classmethod
    def identity(cls, state_size: int, input_size: int = 0) -> "Coordinates":
        """The coordinates in which nothing changes."""
        zeros, ones = np.zeros, np.ones
        return cls(
            zeros(state_size), ones(state_size), ones(state_size), np.asarray(0.0), np.asarray(1.0),
            zeros(input_size), ones(input_size),
        )  # fmt: skip

    @property
    def linear(self) -> "Coordinates":
        """The same for data that are transformed already."""
        return replace(self, transform=Transform())

    def states_in(self, ys: States) -> Any:
        """Data units -> order one."""
        return (self.transform.states(ys) - self.centre) / self.scale

    def states_out(self, zs: States) -> Any:
        """Order one -> data units."""
        ys = self.transform.states_back(zs * self.scale + self.centre)
        if not self.transform.positive:
            return ys
        xp: Any = jnp if isinstance(ys, jax.Array) else np
        return xp.where(self._is_positive, xp.maximum(ys, LEAST * self.scale), ys)

    def times_in(self, ts: ArrayLike) -> Any:
        return (self.transform.times(ts) - self.time_origin) / self.time_scale

    def times_out(self, taus: ArrayLike) -> Any:
        return self.transform.times_back(taus * self.time_scale + self.time_origin)

    def inputs_in(self, us: Float[Array | np.ndarray, "*rows inputs"]) -> Any:
        return (us - self.input_centre) / self.input_scale

    def rates_in(self, dy_dt: States, ys: States | None = None, ts: ArrayLike | None = None) -> Any:
        """dy/dt in data units -> dz/dtau; states and times, in data units, are needed where these are transformed."""
        dw_ds = dy_dt * self.transform.unit_of_time(ts) / self.transform.unit_of(ys)
        return dw_ds * (self.time_scale / self.scale)

    def rates_out(self, dz_dtau: States, ys: States | None = None, ts: ArrayLike | None = None) -> Any:
        """dz/dtau -> dy/dt in data units; states and times as in `rates_in`."""
        dw_ds = dz_dtau * (self.scale / self.time_scale)
        return dw_ds * self.transform.unit_of(ys) / self.transform.unit_of_time(ts)

    def confined(self, dz_dtau: States, zs: States) -> Any:
        """Rates under which the states that are kept positive stay so: -y / (0.05 scale) <= rate / typical rate <= 1e3.

        A state that can fall only in proportion to itself never reaches zero. All else is as it was, known physics
        too. Its coordinate stays linear: a logarithm, or any other that has no zero, would need a floor for data that
        hold zeros, and weigh errors in other units than the data's.
        """
        if not self.transform.positive:
            return dz_dtau
        y = zs + self.centre / self.scale
        kept = jnp.clip(dz_dtau, -y * self.rate_scale / NEAR_ZERO, FASTEST * self.rate_scale)
        return jnp.where(self._is_positive, kept, dz_dtau)

    @property
    def _is_positive(self) -> np.ndarray:
        return np.isin(np.arange(self.centre.shape[-1]), self.transform.positive)


class Constant(eqx.Module):
    """Arrays of a model that are never trained, such as a known matrix: use its `value`."""

    value: Any


def constant(value: Any) -> Constant:
    """Mark an array, or a module, as known: `fit` does not train it.

    >>> mass = constant(np.array([1.0, 2.0]))
    >>> mass.value.sum()
    np.float64(3.0)
    """
    return Constant(value)


def is_constant(node: object) -> bool:
    """Whether a node of a model is never trained."""
    return isinstance(node, Coordinates | Constant)


def with_coordinates(model: Any, coordinates: Coordinates) -> Any:
    """The model with all its `Coordinates` replaced: those of the solve and those inside its networks."""
    cast = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.result_type(float)), coordinates)
    return jax.tree.map(
        lambda node: cast if isinstance(node, Coordinates) else node,
        model,
        is_leaf=lambda node: isinstance(node, Coordinates),
    )
