"""The terms that there are to choose from: products of states and inputs, or those of a law in a network's place."""

from typing import Any

import numpy as np

from ..data.trajectories import Trajectories
from ..models import NeuralODE, all_monomials
from .course import Course


def every_term(course: Course) -> np.ndarray:
    """All terms that there are, by their numbers."""
    model = course.parameters.model
    if model.vector_field.is_law:
        return np.arange(model.vector_field.mlp.kinds[0].size)
    return np.arange(model.vector_field.learned.size * len(monomials_of(model)))


def values_of_terms(course: Course, z: Any, u: Any) -> np.ndarray:
    """The monomials `(points, monomials)` of states and inputs of order one, counted from the data's own origin."""
    variables = (z if u is None else np.concatenate([z, u], axis=1)) + course.origin
    return np.stack([variables[:, list(one)].prod(axis=1) for one in monomials_of(course.parameters.model)], axis=1)


def of_what(course: Course) -> str:
    """What the terms are those of, in words."""
    field: Any = course.parameters.model.vector_field
    return f"the {field.mlp.called if field.is_law else 'polynomial'}"


def powers_of(model: Any) -> np.ndarray:
    """The number of factors of each term, of all rates."""
    if model.vector_field.is_law:
        return model.vector_field.mlp.kinds[0]
    return np.tile([len(factors) for factors in monomials_of(model)], model.vector_field.learned.size)


def numbers_of(model: Any, terms: np.ndarray) -> np.ndarray:
    """Which numbers are fitted with some terms: their coefficients, and then what gives their functions a shape."""
    return model.vector_field.mlp.with_shapes(terms) if model.vector_field.is_law else terms


def kinds_of(course: Course) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each term, the number of its factors and which rate it is of; and the terms that are idle.

    An input that is held at two values has no use for its square, which is a line through both, nor one of three for
    its cube.
    """
    model = course.parameters.model
    field: Any = model.vector_field
    if field.is_law:
        return *field.mlp.kinds, course.ruled_out
    monomials, count, states = monomials_of(model), field.learned.size, course.coordinates.centre.size
    values = [_levels(course.data, i) for i in range(course.data.input_size)]
    idle = [any(one.count(states + i) >= most for i, most in enumerate(values)) for one in monomials]
    return powers_of(model), np.repeat(np.arange(count), len(monomials)), np.flatnonzero(np.tile(idle, count))


def _levels(data: Trajectories, number: int) -> float:
    """How many values an input takes: any between two rows, where it is not held or the same in both."""
    values = [run.inputs[:, number] for run in data if run.inputs is not None]
    held = all(run.hold and run.hold[number] for run in data) or all(np.ptp(of_run) == 0 for of_run in values)
    return np.unique(np.concatenate(values)).size if held else np.inf


def monomials_of(model: NeuralODE) -> list[tuple[int, ...]]:
    field: Any = model.vector_field
    return all_monomials(field.polynomial.in_size, field.degree)
