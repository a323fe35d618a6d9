"""A fit in stages: each begins where the one before it ended, and the one that predicts best is kept."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..data.trajectories import Trajectories
from ..models import NeuralODE
from ..optimise import StopReason
from .at_once import MUCH_WORSE
from .attempts import attempts
from .basin import EXACT
from .beginning import begin, new_course
from .beside import is_wider
from .course import Course
from .doubts import is_dense
from .evidence import has_physics
from .first_rows import from_first_rows
from .from_zero import few_terms
from .given import GIVEN, error_from_rows, is_better, reaches_ends
from .linear import is_linear
from .new_runs import Unseen
from .prediction import are_grown
from .process_noise import Ahead
from .record import Record, Stage, seconds_left
from .running import CLEARLY_WORSE, Reached, Watcher, best_of, ended, error_of, run_stages, unseen_by, whole_loss
from .so_far import best_so_far, error_unseen, nearest
from .start_estimates import estimate_starts, usual_starts
from .task import Task

WHY_ALONE = (
    "with all trajectories, predictions of the polynomial did not reach the end of each of them: the network was "
    "fitted alone."
)
WHY_STEADIER = (
    "from first rows the polynomial missed the runs by {:.2g} standard deviations, for it magnifies the errors of "
    "starts: the network alone, which does so less, is kept."
)
NOT_NEARER = f"no stage came nearer to the data than {GIVEN}, which was kept."


class Fitted(NamedTuple):
    """Where the stages have led, and what that took.

    `validation` is the error of what was held out for a while, and `unseen` how it was predicted then; `ahead` are the
    errors one row ahead, of order one, where noise moves the system; `notes` what a person should know of the way.
    """

    course: Course
    stages: list[Stage]
    spent: list[Record]
    reason: StopReason
    validation: float | None = None
    unseen: Unseen | None = None
    ahead: Ahead | None = None
    notes: tuple[str, ...] = ()


def best_stages(model: NeuralODE, task: Task, callback: Watcher, notes: list[str]) -> Fitted:
    """Run the stages that suit the data; with trajectories to spare, first without some of them, then with all.

    All of them work on data that are transformed as the model's coordinates are; what comes out is in the data's units.

    Args:
        notes: to which is added what a person should know of the data, whichever way is kept.
    """
    as_given = model
    model, data, curves, held_out, course, names = begin(model, task, notes)
    limit = task.options.time_limit
    tried = attempts(names, course, held_out, callback)
    _, course, names, reached, _, way = min(tried, key=lambda attempt: attempt.error)
    stages = [stage for attempt in tried for stage in attempt.stages]
    finished = tried[-1].reached if ended(tried[-1].reached) else reached
    reason, earlier, validation, unseen = finished[-1].stage.reason, [], None, None
    if reason is StopReason.INTERRUPTED or (reason.cut_short and held_out is None):
        course = best_so_far(course, held_out)
    stages = _kept(stages, course)
    if held_out is not None and reason is not StopReason.INTERRUPTED:
        best = best_of(reached)
        validation = reached[best].error
        unseen = unseen_by(reached[best].model, course, held_out)
        # The last stage goes on from where it ended. Before an earlier one too little was known of the other
        # trajectories: of a chaotic series it finds better fits from a start that has seen them all.
        goes_on = best == len(names) - 1
        again = names[best:] if goes_on else names[: best + 1]
        way = (*way, _why_again(reached, held_out, again))
        time_left = seconds_left(limit, sum(record.run_s for record in course.spent))
        from_here = reached[best].model if goes_on else course.begun
        before, earlier = course, course.spent
        course = new_course(from_here, task, data, curves, smooth=course.smooth, time_limit=time_left)
        course.shaped_as(before)
        if goes_on:
            course.decay, course.terms, course.zero = reached[best].decay, before.terms, before.zero
            course.as_many, course.ruled_out = before.as_many, before.ruled_out
            if course.train_starts:  # from the data alone, where a first row is not complete, one may begin far off
                course.replace(from_here, starts_of_all(before, held_out, data.ids))
        finished = run_stages(again, course, None, callback)
        if course.terms is not None and not ended(finished):
            finished += _of_all_in_pieces(course, before, from_here, callback)
        elif not (goes_on or ended(finished)):
            further, why = _further(names[best + 1 :], course, validation, callback)
            finished, way = [*finished, *further], (*way, *why)
        again_why = "again, with all trajectories"
        with_all = [replace(stage, why=again_why) for stage in stages_of(finished, course)]
        course, last, more = terms_of_all(course, finished, callback)
        with_all += stages_of(more, course)
        reason = last.stage.reason
        if reason.cut_short and (better := _better_before(course, before, held_out)) is not None:
            validation, unseen = error_unseen(better, held_out), unseen_by(better.parameters.model, better, held_out)
            stages, with_all = _kept(stages, better), _kept(with_all, course)
        stages += with_all
    course, more = from_first_rows(course, finished, callback)
    stages += stages_of(more, course)
    reason = more[-1].stage.reason if ended(more) else reason
    fitted = Fitted(course, stages, [*earlier, *course.spent], reason, validation, unseen, notes=way)
    if is_wider(course.parameters.model) and not is_wider(as_given) and not reason.cut_short:
        if held_out is not None and not reaches_ends(course, task.data):
            return _because(WHY_ALONE, _network_alone(as_given, task, callback, fitted))
        if is_dense(course):
            return _steadier(as_given, task, callback, fitted)
    if has_physics(model):
        given = new_course(model, task, data, curves, smooth=course.smooth, time_limit=None)
        if is_better(given, course, task.data):
            stages = [replace(stage, kept=False) for stage in stages]
            return Fitted(given, stages, fitted.spent, reason, notes=(*way, NOT_NEARER))
    return fitted


def stages_of(reached: Sequence[Reached], course: Course) -> list[Stage]:
    """The stages that have ended there, and whether they led to where the course is."""
    return _kept([one.stage for one in reached], course)


def _kept(stages: Sequence[Stage], course: Course) -> list[Stage]:
    """The same, told of by whether they led to where the course is."""
    return [replace(stage, kept=stage.number in course.path) for stage in stages]


def terms_of_all(course: Course, finished: list[Reached], callback: Watcher) -> tuple[Course, Reached, list[Reached]]:
    """A law with its terms chosen anew, once all data are seen: the more they are, the less is left to chance.

    Also where that has ended, and what it took. Not of a law whose terms were chosen by what was held out.
    """
    if course.terms is None or course.as_many is not None or is_linear(course) or ended(finished):
        return course, finished[-1], []
    law, last, taken = few_terms(course, finished[-1], None, callback)
    return law, (taken[-1] if ended(taken) else last), taken


def _because(why: str, fitted: Fitted) -> Fitted:
    """The same, told of with why it was made."""
    return fitted._replace(notes=(why, *fitted.notes))


def _network_alone(model: NeuralODE, task: Task, callback: Watcher, before: Fitted) -> Fitted:
    """The same with nothing but a network of all states; as it was, where that is cut short before it comes nearer."""
    left = seconds_left(task.options.time_limit, sum(record.run_s for record in before.spent))
    task = replace(task, options=replace(task.options, degree=0, time_limit=left))
    fitted = best_stages(model, task, callback, [])  # the data are those before
    spent = [*before.spent, *fitted.spent]
    if fitted.reason.cut_short and nearest([before.course, fitted.course]) is before.course:
        stages = [*before.stages, *(replace(stage, kept=False) for stage in fitted.stages)]
        return before._replace(stages=stages, spent=spent, reason=fitted.reason)
    stages = [*(replace(stage, kept=False) for stage in before.stages), *fitted.stages]
    return fitted._replace(stages=stages, spent=spent)


def _steadier(model: NeuralODE, task: Task, callback: Watcher, before: Fitted) -> Fitted:
    """The network alone, where a polynomial of many terms magnifies the errors of starts and the network does not: it
    may be unstable where no run has been, which fitted starts do not show."""
    error = error_from_rows(before.course, task.data)
    if not are_grown(error, float(np.sqrt(whole_loss(before.course)))):
        return before
    alone = _network_alone(model, task, callback, before)
    better = error_from_rows(alone.course, task.data) < error / MUCH_WORSE
    if better and whole_loss(alone.course) <= MUCH_WORSE**2 * whole_loss(before.course):
        return _because(WHY_STEADIER.format(error), alone)
    others = [replace(stage, kept=False) for stage in alone.stages[len(before.stages) :]]
    reason = alone.reason if alone.reason.cut_short else before.reason
    return before._replace(stages=[*before.stages, *others], spent=alone.spent, reason=reason)


def starts_of_all(course: Course, held_out: Trajectories, ids: Sequence[str]) -> np.ndarray:
    """In coordinates of order one: the fitted starts of the trajectories of a course, and what they say of others."""
    known = {**course.known_starts, **starts_of_others(course, held_out)}
    return np.asarray(course.coordinates.states_in(np.stack([known[name][1] for name in ids])))


def starts_of_others(course: Course, others: Trajectories) -> dict[str, tuple[float, np.ndarray]]:
    """Time and state, in the data's units, from which trajectories start that a course has not seen."""
    model, observe = course.parameters.model, course.observe and course.observe.observe
    known = (start for _, start in course.known_starts.values())
    prior = usual_starts(model, others, known, course.noise, observe)
    return estimate_starts(model, others, prior=prior, observe=observe)


