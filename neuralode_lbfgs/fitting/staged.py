"""A fit in stages: each begins where the one before it ended, and the one that predicts best is kept."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ..data.trajectories import Trajectories
from ..models import NeuralODE, Tableau
from ..optimise import LBFGS, Optax, StopReason
from .course import Course
from .evidence import weight_groups
from .gauss_newton import Point
from .losses import Parameters
from .matching import collect_slopes
from .mesh import Mesher
from .options import FitOptions
from .polish import WholeTrajectories
from .preparing import prepared
from .record import Progressed, Record, Stage
from .result import FitResult
from .smoothing import smooth_all
from .stages import FIRST_DECAY, STAGES, WHY, newton_pays
from .starts import first_states
from .validation import free_run_error, hold_out

ABOUT_AS_GOOD = 1.1  # times the best error on held-out trajectories: the earliest stage within it is smoother
TIME_TO_CHOOSE = 0.6  # of the time limit, before the fit to all trajectories
MESH_TOLERANCE = {"float64": 1e-6, "float32": 1e-4}
MOST_STEPS = 2_000_000

Watcher = Callable[[Progressed], None] | None


class Reached(NamedTuple):
    """Where a stage ended, and the error of held-out trajectories there."""

    stage: Stage
    model: NeuralODE
    decay: np.ndarray
    error: float


def fit_in_stages(
    model: NeuralODE,
    data: Trajectories,
    options: FitOptions,
    optimizer: LBFGS | Optax,
    callback: Watcher,
    notes: list[str],
) -> FitResult:
    """Run the stages that suit the data; with trajectories to spare, first without some of them, then with all."""
    curves = smooth_all(data)
    model = prepared(model, data, curves)
    held_out = hold_out(data) if options.validation and not options.stages else None
    part = data if held_out is None else data.split(ids=held_out.ids)[0]
    by_id = dict(zip(data.ids, curves, strict=True))
    course = _course(model, part, tuple(by_id[name] for name in part.ids), options, optimizer)
    if options.time_limit is not None:
        course.time_limit = options.time_limit * (1.0 if held_out is None else TIME_TO_CHOOSE)
    names = _plan(course, notes)
    reached = _run_stages(names, course, held_out, callback, notes)
    stages, spent = [one.stage for one in reached], course.spent
    if held_out is not None and stages[-1].reason is not StopReason.INTERRUPTED:
        best = _best(reached)
        # The last stage goes on from where it ended. Before an earlier one too little was known of the other
        # trajectories: of a chaotic series it finds better fits from a start that has seen them all.
        goes_on = best == len(names) - 1
        again = names[best:] if goes_on else names[: best + 1]
        errors = ", ".join(f"{one.stage.name} {one.error:.3g}" for one in reached)
        notes.append(
            f"held out {', '.join(held_out.ids)} (RMSE/sd: {errors}); then {', '.join(again)} with all trajectories."
        )
        course = _course(reached[best].model if goes_on else model, data, curves, options, optimizer)
        if goes_on:
            course.decay = reached[best].decay
        if options.time_limit is not None:
            course.time_limit = options.time_limit - sum(record.run_s for record in spent)
        finished = [one.stage for one in _run_stages(again, course, None, callback, notes)]
        stages += [replace(stage, why="again, with all trajectories") for stage in finished]
        if stages[-1].reason is StopReason.INTERRUPTED and not goes_on:
            course.replace(reached[best].model)
        spent = [*spent, *course.spent]
    coordinates = course.mesher.coordinates
    final = np.asarray(coordinates.states_out(np.asarray(course.parameters.starts, np.float64)))
    return FitResult(
        model=course.parameters.model,
        data=data,
        starts=dict(zip(course.data.ids, final, strict=True)),
        stages=tuple(stages),
        stop_reason=stages[-1].reason,
        iterations=sum(record.iterations for record in spent),
        evaluations=sum(record.evaluations for record in spent),
        compile_s=sum(record.compile_s for record in spent),
        run_s=sum(record.run_s for record in spent),
        initial_loss=course.initial_loss,
        loss=_whole_loss(course) if np.isnan(course.loss) else course.loss,
        noise=course.noise,
        estimated=course.train_starts,
        notes=tuple(notes),
    )


def _course(model: NeuralODE, data: Trajectories, curves, options: FitOptions, optimizer: LBFGS | Optax) -> Course:
    """Everything that stages share, at its beginning."""
    # In NumPy: every operation on JAX arrays outside a compiled program compiles a program of its own.
    coordinates, dtype = jax.tree.map(np.asarray, model.coordinates), jnp.result_type(float)
    starts, estimated = first_states(data, curves, options)
    decay = FIRST_DECAY if options.weight_decay is None else options.weight_decay
    return Course(
        data=data,
        curves=curves,
        options=options,
        optimizer=optimizer,
        parameters=Parameters(model, jnp.asarray(coordinates.states_in(starts), dtype)),
        train_starts=estimated,
        mesher=Mesher(data, coordinates, Tableau(model.solver), MESH_TOLERANCE[jnp.dtype(dtype).name], MOST_STEPS),
        decay=np.full(max(len(weight_groups(model)), 1), decay),
        slopes=collect_slopes(data, curves, coordinates, dtype),
    )


def _run_stages(
    names: Sequence[str], course: Course, held_out: Trajectories | None, callback: Watcher, notes: list[str]
) -> list[Reached]:
    """All of them, or up to the one that was interrupted."""
    course.brief = "polish" in names
    reached = []
    for name in names:
        stage = _run_stage(name, course, callback, notes)
        interrupted, error = stage.reason is StopReason.INTERRUPTED, float("nan")
        if held_out is not None and not interrupted:
            error = free_run_error(course.parameters.model, held_out, noisy=course.train_starts)
        reached.append(Reached(stage, course.parameters.model, course.decay, error))
        if stage.reason in (StopReason.INTERRUPTED, StopReason.TIME_LIMIT):
            break
    return reached


def _best(reached: Sequence[Reached]) -> int:
    """The earliest that is about as good as the best."""
    enough = ABOUT_AS_GOOD * min(one.error for one in reached)
    return next(i for i, one in enumerate(reached) if one.error <= enough)


def _whole_loss(course: Course) -> float:
    """The mean square of the residuals of whole trajectories, where no stage has solved them."""
    coordinates, solver = course.mesher.coordinates, course.solver
    problem = WholeTrajectories(course.data, coordinates, solver, course.cut(), train_starts=False)
    return problem.value(Point(solver.numbers(course.parameters.model), np.asarray(course.parameters.starts)))


def _run_stage(name: str, course: Course, callback, notes: list[str]) -> Stage:
    record = Record(name, callback)
    try:
        reason = STAGES[name](course, record)
    except KeyboardInterrupt:
        reason = StopReason.INTERRUPTED
    course.spent.append(record)
    if name == "full":
        notes += _warnings_of(record)
    how = "estimated with it" if course.train_starts else "taken from the first rows"
    why = WHY[name] + (f"; initial states {how}" if name == "full" else "")
    note = f"{record.failed_searches} failed line searches, {record.rejected} trials that diverged"
    return Stage(name, why, reason, tuple(record.rows), note if name == "full" else "")


def _plan(course: Course, notes: list[str]) -> tuple[str, ...]:
    """The stages to run: those that were asked for, else those that suit the data and the model."""
    asked = course.options.stages
    newton = isinstance(course.optimizer, LBFGS) and newton_pays(course)
    names = asked or (("matching", "shooting", "full", "polish") if newton else ("matching", "full"))
    if course.slopes is None and "matching" in names:
        notes.append("derivative matching was left out: no trajectory shows every state often enough.")
        names = tuple(name for name in names if name != "matching")
    if not names:
        raise ValueError("no stage is left to run; add one with stages (full).")
    return tuple(names)


def _warnings_of(record: Record) -> list[str]:
    notes = []
    searches = max(record.iterations, 1)
    if record.evaluations > 4 * searches and record.iterations >= 10:
        notes.append(
            f"line searches took {record.evaluations / searches:.1f} evaluations an iteration; about one is usual: "
            "the loss is rough (tighten rtol) or badly scaled (try a smaller initial_step)."
        )
    if record.rejected > 0.2 * max(record.evaluations, 1):
        notes.append(
            f"{record.rejected} of {record.evaluations} trials diverged; a smaller initial_step or shorter "
            "trajectories may help."
        )
    return notes
