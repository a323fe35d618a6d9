"""Root mean square errors beside those of the mean of the training data, as the summary of a result shows them."""

import numpy as np

from ..data.trajectories import Trajectories


def error_table(
    data: Trajectories, fitted: Trajectories, test: Trajectories | None, held_out: Trajectories | None
) -> list[str]:
    """A line for each state, in its unit.

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
