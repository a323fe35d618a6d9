"""A linear law of hidden states comes first: where it leaves nothing regular, no other model is asked.

Hidden states may be anything that completes the state, and few rows of noise let a model of many terms, or a network,
complete it in many ways that all follow them: then it predicts other starts badly. Few terms do not single one out, as
each way has its own. But in whatever coordinates of the state, linear systems are linear in some: compartments,
circuits, springs.
"""

from typing import Any

import numpy as np

from ..data.trajectories import Trajectories
from ..models import SecondOrderField
from .basin import NEAR, left_by_curves, near_curves
from .beside import is_regular, stays
from .course import Course
from .library import monomials_of, powers_of, values_of_terms
from .running import Reached, Watcher, because, ended, run_stages
from .terms import of_terms, tangent_of
from .uncertainty import noise_of

WHY_LINEAR = "hidden states begin as derivatives of the observed ones: a linear law of all states alone comes first"
UNDETERMINED = 1e-8  # of the best determined: what the choice of hidden states leaves open, and rounding


def linear_law(course: Course, held_out: Trajectories | None, callback: Watcher) -> tuple[Course | None, list[Reached]]:
    """The fit of the linear terms of a polynomial alone; None where it leaves more than noise. And what it took.

    Args:
        course: a fit at its beginning, of a field with a polynomial, where slopes of all states are guessed.
    """
    model, slopes = course.parameters.model, course.slopes
    field: Any = model.vector_field
    assert slopes is not None
    terms, kept = _linear_terms(model)
    values = values_of_terms(course, slopes.z, slopes.u)[:, kept]
    rates = np.asarray(slopes.rate / course.coordinates.rate_scale)[:, field.learned]
    law = of_terms(course, terms, np.linalg.lstsq(values, rates)[0].T.ravel())
    taken = run_stages(("shooting",), law, held_out, callback)
    by_curves = left_by_curves(law)
    if not ended(taken):
        law.trial = by_curves + NEAR
        taken += run_stages(("polish",), law, held_out, callback)
    taken[0] = because(taken[0], WHY_LINEAR)
    is_all = law.loss <= near_curves(by_curves) and not is_regular(law) and stays(law)
    return (law if is_all or ended(taken) else None), taken


def may_be_any(course: Course) -> bool:
    """Whether hidden states have no meaning of their own, as velocities have; their slopes are guessed then."""
    field = course.parameters.model.vector_field
    return course.hidden and course.slopes is not None and not isinstance(field, SecondOrderField)


def is_linear(course: Course) -> bool:
    """Whether a fit has ended in a linear law of hidden states that may be any."""
    if course.terms is None or not may_be_any(course):
        return False
    return np.array_equal(course.terms, _linear_terms(course.parameters.model)[0])


def eigenvalues_of(course: Course) -> tuple[Any, Any]:
    """Of a linear law, `(states,)` per unit of time, and their standard deviations, of real and of imaginary parts.

    They are the same whichever hidden states one chooses, which the coefficients are not.

    Raises:
        numpy.linalg.LinAlgError: if two of them are one, or the law cannot be solved.
    """
    assert course.terms is not None
    model, c, size = course.parameters.model, course.coordinates, course.coordinates.centre.size
    numbers = course.solver.numbers(model).reshape(size, -1)
    values, right = np.linalg.eig(c.rate_scale[:, None] * numbers[:, 1 : size + 1])
    left = np.linalg.inv(right)
    # d value = left (d of that matrix) right
    change = np.zeros((size, *numbers.shape), complex)
    change[:, :, 1 : size + 1] = left[:, :, None] * right.T[:, None, :] * c.rate_scale[:, None]
    matrix = tangent_of(course, course.terms).matrix
    covariance = np.linalg.pinv(matrix, UNDETERMINED, hermitian=True) * noise_of(course) ** 2 / course.data.observed
    flat = change.reshape(size, -1)
    sds = [np.sqrt(np.einsum("ij,jk,ik->i", part, covariance, part)) for part in (np.real(flat), np.imag(flat))]
    return values / c.time_scale, (sds[0] + 1j * sds[1]) / c.time_scale


def said_of_eigenvalues(course: Course) -> str:
    """In a sentence."""
    values, sds = eigenvalues_of(course)
    data, found = course.data, []
    unit = data.clock.unit_of(data.unit(data.time_name))
    unit = f"ln {data.time_name}" if course.coordinates.transform.log_time is not None else unit
    for i in np.lexsort((values.imag, -values.real)):
        if values[i].imag < 0:
            continue  # the other of a pair
        one = f"{values[i].real:.4g} (sd {sds[i].real:.2g})"
        if values[i].imag > 0:
            one += f" +- {values[i].imag:.4g}i (sd {sds[i].imag:.2g})"
        found.append(one)
    return (
        f"the law is linear; its eigenvalues{f' in 1/{unit}' if unit else ''}, which are the same for any choice of "
        f"hidden states: {', '.join(found)}."
    )


def _linear_terms(model: Any) -> tuple[np.ndarray, np.ndarray]:
    """The terms of all rates of at most one factor, and the monomials that they are."""
    monomials = [number for number, factors in enumerate(monomials_of(model)) if len(factors) <= 1]
    return np.flatnonzero(powers_of(model) <= 1), np.array(monomials)
