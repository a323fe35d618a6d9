"""`fit`: model, data, stages, result."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeGuard

import jax.numpy as jnp
import optax

from ..compiling import compile_seconds
from ..data.left_out import fitted_too
from ..data.trajectories import Trajectories
from ..models import NeuralODE, count_trained, plain
from ..optimise import LBFGS
from .arguments import check_arguments
from .constraints import parameters_of, with_constraints
from .coverage import one_curve_note
from .direct import fit_directly
from .hidden import hidden_size
from .journal import Journal
from .large import fit_in_parts
from .optimizers import in_batches, optimizer_of
from .options import FitOptions, with_keywords
from .record import Progressed, seconds_left
from .result import FitResult
from .running import Watcher
from .screening import screened
from .several import FitOne, fit_best, fit_ensemble, initial_models
from .task import Task
from .unreached import below_zero
from .watching import Watch


def fit(
    model: Callable[..., Any] | Sequence[Callable[..., Any]],
    data: Trajectories,
    options: FitOptions | None = None,
    *,
    loss: Callable | None = None,
    observe: Callable | None = None,
    optimizer: str | LBFGS | optax.GradientTransformation | None = None,
    initial_step: float | Callable | None = None,
    callback: Callable[[Progressed], None] | None = None,
    journal: Journal | None = None,
    **keywords: Any,
) -> FitResult:
    """Fit a model to trajectories.

    Where every state is observed, the vector field is first regressed on the slopes of smoothing splines. Small
    networks then go through multiple shooting. Then all trajectories are solved over their whole length and
    fitted by L-BFGS, and small networks end with Gauss-Newton: at once, where the regressed field alone keeps in step
    with the data. The weight decay is chosen from the evidence of the data. A user's own module or loss goes
    through the model itself at full horizon.

    Args:
        model: a `NeuralODE`, or any Equinox module called as `model(ts, y0)` (driven: `model(ts, y0, inputs)`).
            With `ensemble` or `starts` the first of them; the others have its networks with weights drawn anew, unless
            you give a sequence of models.
        data: what was measured. States of a `NeuralODE` that it has no columns for are hidden: the first ones are
            observed, the others begin as derivatives of these (velocities, of a `SecondOrderField`), and their
            initial values are estimated with the model.
        options: a `FitOptions`; further keywords replace its fields: `freeze=["friction"]` and
            `bounds={"friction": (0.0, 1.0), "stiffness": (0.0, None)}` name parameters by their paths in the vector
            field.
        loss: your own `loss_fn(model, ts, ys)` of one trajectory, times `(times,)` and states `(times, states)`
            in the data's units; its mean over trajectories is minimised.
        observe: your own `observe(y)`, a state `(states,)` in the data's units -> the columns `(observed,)` of the
            data, which then may be any function of the state.
        optimizer: an option's name, such as `"adam"`, an `LBFGS` or any optax transformation.
        initial_step: a number or an optax schedule: the first trial of each line search, or the learning rate.
        callback: called with a `Progressed` between compiled chunks. The logger "neuralode_lbfgs" hears of every stage
            (INFO) and of every chunk (DEBUG).
        journal: a `Journal` of the same fit that was stopped, which goes on to the same bits, and where this one is
            kept.

    Returns:
        A `FitResult`; its model is the best point that was reached, also after Ctrl-C. Of an ensemble it holds the
        members too, and predicts their median.

    Raises:
        TypeError: for an unknown option, or what is no model.
        ValueError: if options contradict each other, name no parameter, or the model does not fit the data.
    """
    check_arguments(model, data, options)
    if isinstance(optimizer, str):
        optimizer, keywords["optimizer"] = None, optimizer
    chosen = with_keywords(options or FitOptions(), keywords)
    notes: list[str] = []
    watcher = Watch(callback)
    if jnp.result_type(float) != jnp.float64:
        notes.append(
            "fitting in single precision: line searches stall at a loss of about 1e-3 to 1e-6; call "
            "jax.config.update('jax_enable_x64', True) before creating the model."
        )
        warnings.warn(notes[-1], stacklevel=2)
    notes += fitted_too(data)
    notes += [f"{told}." for told in below_zero(data, chosen.positive)]
    machine = optimizer_of(optimizer, initial_step, chosen)
    task = Task(data, chosen, machine, loss, observe, journal or Journal())
    compiled_before, earlier = compile_seconds(), task.journal.compile_s
    count = max(chosen.ensemble, chosen.starts)

    def watch(number: int) -> Callable[[Progressed], None]:
        if count == 1:
            return watcher
        return lambda event: watcher(event._replace(run=f"{number + 1} of {count}"))

    def fit_one(model: Callable, options: FitOptions, number: int) -> FitResult:
        return _fit_one(model, replace(task, options=options), watch(number), notes)

    models = initial_models(model, count, chosen.freeze)
    if chosen.ensemble > 1:
        result = fit_ensemble(fit_one, models, chosen)
    elif chosen.starts > 1:
        result = _best_start(models, task, watch, fit_one)
    else:
        result = fit_one(models[0], chosen, 0)
    # Loops know what they compile themselves; meshes and predictions take as long.
    compile_s = earlier + max(compile_seconds() - compiled_before, result.compile_s - earlier)
    result = replace(result, compile_s=compile_s)
    watcher.ended(result)
    return result


def _fit_one(model: Callable, task: Task, callback: Callable[[Progressed], None], notes: Sequence[str]) -> FitResult:
    """From the initial weights of this model."""
    notes = list(notes)
    task, model = replace(task, written=parameters_of(model)), with_constraints(model, task.options, notes)
    if _in_stages(model, task):
        result = fit_in_parts(model, in_batches(task), callback, notes)
    else:
        if task.observe is not None or hidden_size(model, task.data):
            raise ValueError("hidden states and observe= need a NeuralODE, and no loss of your own.")
        if task.options.batch_size is not None:
            raise ValueError("batch_size needs a NeuralODE and no loss of your own; leave it out.")
        result = fit_directly(model, task, callback, notes)
    return _finished(result)


def _best_start(models: Sequence[Callable], task: Task, watch: Callable[[int], Watcher], fit_one: FitOne) -> FitResult:
    """The best of several starts, of which the hopeless are culled early where stages come first that show them."""
    found, options, task = None, task.options, replace(task, written=parameters_of(models[0]))
    if _in_stages(models[0], task):
        found = screened([with_constraints(model, options, []) for model in models], in_batches(task), watch)
    if found is None:
        return fit_best(fit_one, models, options)
    if found.result is not None:  # a person stopped it
        return _finished(found.result)
    options = replace(options, time_limit=seconds_left(options.time_limit, found.run_s))
    result = fit_best(fit_one, models, options, found.errors, found.stage)
    return replace(
        result,
        evaluations=result.evaluations + found.evaluations,
        compile_s=result.compile_s + found.compile_s,
        run_s=result.run_s + found.run_s,
    )


def _in_stages(model: Callable, task: Task) -> TypeGuard[NeuralODE]:
    return task.loss is None and isinstance(model, NeuralODE)


def _finished(result: FitResult) -> FitResult:
    """The result with the model in its own units."""
    fitted = plain(result.model)
    of_data = [] if result.law else one_curve_note(fitted, result.data, result.noise)  # a law may hold everywhere
    return replace(
        result,
        model=fitted,
        trained=count_trained(result.model),
        notes=(*result.notes, *of_data),
    )


__all__ = ["fit"]
