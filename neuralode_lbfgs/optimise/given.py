"""What a minimisation is given: an optimiser, and a loss that is one number."""

from typing import Any

import jax
import jax.numpy as jnp
import optax

from .first_order import Optax
from .lbfgs import LBFGS


def optimizer_given(optimizer: Any) -> LBFGS | Optax:
    """The optimiser, of an optax transformation the `Optax` around it; L-BFGS for None.

    Raises:
        TypeError: if it is none.
    """
    if optimizer is None:
        return LBFGS()
    if isinstance(optimizer, optax.GradientTransformation):
        return Optax(optimizer)
    if not isinstance(optimizer, LBFGS | Optax):
        raise TypeError(
            f"optimizer is of type {type(optimizer).__name__}; give an LBFGS, an Optax or an optax transformation "
            "(only fit knows names)."
        )
    return optimizer


def one_number(value: Any, dtype: Any) -> jax.Array:
    """What a loss has returned, if that is a number.

    Raises:
        TypeError: if it is anything else, such as a pair of the loss and something beside it.
    """
    if isinstance(value, tuple | list | dict) or value is None:
        raise TypeError(f"the loss must be one number; it is a {type(value).__name__}: return the number alone.")
    value = jnp.asarray(value, dtype)
    if value.shape:
        raise TypeError(f"the loss must be one number; it has shape {value.shape}.")
    return value
