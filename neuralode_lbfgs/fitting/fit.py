"""`fit`: model, data, stages, result."""

import warnings
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from ..data.trajectories import Trajectories
from ..models import Coordinates, NeuralODE, Tableau, is_explicit, trainable, with_coordinates
from ..optimise import LBFGS, Optax, StopReason
from .direct import fit_directly
from .evidence import weight_groups
from .losses import Parameters
from .matching import collect_slopes
from .mesh import Mesher
from .options import FitOptions, with_keywords
from .record import Progressed, Record, Stage
from .result import FitResult
from .scaling import find_coordinates
from .smoothing import smooth_all
from .stages import FIRST_DECAY, STAGES, WHY, Course, newton_pays
from .starts import first_states
from .validation import free_run_error, hold_out

ABOUT_AS_GOOD = 1.1  # times the best error on held-out trajectories: the earliest stage within it is smoother
MESH_TOLERANCE = {"float64": 1e-6, "float32": 1e-4}
MOST_STEPS = 2_000_000
DEFAULT_RATES = {"adam": 1e-2}


def fit(
    model: Callable,
    data: Trajectories,
    options: FitOptions | None = None,
    *,
    loss: Callable | None = None,
    optimizer: LBFGS | optax.GradientTransformation | None = None,
    initial_step: float | Callable | None = None,
    callback: Callable[[Progressed], None] | None = None,
    **keywords: Any,
) -> FitResult:
    """Fit a model to trajectories.

    Where every state is observed, the vector field is first regressed on the slopes of smoothing splines. Small
    networks then go through multiple shooting. Then all trajectories are solved over their whole length and
    fitted by L-BFGS, and small networks end with Gauss-Newton. The weight decay is chosen from the evidence of
    the data. A user's own module or loss, and implicit solvers, go through the model itself
    and one full-horizon stage.

    Args:
        model: a `NeuralODE`, or any Equinox module called as `model(ts, y0)` (driven: `model(ts, y0, inputs)`).
        data: what was measured.
        options: a `FitOptions`; further keywords replace its fields.
        loss: your own `loss_fn(model, ts, ys)` of one trajectory, times `(times,)` and states `(times, states)`
            in the data's units; its mean over trajectories is minimised.
        optimizer: an `LBFGS` or any optax transformation, in place of the option's name.
        initial_step: a number or an optax schedule: the first trial of each line search, or the learning rate.
        callback: called with a `Progressed` between compiled chunks.

    Returns:
        A `FitResult`; its model is the best point that was reached, also after Ctrl-C.

    Raises:
        TypeError: for an unknown option.
        ValueError: if options contradict each other or the model does not fit the data.
    """
    chosen = with_keywords(options or FitOptions(), keywords)
    notes: list[str] = []
    if jnp.result_type(float) != jnp.float64:
        notes.append(
            "fitting in single precision: line searches stall at a loss of about 1e-3 to 1e-6; call "
            "jax.config.update('jax_enable_x64', True) before creating the model."
        )
        warnings.warn(notes[-1], stacklevel=2)
    machine = _optimizer(optimizer, initial_step, chosen)
    if loss is None and isinstance(model, NeuralODE) and is_explicit(model.solver):
        return _fit_in_stages(model, data, chosen, machine, callback, notes)
    if isinstance(model, NeuralODE) and loss is None:
        notes.append(f"{type(model.solver).__name__} is implicit: fitted through diffrax's adaptive solve.")
    return fit_directly(model, data, chosen, machine, loss, callback, notes)


def _optimizer(optimizer, initial_step, options: FitOptions) -> LBFGS | Optax:
    step = options.initial_step if initial_step is None else initial_step
    if isinstance(optimizer, LBFGS | Optax):
        return optimizer
    if optimizer is not None:
        return Optax(optimizer)
    if options.optimizer == "adam":
        return Optax(optax.adam(DEFAULT_RATES["adam"] if step is None else step))
    if options.optimizer == "optax-lbfgs":
        return Optax(optax.lbfgs(memory_size=options.memory_size))
    return LBFGS(memory_size=options.memory_size, initial_step=1.0 if step is None else step)


