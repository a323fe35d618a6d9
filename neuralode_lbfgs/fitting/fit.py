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
from ..models import Coordinates, NeuralODE, is_explicit, trainable, with_coordinates
from ..optimise import LBFGS, Optax, StopReason
from .direct import fit_directly
from .evidence import squared_weights
from .losses import Parameters
from .matching import collect_slopes
from .options import FitOptions, with_keywords
from .result import FitResult
from .scaling import find_coordinates
from .smoothing import SmoothTrajectory, smooth_all
from .stages import FIRST_DECAY, FullHorizon, Progressed, Record, Stage, match_derivatives

NOISY = 1e-3  # of a state's standard deviation: rougher data than this do not give an initial state
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

    Where every state is observed, the vector field is first regressed on the slopes of smoothing splines;
    then all trajectories are solved over their whole length and fitted, with the weight decay chosen from
    the evidence of the data. A user's own module or loss, and implicit solvers, go through the model itself
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
    """Derivative matching, then the full horizon on a frozen mesh."""
    curves = smooth_all(data)
    model = _prepared(model, data, curves)
    coordinates = model.coordinates
    dtype = jnp.result_type(float)
    wanted = options.stages or ("matching", "full")
    stages: list[Stage] = []
    records: list[Record] = []
    decay = np.full(squared_weights(model).shape[0], FIRST_DECAY)

    slopes = collect_slopes(data, curves, coordinates, dtype) if "matching" in wanted else None
    if slopes is None and "matching" in wanted:
        notes.append("derivative matching was left out: no trajectory shows every state often enough.")
    reason, evidence = StopReason.MAX_ITER, None
    if slopes is not None:
        record = Record("matching", callback)
        model, evidence, reason = match_derivatives(model, slopes, data.observed, options, record)
        records.append(record)
        decay = evidence.decay
        why = "every state is observed: the field is regressed on the slopes of smooth curves first"
        stages.append(Stage("matching", why, reason, tuple(record.rows)))

    starts, complete = _first_states(data, curves)
    roughness = _roughness(data, curves)
    estimated = options.initial_states == "estimate" or (
        options.initial_states == "auto" and (roughness > NOISY or not complete)
    )
    if options.initial_states == "data" and not complete:
        raise ValueError(
            "a trajectory does not begin with a complete row, so its initial state must be estimated: "
            "initial_states='estimate'."
        )
    if not estimated:
        starts = np.stack([trajectory.ys[0] for trajectory in data])
    parameters = Parameters(model, jnp.asarray(coordinates.states_in(starts), dtype))
    loss = initial_loss = float("nan")
    noise = None if evidence is None else evidence.noise
    if "full" in wanted and reason is not StopReason.INTERRUPTED:
        record = Record("full", callback)
        machine = _in_batches(machine, options)
        stage = FullHorizon(data, coordinates, parameters, options, machine, train_starts=estimated, record=record)
        full = stage.run(decay)
        records.append(record)
        parameters, reason, noise = full.parameters, full.reason, full.evidence.noise
        loss, initial_loss = full.mean_square, full.initial_loss
        how = "estimated with it" if estimated else "taken from the first rows"
        why = f"all trajectories solved over their whole length; initial states {how}"
        note = f"{record.failed_searches} failed line searches, {record.rejected} trials that diverged"
        stages.append(Stage("full", why, reason, tuple(record.rows), note))
        notes += _warnings_of(record)
    final = np.asarray(coordinates.states_out(np.asarray(parameters.starts, np.float64)))
    return FitResult(
        model=parameters.model,
        data=data,
        starts=dict(zip(data.ids, final, strict=True)),
        stages=tuple(stages),
        stop_reason=reason,
        iterations=sum(record.iterations for record in records),
        evaluations=sum(record.evaluations for record in records),
        compile_s=sum(record.compile_s for record in records),
        run_s=sum(record.run_s for record in records),
        initial_loss=initial_loss,
        loss=loss,
        noise=noise,
        notes=tuple(notes),
    )


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


def _first_states(data: Trajectories, curves: tuple[SmoothTrajectory, ...]) -> tuple[np.ndarray, bool]:
    """A first guess of every initial state, and whether all first rows are complete.

    From the smooth curve, extended to the first row where a state is seen only later; a state that is never
    seen starts at its mean over the other trajectories.
    """
    means = np.nan_to_num(np.nanmean(np.concatenate([t.ys for t in data]), axis=0))
    starts = np.empty((len(data), data.state_size))
    for i, (trajectory, curve) in enumerate(zip(data, curves, strict=True)):
        for j, state in enumerate(curve.curves):
            seen = np.flatnonzero(np.isfinite(trajectory.ys[:, j]))
            if state is not None:
                # No further back than the first observation: a spline extrapolates wildly.
                starts[i, j] = state(max(trajectory.ts[0], trajectory.ts[seen[0]]))
            else:
                starts[i, j] = trajectory.ys[seen[0], j] if seen.size else means[j]
    return starts, all(np.isfinite(trajectory.ys[0]).all() for trajectory in data)


def _roughness(data: Trajectories, curves: tuple[SmoothTrajectory, ...]) -> float:
    """Root mean square of (observation - smooth curve) in units of each state's standard deviation."""
    ys = np.concatenate([trajectory.ys for trajectory in data])
    smooth = np.concatenate([curve.states(trajectory.ts) for curve, trajectory in zip(curves, data, strict=True)])
    scale = np.nanstd(ys, axis=0)
    error = (ys - smooth) / np.where(scale > 0, scale, 1.0)
    return float(np.sqrt(np.nanmean(error**2)))


def _in_batches(machine: LBFGS | Optax, options: FitOptions) -> LBFGS | Optax:
    """Let a stochastic optimiser draw lanes of the batch at each step."""
    if options.batch_size is None:
        return machine
    if not isinstance(machine, Optax):
        raise ValueError("batch_size needs a stochastic optimiser (optimizer='adam'); L-BFGS uses all data.")
    size = options.batch_size

    def sample(key, args):
        batch, weighting = args
        lanes = batch.targets.shape[0]
        if size >= lanes:
            return args
        drawn = jax.random.choice(key, lanes, (size,), replace=False)
        mesh, targets, weights = jax.tree.map(lambda a: a[drawn], (batch.mesh, batch.targets, batch.weights))
        # Weighted up to the whole, so that the mean over draws is the loss of all data.
        weights = weights * (lanes / size)
        return type(batch)(mesh, targets, weights, batch.joins, batch.join_weights), weighting

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
