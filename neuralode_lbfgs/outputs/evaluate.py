"""A fit held against its data: predictions of every row, and the errors that `metrics.json` gives."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NotRequired, TypedDict

import numpy as np

from ..data.trajectories import Trajectories
from ..fitting.band import QUANTILES, Band, band_of
from ..fitting.luck import Luck
from ..fitting.result import FitResult
from ..fitting.start_estimates import predict_like_training
from .metrics import Baseline, Errors, errors, finite, mean_baseline, state_scale
from .store import SavedRun, Start, ends_of

DENSE = 400  # times of a drawn curve: smooth at the width of a page


class Moved(TypedDict):
    """Where a physical parameter started and ended, and its standard deviation: numbers, or lists; None if unknown."""

    start: Any
    end: Any
    sd: Any
    moved: bool
    frozen: bool


class Diagnosed(TypedDict):
    """What is wrong with a fit, and what to try."""

    finding: str
    advice: str


class LawTerm(TypedDict):
    """One term of a rate of change, in the data's units: `coefficient` times `term`; `sd` is None where unknown."""

    rate: str
    term: str
    coefficient: float
    sd: float | None


class Seeds(TypedDict):
    """What fits from several initial weights came to.

    `scaled_rmse` and `left_out` (positions in it) are of those that were fitted to the end, `validation` their errors
    on trajectories held out inside the training data; `screened` are the errors of all when the hopeless were culled.
    Of an ensemble `held_out` are the errors of the members that are kept on the data that were held out.
    """

    begun: int
    scaled_rmse: list[float | None]
    left_out: list[int]
    validation: list[float | None]
    screened: list[float | None]
    held_out: NotRequired[list[float | None]]
    band: NotRequired[tuple[float, float]]


class NewRunErrors(TypedDict):
    """Errors of runs that the model had not seen, in standard deviations, None where one does not reach its end: from
    the first row alone, as `predict` starts, and from starts estimated from the first half of the rows; and how far
    runs go apart whose starts differ by as much as noise, None if that is unknown."""

    first_row: float | None
    first_half: float | None
    by_noise: float | None


class Metrics(TypedDict):
    """The contents of `metrics.json`; `parameters` are there where the model has physical ones, `law` where it is a
    polynomial with nothing of a network, `new_runs` where starts were estimated and some runs were held out.

    `ensemble` or `starts` are there where several initial weights were tried.
    """

    stop_reason: str
    iterations: int
    evaluations: int
    compile_s: float
    run_s: float
    total_s: float
    train: Errors
    test: Errors | None
    baseline: Baseline
    diagnosis: list[Diagnosed]
    parameters: NotRequired[dict[str, Moved]]
    law: NotRequired[list[LawTerm]]
    new_runs: NotRequired[NewRunErrors]
    ensemble: NotRequired[Seeds]
    starts: NotRequired[Seeds]


def predict_all(
    model: Callable, data: Trajectories, starts: dict[str, Start], *, estimated: bool, noise: float | None = None
) -> Trajectories:
    """Predictions of every row; see `predict_like_training`."""
    known = {name: (start.t, start.y) for name, start in starts.items()}
    return predict_like_training(model, data, known, estimated=estimated, ends=ends_of(starts), noise=noise)


def predict_band(runs: Sequence[SavedRun], data: Trajectories) -> Band:
    """Predictions of every row by the members of an ensemble: their median and its band; of a single run itself."""
    return band_of(predict_each(runs, data))


def predict_each(runs: Sequence[SavedRun], data: Trajectories) -> list[Trajectories]:
    """Predictions of every row by each of several runs."""
    return [predict_all(run.model, data, run.starts, estimated=run.estimated, noise=run.noise) for run in runs]


def luck_on(
    test: Trajectories | None, luck: Luck | None, train: Trajectories, each: Sequence[Trajectories]
) -> Luck | None:
    """With the errors of the members of an ensemble on what was held out, if anything was.

    Args:
        each: the members' predictions, of more rows than those of `test`.
    """
    if test is None or luck is None or luck.kind != "ensemble":
        return luck
    scale = state_scale(train)
    found = [errors(test, predictions.rows_of(test), scale)["scaled_rmse"] for predictions in each]
    return replace(luck, held_out=tuple(np.inf if error is None else error for error in found))


def arrays_of(predictions: Trajectories) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Times and states by trajectory, as tables of predictions take them."""
    return {run.id: (run.ts, run.ys) for run in predictions}


def with_curve_times(data: Trajectories, number: int = DENSE) -> Trajectories:
    """The data with rows added in which nothing is observed: predicted, they are smooth curves through every row.

    Args:
        number: of times spread evenly from the first to the last of a trajectory, beside its own.
    """
    return data.with_trajectories([run.with_times(np.linspace(run.ts[0], run.ts[-1], number)) for run in data])


def metrics(
    result: FitResult, train: Trajectories, test: Trajectories | None, predictions: Trajectories, total_s: float
) -> Metrics:
    """What a fit reached and cost, and what is wrong with it.

    Args:
        predictions: of every row of `train` and `test`, and of any other times.
        total_s: seconds from the start of the program to here.
    """
    scale = state_scale(train)
    found: Metrics = {
        "stop_reason": result.stop_reason.name.lower(),
        "iterations": int(result.iterations),
        "evaluations": int(result.evaluations),
        "compile_s": round(float(result.compile_s), 3),
        "run_s": round(float(result.run_s), 3),
        "total_s": round(float(total_s), 3),
        "train": errors(train, predictions.rows_of(train), scale),
        "test": None if test is None else errors(test, predictions.rows_of(test), scale),
        "baseline": mean_baseline(train, test),
        "diagnosis": [{"finding": one.finding, "advice": one.advice} for one in result.diagnose(test, predictions)],
    }
    if (new := result.new_runs_of(test, None if test is None else predictions.rows_of(test))) is not None:
        errors_of = {name: None if error is None else finite(error) for name, error in vars(new).items()}
        found["new_runs"] = NewRunErrors(**errors_of)
    if result.luck is not None:
        seeds = _seeds(result.luck)
        if result.luck.kind == "ensemble":
            seeds["band"] = QUANTILES
            seeds["held_out"] = [finite(error) for error in result.luck.held_out]
            found["ensemble"] = seeds
        else:
            found["starts"] = seeds
    if result.parameters:
        found["parameters"] = {
            one.name: {
                "start": one.start.tolist(),
                "end": one.end.tolist(),
                "sd": None if one.sd is None else one.sd.tolist(),
                "moved": one.moved,
                "frozen": one.frozen,
            }
            for one in result.parameters
        }
    if result.law:
        found["law"] = [
            {"rate": one.rate, "term": one.name, "coefficient": one.value, "sd": finite(one.sd)} for one in result.law
        ]
    return found


def _seeds(luck: Luck) -> Seeds:
    return {
        "begun": luck.begun,
        "scaled_rmse": [finite(error) for error in luck.errors],
        "left_out": list(luck.left_out),
        "validation": [finite(error) for error in luck.validated],
        "screened": [finite(error) for error in luck.screened],
    }
