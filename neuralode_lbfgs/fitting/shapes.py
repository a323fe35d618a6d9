"""Half-saturations and exponents of Hill functions, read off the integrals along trajectories that have been fitted.

Beside all terms that there are, of which many are much alike, hardly anything is known of them. Each choice of them
makes other functions, of which few explain what was measured, or many: the regressions of all rates say how few,
without any solve.
"""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from threadpoolctl import threadpool_limits

from ..models import Kinetics
from .course import Course
from .integrals import Integrals
from .problems import whole_trajectories
from .tangent import Tangent
from .terms import of_terms

HALVES = np.log([0.25, 0.5, 1.0, 2.0, 4.0])  # times the typical value
# With steps of exponents: one, two and four; and a root, as that of a half is where it is far from saturated.
SHAPES = [*itertools.product(HALVES, (0.0, 1.0, 2.0)), (np.log(16.0), -1.0)]
SWEEPS = 2  # through all variables, each with the others as they are


@threadpool_limits.wrap(limits=1, user_api="blas")
def read_off_shapes(course: Course) -> Course | None:
    """A fit of the few terms that explain the integrals along the trajectories of a fit of all, of the shapes by which
    these explain most, at its beginning; None where no regression tells.

    Args:
        course: of all terms of rate laws.
    """
    law: Kinetics = jax.tree.map(np.asarray, course.parameters.model.vector_field.mlp)
    cuts = course.cut()
    along = Integrals(course, cuts, whole_trajectories(course, cuts).nodes(course.point))
    course.uncounted.append(1)
    shapes = np.zeros((2, len(law.variables)))
    least = _criterion(_regressions(law, along, shapes))
    for _ in range(SWEEPS):
        before = shapes
        for number in range(shapes.shape[1]):
            for shape in SHAPES:
                if tuple(shapes[:, number]) == shape:
                    continue
                other = shapes.copy()
                other[:, number] = shape
                asked = _criterion(_regressions(law, along, other))
                if asked < least:
                    shapes, least = other, asked
        if shapes is before:
            break
    if not np.isfinite(least):
        return None
    return _of_few(course, law, _regressions(law, along, shapes), shapes)


def _regressions(law: Kinetics, along: Integrals, shapes: np.ndarray) -> list[Tangent]:
    """Of each rate on the integrals of all its terms, with half-saturations and exponents of these shapes."""
    seen = along.states if along.inputs is None else np.concatenate([along.states, along.inputs], axis=1)
    of_powers, of_products = law.values(seen, *shapes)
    return along.regressions(np.concatenate([of_powers, of_products], axis=1), law.sizes, np.zeros(0, int))


def _criterion(found: list[Tangent]) -> float:
    """How well few terms of each rate explain what was measured."""
    if not all(one.sound for one in found):
        return np.inf
    return sum(one.least_of_few() for one in found)


def _of_few(course: Course, law: Kinetics, found: list[Tangent], shapes: np.ndarray) -> Course:
    terms, numbers = [], []
    for rate, one in enumerate(found):
        left = np.setdiff1d(one.every, one.spare())
        terms.append(law.numbers_of(rate, left))
        numbers.append(one.minimum(left))
    order = np.argsort(np.concatenate(terms))
    where = lambda model: (model.vector_field.mlp.half, model.vector_field.mlp.exponent)  # noqa: E731
    other = course.apart()
    other.replace(eqx.tree_at(where, course.parameters.model, tuple(map(jnp.asarray, shapes))))
    return of_terms(other, np.concatenate(terms)[order], np.concatenate(numbers)[order])