def _fit_in_stages(model, data, options: FitOptions, machine, callback, notes: list[str]) -> FitResult:
    """Each stage begins where the one before it ended; the best so far is what is returned, also after Ctrl-C."""
    curves = smooth_all(data)
    model = _prepared(model, data, curves)
    machine = _in_batches(machine, options)
    stages: list[Stage] = []
    held_out = hold_out(data) if options.validation and not options.stages else None
    part = data if held_out is None else data.split(ids=held_out.ids)[0]
    course = _course(model, part, smooth_all(part), options, machine)
    names = _plan(course, notes)
    course.brief = "polish" in names
    validated: list[tuple[float, str, NeuralODE, np.ndarray]] = []
    for name in names:
        stage = _run_stage(name, course, callback, notes)
        stages.append(stage)
        if stage.reason is StopReason.INTERRUPTED:
            break
        if held_out is not None:
            error = free_run_error(course.parameters.model, held_out)
            validated.append((error, name, course.parameters.model, course.decay))
    spent = course.spent
    if held_out is not None and validated and stages[-1].reason is not StopReason.INTERRUPTED:
        enough = ABOUT_AS_GOOD * min(validated, key=lambda entry: entry[0])[0]
        _, name, model, decay = next(entry for entry in validated if entry[0] <= enough)
        errors = ", ".join(f"{stage} {error:.3g}" for error, stage, _, _ in validated)
        notes.append(f"held out {', '.join(held_out.ids)} (RMSE/sd: {errors}); then {name} with all trajectories.")
        course = _course(model, data, curves, options, machine)
        course.brief, course.decay = "polish" in names, decay
        stages.append(_run_stage(name, course, callback, notes))
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
        loss=course.loss,
        noise=course.noise,
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


def _prepared(model: NeuralODE, data: Trajectories, curves) -> NeuralODE:
    """The model with coordinates from the data, unless it has been fitted before; checked on one state."""
    dtype = jnp.result_type(float)
    model = jax.tree.map(lambda leaf: leaf.astype(dtype) if eqx.is_inexact_array(leaf) else leaf, model)
    if _is_identity(model.coordinates):
        model = with_coordinates(model, find_coordinates(data, curves))
    if not jax.tree.leaves(trainable(model)[0]):
        raise ValueError("there is nothing to train: the model holds no array of floating-point numbers.")
    y = jax.ShapeDtypeStruct((data.state_size,), dtype)
    u = jax.ShapeDtypeStruct((data.input_size,), dtype) if data.input_size else None
    # The field itself, not the scaled rate: scaling would broadcast a wrong shape into a right one.
    try:
        rate = eqx.filter_eval_shape(model.vector_field, jax.ShapeDtypeStruct((), dtype), y, u)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"the vector field cannot be evaluated for {data.state_size} states "
            f"and {data.input_size} inputs: {str(error).splitlines()[0]}"
        ) from error
    if getattr(rate, "shape", None) != (data.state_size,):
        raise ValueError(
            f"the vector field returns shape {getattr(rate, 'shape', None)}, but the data have {data.state_size} "
            f"states: it must return dy/dt of shape ({data.state_size},)."
        )
    return model


def _is_identity(coordinates: Coordinates) -> bool:
    return bool(
        np.all(np.asarray(coordinates.scale) == 1)
        and np.all(np.asarray(coordinates.centre) == 0)
        and float(coordinates.time_scale) == 1
    )


def _in_batches(machine: LBFGS | Optax, options: FitOptions) -> LBFGS | Optax:
    """Let a stochastic optimiser draw lanes of the batch at each step."""
    if options.batch_size is None:
        return machine
    if not isinstance(machine, Optax):
        raise ValueError("batch_size needs a stochastic optimiser (optimizer='adam'); L-BFGS uses all data.")
    size = options.batch_size

    def sample(key, args):
        batch, decay = args
        lanes = batch.targets.shape[0]
        if size >= lanes:
            return args
        drawn = jax.random.choice(key, lanes, (size,), replace=False)
        mesh, targets, weights = jax.tree.map(lambda a: a[drawn], (batch.mesh, batch.targets, batch.weights))
        # Weighted up to the whole, so that the mean over draws is the loss of all data.
        weights = weights * (lanes / size)
        return type(batch)(mesh, targets, weights), decay

    return Optax(machine.transformation, sample)


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


__all__ = ["fit"]
