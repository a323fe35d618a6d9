"""Known inputs between their rows."""

from typing import Protocol, runtime_checkable

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float


@runtime_checkable
class Inputs(Protocol):
    """What a driven model is handed: the inputs' value at any time."""

    def evaluate(self, t: ArrayLike) -> Float[Array, " inputs"]: ...


class LinearInputs(eqx.Module):
    """Inputs known at `ts`, linear in between, and constant before the first and after the last.

    Args:
        ts: shape `(times,)`, increasing.
        us: shape `(times, inputs)`.
    """

    ts: Float[Array | np.ndarray, " times"]
    us: Float[Array | np.ndarray, "times inputs"]

    def evaluate(self, t: ArrayLike) -> Float[Array, " inputs"]:
        ts, us = jnp.asarray(self.ts), jnp.asarray(self.us)
        if ts.size == 1:
            return us[0]
        i = jnp.clip(jnp.searchsorted(ts, t, side="right") - 1, 0, ts.size - 2)
        weight = jnp.clip((t - ts[i]) / (ts[i + 1] - ts[i]), 0.0, 1.0)
        return us[i] + weight * (us[i + 1] - us[i])


class SteppedInputs(eqx.Module):
    """Inputs known at `ts`, of which some keep the value of a row until the next one; the others as `LinearInputs`.

    Args:
        ts: shape `(times,)`, increasing.
        us: shape `(times, inputs)`.
        hold: for each input whether it is held.
    """

    ts: Float[Array | np.ndarray, " times"]
    us: Float[Array | np.ndarray, "times inputs"]
    hold: tuple[bool, ...] = eqx.field(static=True)

    def evaluate(self, t: ArrayLike) -> Float[Array, " inputs"]:
        """The value at `t`; at a row the new one."""
        ts, us = jnp.asarray(self.ts), jnp.asarray(self.us)
        row = jnp.maximum(jnp.searchsorted(ts, t, side="right") - 1, 0)
        return jnp.where(np.array(self.hold), us[row], LinearInputs(self.ts, self.us).evaluate(t))

    @property
    def jumps(self) -> Float[Array, " intervals"]:
        """The times at which a held input changes; those at which none does are put far beyond the end."""
        ts, us = jnp.asarray(self.ts), jnp.asarray(self.us)
        changed = jnp.any((jnp.diff(us, axis=0) != 0) & np.array(self.hold), axis=1)
        return jnp.where(changed, ts[1:], ts[-1] + 1 + 2 * (ts[-1] - ts[0]))


def sampled_inputs(
    ts: Float[Array | np.ndarray, " times"], us: Float[Array | np.ndarray, "times inputs"], hold: tuple[bool, ...] = ()
) -> LinearInputs | SteppedInputs:
    """The inputs of rows: linear ones, if none is held."""
    return SteppedInputs(ts, us, hold) if any(hold) else LinearInputs(ts, us)