def _of_all_in_pieces(course: Course, before: Course, model: NeuralODE, callback: Watcher) -> list[Reached]:
    """A law of all trajectories by way of short pieces, where those that it had not seen cannot be followed from it.

    Args:
        before: the fit of the others.
        model: where that has ended.
    """
    if course.loss <= MUCH_WORSE**2 * max(before.loss, EXACT**2):
        return []
    return _unless_worse(("shooting", "polish"), model, course, callback)


def _further(
    names: Sequence[str], course: Course, validation: float, callback: Watcher
) -> tuple[list[Reached], list[str]]:
    """The later stages, where the chosen ones end clearly above what they promised for trajectories they had not seen;
    and why.

    Then they did well by chance: matching and shooting minimise other losses than that of whole trajectories.
    """
    before = whole_loss(course)
    if np.sqrt(before) <= CLEARLY_WORSE * validation:
        return [], []
    why = (
        f"with all trajectories the model ended at RMSE/sd {np.sqrt(before):.3g}, clearly above the "
        f"{validation:.3g} of those held out: {', '.join(names)} were run after all."
    )
    return _unless_worse(names, course.parameters.model, course, callback), [why]


def _unless_worse(names: Sequence[str], model: NeuralODE, course: Course, callback: Watcher) -> list[Reached]:
    """Run stages from a model, and go back to where the course was if they lead to no lower loss."""
    parameters, decay, noise, before = course.parameters, course.decay, course.noise, whole_loss(course)
    path = course.path
    course.replace(model)
    course.loss = float("nan")  # of other parameters, once shooting has moved them
    reached = run_stages(names, course, None, callback)
    if not whole_loss(course) <= before:
        course.parameters, course.decay, course.noise, course.loss = parameters, decay, noise, before
        course.path = path
    return reached


def _better_before(course: Course, before: Course, held_out: Trajectories) -> Course | None:
    """Keep the best model found before, where stages that were cut short have not yet led to one that is as good.

    By what was held out, of which that model has seen nothing: to solve all of many trajectories may take minutes, of a
    network that has hardly begun to learn, and who sets a limit of time waits for no more.

    Returns:
        Where the fit was then; None where its model is not kept.
    """
    best = best_so_far(before, held_out)
    if error_of(course, held_out) <= error_unseen(best, held_out):
        return None
    starts = starts_of_all(best, held_out, course.data.ids) if course.train_starts else None
    course.terms, course.zero, course.decay, course.path = best.terms, best.zero, best.decay, ()
    course.replace(best.parameters.model, starts)
    course.loss = float("nan")
    return best


def _why_again(reached: Sequence[Reached], held_out: Trajectories, again: Sequence[str]) -> str:
    errors = ", ".join(f"{one.stage.name} {one.error:.3g}" for one in reached)
    shown = ", ".join(held_out.ids[:5]) + (f", ... ({len(held_out)} in all)" if len(held_out) > 5 else "")
    return f"held out {shown} (RMSE/sd: {errors}); then {', '.join(again)} with them as well."
