"""Terms of a polynomial that explain no more than chance would are dropped, in the data's own units.

Laws are sparse there: dx/dt = a x - b x y has two terms, and four in coordinates that are centred. What is left
predicts better where no data are, and can be read.

Which terms is judged by the loss to second order; then whole trajectories are fitted with them alone, and from there
they are chosen anew, until they stay.
"""

from typing import Any

import numpy as np

from ..data.trajectories import Trajectories
from ..models import NeuralODE, all_monomials
from .basin import EXACT
from .beside import criterion, stays
from .course import Course
from .evidence import LEAST_DECAY
from .polish import Sensitivities
from .running import Reached, Watcher, because, ended, run_stages
from .settled import loss_on_mesh
from .stages import whole_trajectories
from .subspace import origin
from .tangent import Tangent, cost_of_choice
from .waking import is_asleep

FEWER = 4  # times as many terms stay in the next attempt, where the data want some of those that were left out
WHY_NEAREST = "a polynomial alone, as near to the model as it can be: is there more to it?"
WHY_FEWER = "{} of the {} terms of the polynomial, in the data's units, explain no more than chance: fitted without"
WHY_KEPT = "without {} of the {} terms of the polynomial, in the data's units: the data want them, and they stay"
MOST_WORSE = 10.0  # times the loss with a network, from which a polynomial has to come within a few steps


def with_fewer_terms(
    course: Course, reached: Reached, held_out: Trajectories | None, callback: Watcher
) -> tuple[Course, Reached, list[Reached]]:
    """The fit of the terms of a polynomial that explain the data, where it has ended, and what that took.

    As it was if Schwarz' criterion speaks for all terms, with what is left of a network, or if a decay was given.
    """
    model, taken = course.parameters.model, []
    if course.options.weight_decay is not None or ended([reached]):
        return course, reached, taken
    here = _among(course, every_term(course))
    if not is_asleep(model, course.begun)[0]:
        here, taken = nearest_polynomial(course, held_out, callback)
        if ended(taken) or not here.loss <= _most(course):
            return course, reached, taken
        if _can_replace(here, course):
            course, reached = here, taken[-1]
    while (better := _of_other_terms(here, course, held_out, callback, taken)) is not None:
        course = here = better
        reached = taken[-1]
    return course, reached, taken


def _of_other_terms(
    here: Course, best: Course, held_out: Trajectories | None, callback: Watcher, taken: list[Reached]
) -> Course | None:
    """A fit of fewer terms, or of others where there are few already, that can replace the best; None if there is none.

    Args:
        here: where terms are chosen.
        taken: what was run, to which is added.
    """
    tangent, every = tangent_of(here), every_term(here)
    spare = tangent.spare() if tangent.finite else []
    while spare and not ended(taken):
        left = np.delete(every, spare)
        if here.terms is not None and np.array_equal(left, here.terms):
            return None
        other = _among(here, left, tangent.minimum(left))
        (one,) = run_stages(("polish",), other, held_out, callback, [])
        is_better = _can_replace(other, best)
        taken.append(because(one, (WHY_FEWER if is_better else WHY_KEPT).format(len(spare), every.size)))
        if is_better:
            return other
        if here.terms is not None and here.terms.size < every.size:
            return None
        spare = spare[: len(spare) // FEWER]
    return None


def nearest_polynomial(
    course: Course, held_out: Trajectories | None, callback: Watcher
) -> tuple[Course, list[Reached]]:
    """The fit of a polynomial that begins nearest to the field of a model, and what it took."""
    tangent = regression_of(course)
    left = np.delete(tangent.every, tangent.spare())
    other, taken = _among(course, left, tangent.minimum(left)), []
    other.uncounted.append(1)
    if not np.isfinite(loss_on_mesh(other)):
        taken += run_stages(("shooting",), other, held_out, callback, [])
    if not ended(taken):
        other.trial, other.loss = _most(course), float("nan")
        taken += [because(one, WHY_NEAREST) for one in run_stages(("polish",), other, held_out, callback, [])]
    return other, taken


def _most(course: Course) -> float:
    """The loss that a polynomial has to come to within a few steps, to be a way to that of a model."""
    return MOST_WORSE * max(course.loss, EXACT**2)


def every_term(course: Course) -> np.ndarray:
    """All terms that the polynomial has, by their numbers."""
    return np.arange(_kinds(course.parameters.model)[0].size)


def _can_replace(one: Course, other: Course) -> bool:
    """Whether the criterion falls from the other fit to this one of some terms, and it stays with the data."""
    asked, before = criterion(one), criterion(other)
    if one.terms is not None and other.terms is not None:
        of = every_term(one).size
        asked, before = asked + cost_of_choice(of, one.terms.size), before + cost_of_choice(of, other.terms.size)
    return bool(np.isfinite(one.loss) and asked < before) and stays(one)


def tangent_of(course: Course) -> Tangent:
    """Of all terms, at the place of a fit of some."""
    course.uncounted.append(2)  # a value and a Jacobian
    course = _among(course, every_term(course))
    point = course.point
    problem = whole_trajectories(course, course.cut())
    value = problem.value(point)
    linear = problem.linearised(point)
    assert isinstance(linear, Sensitivities)  # terms are few
    return Tangent(
        point.x, value, linear.gradient_of_least, linear.matrix, course.data.observed, *_kinds(course.parameters.model)
    )


def regression_of(course: Course) -> Tangent:
    """Of a polynomial on the rates of change of a model, where the data are."""
    model, cuts = course.parameters.model, course.cut()
    field: Any = model.vector_field
    nodes = whole_trajectories(course, cuts).nodes(course.point)
    rates = (course.solver.rates(cuts, course.point.x, nodes) / course.coordinates.rate_scale)[:, field.learned]
    variables = nodes[cuts.begin]
    if cuts.u is not None:
        variables = np.concatenate([variables, cuts.u[: len(variables), 0, 0]], axis=1)
    variables = variables + origin(model)
    values = np.stack([variables[:, list(one)].prod(axis=1) for one in _monomials(model)], axis=1)
    nearest = np.linalg.lstsq(values, rates)[0]
    matrix = np.kron(np.eye(field.learned.size), values.T @ values) / rates.size
    missed = values @ nearest - rates
    gradient = (values.T @ missed).T.ravel() / rates.size
    return Tangent(nearest.T.ravel(), float(np.mean(missed**2)), gradient, matrix, rates.size, *_kinds(model))


def _kinds(model: NeuralODE) -> tuple[np.ndarray, np.ndarray]:
    """Of each term, the number of its factors and which rate it is of."""
    field: Any = model.vector_field
    powers, count = [len(factors) for factors in _monomials(model)], field.learned.size
    return np.tile(powers, count), np.repeat(np.arange(count), len(powers))


def _monomials(model: NeuralODE) -> list[tuple[int, ...]]:
    field: Any = model.vector_field
    return all_monomials(field.polynomial.in_size, field.degree)


def _among(course: Course, terms: np.ndarray, numbers: np.ndarray | None = None) -> Course:
    """The same fit of some terms, with a mesh of its own; from these numbers, where its loss is not known yet."""
    other = course.apart()
    other.terms, other.decay, other.trial = terms, np.full(1, LEAST_DECAY), None
    if numbers is not None:
        other.replace(other.solver.model(numbers))
        other.loss = float("nan")
    return other
