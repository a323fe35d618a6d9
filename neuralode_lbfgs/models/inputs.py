"""Known inputs between their rows."""

from typing import Protocol, runtime_checkable

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Bool, Float

ROUNDING = 64  # units in the last place of the largest value of an input: lines through more rows are read as one


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

    @property
    def kinks(self) -> Float[Array, " times"]:
        """The times at which the slope of an input changes; those at which none does are put far beyond the end."""
        return _where(self.ts, _bends(self.ts, self.us).any(axis=1))


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
        return _where(self.ts, self._changed)[1:]

    @property
    def kinks(self) -> Float[Array, " times"]:
        """Those of the inputs that are linear, as of `LinearInputs`, but for those at which a held one changes."""
        bends = (_bends(self.ts, self.us) & ~np.array(self.hold)).any(axis=1)
        return _where(self.ts, bends & ~self._changed)

    @property
    def _changed(self) -> Bool[Array, " times"]:
        """The rows at which a held input has another value than before."""
        us = jnp.asarray(self.us)
        return jnp.any((us != jnp.roll(us, 1, axis=0)) & np.array(self.hold), axis=1).at[0].set(False)


def _bends(ts: ArrayLike, us: ArrayLike) -> Bool[Array, "times inputs"]:
    """Where lines from row to row have another slope before than after, by more than rounding; outside it is zero."""
    ts, us = jnp.asarray(ts), jnp.asarray(us)
    if len(ts) < 2:
        return jnp.zeros(us.shape, bool)
    h = jnp.diff(ts)[:, None]
    slopes = jnp.pad(jnp.diff(us, axis=0) / h, ((1, 1), (0, 0)))
    nearest = jnp.minimum(jnp.pad(h, ((1, 0), (0, 0)), mode="edge"), jnp.pad(h, ((0, 1), (0, 0)), mode="edge"))
    rounding = ROUNDING * jnp.finfo(us.dtype).eps * jnp.max(jnp.abs(us), axis=0)
    return jnp.abs(jnp.diff(slopes, axis=0)) * nearest > rounding


def _where(ts: ArrayLike, rows: Bool[Array, " times"]) -> Float[Array, " times"]:
    """The times of these rows, and of the others one far beyond the end."""
    ts = jnp.asarray(ts)
    return jnp.where(rows, ts, ts[-1] + 1 + 2 * (ts[-1] - ts[0]))


def sampled_inputs(
    ts: Float[Array | np.ndarray, " times"], us: Float[Array | np.ndarray, "times inputs"], hold: tuple[bool, ...] = ()
) -> LinearInputs | SteppedInputs:
    """The inputs of rows: linear ones, if none is held."""
    return SteppedInputs(ts, us, hold) if any(hold) else LinearInputs(ts, us)
