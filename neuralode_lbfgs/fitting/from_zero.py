"""The few terms of a law, of states that are far from zero counted from there.

Its terms are chosen with the state counted from its mean, for its powers are too much alike where it is large. But
dz/dt = -k z has two terms then. Those in which its terms are products with z itself are as many, or few more, and where
some of them explain no more than chance the law is said, and holds beyond the data, without.
"""

from itertools import product

import numpy as np

from ..data.trajectories import Trajectories
from .course import Course
from .library import every_term, monomials_of
from .running import Reached, Watcher, because, ended, run_stages
from .subspace import zero_of
from .terms import can_replace, of_terms, tangent_of, with_fewer_terms

WHY = "the law counted from zero, in the data's units, needs {} of the {} terms"
WHY_NOT = "the law counted from zero, in the data's units: with fewer terms it explains less"


def few_terms(
    course: Course, reached: Reached, held_out: Trajectories | None, callback: Watcher
) -> tuple[Course, Reached, list[Reached]]:
    """The fit of the few terms that explain the data, counted from zero where these are fewer; and what that took.

    Those of a law that is counted from zero already can only become fewer.
    """
    taken: list[Reached] = []
    if course.zero is None:
        course, reached, taken = with_fewer_terms(course, reached, held_out, callback)
    while not ended([reached, *taken]):
        law, reached, more = _fewer_from_zero(course, reached, held_out, callback)
        taken += more
        if law is course:
            break
        course = law
    return course, reached, taken


def _fewer_from_zero(
    course: Course, reached: Reached, held_out: Trajectories | None, callback: Watcher
) -> tuple[Course, Reached, list[Reached]]:
    """The fit of a law, with all states counted from zero where fewer terms explain as much; and what that took."""
    zero, kept = zero_of(course.parameters.model), course.terms
    if (
        kept is None
        or course.parameters.model.vector_field.is_law
        or (course.zero is None and np.array_equal(zero, course.origin))
    ):
        return course, reached, []
    far = np.flatnonzero(zero != course.origin)
    terms = _products_from_zero(monomials_of(course.parameters.model), kept, far)
    there = course.apart()
    there.zero = zero
    tangent = tangent_of(there, terms)
    left = np.delete(tangent.every, tangent.spare()) if tangent.sound else tangent.every
    if left.size >= kept.size:
        return course, reached, []
    other = of_terms(there, terms[left], tangent.minimum(left))
    (one,) = run_stages(("polish",), other, held_out, callback)
    if not can_replace(other, course):
        return course, reached, [because(one, WHY_NOT)]
    one = because(one, WHY.format(left.size, every_term(other).size))
    return other, one, [one]


def _products_from_zero(monomials: list[tuple[int, ...]], kept: np.ndarray, far: np.ndarray) -> np.ndarray:
    """The terms that those of a law are sums of, where the variables that are far from zero are counted from there."""
    number = {factors: i for i, factors in enumerate(monomials)}
    found = set()
    for term in kept.tolist():
        rate, monomial = divmod(term, len(monomials))
        parts = [[(factor,), ()] if factor in far else [(factor,)] for factor in monomials[monomial]]
        found |= {rate * len(monomials) + number[sum(chosen, ())] for chosen in product(*parts)}
    return np.array(sorted(found))
