"""One fit from each of several initial weights: the members of an ensemble, or starts of which the best is kept.

All go through the same compiled programs, one after another: the first compiles them for all. Side by side they would
share the evaluations of L-BFGS but not Gauss-Newton, which is the most of a fit of a small network, and which factors
a matrix for each of them.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ..models import NeuralODE, is_constant, leaf_names
from ..optimise import StopReason
from .constraints import covering, parameters_of, physical_names
from .luck import Luck
from .options import FitOptions
from .result import FitResult
from .run_on import MANY_TIMES, beyond, rows_of, run_on

FitOne = Callable[[Any, FitOptions, int], FitResult]

FAR_ABOVE = 3.0  # times the median of the training errors
FINALISTS, LEAST_FINALISTS = 3, 2  # one in so many starts is fitted to the end, but two at least


def initial_models(model: Any, count: int, frozen: Sequence[str] = ()) -> list[Any]:
    """Models that begin from different weights; the first is the one that is given.

    The weights of its networks are drawn anew, of the size that they have; physical parameters begin as they are.

    Args:
        model: one, or a sequence of so many.
        frozen: paths of what is not trained, which stays.

    Raises:
        ValueError: if there is no network in it, or a sequence has another length.
    """
    if isinstance(model, list | tuple):
        if len(model) != count:
            raise ValueError(f"there are {len(model)} models for {count} fits; give one, or as many.")
        return list(model)
    if count == 1:
        return [model]
    module = parameters_of(model)
    kept = set(physical_names(module))
    drawn = {
        name
        for name, leaf in leaf_names(module).items()
        if not is_constant(leaf) and eqx.is_inexact_array(leaf) and name not in kept and not covering(name, frozen)
    }
    if not drawn:
        raise ValueError(
            "the model has no network whose weights could be drawn anew, so that all fits would be the same; leave out "
            "ensemble and starts, or give a sequence of models that begin elsewhere."
        )
    return [model, *(_redrawn(model, drawn, np.random.default_rng(i)) for i in range(1, count))]


def fit_each(fit_one: FitOne, models: Sequence[Any], options: FitOptions) -> tuple[list[FitResult], bool]:
    """Fit them one after another, and share the time that there is; whether a person stopped it.

    What was reached when a person stopped it is kept only if there is nothing else.
    """
    results: list[FitResult] = []
    for number, model in enumerate(models):
        limit = options.time_limit
        if limit is not None:
            left = limit - sum(result.run_s for result in results)
            if left <= 0:
                break
            limit = left / (len(models) - number)
        try:
            result = fit_one(model, replace(options, time_limit=limit), number)
        except KeyboardInterrupt:
            if not results:
                raise
            return results, True
        if result.stop_reason is StopReason.INTERRUPTED:
            return results or [result], True
        results.append(result)
    return results, False


def fit_ensemble(fit_one: FitOne, models: Sequence[Any], options: FitOptions) -> FitResult:
    """The members that are of use, as one result; its model is that of the best of them."""
    results, stopped = fit_each(fit_one, models, options)
    left_out = _left_out(results)
    kept = [result for i, result in enumerate(results) if i not in left_out]
    luck = Luck("ensemble", len(models), _errors(results), tuple(left_out))
    notes = [f"member {i + 1} was left out: {why}." for i, why in left_out.items()]
    if len(results) < len(models):
        notes.append(f"{len(results)} of {len(models)} members were fitted before the end of the time.")
    return _as_one(min(kept, key=merit), results, stopped, luck, notes, members=tuple(kept))


def fit_best(
    fit_one: FitOne, models: Sequence[Any], options: FitOptions, screened: Sequence[float] = (), stage: str = ""
) -> FitResult:
    """The start that validates best, of those that do not run away; without validation that with the least error.

    Args:
        screened: of each model the error, of which the most promising are fitted to the end; all are if there is none.
        stage: what they had gone through then.
    """
    chosen = range(len(models))
    if screened:
        number = max(-(-len(models) // FINALISTS), LEAST_FINALISTS)
        chosen = sorted(np.argsort(np.nan_to_num(screened, nan=np.inf), kind="stable")[:number].tolist())
    finalists = [models[i] for i in chosen]
    results, stopped = fit_each(lambda model, own, i: fit_one(model, own, chosen[i]), finalists, options)
    left_out = _left_out(results)
    best = min((result for i, result in enumerate(results) if i not in left_out), key=merit)
    validated = [result.validation for result in results if result.validation is not None]
    luck = Luck(
        "starts", len(models), _errors(results), tuple(left_out), tuple(validated), tuple(map(float, screened)), stage
    )
    notes = [f"start {chosen[i] + 1} was not taken: {why}." for i, why in left_out.items()]
    return _as_one(best, results, stopped, luck, notes)


def merit(result: FitResult) -> float:
    """What tells a better fit: the error on what was held out inside the training data, else that in training."""
    value = result.loss**0.5 if result.validation is None else result.validation
    return value if np.isfinite(value) else np.inf


def runs_away(result: FitResult) -> str | None:
    """Why a fit is of no use: run on for as long again it ends, or goes many times as far as the data."""
    if not np.isfinite(result.loss):
        return "its solution does not reach the end of the data"
    continued = run_on(result.model, result.data, result.starts, observe=result.observe)
    if continued is None:
        return None
    out = beyond(rows_of(continued), rows_of(result.data))
    if not np.isfinite(out):
        return "run on for as long again its solution ends"
    if out > MANY_TIMES:
        return f"run on for as long again it leaves the range of the data {out:.3g} times over"
    return None


def _redrawn(model: Any, names: Collection[str], rng: np.random.Generator) -> Any:
    """The model with other weights at these paths, of the size that they have."""

    def drawn(at, leaf):
        if jax.tree_util.keystr(at, simple=True, separator=".") not in names:
            return leaf
        size = np.sqrt(np.mean(np.asarray(leaf, np.float64) ** 2))
        return jnp.asarray(size * rng.normal(size=leaf.shape), leaf.dtype)

    module = jax.tree_util.tree_map_with_path(drawn, parameters_of(model), is_leaf=is_constant)
    return eqx.tree_at(lambda m: m.vector_field, model, module) if isinstance(model, NeuralODE) else module


def _left_out(results: Sequence[FitResult]) -> dict[int, str]:
    """Which are of no use, and why; never all of them."""
    found = {i: why for i, result in enumerate(results) if (why := runs_away(result)) is not None}
    rest = [error for i, error in enumerate(_errors(results)) if i not in found]
    for i, error in enumerate(_errors(results)):
        if i not in found and error > FAR_ABOVE * np.median(rest):
            found[i] = f"its training error of {error:.3g} is far above the median of {np.median(rest):.3g}"
    if len(found) == len(results):
        # A system that grows leaves the range of its data by rights, and then all of them do.
        return {}
    return found


def _errors(results: Sequence[FitResult]) -> tuple[float, ...]:
    return tuple(float(result.loss**0.5) for result in results)


def _as_one(
    best: FitResult, results: Sequence[FitResult], stopped: bool, luck: Luck, notes: Sequence[str], **others: Any
) -> FitResult:
    """The best result with the cost of all of them."""
    return replace(
        best,
        stop_reason=StopReason.INTERRUPTED if stopped else best.stop_reason,
        iterations=sum(result.iterations for result in results),
        evaluations=sum(result.evaluations for result in results),
        compile_s=sum(result.compile_s for result in results),
        run_s=sum(result.run_s for result in results),
        notes=(*best.notes, *notes),
        luck=luck,
        **others,
    )
