"""Systems that noise moves, beside what is measured of them: populations in changing weather, a ship among waves.

No solution of an equation follows such data for long. A fit of whole trajectories ends far above the noise of the
measurements, or bends the field until it goes along with that noise, and then predicts no others. What a model of short
pieces misses from each row to the next is that noise, and tells how large it is.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..data.steps import set_states
from ..models import NeuralODE
from ..optimise import LBFGS
from .basin import AS_CURVES, FINE, HIGH, left_by_curves
from .beginning import Begun, begin
from .beside import criterion, has_polynomial, is_regular, stays, with_polynomial
from .course import Course
from .given import error_from_rows
from .library import every_term
from .prediction import are_grown
from .problems import newton_pays, whole_trajectories
from .process_noise import FEWEST, SMALL, Ahead, errors_ahead
from .record import Record, seconds_left
from .running import Reached, Watcher, because, ended, run_stages, whole_loss
from .staged import Fitted, stages_of, terms_of_all
from .task import Task
from .terms import interrupted_choice, of_terms, tangent_of_pieces

STAGES = ("matching", "process noise")
ROUNDS = 3  # of choosing terms
FARTHER = 2.0  # times the noise of measurements alone, or the error of runs that were foretold
WHY_FEWER = "{} of the {} terms of the polynomial, in the data's units, explain no more than that noise: fitted without"
WHY_WHOLE = "short pieces show no noise that moves the system: from their model Gauss-Newton goes on with whole runs"
GIVEN_UP = "of a fit that was given up for the one by way of short pieces: "
NOT_POSSIBLE = (
    "process_noise needs data in which every state is observed, in {} rows that follow each other at least, and not "
    "more of them than Gauss-Newton can take (thin them out, or fit a part: --train-until)."
)


class Tried(NamedTuple):
    """Fits whose states noise moves: the likeliest of those that stay with the data, of all if none does, or None;
    whether it stays, all that was run, and what it took."""

    course: Course | None
    stays: bool
    reached: list[Reached]
    spent: list[Record]

    def fitted(self, course: Course, ahead: Ahead | None) -> Fitted:
        """The likeliest, which this is."""
        return Fitted(course, stages_of(self.reached, course), self.spent, self.reached[-1].stage.reason, ahead=ahead)

    def instead_of(self, before: Fitted) -> Fitted:
        """The fit before, which is kept, and what was tried beside it."""
        given_up = [replace(one.stage, kept=False) for one in self.reached]
        reason = self.reached[-1].stage.reason if ended(self.reached) else before.reason
        spent = [*before.spent, *self.spent]
        return before._replace(stages=[*before.stages, *given_up], spent=spent, reason=reason)


def with_process_noise(model: NeuralODE, task: Task, callback: Watcher, notes: list[str]) -> Fitted:
    """A fit of short pieces, as a person has asked for it.

    Raises:
        ValueError: where data do not allow it.
    """
    tried = _tried(model, task, callback, notes)
    if tried.course is None:
        raise ValueError(NOT_POSSIBLE.format(FEWEST))
    return tried.fitted(tried.course, ahead_of(tried.course))


def unless_driven_by_noise(model: NeuralODE, task: Task, before: Fitted, callback: Watcher) -> Fitted:
    """The fit, or one of short pieces where noise moves the system and that one predicts from first rows as well.

    Where the latter follows whole runs as closely as the noise of the measurements lets it, or errors one row ahead
    show no other noise, short pieces may only have found the way to a better fit of the usual kind.
    """
    if not _may_be_driven(before, task):
        return before
    left = seconds_left(task.options.time_limit, sum(record.run_s for record in before.spent))
    tried = _tried(model, replace(task, options=replace(task.options, time_limit=left)), callback, [])
    course = tried.course
    if course is None or not tried.stays or ended(tried.reached):
        return tried.instead_of(before)
    ahead, usual = ahead_of(course), before.course
    whole = None if is_moved(course, ahead) and ahead.is_shown else _in_whole_runs(tried, course, callback)
    if whole is not None and whole.course is not None and criterion(whole.course) < criterion(usual):
        tried, course, ahead = whole, whole.course, None
    else:
        tried = tried if whole is None else whole._replace(course=course)
        if not (
            is_moved(course, ahead)
            and (is_moved(usual, ahead) or _leads_astray(usual, task))  # the latter where it was bent to follow noise
            and _is_small(ahead)
            and _is_likelier(course, ahead, usual)
        ):
            return tried.instead_of(before)
    if _missed(course, task) > _missed(usual, task) or _foretells(before, course):
        return tried.instead_of(before)._replace(ahead=ahead if ahead is not None and ahead.is_shown else None)
    fitted = tried.fitted(course, ahead)
    if ahead is None:  # nothing was held out of this fit: what was of the one before tells of new runs all the same
        fitted = fitted._replace(unseen=before.unseen)
    given_up = [replace(one, kept=False) for one in before.stages]
    notes = tuple(GIVEN_UP + note for note in before.notes)
    return fitted._replace(stages=[*given_up, *fitted.stages], spent=[*before.spent, *tried.spent], notes=notes)


def _is_small(ahead: Ahead) -> bool:
    """Whether one row tells of the next far more than the mean does: what noise moves more than that, a state or an
    input that is in no column may move as well."""
    return bool(np.sqrt(np.mean(ahead.errors**2)) < SMALL)


def _is_likelier(course: Course, ahead: Ahead, usual: Course) -> bool:
    """Whether noise explains more than the usual fit; a model that misses something regular may, too."""
    return ahead.is_white and _cost(course) < criterion(usual) + usual.data.observed


def is_moved(course: Course, ahead: Ahead) -> bool:
    """Whether whole runs of any state are missed farther than by the noise of measurements, of which errors one row
    ahead tell how much there is at most."""
    if not np.isfinite(whole_loss(course)):
        return True
    cuts = course.cut()
    left = whole_trajectories(course, cuts).residuals(course.point).reshape(cuts.weights.shape)
    errors = np.sqrt(np.sum(left**2, axis=0) / np.sum(cuts.weights**2, axis=0))
    return bool((errors > np.maximum(FARTHER * ahead.of_measuring_alone, FINE)).any())


def _in_whole_runs(tried: Tried, course: Course, callback: Watcher) -> Tried:
    """The model of short pieces polished as any other is."""
    course = course.apart()
    course.process = course.ends = None
    polished = [because(one, WHY_WHOLE) for one in run_stages(("polish",), course, None, callback)]
    course, _, fewer = terms_of_all(course, polished, callback)
    return tried._replace(course=course, reached=[*tried.reached, *polished, *fewer])


def begin_with_all(model: NeuralODE, task: Task, notes: list[str]) -> Begun:
    """Everything up to the first stage: no run is held out for a while, as none can be followed from its start."""
    return begin(model, replace(task, options=replace(task.options, validation=False)), notes)


def ahead_of(course: Course) -> Ahead:
    """The errors of a fit one row ahead."""
    return errors_ahead(course.solver, course.cut(), course.point.x)


def _may_be_driven(fitted: Fitted, task: Task) -> bool:
    """Whether a fit by default has missed something regular that smooth curves follow, or leads from first rows far
    away from the data, and pieces can be fitted. Inputs that were taken for states move the others as noise would."""
    course, options = fitted.course, task.options
    if set_states(task.data):
        return False
    by_default = options.process_noise is None and not options.stages and options.weight_decay is None
    if not by_default or fitted.reason.cut_short or not isinstance(course.optimizer, LBFGS):
        return False
    if not _has_pieces(course):
        return False
    if fitted.validation is not None and fitted.validation <= HIGH:  # no noise moves runs that are foretold
        return False
    loss = whole_loss(course)
    if not loss > FINE**2:
        return False
    regular = is_regular(course)
    if course.terms is not None and not regular:  # few terms bend no field: errors that grow are those of chaos
        return False
    misses = regular and loss > AS_CURVES * left_by_curves(course)
    return misses or _leads_astray(course, task)


def _leads_astray(course: Course, task: Task) -> bool:
    """Whether it leads from first rows far away from the data, which it meets from fitted starts."""
    return are_grown(error_from_rows(course, task.data), float(np.sqrt(whole_loss(course))))


def _has_pieces(course: Course) -> bool:
    """Whether states at neighbouring rows are observed, and not too many for the equations of all of them."""
    return course.slopes is not None and not course.hidden and newton_pays(course)


def _tried(model: NeuralODE, task: Task, callback: Watcher, notes: list[str]) -> Tried:
    """With a polynomial beside the network, of the terms that explain the data, and without."""
    begun = begin_with_all(model, task, notes).course
    found: list[tuple[bool, float, Course]] = []
    reached: list[Reached] = []
    if not _has_pieces(begun):
        return Tried(None, False, reached, begun.spent)
    for start in filter(None, (with_polynomial(begun), begun)):
        course = start.apart()
        course.elsewhere = len(course.spent)
        try:
            reached += run_stages(STAGES, course, None, callback)
            if has_polynomial(course.begun) and not ended(reached):
                course, fewer = _of_few_terms(course, callback)
                reached += fewer
            if np.isfinite(course.surprise):
                found.append((not stays(course), _cost(course), course))
        except (np.linalg.LinAlgError, ValueError):  # of a model along which errors grow beyond all numbers
            continue
        if ended(reached):
            break
    runs_away, _, best = min(found, key=lambda one: one[:2], default=(True, np.inf, None))
    return Tried(best, not runs_away, reached, begun.spent)


def _of_few_terms(course: Course, callback: Watcher) -> tuple[Course, list[Reached]]:
    """The terms of a polynomial that explain more than noise does, and what that has taken."""
    here, taken = of_terms(course, every_term(course)), []
    for _ in range(ROUNDS):
        try:
            tangent = tangent_of_pieces(here)
        except KeyboardInterrupt:
            taken.append(interrupted_choice(here))
            break
        left = np.delete(tangent.every, tangent.spare()) if tangent.sound else tangent.every
        same = course.terms is not None and np.array_equal(left, course.terms)
        if same or not left.size <= min(tangent.most, tangent.every.size - 1):
            break
        other = of_terms(here, left, tangent.minimum(left))
        (one,) = run_stages(STAGES[1:], other, None, callback)
        taken.append(because(one, WHY_FEWER.format(tangent.every.size - left.size, tangent.every.size)))
        if ended(taken) or not _cost(other) < _cost(course):
            break
        course, here = other, of_terms(other, tangent.every)
    return course, taken


def _cost(course: Course) -> float:
    """Schwarz' criterion, as in `criterion`, of pieces that noise moves."""
    return course.surprise + float(np.log(course.data.observed)) * course.determined


def _foretells(before: Fitted, course: Course) -> bool:
    """Whether a fit has predicted runs that it had not seen far better than the one of pieces follows those it has."""
    return before.validation is not None and bool(before.validation < np.sqrt(whole_loss(course)) / FARTHER)


def _missed(course: Course, task: Task) -> float:
    """From first rows or fitted starts, whichever is worse, in standard deviations."""
    return max(float(np.sqrt(whole_loss(course))), error_from_rows(course, task.data))
