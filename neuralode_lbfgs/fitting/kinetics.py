"""Rate laws that saturate, in the place of a network: of what is never negative, as concentrations and populations.

Few of their terms, chosen by the tangent as those of polynomials are, say such a law as it is, and hold beyond the
data; a polynomial needs many, which hold only there.
"""

import math

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from ..data.trajectories import Trajectories
from ..models.kinetics import products
from .beside import begun_with, extendable, is_short
from .course import Course
from .from_zero import few_terms
from .running import Reached, Watcher, because, ended, run_stages
from .settled import loss_on_mesh
from .shapes import read_off_shapes
from .terms import can_replace, interrupted_choice, of_terms

HIGHEST = 3  # factors of a term
MOST_NUMBERS = 240  # coefficients of all rates
FEWEST_SEEN = 2  # numbers observed, for each of these
FEWEST = 100  # of fewer a law with half-saturations is not told from another
WIDE = 2.0  # times its least value, to which a variable rises at least that saturates
BELOW = 0.1  # of its largest value, by which noise may put it below zero
BEGUN = 0.0, 1.0  # steps of all Hill exponents while terms are chosen, as in `hill_exponent`: one, and two
BESIDE = 0.5, -0.5  # steps from there, where others are tried: steeper functions, and powers as of outflows
WHY_EXPONENTS = "Hill exponents are fitted, too: does that explain more?"
WHY_SHAPES = "half-saturations, Hill exponents and terms that explain the integrals along whole runs"


def with_kinetics(course: Course) -> list[Course]:
    """The same fit at its beginning, of rate laws that saturate, with Hill exponents of one and of two; none where
    nothing seems to, they are not wanted, or not affordable.

    None in an ensemble, whose members would all find the same; nor with a decay that was given, which is one of
    weights.
    """
    field, options = extendable(course.parameters.model), course.options
    wanted = options.degree is None and options.ensemble == 1 and options.weight_decay is None
    if field is None or not wanted or field.rates or field.time_dependent:
        return []
    transform, typical = course.coordinates.transform, _typical(course)
    if course.hidden or course.data.observed < FEWEST or not (typical.any() and options.degree_beside(typical.size)):
        return []
    if transform.log or transform.log_time is not None:
        return []
    saturating = tuple(np.flatnonzero(typical).tolist())
    most = min(MOST_NUMBERS, course.data.observed // FEWEST_SEEN) // field.learned.size
    degree = 0
    while degree < HIGHEST and len(products(typical.size, saturating, degree + 1)) <= most:
        degree += 1
    found = [begun_with(course, field.of_kinetics(typical, degree, steps)) for steps in BEGUN if degree]
    return [one for one in found if one is not None]


def _typical(course: Course) -> np.ndarray:
    """Of each state and input the median of what is positive, in standard deviations; zero of what is negative, too, or
    varies too little to saturate."""
    data, c, found = course.data, course.coordinates, []
    inputs = [run.inputs for run in data if run.inputs is not None]
    columns = [*np.concatenate([run.ys for run in data]).T, *(np.concatenate(inputs).T if inputs else ())]
    for column, scale in zip(columns, np.concatenate([c.scale, c.input_scale]), strict=True):
        seen = column[np.isfinite(column)]
        low, high = seen.min(initial=math.inf), seen.max(initial=0.0)
        saturates = high > 0 and low >= -BELOW * high and high >= WIDE * low
        found.append(np.median(seen[seen > 0]) / scale if saturates else 0.0)
    return np.array(found)


def simplest_rates(
    course: Course, polished: Reached, held_out: Trajectories | None, callback: Watcher
) -> tuple[Course, Reached, list[Reached]]:
    """The few terms of rate laws that explain the data, with other Hill exponents if these explain more; and what that
    took."""
    law, last, taken = few_terms(course, polished, held_out, callback)
    if not (ended([last, *taken]) or is_short(law)):
        try:
            other = read_off_shapes(course)
        except KeyboardInterrupt:
            return law, last, [*taken, interrupted_choice(course)]
        law, last, more = _from(other, WHY_SHAPES, law, last, held_out, callback)
        taken += more
    for steps in BESIDE:
        if ended([last, *taken]):
            break
        before, other = law, _with_exponents(law, steps)
        law, last, more = _from(other, WHY_EXPONENTS, law, last, held_out, callback)
        taken += more
        if law is not before:
            break
    return law, last, taken


def _from(
    other: Course | None, why: str, law: Course, last: Reached, held_out: Trajectories | None, callback: Watcher
) -> tuple[Course, Reached, list[Reached]]:
    """The law of few terms to which another beginning leads, if it explains more; and what that took."""
    if other is None:
        return law, last, []
    other.uncounted.append(1)
    if not np.isfinite(loss_on_mesh(other)):
        return law, last, []
    other.loss = float("nan")
    (one,) = run_stages(("polish",), other, held_out, callback)
    taken = [one := because(one, why)]
    if not ended(taken):
        other, one, more = few_terms(other, one, held_out, callback)
        taken += more
    return (other, one, taken) if can_replace(other, law) else (law, last, taken)


def _with_exponents(course: Course, steps: float) -> Course | None:
    """The same fit of some terms, with Hill exponents that begin so many steps off; None if there is no such
    function."""
    if course.terms is None:
        return None
    model = course.parameters.model
    law = model.vector_field.mlp
    half = law.with_shapes(course.terms)[course.terms.size :] - len(law.terms)
    exponents = _steps_of(course)
    exponents[half[half < exponents.size]] += steps
    other = of_terms(course, course.terms)
    other.replace(eqx.tree_at(lambda one: one.vector_field.mlp.exponent, model, jnp.asarray(exponents)))
    return other if half.size else None


def _steps_of(course: Course) -> np.ndarray:
    """Those of the Hill exponents, a copy."""
    return np.array(course.parameters.model.vector_field.mlp.exponent, np.float64)
