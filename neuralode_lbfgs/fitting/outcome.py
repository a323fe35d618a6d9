"""What a fit has come to: its result, and what a person should know of it."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

import numpy as np

from ..data.trajectories import Trajectories
from ..models import EquationsOfMotion, Kinetics
from .beside import law_in, what_is_left
from .course import Course
from .diagnosis.view import listed
from .doubts import doubts_of
from .driven_by_noise import is_moved
from .energies import law_of_motion, said_of_energies
from .law import Term, law_of
from .linear import is_linear, said_of_eigenvalues
from .physics import parameters_after
from .process_noise import Ahead
from .rate_laws import law_of_kinetics
from .record import Stage
from .result import FitResult
from .running import whole_loss
from .settled import settled_loss, unsettled_note
from .staged import Fitted, starts_of_others
from .stiffness import stiffness_note
from .task import Task
from .uncertainty import sds_of_physics
from .waking import held_by

NOT_TOLD = "these rows do not tell whether noise moves the system itself, or the measurements alone are noisy"
EXPLAINS = 0.1  # of the variance left: the eigenvalues of a law that explains less are those of nothing
FEW_SEARCHES, MANY_TRIALS = 10, 4  # of which nothing is said; and evaluations of one, from which on that is much
# How a law is read in the place of a network; else that of a polynomial beside one.
READ: Mapping[type, Callable[[Course], tuple[Term, ...]]] = {
    EquationsOfMotion: law_of_motion,
    Kinetics: law_of_kinetics,
}


def as_result(task: Task, fitted: Fitted, notes: list[str]) -> FitResult:
    """What a fit has come to."""
    course, stages, spent, reason, validation, unseen, ahead, way = fitted
    predictions, new_runs = (None, None) if unseen is None else unseen
    on_mesh = whole_loss(course)
    loss = on_mesh if reason.cut_short else settled_loss(course)  # who interrupts, or sets a limit, waits for no more
    law: tuple[Term, ...] = ()
    sds: dict[str, np.ndarray] = {}
    with suppress(KeyboardInterrupt, np.linalg.LinAlgError):  # the model is there already
        model = course.parameters.model
        sds = {} if reason.cut_short or law_in(model) is not None else sds_of_physics(course)
        if is_linear(course):
            notes += [said_of_eigenvalues(course)] if loss < EXPLAINS else []
        else:
            law = READ.get(type(law_in(model)), law_of)(course)
    notes += [
        *way,
        *said_of_searches(stages),
        *_said_of_noise(course, ahead),
        *said_of_energies(law),
        *doubts_of(course, law, new_runs),
        *what_is_left(course.parameters.model),
        *stiffness_note(course),
        *unsettled_note(on_mesh, loss),
    ]
    return FitResult(
        model=course.parameters.model,
        data=task.data,
        starts=_starts_of_each(task.data, course),
        stages=tuple(stages),
        stop_reason=reason,
        iterations=sum(record.iterations for record in spent),
        evaluations=sum(record.evaluations for record in spent),
        compile_s=sum(record.compile_s for record in spent),
        run_s=sum(record.run_s for record in spent),
        initial_loss=course.initial_loss,
        loss=loss,
        noise=course.noise,
        estimated=course.train_starts and course.process is None,  # no run from a start follows noise for long
        notes=tuple(notes),
        observe=course.observe and course.observe.observe,
        held_by=held_by(course.options.weight_decay, course.begun, course.parameters.model, loss),
        validation=validation,
        unseen=predictions,
        new_runs=new_runs,
        ahead=None if ahead is None else ahead.root_mean_square * course.coordinates.scale,
        ends=_ends_of(course),
        parameters=parameters_after(task, course.parameters.model, sds),
        law=law,
    )


def said_of_searches(stages: Sequence[Stage]) -> list[str]:
    """Where line searches took far more evaluations than they should, in the full stages that led to the fit."""
    ends = [stage.history[-1] for stage in stages if stage.kept and stage.name == "full" and stage.history]
    return [
        f"line searches took {end.evaluations / end.iteration:.1f} evaluations an iteration; about one is usual: "
        "the loss is rough (tighten rtol) or badly scaled (try a smaller initial_step)."
        for end in ends
        if end.iteration >= FEW_SEARCHES and end.evaluations > MANY_TRIALS * end.iteration
    ]


def _starts_of_each(measured: Trajectories, course: Course) -> dict[str, np.ndarray]:
    """Those that were fitted; of trajectories that were held out when a person stopped the fit, what is seen first of
    each state, or the mean of the others; with hidden states, those that suit the model best."""
    known = course.known_starts
    unseen = [run for run in measured if run.id not in known]
    if unseen and course.train_starts and course.hidden:
        known |= starts_of_others(course, measured.with_trajectories(unseen))
    starts = {name: start for name, (_, start) in known.items()}
    mean = np.mean(list(starts.values()), axis=0)
    for run in measured:
        if run.id not in starts:
            starts[run.id] = mean.copy()
            for i, column in enumerate(run.ys.T if course.observe is None else ()):
                starts[run.id][i] = next((value for value in column if np.isfinite(value)), mean[i])
    return starts


def _said_of_noise(course: Course, ahead: Ahead | None) -> list[str]:
    """What a fit of pieces that noise moves misses one row ahead."""
    if ahead is None or course.process is None:
        return []
    errors = zip(course.data.state_names, ahead.root_mean_square, strict=True)
    missed = listed([f"{name} by {error:.3g}" for name, error in errors])
    led = (
        f"one row ahead {missed} standard deviations are missed, and whole runs are led elsewhere; what comes after "
        "the last rows is forecast from there. A state in no column looks much the same: compare with --hidden-states "
        "1 (hidden_states=1 in Python) on runs held out."
    )
    told = [
        f"{'noise moves the system itself' if ahead.is_shown else NOT_TOLD}: {led}"
        if is_moved(course, ahead)
        else f"no noise is seen that moves the system itself: one row ahead {missed} standard deviations are missed, "
        "as by noise of the measurements, and whole runs no farther; a fit without --process-noise suits them better."
    ]
    if not ahead.is_white:
        told.append(
            "errors one row ahead go together over several rows, as no noise does: something regular was missed, such "
            "as a hidden state or an input, and the law has a part of it."
        )
    return told


def _ends_of(course: Course) -> dict[str, np.ndarray]:
    """The states at the last rows, in the data's units, where noise has moved the system until then."""
    if course.ends is None:
        return {}
    return dict(zip(course.data.ids, course.coordinates.states_out(course.ends), strict=True))
