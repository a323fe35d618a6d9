"""The rates of change that a model has learned, at any states."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike

from .neural_ode import NeuralODE


def rates(model: NeuralODE, ys: ArrayLike, *, t: ArrayLike = 0.0, inputs: ArrayLike | None = None) -> np.ndarray:
    """dy/dt in the data's units, as a solve uses it; many states in one compiled program.

    ```python
    nl.rates(result.model, [[1.0, 0.0], [2.0, 0.5]])
    ```

    Args:
        ys: states, shape `(..., states)`, hidden ones too.
        t: times, of the leading shape of `ys`, or one for all; of no effect on a field that does not depend on time.
        inputs: of a driven model, shape `(..., inputs)` or `(inputs,)` for all.

    Returns:
        Of the shape of `ys`.

    Raises:
        ValueError: if a shape is not that of the model, or inputs are missing.
    """
    c = model.coordinates
    ys = np.asarray(ys, np.float64)
    if ys.ndim == 0 or ys.shape[-1] != model.state_size:
        raise ValueError(f"the states must have shape (..., {model.state_size}); they have shape {ys.shape}.")
    size = c.input_centre.shape[0]
    if size and inputs is None:
        raise ValueError(f"the model is driven by {size} inputs; give their values.")
    points = ys.reshape(-1, ys.shape[-1])
    us = None
    if inputs is not None:
        given = np.asarray(inputs, np.float64)
        if given.ndim == 0 or given.shape[-1] != size:
            raise ValueError(f"the inputs must have shape (..., {size}); they have shape {given.shape}.")
        us = np.broadcast_to(given, (*ys.shape[:-1], size)).reshape(-1, size)
    ts = np.broadcast_to(np.asarray(t, np.float64), ys.shape[:-1]).reshape(-1)
    return np.asarray(_rates(model, ts, points, us), np.float64).reshape(ys.shape)


@eqx.filter_jit
def _rates(model: NeuralODE, ts: Any, ys: Any, us: Any) -> Any:
    c, dtype = model.coordinates, jnp.result_type(float)

    def rate(t, y, u):
        z, u = c.states_in(y), None if u is None else c.inputs_in(u)
        return c.rates_out(model.rate(c.times_in(t), z, u), y, t)

    cast = lambda array: None if array is None else jnp.asarray(array, dtype)  # noqa: E731
    return eqx.filter_vmap(rate)(cast(ts), cast(ys), cast(us))
