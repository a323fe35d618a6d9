"""Running stages: one after the other, watched by held-out trajectories."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..data.trajectories import Trajectories
from ..models import NeuralODE
from ..optimise import StopReason
from .course import Course
from .new_runs import Unseen, new_runs
from .record import Progressed, Record, Stage
from .settled import loss_on_mesh
from .stages import STAGES, WHY, WHY_HIDDEN, WHY_SEEN
from .validation import error_of_runs, predict_unseen

# Times the best error on held-out trajectories, which may lie where no other does: the last stage is most exact, and
# is given up only where it is clearly worse; then the earliest that is about as good as the best is the smoothest.
CLEARLY_WORSE, ABOUT_AS_GOOD = 1.3, 1.1

Watcher = Callable[[Progressed], None] | None


class Reached(NamedTuple):
    """Where a stage ended, and the error of held-out trajectories there."""

    stage: Stage
    model: NeuralODE
    decay: np.ndarray
    error: float


def run_stages(names: Sequence[str], course: Course, held_out: Trajectories | None, callback: Watcher) -> list[Reached]:
    """All of them, or up to the one that was interrupted."""
    course.brief |= "polish" in names
    reached = []
    for name in names:
        stage, error = _run_stage(name, course, callback), float("nan")
        if held_out is not None and stage.reason is not StopReason.INTERRUPTED:
            try:
                error = course.journal.value("held out", lambda: error_of(course, held_out))
                course.held_out = error**2
                course.spent[-1].tell_held_out(course.held_out)
            except KeyboardInterrupt:
                stage = replace(stage, reason=StopReason.INTERRUPTED)
        course.passes(None if np.isnan(error) else error**2)
        reached.append(Reached(stage, course.parameters.model, course.decay, error))
        if ended(reached):
            break
    return reached


def error_of(course: Course, held_out: Trajectories) -> float:
    """The error of trajectories that are held out, run freely by the model as it is now."""
    model, observe = course.parameters.model, course.observe and course.observe.observe
    return error_of_runs(model, held_out, _predicted_by(model, course, held_out), observe)


def unseen_by(model: NeuralODE, course: Course, held_out: Trajectories) -> Unseen:
    """Trajectories that are held out, run freely by a model that the course came to; also from their first rows."""
    found, observe = _predicted_by(model, course, held_out), course.observe and course.observe.observe
    return Unseen(found, new_runs(model, held_out, found, course.noise, observe) if course.train_starts else None)


def _predicted_by(model: NeuralODE, course: Course, held_out: Trajectories) -> Trajectories:
    """Trajectories that are held out, started as those of the course, and run freely by a model that it came to."""
    observe = course.observe and course.observe.observe
    return predict_unseen(
        model, held_out, noisy=course.train_starts, known=course.known_starts, noise=course.noise, observe=observe
    )


def best_of(reached: Sequence[Reached]) -> int:
    """The last, unless it is clearly worse than the best; then the earliest that is about as good as that."""
    least = min(one.error for one in reached)
    if reached[-1].error <= CLEARLY_WORSE * least:
        return len(reached) - 1
    return next(i for i, one in enumerate(reached) if one.error <= ABOUT_AS_GOOD * least)


def _run_stage(name: str, course: Course, callback: Watcher) -> Stage:
    # The other stages have limits of their own, which few reach.
    record = Record(name, callback, course.held_out, course.options.max_evals if name == "full" else None)
    record.evaluations = sum(course.uncounted)
    course.uncounted.clear()
    record.time_limit = course.seconds_left(record)
    try:
        reason = STAGES[name](course, record)
    except KeyboardInterrupt:
        reason = StopReason.INTERRUPTED
    number = len(course.spent)
    course.spent.append(record)
    course.path += (number,)
    how = "estimated with it" if course.train_starts else "taken from the first rows"
    decay = "the evidence sets the weight decay" if course.choose else "the weight decay is the one that was given"
    why = WHY[name] + {"full": f"; initial states {how}", "polish": f", and {decay}"}.get(name, "")
    if name == "matching":
        why = why_matching(course, why)
    note = f"{record.failed_searches} failed line searches, {record.rejected} trials that diverged"
    return Stage(name, why, reason, tuple(record.rows), note if name == "full" else "", record.rejected, number)


def why_matching(course: Course, what: str) -> str:
    """What is done in it, after what makes it possible."""
    return (WHY_HIDDEN if course.hidden else WHY_SEEN).format(what)


def because(reached: Reached, why: str) -> Reached:
    """The same, told of with another reason."""
    return reached._replace(stage=replace(reached.stage, why=why))


def ended(reached: Sequence[Reached]) -> bool:
    """Whether a person or the clock wants no more."""
    return bool(reached) and reached[-1].stage.reason.cut_short


def whole_loss(course: Course) -> float:
    """The mean square of the residuals of whole trajectories, also where no stage has solved them."""
    if np.isnan(course.loss):
        course.mesher.refine(course.parameters.model, course.parameters.starts)
        course.loss = loss_on_mesh(course)
    return course.loss
