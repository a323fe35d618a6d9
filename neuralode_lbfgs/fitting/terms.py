"""Terms of a polynomial that explain no more than chance would are dropped, in the data's own units.

Laws are sparse there: dx/dt = a x - b x y has two terms, and four in coordinates that are centred. What is left
predicts better where no data are, and can be read.

Which terms is judged by the loss to second order; then whole trajectories are fitted with them alone, and from there
they are chosen anew, until they stay.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from ..data.trajectories import Trajectories
from ..models import NeuralODE
from ..optimise import StopReason
from .basin import EXACT
from .beside import criterion, has_polynomial, stays
from .course import Course
from .evidence import LEAST_DECAY
from .gauss_newton import Point
from .library import every_term, kinds_of, numbers_of, of_what, powers_of, values_of_terms
from .polish import Sensitivities
from .problems import in_pieces, matrix_of_pieces, newton_pays, settled_in, whole_trajectories
from .record import Stage
from .running import Reached, Watcher, because, ended, run_stages
from .settled import loss_on_mesh
from .shooting import Shooting
from .tangent import Tangent, cost_of_choice, inverse, most_terms
from .waking import is_asleep

FEWER = 4  # times as many terms stay in the next attempt, where the data want some of those that were left out
WHY_NEAREST = "a polynomial alone, as near to the model as it can be: are its terms enough?"
WHY_FEWER = "{0} of the {2} terms of {3}, in the data's units, explain no more than chance: fitted without"
WHY_PIECES = (
    "{} of the {} terms of {}, in the data's units, explain no more of short pieces than chance: fitted without"
)
WHY_CHOICE = "which terms explain the data"
WHY_MORE = "with {1} of the {2} terms of {3}, in the data's units, alone: the others are needed, too"
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
    here = course if course.terms is not None else of_terms(course, every_term(course))
    if course.terms is None and has_polynomial(model) and not is_asleep(model, course.begun)[0]:
        here, taken = nearest_polynomial(course, held_out, callback, _most(course))
        if ended(taken) or not here.loss <= _most(course):
            return course, reached, taken
        if can_replace(here, course):
            course, reached = here, taken[-1]
    in_pieces = course.terms is not None  # whether that has been tried, and once is enough

    def by_pieces(best: Course) -> Course | None:
        nonlocal in_pieces
        if in_pieces or ended(taken):
            return None
        in_pieces = True
        law, more = of_pieces(here, here.parameters.model, _most(best), held_out, callback)
        taken.extend(more)
        return law if law is not None and can_replace(law, best) else None

    while (better := _of_other_terms(here, course, by_pieces, held_out, callback, taken)) is not None:
        course = here = better
        reached = taken[-1]
    return course, reached, taken


def _of_other_terms(
    here: Course,
    best: Course,
    by_pieces: Callable[[Course], Course | None],
    held_out: Trajectories | None,
    callback: Watcher,
    taken: list[Reached],
) -> Course | None:
    """A fit of fewer terms, or of others where there are few already, that can replace the best; None if there is none.

    Args:
        here: where terms are chosen.
        by_pieces: a law of short pieces that can replace the best, where whole trajectories tell nothing.
        taken: what was run, to which is added.
    """
    tangent, every = tangent_of(here), every_term(here)
    if not tangent.sound:
        return by_pieces(best)
    spare = tangent.spare()
    while spare and not ended(taken):
        left = np.setdiff1d(every, [*spare, *tangent.idle])
        if left.size > tangent.most or (here.terms is not None and np.array_equal(left, here.terms)):
            return None
        promised = tangent.value + tangent.rise(left)
        other = of_terms(here, left, tangent.minimum(left))
        other.trial = max(_most(best), MOST_WORSE * promised)  # a law that does not come near soon lacks a term
        (one,) = run_stages(("polish",), other, held_out, callback)
        other.trial = None
        is_better = can_replace(other, best)
        why = (WHY_FEWER if is_better else WHY_MORE).format(
            every.size - left.size, left.size, every.size, of_what(here)
        )
        taken.append(because(one, why))
        if is_better:
            return other
        if one.stage.reason in (StopReason.MAX_EVALS, StopReason.MAX_ITER):
            return None
        strays = not other.loss <= MOST_WORSE * max(promised, EXACT**2)
        if strays and (law := by_pieces(best)) is not None:
            return law
        if here.terms is not None and here.terms.size < every.size:
            return None
        spare = spare[: len(spare) // FEWER]
    return None


def of_pieces(
    course: Course, model: NeuralODE, enough: float, held_out: Trajectories | None, callback: Watcher
) -> tuple[Course | None, list[Reached]]:
    """A fit of the terms that explain short pieces, which no tangent of whole trajectories tells where errors grow
    along them, as in chaotic systems; None if it does not come near. And what this has taken.

    Args:
        model: that shooting has found.
        enough: the loss that is near.
    """
    if course.options.weight_decay is not None:
        return None, []
    here = course.apart()
    here.replace(model)
    try:
        tangent = tangent_of_pieces(here)
    except KeyboardInterrupt:
        return None, [interrupted_choice(here)]
    spare = tangent.spare() if tangent.sound else []
    left = np.delete(tangent.every, spare)
    if not spare or left.size > tangent.most or tangent.value + tangent.rise(left) > enough:
        return None, []
    other = of_terms(here, left, tangent.minimum(left))
    taken = run_stages(("shooting",), other, held_out, callback)
    steps = taken[0].stage.history
    if not ended(taken) and steps and steps[-1].loss <= enough:
        taken += run_stages(("polish",), other, held_out, callback)
    why = WHY_PIECES.format(len(spare), tangent.every.size, of_what(course))
    return (other if other.loss <= enough else None), [because(one, why) for one in taken]


def interrupted_choice(course: Course) -> Reached:
    """Where a fit is when a person stops it while terms are chosen."""
    stage = Stage("shooting", WHY_CHOICE, StopReason.INTERRUPTED, ())
    return Reached(stage, course.parameters.model, course.decay, np.nan)


def nearest_polynomial(
    course: Course, held_out: Trajectories | None, callback: Watcher, most: float
) -> tuple[Course, list[Reached]]:
    """The fit of a polynomial that begins nearest to the field of a model, and what it took.

    Args:
        most: the loss that it has to come to within a few steps.
    """
    tangent = regression_of(course)
    if not tangent.sound:
        return of_terms(course, tangent.every, tangent.at), []
    left = np.delete(tangent.every, tangent.spare())
    other, taken = of_terms(course, left, tangent.minimum(left)), []
    other.uncounted.append(1)
    if not np.isfinite(loss_on_mesh(other)):
        taken += run_stages(("shooting",), other, held_out, callback)
    if not ended(taken):
        other.trial, other.loss = most, float("nan")
        taken += run_stages(("polish",), other, held_out, callback)
    return other, [because(one, WHY_NEAREST) for one in taken]


def _most(course: Course) -> float:
    """The loss that a polynomial has to come to within a few steps, to be a way to that of a model."""
    return MOST_WORSE * max(course.loss, EXACT**2)


def can_replace(one: Course, other: Course) -> bool:
    """Whether the criterion falls from the other fit to this one of some terms, they are few enough to be judged by
    it, and it stays with the data."""
    if one.terms is not None and one.terms.size > min(most_terms(one.independent), every_term(one).size - 1):
        return False
    asked, before = criteria([one, other])
    return bool(np.isfinite(one.loss) and asked < before) and stays(one)


def criteria(fits: Sequence[Course]) -> list[float]:
    """The criterion of each fit; of laws of few terms, with what it costs that these were chosen from all."""
    if any(one.terms is None for one in fits):
        return [criterion(one) for one in fits]
    powers = [powers_of(one.parameters.model) for one in fits]
    return [
        criterion(one) + float(cost_of_choice(every.size, every[one.terms]))
        for one, every in zip(fits, powers, strict=True)
    ]


def tangent_of(course: Course, among: np.ndarray | None = None, *, with_shapes: bool = False) -> Tangent:
    """Of all terms, or of some, at the place of a fit of some.

    Args:
        with_shapes: whether what gives functions a shape may change, too.
    """
    course.uncounted.append(2)  # a value and a Jacobian
    every = every_term(course)
    terms = every if among is None else among
    course = of_terms(course, terms)
    point = course.point
    problem = whole_trajectories(course, course.cut())
    value = problem.value(point)
    linear = problem.linearised(point)
    assert isinstance(linear, Sensitivities)  # terms are few
    powers, rates, idle = kinds_of(course)
    kinds = powers[terms], rates[terms], np.flatnonzero(np.isin(terms, idle))
    some = slice(None if with_shapes else terms.size)
    return Tangent(
        point.x[some], value, linear.gradient_of_least[some], linear.matrix[some, some], course.independent, *kinds,
        every.size,
    )  # fmt: skip


def tangent_of_pieces(course: Course) -> Tangent:
    """Of all terms, of pieces whose jumps count little, where these suit the data best."""
    every = every_term(course)
    course = of_terms(course, every)
    problem = in_pieces(course)
    return _tangent_at(settled_in(problem, course), problem, course, slice(every.size))


def _tangent_at(point: Point, problem: Shooting, course: Course, some: slice) -> Tangent:
    value, linear = problem.value(point), problem.linearised(point)
    course.uncounted.append(1)
    size = point.x.size
    matrix, gradient = np.full((size, size), np.nan), np.full(size, np.nan)
    with suppress(np.linalg.LinAlgError, ValueError):  # not positive definite, or squares that overflow
        matrix, gradient = linear.matrix, linear.gradient
    return Tangent(point.x[some], value, gradient[some], matrix[some, some], course.data.observed, *kinds_of(course))


def variances_of(course: Course, kept: np.ndarray) -> np.ndarray:
    """Of the terms that are kept, and of what gives their functions a shape, in units of the noise.

    Where errors grow, rounding leaves of a term that is known well only a bound, and pieces with jumps between them
    know it better; whole trajectories know all that pieces do, so that the lesser of both is no less than the true one.
    Not of data that are too many for the equations of all pieces.
    """
    if course.process is not None:  # all is known by pieces, and whole trajectories follow noise
        return np.diag(inverse(matrix_of_pieces(course))) / course.data.observed
    model, tangents = course.parameters.model, [tangent_of(course, with_shapes=True)]
    kept = np.flatnonzero(np.isin(numbers_of(model, every_term(course)), numbers_of(model, kept)))
    if newton_pays(course):
        nodes = whole_trajectories(course, course.cut()).nodes(course.point)
        of_all = of_terms(course, every_term(course))
        tangents.append(_tangent_at(of_all.point._replace(states=nodes), in_pieces(of_all), of_all, slice(None)))
    found = [np.diag(inverse(tangent.matrix[np.ix_(kept, kept)])) for tangent in tangents if tangent.sound]
    return np.min(found, axis=0) / course.data.observed if found else np.full(kept.size, np.nan)


def regression_of(course: Course) -> Tangent:
    """Of a polynomial on the rates of change of a model, where the data are."""
    model, cuts = course.parameters.model, course.cut()
    field: Any = model.vector_field
    nodes = whole_trajectories(course, cuts).nodes(course.point)
    rates = (course.solver.rates(cuts, course.point.x, nodes) / course.coordinates.rate_scale)[:, field.learned]
    values = values_of_terms(course, nodes[cuts.begin], None if cuts.u is None else cuts.u[: len(cuts.begin), 0, 0])
    finite = np.isfinite(values).all() and np.isfinite(rates).all()
    nearest = np.linalg.lstsq(values, rates)[0] if finite else np.full((values.shape[1], rates.shape[1]), np.nan)
    matrix = np.kron(np.eye(field.learned.size), values.T @ values) / rates.size
    missed = values @ nearest - rates
    gradient = (values.T @ missed).T.ravel() / rates.size
    return Tangent(nearest.T.ravel(), float(np.mean(missed**2)), gradient, matrix, rates.size, *kinds_of(course))


def of_terms(course: Course, terms: np.ndarray, numbers: np.ndarray | None = None) -> Course:
    """The same fit of some terms, with a mesh of its own; from these numbers, where its loss is not known yet."""
    other = course.apart()
    other.terms, other.decay, other.trial = terms, np.full(1, LEAST_DECAY), None
    if numbers is not None:
        other.replace(other.solver.model(np.append(numbers, other.point.x[terms.size :])))
        other.loss = float("nan")
    return other
