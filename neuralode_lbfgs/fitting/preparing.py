"""A model made ready for data: of one precision, in coordinates of order one, and checked on one state."""

from collections.abc import Sequence
from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp

from ..data.trajectories import Trajectories
from ..models import NeuralODE, Transform, plain, trainable, with_coordinates
from .scaling import find_coordinates
from .smoothing import SmoothTrajectory


def prepared(
    model: NeuralODE, data: Trajectories, curves: Sequence[SmoothTrajectory], transform: Transform
) -> NeuralODE:
    """The model with coordinates from the data, unless it has been fitted before; checked on one state.

    Args:
        data, curves: under the transform.
    """
    dtype = jnp.result_type(float)
    model = jax.tree.map(lambda leaf: leaf.astype(dtype) if eqx.is_inexact_array(leaf) else leaf, model)
    if not model.is_scaled:
        model = with_coordinates(model, replace(find_coordinates(data, curves), transform=transform))
    if not jax.tree.leaves(trainable(model)[0]):
        raise ValueError(
            "there is nothing to train: the model holds no array of floating-point numbers that is not frozen "
            "(a Python float is a constant)."
        )
    check_field(model, data.state_size, data.input_size)
    return model


def check_field(model: NeuralODE, states: int, inputs: int) -> None:
    """Refuse a field that is not one of the states and inputs.

    Raises:
        ValueError: if the vector field cannot be evaluated for so many states and inputs.
    """
    dtype = jnp.result_type(float)
    y = jax.ShapeDtypeStruct((states,), dtype)
    u = jax.ShapeDtypeStruct((inputs,), dtype) if inputs else None
    # The field itself, not the scaled rate: scaling would broadcast a wrong shape into a right one.
    try:
        rate = eqx.filter_eval_shape(plain(model).vector_field, jax.ShapeDtypeStruct((), dtype), y, u)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"the vector field cannot be evaluated for {states} states "
            f"and {inputs} inputs: {str(error).splitlines()[0]}"
        ) from error
    if getattr(rate, "shape", None) != (states,):
        raise ValueError(
            f"the vector field returns shape {getattr(rate, 'shape', None)}, but the data have {states} "
            f"states: it must return dy/dt of shape ({states},)."
        )
