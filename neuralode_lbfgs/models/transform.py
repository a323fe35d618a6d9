"""Transforms: states and time that are modelled on another scale than that of the data."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float

States = Float[Array | np.ndarray, "*rows states"]


@dataclass(frozen=True)
class Transform:
    """w = log(y / floor) for some states and s = log((t + shift) / unit) for time, w = y and s = t for all else.

    Arrays of states end with the axis of states. NumPy arrays stay NumPy arrays.

    Args:
        log: states modelled in logarithms, each with its floor in the data's unit: smaller values, zeros too, enter
            as the floor.
        positive: states that are kept positive; see `Coordinates.confined`.
        log_time: shift and unit of logarithmic time, in the unit of time; None for time as it is.
    """

    log: tuple[tuple[int, float], ...] = ()
    positive: tuple[int, ...] = ()
    log_time: tuple[float, float] | None = None

    def states(self, ys: States) -> Any:
        """y -> w."""
        if not self.log:
            return ys
        xp, (mask, floor) = _numpy_of(ys), self._of(ys)
        return xp.where(mask, xp.log(xp.maximum(ys, floor) / floor), ys)

    def states_back(self, ws: States) -> Any:
        """w -> y."""
        if not self.log:
            return ws
        xp, (mask, floor) = _numpy_of(ws), self._of(ws)
        with np.errstate(over="ignore"):  # infinite, as a solve that diverges is
            # Masked before the exponential: what overflows would poison the gradient of the other states.
            return xp.where(mask, floor * xp.exp(xp.where(mask, ws, 0.0)), ws)

    def unit_of(self, ys: Any) -> Any:
        """dy/dw: the state itself where it is modelled in logarithms, else one."""
        if not self.log:
            return 1.0
        return _numpy_of(ys).where(self._of(ys)[0], ys, 1.0)

    def floored(self, ys: States) -> Any:
        """The states as they enter: those in logarithms not below their floor."""
        if not self.log:
            return ys
        xp, (mask, floor) = _numpy_of(ys), self._of(ys)
        return xp.where(mask, xp.maximum(ys, floor), ys)

    def times(self, ts: ArrayLike) -> Any:
        """t -> s."""
        if self.log_time is None:
            return ts
        shift, unit = self.log_time
        return _numpy_of(ts).log((ts + shift) / unit)

    def times_back(self, ss: ArrayLike) -> Any:
        """s -> t."""
        if self.log_time is None:
            return ss
        shift, unit = self.log_time
        return unit * _numpy_of(ss).exp(ss) - shift

    def unit_of_time(self, ts: Any) -> Any:
        """dt/ds."""
        return 1.0 if self.log_time is None else ts + self.log_time[0]

    def _of(self, ys) -> tuple[np.ndarray, np.ndarray]:
        """Per state, whether it is modelled in logarithms, and its floor (one where it is not)."""
        mask, floor = np.zeros(ys.shape[-1], bool), np.ones(ys.shape[-1])
        for state, least in self.log:
            mask[state], floor[state] = True, least
        return mask, floor


def _numpy_of(array) -> Any:
    return jnp if isinstance(array, jax.Array) else np
