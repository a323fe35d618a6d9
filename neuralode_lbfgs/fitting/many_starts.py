"""Predictions from many initial states at once: one compiled program, vectorised over the starts."""

from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike

from ..models import LinearInputs, NeuralODE, SteppedInputs, failed_solves_as_nan
from .prediction import call, padded_inputs, padded_times


def predict_many(
    model: Callable, ts: ArrayLike, y0s: ArrayLike, inputs: LinearInputs | SteppedInputs | None = None
) -> np.ndarray:
    """The states at `ts` from each of many initial states, all in the data's units.

    ```python
    ys = nl.predict_many(result.model, np.linspace(0, 10, 101), [[1.0, 0.0], [2.0, 0.5]])  # shape (2, 101, 2)
    ```

    Args:
        model: called as `model(ts, y0)`.
        ts: times, shape `(times,)`, or `(starts, times)` if each start has its own; increasing or decreasing.
        y0s: the states at the first of them, shape `(starts, states)`.
        inputs: that drive the model, the same for all starts.

    Returns:
        Shape `(starts, times, states)`; NaN where a solve diverges.

    Raises:
        ValueError: if shapes do not agree, or a time or state is not finite.
    """
    ts, y0s = np.asarray(ts, np.float64), np.asarray(y0s, np.float64)
    if y0s.ndim != 2 or (isinstance(model, NeuralODE) and y0s.shape[1] != model.state_size):
        size = model.state_size if isinstance(model, NeuralODE) else "states"
        raise ValueError(f"initial states must have shape (starts, {size}); they have shape {y0s.shape}.")
    if ts.shape[-1:] == (0,) or ts.ndim not in (1, 2) or (ts.ndim == 2 and len(ts) != len(y0s)):
        raise ValueError(f"times must have shape (times,) or ({len(y0s)}, times); they have shape {ts.shape}.")
    if not (np.isfinite(ts).all() and np.isfinite(y0s).all()):
        raise ValueError("times and initial states must be finite numbers.")
    steps = np.diff(ts, axis=-1)
    if not ((steps > 0).all(axis=-1) | (steps < 0).all(axis=-1)).all():
        raise ValueError("times must increase, or decrease, from each to the next.")
    if not len(y0s):
        return np.zeros((0, ts.shape[-1], y0s.shape[1]))
    # Few numbers of starts and of times are compiled: both are padded to a power of two.
    extra = (1 << (len(y0s) - 1).bit_length()) - len(y0s)
    more = lambda array: np.concatenate([array, np.repeat(array[-1:], extra, axis=0)])  # noqa: E731
    times = padded_times(ts) if ts.ndim == 1 else more(np.stack([padded_times(row) for row in ts]))
    starts = more(y0s).astype(jnp.result_type(float))
    with failed_solves_as_nan():
        ys = np.asarray(_calls(model, times, starts, padded_inputs(inputs)), np.float64)[: len(y0s), : ts.shape[-1]]
    return np.where(np.isfinite(ys), ys, np.nan)


@eqx.filter_jit
def _calls(model, ts, y0s, inputs):
    return eqx.filter_vmap(call, in_axes=(None, 0 if ts.ndim == 2 else None, 0, None))(model, ts, y0s, inputs)
