"""Of many variables: the law that smooth curves tell of, read off the integrals along them.

The polynomial of all products of many variables has too many numbers to be fitted beside a network. But along smooth
curves, or trajectories that have been fitted, the integrals of these products are known, and what was measured of a
state is a sum of few of them, a constant for each trajectory, and noise (`Integrals`). Whole trajectories are then
fitted with these terms, which are read off again along them, and judge them.
"""

import math
from copy import copy

import equinox as eqx
import numpy as np

from ..data.trajectories import Trajectories
from ..models import MLPVectorField
from .at_once import MUCH_WORSE, Attempt, attempt_of, ending_in, is_law
from .basin import left_by_curves, near_curves
from .course import Course
from .from_zero import few_terms
from .integrals import Integrals
from .library import every_term, kinds_of, values_of_terms
from .losses import Parameters
from .problems import whole_trajectories
from .running import Reached, Watcher, because, ended, run_stages
from .tangent import Tangent
from .terms import can_replace, of_terms

DEGREES = (2, 1)  # of the products; of cubes, sums of many wrong ones go along with few trajectories of many variables
ROUNDS = 5  # of reading it off, of the last law
MOST_TERMS = 1500  # of all rates: their Jacobian is asked where terms are chosen anew
WHY = "{} of the {} terms of a polynomial of degree {}, which explain the integrals along {}: are they a law?"
CURVES, LAST = "smooth curves", "the trajectories of the law before"


def law_first(
    names: tuple[str, ...], course: Course, held_out: Trajectories | None, callback: Watcher
) -> list[Attempt]:
    """An attempt by the law of few products of many variables; none where variables are few. Its error is infinite
    where something regular is left, or it does not stay.

    Args:
        course: a fit at its beginning.
    """
    wide = _with_products(course)
    if wide is None:
        return []
    law, taken = _read_off(wide, near_curves(left_by_curves(wide)), held_out, callback)
    if not taken:
        return []
    found = attempt_of(names[-1:], law or course, taken[-1:], taken, held_out)
    return [found if law is not None and is_law(law, taken[-1], held_out) else found._replace(error=np.inf)]


def is_enough(found: Attempt, held_out: Trajectories | None) -> bool:
    """Whether a law that was found predicts what is held out as well as what it was fitted to: where states go
    together, few terms may stand for others, and other models can do better."""
    return bool(np.isfinite(found.error)) and (held_out is None or found.error <= MUCH_WORSE * found.course.loss**0.5)


def _with_products(course: Course) -> Course | None:
    """The same fit at its beginning, of all products of many variables; None where they are few, and are tried beside
    a network, or where they are not wanted, or not affordable."""
    model, options = course.parameters.model, course.options
    field = model.vector_field
    by_default = options.degree is None and options.ensemble == 1 and options.weight_decay is None
    if not by_default or course.hidden or course.slopes is None or type(field) is not MLPVectorField:
        return None
    variables = model.state_size + course.data.input_size
    degree = next((d for d in DEGREES if math.comb(variables + d, d) * field.learned.size <= MOST_TERMS), 0)
    if not (degree and 0 < options.degree_beside(variables) < DEGREES[0]):
        return None
    wide = eqx.tree_at(lambda one: one.vector_field, model, field.with_polynomial(degree))
    other = copy(course)
    other.begun, other.parameters = wide, Parameters(wide, course.parameters.starts)
    return other


def _read_off(
    wide: Course, enough: float, held_out: Trajectories | None, callback: Watcher
) -> tuple[Course | None, list[Reached]]:
    """The law of few of all products, fitted to whole trajectories; None where none comes near. And what this has
    taken, the law last.

    Args:
        enough: the loss that is near.
    """
    law, reached, taken = None, None, []
    for _ in range(ROUNDS):
        other = _chosen(wide, law)
        if other is None or (law is not None and _same(other, law)):
            break
        more = run_stages(("shooting",), other, held_out, callback)
        if not ended(more):
            other.trial = enough
            more += run_stages(("polish",), other, held_out, callback)
            other.trial = None
        taken += [because(one, _why(other, LAST if law else CURVES)) for one in more]
        if ended(taken) or not other.loss <= enough or not (law is None or can_replace(other, law)):
            break
        law, reached = other, taken[-1]
    if law is None or reached is None or ended(taken):
        return None, taken
    law, last, more = few_terms(law, reached, held_out, callback)
    taken = ending_in(last, [*taken, *more])
    return (None if ended(taken) else law), taken


def _same(one: Course, other: Course) -> bool:
    return one.terms is not None and other.terms is not None and np.array_equal(one.terms, other.terms)


def _why(law: Course, along: str) -> str:
    assert law.terms is not None
    return WHY.format(law.terms.size, every_term(law).size, law.begun.vector_field.degree, along)


def _chosen(wide: Course, law: Course | None) -> Course | None:
    """A fit of the terms that explain the integrals along the last law, or smooth curves, at its beginning."""
    found = _regressions(wide, law)
    if not all(one.sound for one in found):
        return None
    left = [np.setdiff1d(one.every, one.spare()) for one in found]
    terms = [number * one.at.size + some for number, (one, some) in enumerate(zip(found, left, strict=True))]
    numbers = [one.minimum(some) for one, some in zip(found, left, strict=True)]
    return of_terms(wide, np.concatenate(terms), np.concatenate(numbers))


def _regressions(wide: Course, law: Course | None) -> list[Tangent]:
    """Of each rate on the integrals of its terms, along the trajectories of the last law, or smooth curves."""
    course = law or wide
    cuts = course.cut()
    along = Integrals(course, cuts, cuts.guess if law is None else whole_trajectories(law, cuts).nodes(law.point))
    values, (powers, _, idle) = values_of_terms(course, along.states, along.inputs), kinds_of(course)
    count = values.shape[1]
    return along.regressions(values, powers[:count], idle[idle < count])
