"""Whether a saved model is what was saved, and what it says of itself is borne out by its arrays.

A description alone could ask for a network of any size; numbers in a file back it up, and bound the memory it takes.
"""

import math
from collections.abc import Mapping

import numpy as np

from ..models import Transform, monomials
from .spec import ModelSpec

MOST_STEPS = 2**31 - 1


def check_spec(spec: ModelSpec, arrays: Mapping[str, np.ndarray]) -> None:
    """Raises a ValueError if the file is too small for such a model, or its solver has no bounds."""
    numbers = sum(array.size for array in arrays.values())
    width = spec.width_size if spec.depth else 1
    if not (0 < spec.state_size <= numbers and 0 <= spec.input_size <= numbers and 0 < width <= numbers):
        raise ValueError("the file has fewer numbers than the model.")
    if not 0 <= spec.depth + spec.degree < len(arrays) or min(spec.depth, spec.degree) < 0:
        raise ValueError("the file has fewer arrays than the model.")
    if monomials(spec.state_size + spec.input_size, spec.degree) > numbers:
        raise ValueError("the file has fewer numbers than the polynomial.")
    if not (0 < spec.rtol < 1 and 0 < spec.atol < 1 and 0 < spec.max_steps <= MOST_STEPS):
        raise ValueError("the settings of the solver are out of bounds.")


def _check_inputs(ts: np.ndarray, us: np.ndarray, spec: ModelSpec | None) -> None:
    if ts.ndim != 1 or us.ndim != 2 or not 0 < len(ts) == len(us) or not (np.diff(ts) > 0).all():
        raise ValueError("the times of inputs do not increase, or are not as many.")
    if spec is not None and us.shape[1] != spec.input_size:
        raise ValueError("the inputs are of another number.")


def check_starts(names: tuple[str, ...], arrays: Mapping[str, np.ndarray], spec: ModelSpec | None) -> None:
    """Raises a ValueError if the starts, or the inputs behind them, are not those of so many trajectories."""
    if len(set(names)) < len(names):
        raise ValueError("two starts have one name.")
    t, y = arrays.get("starts.t", np.zeros(0)), arrays.get("starts.y", np.zeros((0, 1)))
    if t.shape != (len(names),) or y.ndim != 2 or len(y) != len(names):
        raise ValueError("the starts are not as many as their names.")
    if spec is not None and names and y.shape[1] != spec.state_size:
        raise ValueError("the starts are of another number of states.")
    for i in range(len(names)):
        ts, us = arrays.get(f"inputs.{i}.ts"), arrays.get(f"inputs.{i}.us")
        if (ts is None) != (us is None):
            raise ValueError("inputs have no times, or times no inputs.")
        if ts is not None and us is not None:
            _check_inputs(ts, us, spec)
        end_t, end_y = arrays.get(f"ends.{i}.t"), arrays.get(f"ends.{i}.y")
        if (end_t is None) != (end_y is None):
            raise ValueError("an end has no time, or no state.")
        if end_t is not None and end_y is not None and (end_t.shape != () or end_y.shape != y[i].shape):
            raise ValueError("an end is of another number of states than its start.")
    beside = [array for name, array in arrays.items() if not name.startswith("model.")]
    if not all(array.dtype.kind in "fiu" and np.isfinite(array).all() for array in beside):
        raise ValueError("a start or an input is not finite.")


def check_transform(transform: Transform, state_size: int) -> None:
    """Raises a ValueError if it names what is no state, or has a scale without a logarithm."""
    states = [*(state for state, _ in transform.log), *transform.positive]
    if not all(0 <= state < state_size for state in states):
        raise ValueError("the transform names what is no state.")
    shift, unit = transform.log_time or (0.0, 1.0)
    if not all(0 < floor < math.inf for floor in (*(floor for _, floor in transform.log), unit)):
        raise ValueError("the transform has a floor or a unit that is not positive.")
    if not 0 <= shift < math.inf:
        raise ValueError("the transform shifts time back.")
