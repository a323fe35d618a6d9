"""A fit held against its data: predictions of every row, and the errors that `metrics.json` gives."""

from typing import Any, NotRequired, TypedDict

import numpy as np

from ..data.trajectories import Trajectories, Trajectory
from ..fitting.prediction import rows_of
from ..fitting.result import FitResult
from ..fitting.start_estimates import predict_like_training
from .metrics import Baseline, Errors, errors, mean_baseline, state_scale
from .store import Start

DENSE = 400  # times of a drawn curve: smooth at the width of a page


class Moved(TypedDict):
    """Where a physical parameter started and ended: numbers, or lists of them."""

    start: Any
    end: Any
    moved: bool
    frozen: bool


class Metrics(TypedDict):
    """The contents of `metrics.json`; `parameters` are there where the model has physical ones."""

    stop_reason: str
    iterations: int
    evaluations: int
    compile_s: float
    run_s: float
    total_s: float
    train: Errors
    test: Errors | None
    baseline: Baseline
    parameters: NotRequired[dict[str, Moved]]


def predict_all(
    model, data: Trajectories, starts: dict[str, Start], *, estimated: bool, noise: float | None = None
) -> Trajectories:
    """Predictions of every row; see `predict_like_training`."""
    known = {name: (start.t, start.y) for name, start in starts.items()}
    return predict_like_training(model, data, known, estimated=estimated, noise=noise)


def with_curve_times(data: Trajectories, number: int = DENSE) -> Trajectories:
    """The data with rows added in which nothing is observed: predicted, they are smooth curves through every row.

    Args:
        number: of times spread evenly from the first to the last of a trajectory, beside its own.
    """
    runs = []
    for run in data:
        ts = np.union1d(np.linspace(run.ts[0], run.ts[-1], number), run.ts)
        ys, sd = np.full((2, ts.size, run.ys.shape[1]), np.nan)
        ys[np.searchsorted(ts, run.ts)] = run.ys
        if run.sd is not None:
            sd[np.searchsorted(ts, run.ts)] = run.sd
        inputs = None if run.inputs is None else run.inputs_at(ts)
        runs.append(Trajectory(run.id, ts, ys, None if run.sd is None else sd, inputs, run.hold))
    return data.with_trajectories(runs)


def metrics(
    result: FitResult, train: Trajectories, test: Trajectories | None, predictions: Trajectories, total_s: float
) -> Metrics:
    """What a fit reached and cost.

    Args:
        predictions: of every row of `train` and `test`.
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
        "train": errors(train, rows_of(train, predictions), scale),
        "test": None if test is None else errors(test, rows_of(test, predictions), scale),
        "baseline": mean_baseline(train, test),
    }
    if result.parameters:
        found["parameters"] = {
            one.name: {"start": one.start.tolist(), "end": one.end.tolist(), "moved": one.moved, "frozen": one.frozen}
            for one in result.parameters
        }
    return found
