"""Fitting through the model itself: a user's own module or loss."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ..data.trajectories import Trajectories
from ..models import NeuralODE, Transform, failed_solves_as_nan, plain, sampled_inputs, trainable
from ..optimise import LBFGS, Minimiser, Slope, slope_check
from .arguments import check_shape, skipped_note
from .journal import Loop
from .kept import count_of, numbers
from .physics import parameters_after
from .prediction import call
from .preparing import prepared
from .record import Record, Stage
from .result import FitResult
from .scaling import find_coordinates
from .smoothing import smooth_all
from .task import Task
from .transforms import transform_for, transformed
from .weights import observation_weights

MOST_SLOPE_ERROR = 0.05  # relative: beyond, a search that trusts the slope fails


class Group(eqx.Module):
    """Trajectories of one length, stacked: `ts (trajectories, times)`, `ys (trajectories, times, states)`.

    `weights` are those of the squared residuals, of the shape of `ys`.
    """

    ts: jax.Array | np.ndarray
    ys: jax.Array | np.ndarray
    weights: jax.Array | np.ndarray
    us: jax.Array | np.ndarray | None


def fit_directly(model: Callable, task: Task, callback: Callable | None, notes: list[str]) -> FitResult:
    """A full-horizon stage on `model(ts, y0)` from the first rows, or on the user's `loss(model, ts, ys)`.

    Raises:
        ValueError: if a first row is incomplete, or the loss does not return a scalar.
    """
    data, options, optimizer, loss = task.data, task.options, task.optimizer, task.loss
    incomplete = [t.id for t in data if not np.isfinite(t.ys[0]).all()]
    if incomplete:
        raise ValueError(
            f"trajectory {incomplete[0]!r} does not begin with a complete row; a model that is called as "
            "model(ts, y0) starts from there."
        )
    transform = Transform()
    if isinstance(model, NeuralODE):
        transform = transform_for(model, data, options, notes)
    elif options.transform or options.positive or options.time_scale != "linear":
        raise ValueError("transform, positive and time_scale are for a NeuralODE; this model has ways of its own.")
    flat = transformed(data, transform)
    curves = smooth_all(flat)
    if isinstance(model, NeuralODE):
        model = prepared(model, flat, curves, transform)
    scale = find_coordinates(flat, curves).scale
    free, fixed = trainable(model)
    groups = _grouped(data, scale)
    if loss is not None and data[0].sd is not None:
        notes.append("your own loss is not given the standard deviations of the observations, so they were not used.")

    def default_loss(model, ts, ys, weights, us):
        predicted = call(model, ts, ys[0], None if us is None else sampled_inputs(ts, us, data[0].hold))
        check_shape(predicted, *ys.shape)
        seen = jnp.isfinite(ys)
        # Where nothing was observed both are the same number, and one that has a logarithm.
        predicted, ys = (transform.states(jnp.where(seen, values, 1.0)) for values in (predicted, ys))
        return jnp.sum(weights * ((predicted - ys) / scale) ** 2) / jnp.maximum(jnp.sum(seen), 1)

    def one(model, ts, ys, weights, us):
        return default_loss(model, ts, ys, weights, us) if loss is None else loss(model, ts, ys)

    def value_fn(free, groups):
        model = plain(eqx.combine(free, fixed))
        total = jnp.zeros(())
        for g in groups:
            axes = (None, 0, 0, 0, None if g.us is None else 0)
            losses = jax.vmap(one, in_axes=axes)(model, g.ts, g.ys, g.weights, g.us)
            if not isinstance(losses, jax.Array):
                kind = type(losses).__name__
                raise ValueError(f"the loss must be a scalar; it is a {kind}: return the number alone.")
            if losses.ndim != 1:
                raise ValueError(f"the loss must be a scalar; it has shape {losses.shape[1:]}.")
            total = total + jnp.sum(losses)
        return total / len(data)

    notes += skipped_note(options.stages)
    _check(value_fn, free, groups)
    record = Record("full", callback, max_evals=options.max_evals)
    record.time_limit = options.time_limit
    with failed_solves_as_nan():
        minimiser = Minimiser(value_fn, free, optimizer)
        # An optimiser without a line search does not ask for slopes that agree with values.
        slope = None
        if isinstance(optimizer, LBFGS):
            slope = _kept(task.journal.loop("slope"), lambda: slope_check(minimiser, free, groups))
        notes += _unlike_its_values(slope)
        before_s = minimiser.chunk.seconds
        minimum = minimiser.run(
            free,
            groups,
            max_iter=options.max_iter,
            max_evals=options.max_evals,
            gtol=options.gtol,
            ftol=options.ftol,
            time_limit=options.time_limit,
            callback=record.watch,
            **task.journal.loop("full").of(minimiser, free),
        )
    # The check of the slope came first: it has compiled the program, and its evaluations count.
    checked = 0 if slope is None else slope.evaluations
    minimum = replace(minimum, compile_s=before_s + minimum.compile_s, evaluations=minimum.evaluations + checked)
    record.add(minimum)
    why = "your own loss" if loss is not None else "solved through the model itself, starting from the first rows"
    first = minimum.history[0].loss if minimum.history else float("inf")
    return FitResult(
        model=eqx.combine(minimum.params, fixed),
        data=data,
        starts={trajectory.id: trajectory.ys[0] for trajectory in data},
        stages=(Stage("full", why, minimum.reason, tuple(record.rows), rejected=record.rejected),),
        stop_reason=minimum.reason,
        iterations=minimum.iterations,
        evaluations=minimum.evaluations,
        compile_s=minimum.compile_s,
        run_s=minimum.run_s,
        initial_loss=first,
        loss=minimum.loss,
        noise=None,
        estimated=False,
        notes=tuple(notes),
        parameters=parameters_after(task, eqx.combine(minimum.params, fixed), {}),
    )


def _kept(loop: Loop, check: Callable[[], Slope]) -> Slope:
    """The slope as it was found, or as it is found now."""
    if loop.saved is not None:
        autodiff, difference, evaluations = numbers(loop.saved, "slope", 3, finite=False).tolist()
        return Slope(autodiff, difference, count_of(loop.saved, "slope", evaluations))
    slope = check()
    loop.keep(True, {"slope": np.array(slope)})
    return slope


def _unlike_its_values(slope: Slope | None) -> list[str]:
    if slope is None or not slope.error > MOST_SLOPE_ERROR:
        return []
    return [
        f"the slope of the loss is {slope.autodiff:.4g} by its gradient and {slope.difference:.4g} by its values: line "
        "searches may fail; tighten the tolerances of the model's solver, or mend its gradient."
    ]


def _grouped(data: Trajectories, scale: jax.Array | np.ndarray) -> tuple[Group, ...]:
    """By length, so that no row is padded: a user's loss sees exactly what was measured."""
    by_length = defaultdict(list)
    for trajectory, weights in zip(data, observation_weights(data, scale).each, strict=True):
        by_length[trajectory.ts.size].append((trajectory, weights))
    dtype = jnp.result_type(float)
    stack = lambda arrays: np.stack(arrays).astype(dtype)  # noqa: E731
    return tuple(
        Group(
            stack([t.ts for t, _ in members]),
            stack([t.ys for t, _ in members]),
            stack([weights for _, weights in members]),
            stack([t.inputs for t, _ in members]) if data.input_size else None,
        )
        for _, members in sorted(by_length.items())
    )


def _check(value_fn: Callable, free, groups) -> None:
    """Trace the loss once without compiling it, so that a model that does not fit gives one sentence."""
    try:
        with failed_solves_as_nan():
            jax.eval_shape(value_fn, free, groups)
    except (TypeError, ValueError) as error:
        raise ValueError(f"the loss of this model cannot be computed: {str(error).splitlines()[0]}") from error
