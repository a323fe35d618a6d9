"""Known inputs between their rows."""

from typing import Protocol, runtime_checkable

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


@runtime_checkable
class Inputs(Protocol):
    """What a driven model is handed: the inputs' value at any time."""

    def evaluate(self, t) -> Float[Array, " inputs"]: ...


class LinearInputs(eqx.Module):
    """Inputs known at `ts`, linear in between, and constant before the first and after the last.

    Args:
        ts: shape `(times,)`, increasing.
        us: shape `(times, inputs)`.
    """

    ts: Float[Array | np.ndarray, " times"]
    us: Float[Array | np.ndarray, "times inputs"]

    def evaluate(self, t) -> Float[Array, " inputs"]:
        ts, us = jnp.asarray(self.ts), jnp.asarray(self.us)
        if ts.size == 1:
            return us[0]
        i = jnp.clip(jnp.searchsorted(ts, t, side="right") - 1, 0, ts.size - 2)
        weight = jnp.clip((t - ts[i]) / (ts[i + 1] - ts[i]), 0.0, 1.0)
        return us[i] + weight * (us[i + 1] - us[i])
