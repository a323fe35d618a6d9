"""A fit in stages: each begins where the one before it ended, and the one that predicts best is kept."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ..data.trajectories import Trajectories
from ..models import NeuralODE, count_trained, steps_of
from ..optimise import LBFGS, StopReason
from .attempts import ALL_STAGES, MUCH_WORSE, attempts, first_smooth
from .basin import EXACT
from .beside import has_polynomial, what_is_left
from .course import Course
from .doubts import doubts_of, is_dense
from .dual import FEWEST_WEIGHTS
from .evidence import has_physics, weight_groups
from .first_rows import from_first_rows
from .from_zero import few_terms
from .given import GIVEN, error_from_rows, is_better, reaches_ends
from .hidden import are_derivatives, hidden_size, state_curves, unobserved
from .law import Term, law_of
from .linear import is_linear, said_of_eigenvalues
from .losses import Parameters
from .matching import collect_slopes
from .mesh import Mesher
from .observing import Observation
from .physics import parameters_after
from .prediction import are_grown
from .preparing import prepared
from .problems import newton_pays
from .process_noise import Ahead
from .record import Record, Stage, seconds_left
from .result import FitResult
from .running import Reached, Watcher, best_of, ended, error_of, run_stages, unseen_by, whole_loss
from .scaling import find_coordinates
from .settled import settled_loss, unsettled_note
from .smoothing import SmoothTrajectory, smooth_all
from .start_estimates import estimate_starts, usual_starts
from .starts import first_states
from .stiffness import stiffness_note
from .task import Task
from .transforms import transform_for, transformed
from .uncertainty import sds_of_physics
from .validation import hold_out
from .waking import held_by

WHY_ALONE = (
    "with all trajectories, predictions of the polynomial did not reach the end of each of them: the network was "
    "fitted alone."
)
WHY_STEADIER = (
    "from first rows the polynomial missed the runs by {:.2g} standard deviations, for it magnifies the errors of "
    "starts: the network alone, which does so less, is kept."
)
EXPLAINS = 0.1  # of the variance left: the eigenvalues of a law that explains less are those of nothing
TIME_TO_CHOOSE = 0.6  # of the time limit, before the fit to all trajectories


class Fitted(NamedTuple):
    """Where the stages have led, and what that took.

    `validation` is the error of what was held out for a while, and `unseen` how it was predicted then; `ahead` are the
    errors one row ahead, of order one, where noise moves the system.
    """

    course: Course
    stages: list[Stage]
    spent: list[Record]
    reason: StopReason
    validation: float | None = None
    unseen: Trajectories | None = None
    ahead: Ahead | None = None


def best_stages(model: NeuralODE, task: Task, callback: Watcher, notes: list[str]) -> Fitted:
    """Run the stages that suit the data; with trajectories to spare, first without some of them, then with all.

    All of them work on data that are transformed as the model's coordinates are; what comes out is in the data's units.
    """
    as_given, told = model, len(notes)
    model, data, curves, held_out, course, names = begin(model, task, notes)
    limit = task.options.time_limit
    tried = attempts(names, course, held_out, callback, notes)
    _, course, names, reached, _ = min(tried, key=lambda attempt: attempt.error)
    stages = [replace(stage, kept=stage.number in course.path) for attempt in tried for stage in attempt.stages]
    finished = tried[-1].reached if ended(tried[-1].reached) else reached
    reason, earlier, validation, unseen = finished[-1].stage.reason, [], None, None
    if held_out is not None and reason is not StopReason.INTERRUPTED:
        best = best_of(reached)
        validation = reached[best].error
        unseen = unseen_by(reached[best].model, course, held_out)
        # The last stage goes on from where it ended. Before an earlier one too little was known of the other
        # trajectories: of a chaotic series it finds better fits from a start that has seen them all.
        goes_on = best == len(names) - 1
        again = names[best:] if goes_on else names[: best + 1]
        notes.append(_why_again(reached, held_out, again))
        time_left = seconds_left(limit, sum(record.run_s for record in course.spent))
        from_here = reached[best].model if goes_on else course.begun
        before, earlier = course, course.spent
        course = new_course(from_here, task, data, curves, smooth=course.smooth, time_limit=time_left)
        course.shaped_as(before)
        if goes_on:
            course.decay, course.terms, course.zero = reached[best].decay, before.terms, before.zero
            if course.train_starts:  # from the data alone, where a first row is not complete, one may begin far off
                course.replace(from_here, starts_of_all(before, held_out, data.ids))
        finished = run_stages(again, course, None, callback, notes)
        if course.terms is not None and not ended(finished):
            finished += _of_all_in_pieces(course, before, from_here, callback)
        elif not (goes_on or ended(finished)):
            finished += _further(names[best + 1 :], course, validation, callback, notes)
        again_why = "again, with all trajectories"
        stages += [replace(stage, why=again_why) for stage in stages_of(finished, course)]
        course, last, more = terms_of_all(course, finished, callback)
        stages += stages_of(more, course)
        reason = last.stage.reason
        if reason.cut_short and not goes_on:
            _unless_better(course, reached[best], held_out)
    course, more = from_first_rows(course, finished, callback)
    stages += stages_of(more, course)
    reason = more[-1].stage.reason if ended(more) else reason
    fitted = Fitted(course, stages, [*earlier, *course.spent], reason, validation, unseen)
    if has_polynomial(course.parameters.model) and not has_polynomial(as_given) and not reason.cut_short:
        if held_out is not None and not reaches_ends(course, task.data):
            notes[told:] = [WHY_ALONE]
            return _network_alone(as_given, task, callback, notes, fitted)
        if is_dense(course):
            return _steadier(as_given, task, callback, notes, told, fitted)
    if has_physics(model):
        given = new_course(model, task, data, curves, smooth=course.smooth, time_limit=None)
        if is_better(given, course, task.data):
            notes.append(f"no stage came nearer to the data than {GIVEN}, which was kept.")
            return Fitted(given, [replace(stage, kept=False) for stage in stages], fitted.spent, reason)
    return fitted


def stages_of(reached: Sequence[Reached], course: Course) -> list[Stage]:
    """The stages that have ended there, and whether they led to where the course is."""
    return [replace(one.stage, kept=one.stage.number in course.path) for one in reached]


def terms_of_all(course: Course, finished: list[Reached], callback: Watcher) -> tuple[Course, Reached, list[Reached]]:
    """A law with its terms chosen anew, once all data are seen: the more they are, the less is left to chance.

    Also where that has ended, and what it took.
    """
    if course.terms is None or is_linear(course) or ended(finished):
        return course, finished[-1], []
    law, last, taken = few_terms(course, finished[-1], None, callback)
    return law, (taken[-1] if ended(taken) else last), taken


def _network_alone(model: NeuralODE, task: Task, callback: Watcher, notes: list[str], before: Fitted) -> Fitted:
    """The same without a polynomial, which all trajectories have led where predictions end."""
    left = seconds_left(task.options.time_limit, sum(record.run_s for record in before.spent))
    task = replace(task, options=replace(task.options, degree=0, time_limit=left))
    fitted = best_stages(model, task, callback, notes)
    stages = [*(replace(stage, kept=False) for stage in before.stages), *fitted.stages]
    return fitted._replace(stages=stages, spent=[*before.spent, *fitted.spent])


def _steadier(model: NeuralODE, task: Task, callback: Watcher, notes: list[str], told: int, before: Fitted) -> Fitted:
    """The network alone, where a polynomial of many terms magnifies the errors of starts and the network does not: it
    may be unstable where no run has been, which fitted starts do not show.

    Args:
        told: how many notes there were before the fit that led to the polynomial.
    """
    error = error_from_rows(before.course, task.data)
    if not are_grown(error, float(np.sqrt(whole_loss(before.course)))):
        return before
    said = notes[:told]
    alone = _network_alone(model, task, callback, said, before)
    better = error_from_rows(alone.course, task.data) < error / MUCH_WORSE
    if better and whole_loss(alone.course) <= MUCH_WORSE**2 * whole_loss(before.course):
        notes[:] = [*said, WHY_STEADIER.format(error)]
        return alone
    others = [replace(stage, kept=False) for stage in alone.stages[len(before.stages) :]]
    return before._replace(stages=[*before.stages, *others], spent=alone.spent)


class Begun(NamedTuple):
    """A fit before its first stage: model, data and curves as they are modelled, what is held out, stages to run."""

    model: NeuralODE
    data: Trajectories
    curves: Sequence[SmoothTrajectory]
    held_out: Trajectories | None
    course: Course
    names: tuple[str, ...]


def begin(model: NeuralODE, task: Task, notes: list[str]) -> Begun:
    """Everything up to the first stage."""
    measured, options, observe = task.data, task.options, task.observe
    transform = transform_for(model, measured, options, notes, observe)
    seen = transformed(measured, transform)
    held_out = hold_out(measured) if options.validation and not options.stages else None
    # Of hidden states curves are guesses that depend on the model; all others are those of the data.
    model_too = None if observe is None and hidden_size(model, seen) == 0 else model
    states, curves = task.programs.shared(
        "curves", (), (measured, transform, observe, model_too), lambda: state_curves(model, seen, observe)
    )
    model = prepared(model, states, curves, transform)
    data = states if observe is None else seen
    part = data if held_out is None else data.split(ids=held_out.ids)[0]
    by_id = dict(zip(data.ids, curves, strict=True))
    limit = options.time_limit
    time_to_choose = limit if limit is None or held_out is None else TIME_TO_CHOOSE * limit
    part_curves = tuple(by_id[name] for name in part.ids)
    course = new_course(model, task, part, part_curves, smooth=first_smooth(part), time_limit=time_to_choose)
    course.times_as_many = data.observed / part.observed
    return Begun(model, data, curves, held_out, course, _plan(course, notes))


def as_result(task: Task, fitted: Fitted, notes: list[str]) -> FitResult:
    """What a fit has come to."""
    course, stages, spent, reason, validation, unseen, ahead = fitted
    on_mesh = whole_loss(course)
    loss = on_mesh if reason.cut_short else settled_loss(course)  # who interrupts, or sets a limit, waits for no more
    law: tuple[Term, ...] = ()
    sds: dict[str, np.ndarray] = {}
    with suppress(KeyboardInterrupt, np.linalg.LinAlgError):  # the model is there already
        sds = {} if reason.cut_short else sds_of_physics(course)
        if is_linear(course):
            notes += [said_of_eigenvalues(course)] if loss < EXPLAINS else []
        else:
            law = law_of(course)
    notes += [
        *_said_of_noise(course, ahead),
        *doubts_of(course, law),
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
        unseen=unseen,
        ahead=None if ahead is None else ahead.root_mean_square * course.coordinates.scale,
        ends=_ends_of(course),
        parameters=parameters_after(task, course.parameters.model, sds),
        law=law,
    )


def _starts_of_each(measured: Trajectories, course: Course) -> dict[str, np.ndarray]:
    """Those that were fitted; of trajectories that were held out when a person stopped the fit, what is seen first of
    each state, or the mean of the others."""
    starts = {name: start for name, (_, start) in course.known_starts.items()}
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
    missed = [f"{name} by {error:.3g}" for name, error in errors]
    told = [
        f"noise moves the system itself: one row ahead {', '.join(missed)} standard deviations are missed, and whole "
        "runs are led elsewhere; what comes after the last rows is forecast from there."
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


def starts_of_all(course: Course, held_out: Trajectories, ids: Sequence[str]) -> np.ndarray:
    """In coordinates of order one: the fitted starts of the trajectories of a course, and what they say of others."""
    model, observe = course.parameters.model, course.observe and course.observe.observe
    known = course.known_starts
    prior = usual_starts(model, held_out, (start for _, start in known.values()), course.noise, observe)
    known = {**known, **estimate_starts(model, held_out, prior=prior, observe=observe)}
    return np.asarray(course.coordinates.states_in(np.stack([known[name][1] for name in ids])))


def _of_all_in_pieces(course: Course, before: Course, model: NeuralODE, callback: Watcher) -> list[Reached]:
    """A law of all trajectories by way of short pieces, where those that it had not seen cannot be followed from it.

    Args:
        before: the fit of the others.
        model: where that has ended.
    """
    if course.loss <= MUCH_WORSE**2 * max(before.loss, EXACT**2):
        return []
    return _unless_worse(("shooting", "polish"), model, course, callback, [])


def _further(
    names: Sequence[str], course: Course, validation: float, callback: Watcher, notes: list[str]
) -> list[Reached]:
    """The later stages, where the chosen ones end far above what they had promised for trajectories they had not seen.

    Then they did well by chance: matching and shooting minimise other losses than that of whole trajectories.
    """
    before = whole_loss(course)
    if np.sqrt(before) <= MUCH_WORSE * validation:
        return []
    notes.append(
        f"with all trajectories the model ended at RMSE/sd {np.sqrt(before):.3g}, far above the {validation:.3g} of "
        f"those held out: {', '.join(names)} were run after all."
    )
    return _unless_worse(names, course.parameters.model, course, callback, notes)


def _unless_worse(
    names: Sequence[str], model: NeuralODE, course: Course, callback: Watcher, notes: list[str]
) -> list[Reached]:
    """Run stages from a model, and go back to where the course was if they lead to no lower loss."""
    parameters, decay, noise, before = course.parameters, course.decay, course.noise, whole_loss(course)
    path = course.path
    course.replace(model)
    course.loss = float("nan")  # of other parameters, once shooting has moved them
    reached = run_stages(names, course, None, callback, notes)
    if not whole_loss(course) <= before:
        course.parameters, course.decay, course.noise, course.loss = parameters, decay, noise, before
        course.path = path
    return reached


def _unless_better(course: Course, before: Reached, held_out: Trajectories) -> None:
    """Keep a model found before, where stages that were cut short have not yet led to one that is as good.

    By what was held out, of which that model has seen nothing: to solve all of many trajectories may take minutes, of a
    network that has hardly begun to learn, and who sets a limit of time waits for no more.
    """
    if not error_of(course, held_out) <= before.error:
        course.replace(before.model)
        course.loss = float("nan")


def _why_again(reached: Sequence[Reached], held_out: Trajectories, again: Sequence[str]) -> str:
    errors = ", ".join(f"{one.stage.name} {one.error:.3g}" for one in reached)
    shown = ", ".join(held_out.ids[:5]) + (f", ... ({len(held_out)} in all)" if len(held_out) > 5 else "")
    return f"held out {shown} (RMSE/sd: {errors}); then {', '.join(again)} with them as well."


def new_course(
    model: NeuralODE,
    task: Task,
    data: Trajectories,
    curves: Sequence[SmoothTrajectory],
    *,
    smooth: float,
    time_limit: float | None,
) -> Course:
    """Everything that stages share, at its beginning.

    Args:
        data: those of the task that are fitted, in the units of the model's coordinates.
        curves: through them.
    """
    options, observe, programs = task.options, task.observe, task.programs
    # In NumPy: every operation on JAX arrays outside a compiled program compiles a program of its own.
    coordinates, dtype = jax.tree.map(np.asarray, model.coordinates.linear), jnp.result_type(float)
    first = first_states(data if observe is None else unobserved(data, model), curves, options)
    columns, observation = coordinates, None
    if observe is not None:
        found = find_coordinates(data, smooth_all(data))
        columns = replace(coordinates, centre=found.centre, scale=found.scale, rate_scale=found.rate_scale)
        observation = Observation(observe, coordinates, columns)
    slopes, seen = None, np.isfinite(np.concatenate([run.ys for run in data])).any(axis=0)
    if observe is None and (are_derivatives(model) or seen.all()):
        slopes = collect_slopes(data, curves, coordinates, dtype)
    decay = smooth if options.weight_decay is None else options.weight_decay
    mesher = Mesher(data, columns, steps_of(model.solver), dtype)
    mesher.program = programs.shared("mesh", None, None, lambda: mesher.program)
    return Course(
        data=data,
        curves=curves,
        options=options,
        optimizer=task.optimizer,
        begun=model,
        parameters=Parameters(model, jnp.asarray(coordinates.states_in(first.states), dtype)),
        train_starts=first.estimated,
        first_rows=None if first.rows is None else coordinates.states_in(first.rows),
        mesher=mesher,
        decay=np.full(max(len(weight_groups(model)), 1), decay),
        slopes=slopes,
        smooth=smooth,
        time_limit=time_limit,
        observe=observation,
        programs=programs,
        journal=task.journal,
    )


def _plan(course: Course, notes: list[str]) -> tuple[str, ...]:
    """The stages to run: those that were asked for, else those that suit the data and the model."""
    asked = course.options.stages
    newton = isinstance(course.optimizer, LBFGS) and newton_pays(course)
    # Of a large network, equations of all nodes and weights cost too much.
    large = count_trained(course.parameters.model) > FEWEST_WEIGHTS
    names = asked or tuple(
        name for name in ALL_STAGES if name in ("matching", "full") or (newton and not (large and name == "shooting"))
    )
    if course.slopes is None and "matching" in names:
        notes.append("derivative matching was left out: no trajectory shows the slopes of every state.")
        names = tuple(name for name in names if name != "matching")
    if not names:
        raise ValueError("no stage is left to run; add one with stages (full).")
    return tuple(names)
