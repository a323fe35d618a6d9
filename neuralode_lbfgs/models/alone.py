"""A solve that is asked for by itself, outside of any program that is traced: checked, and compiled for each shape."""

from types import BuiltinFunctionType, FunctionType
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jax.core import Tracer

NUMBERS = (bool, int, float, complex, str, np.generic)


def stands_alone(model: Any, ts: Any, y0: Any, inputs: Any) -> bool:
    """Whether all numbers are there, and all else cannot change behind a compiled program.

    A field that is a plain function may read what is another number the next time; a module is what it is made of.
    """
    if not are_numbers(model, ts, y0, inputs):
        return False
    leaves, structure = jax.tree.flatten((model, inputs))
    try:
        hash(structure)
    except TypeError:  # a constant of a module, such as a list, may change
        return False
    fixed = isinstance(model.vector_field, eqx.Module) and (inputs is None or isinstance(inputs, eqx.Module))
    return fixed and all(map(_stays, leaves))


def are_numbers(*arguments: Any) -> bool:
    """Whether nothing is yet to be known, as it is within a program that is traced."""
    return not any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(arguments))


def _stays(leaf: Any) -> bool:
    if isinstance(leaf, FunctionType):
        return leaf.__closure__ is None
    return eqx.is_array(leaf) or isinstance(leaf, (*NUMBERS, BuiltinFunctionType)) or hasattr(leaf, "lower")


def check_numbers(ts: Any, y0: Any, size: int | None) -> None:
    """Refuse times and a state that cannot be those of a solve.

    Args:
        size: the number of states, if it is known.

    Raises:
        ValueError: if shapes are wrong, a number is not finite, or times do not follow on each other.
    """
    ts, y0 = np.asarray(ts), np.asarray(y0)
    if ts.ndim != 1 or not ts.size:
        raise ValueError(f"ts must have shape (times,) with at least one time; it has shape {ts.shape}.")
    if y0.ndim != 1 or (size is not None and y0.size != size):
        raise ValueError(f"y0 must have shape ({'states' if size is None else size},); it has shape {y0.shape}.")
    for name, values in (("ts", ts), ("y0", y0)):
        if not np.isfinite(values).all():
            place = int(np.flatnonzero(~np.isfinite(values))[0])
            raise ValueError(f"{name} must hold finite numbers; {name}[{place}] is {values[place]}.")
    steps = np.diff(ts)
    if not ((steps > 0).all() or (steps < 0).all()):
        raise ValueError("ts must increase, or decrease, from each time to the next.")


def failure(ts: Any, ys: Any, max_steps: int) -> str:
    """What to say of a solve that has not come to its end."""
    lost = np.flatnonzero(~np.isfinite(np.asarray(ys)).all(axis=1))
    where = f"before t = {float(ts[int(lost[0])]):.6g}" if lost.size else "before its end"
    return (
        f"the solve stops {where}: the state diverges, or the maximum number of solver steps was reached (max_steps = "
        f"{max_steps})."
    )


def check_inputs(inputs: Any, driven: bool) -> None:
    """Refuse arrays in place of inputs, and none where a network is driven.

    Raises:
        TypeError: one sentence that shows the call.
    """
    how = "model(ts, y0, nl.LinearInputs(ts, us)) with us of shape (times, inputs)"
    if inputs is None and driven:
        raise TypeError(f"the model is driven by inputs, and none are given: {how}.")
    if inputs is not None and not hasattr(inputs, "evaluate"):
        raise TypeError(f"inputs are of type {type(inputs).__name__}; give them as {how}.")
