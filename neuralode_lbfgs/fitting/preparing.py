"""A model made ready for data: of one precision, in coordinates of order one, and checked on one state."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ..data.errors import counted
from ..data.trajectories import Trajectories
from ..models import MLPVectorField, NeuralODE, Transform, plain, trainable, with_coordinates
from .scaling import find_coordinates
from .smoothing import LEAST_FOR_GCV, SmoothTrajectory

ALIKE = 0.95  # correlation of slopes and a rate, from which the factor between them is clear
MOST_FACTOR = 2.0  # of it: noise and coarse sampling do less


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
    if transform == Transform(positive=transform.positive):
        check_rates(dict(getattr(model.vector_field, "rates", ())), data, curves)
    return model


def check_rates(rates: Mapping[int, int], data: Trajectories, curves: Sequence[SmoothTrajectory]) -> None:
    """Refuse a state as the rate of another whose slope is clearly a multiple of it: their units differ.

    Raises:
        ValueError: if so.
    """
    for state, rate in rates.items():
        pairs = [
            (curve.rates(run.ts)[:, state], curve.states(run.ts)[:, rate])
            for run, curve in zip(data, curves, strict=True)
        ]
        slopes, values = (np.concatenate(column) for column in zip(*pairs, strict=True))
        both = np.concatenate([run.ys[:, [state, rate]] for run in data])  # curves of hidden states are guesses
        seen = np.isfinite(both).all(axis=1) & np.isfinite(slopes) & np.isfinite(values)
        slopes, values = slopes[seen], values[seen]
        size = np.sqrt(np.sum(slopes**2) * np.sum(values**2))
        if slopes.size < LEAST_FOR_GCV or not slopes @ values > ALIKE * size:
            continue
        factor = slopes @ values / np.sum(values**2)
        if not 1 / MOST_FACTOR < factor < MOST_FACTOR:
            names = data.state_names[state], data.state_names[rate]
            raise ValueError(
                f"the slope of {names[0]} is {factor:.3g} times {names[1]}, which cannot be its rate as it is: give "
                f"both in units that agree, such as rad and rad/s where time is in s, or leave the rate to be learned."
            )


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
        sizes = f"{counted(states, 'state')} and {counted(inputs, 'input')}"
        advice = "make a network with input_size=data.input_size; equations of your own are handed the inputs as args"
        raise ValueError(
            f"the vector field cannot be evaluated for {sizes} ({_why_not(model, error)})"
            + (f": {advice}." if inputs else ".")
        ) from error
    if getattr(rate, "shape", None) != (states,):
        raise ValueError(
            f"the vector field returns shape {getattr(rate, 'shape', None)}, but the data have {states} "
            f"states: it must return dy/dt of shape ({states},)."
        )


def _why_not(model: NeuralODE, error: Exception) -> str:
    """The sizes of a network; of equations of one's own the first line of what they raise."""
    field = plain(model).vector_field
    if isinstance(field, MLPVectorField):
        first, last = field.mlp.layers[0], field.mlp.layers[-1]
        states = last.weight.shape[0] + len(field.rates)
        inputs = first.weight.shape[1] - states - field.time_dependent
        return f"it is of {counted(states, 'state')} and {counted(inputs, 'input')}"
    return str(error).splitlines()[0].rstrip(".")
