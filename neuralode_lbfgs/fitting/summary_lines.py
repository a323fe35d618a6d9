"""The few lines that a result says of itself in Python; the command line has its own."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..data.trajectories import Trajectories
from .diagnosis import Finding
from .law import law_table
from .new_runs import said_of_new_runs
from .physics import parameter_remarks, parameter_table
from .record import told
from .validation import why_not_held_out

if TYPE_CHECKING:
    from .result import FitResult

IN_PYTHON = "In Python --starts 8 is fit(..., starts=8), --train-until T is data.split(until=T), and others likewise."


def summary_of(
    result: "FitResult",
    test: Trajectories | None,
    fitted: Trajectories,
    held_out: Trajectories | None,
    found: Sequence[Finding],
) -> str:
    """Errors in the data's units, why the fit stopped, what it cost, and what was found.

    Args:
        test: held-out data.
        fitted, held_out: predicted of the training data, and of these.
    """
    lines = _error_table(result.data, fitted, test, held_out)
    lines += [*parameter_table(result.parameters), *parameter_remarks(result.parameters)]
    lines += law_table(result.law)
    lines += told(result.stages)
    if (new := result.new_runs_of(test, held_out)) is not None:
        lines.append(said_of_new_runs(new.first_row, new.first_half, test, result.unseen))
    lines += why_not_held_out(result.data, test, result.validation)
    if result.luck is not None:
        lines.append(result.luck.sentence)
    lines.append(f"stopped: {result.stop_reason.sentence}")
    lines.append(
        f"{result.iterations} iterations, {result.evaluations} evaluations, "
        f"{result.compile_s:.1f} s compiling, {result.run_s:.1f} s running"
    )
    lines += [f"note: {note}" for note in result.notes]
    for one in found:
        lines += [f"diagnosis: {one.finding}.", f"  advice: {one.advice}."]
    lines += [IN_PYTHON] if any("--" in one.advice for one in found) else []
    return "\n".join(lines)


def _error_table(
    data: Trajectories, fitted: Trajectories, test: Trajectories | None, held_out: Trajectories | None
) -> list[str]:
    """Root mean square errors beside those of the mean of the training data, a line for each state, in its unit.

    Args:
        data, fitted: what was trained on, and its predictions.
        test, held_out: what was held out, if anything was, and its predictions.
    """
    train_errors = _rmse(data, fitted)
    test_errors = None if test is None else _rmse(test, held_out)
    means = np.nanmean(np.concatenate([trajectory.ys for trajectory in data]), axis=0)
    mean_errors = _rmse(test or data, None, means)
    lines = [f"{'RMSE':<20} {'train':>12} {'held out':>12} {'mean predictor':>15}"]
    for i, name in enumerate(data.state_names):
        other = "-" if test_errors is None else f"{test_errors[i]:.4g}"
        lines.append(f"{data.label(name):<20} {train_errors[i]:>12.4g} {other:>12} {mean_errors[i]:>15.4g}")
    return lines


def _rmse(data: Trajectories, predictions: Trajectories | None, constant: np.ndarray | None = None) -> np.ndarray:
    observed = np.concatenate([trajectory.ys for trajectory in data])
    predicted = constant if predictions is None else np.concatenate([trajectory.ys for trajectory in predictions])
    seen = np.isfinite(observed)
    squares = np.where(seen, observed - predicted, 0.0) ** 2
    return np.sqrt(squares.sum(axis=0) / np.maximum(seen.sum(axis=0), 1))
