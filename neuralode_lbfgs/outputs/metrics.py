"""How far predictions are from what was measured, in the data's units and against simple predictors."""

from collections.abc import Iterator
from typing import TypedDict

import numpy as np

from neuralode_lbfgs.data.same_columns import with_states_of
from neuralode_lbfgs.data.trajectories import Trajectories, Trajectory


class Errors(TypedDict):
    """Errors as they stand in `metrics.json`; None where there is no finite number to give."""

    rmse: dict[str, float | None]
    scaled_rmse: float | None


class Baseline(TypedDict):
    """The errors of a simple predictor on the training data and, where there are any, on the test data."""

    train: Errors
    test: Errors | None


def rmse(observed: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """The root mean square error of each state over its observed entries.

    For state j with observed times `O_j`: `sqrt(mean over i in O_j of (observed[i, j] - predicted[i, j])^2)`.

    Args:
        observed: shape `(times, states)`, in the data's units; NaN where a state was not observed.
        predicted: shape `(times, states)`, in the same units.

    Returns:
        Shape `(states,)`, in the units of each state. NaN for a state without an observed entry; not
        finite for a state that is predicted as not finite where it was observed.

    Raises:
        ValueError: if the two shapes differ or are not `(times, states)`.

    Example:
        >>> rmse(np.array([[1.0], [np.nan], [3.0]]), np.array([[4.0], [9.0], [7.0]]))
        array([3.53553391])
    """
    observed, predicted = np.asarray(observed, dtype=np.float64), np.asarray(predicted, dtype=np.float64)
    if observed.ndim != 2 or observed.shape != predicted.shape:
        raise ValueError(
            "observed and predicted must both have shape (times, states); "
            f"they have shapes {observed.shape} and {predicted.shape}."
        )
    error = _difference(observed, predicted)
    seen = ~np.isnan(observed)
    return np.array([_root_mean_square(error[seen[:, j], j]) for j in range(observed.shape[1])])


def state_scale(train: Trajectories) -> np.ndarray:
    """The standard deviation of each state over the observed entries of the training data.

    It divides by the number of entries, not by one less. A state that is constant up to rounding, or
    is never observed, has the scale 1, so that an error divided by it stays an error in data units.

    Args:
        train: the training data.

    Returns:
        Shape `(states,)`, in the units of each state, every entry positive.
    """
    scale = np.ones(train.state_size)
    for j, column in enumerate(np.concatenate([trajectory.ys for trajectory in train]).T):
        seen = column[~np.isnan(column)]
        # The mean of equal numbers may be off by a rounding, and then the deviation is not zero but 1e-17.
        rounding = 8 * np.finfo(np.float64).eps * np.max(np.abs(seen), initial=0.0)
        if seen.size and np.ptp(seen) > rounding:
            scale[j] = np.std(seen)
    return scale


def errors(data: Trajectories, predictions: Trajectories, scale: np.ndarray) -> Errors:
    """The errors of predictions, as they stand in `metrics.json`.

    Args:
        data: what was observed.
        predictions: a trajectory for each id of `data`, at the same times; others are ignored.
        scale: what the error of each state is divided by for `scaled_rmse`, shape `(states,)`, in
            the units of each state: see `state_scale`.

    Returns:
        `rmse`: for each state, pooled over trajectories and times, in its units. `scaled_rmse`: the
        root mean square of error / scale over all observed entries, without a unit. None for a state
        that is not observed, and where a prediction is not finite.

    Raises:
        ValueError: if a trajectory of `data` has no prediction, or times or states differ.
    """
    observed, predicted = _stacked(data, predictions)
    scale = np.asarray(scale, dtype=np.float64)
    if scale.shape != (data.state_size,):
        raise ValueError(f"scale must have shape (states,) = ({data.state_size},); it has shape {scale.shape}.")
    per_state = {name: finite(value) for name, value in zip(data.state_names, rmse(observed, predicted), strict=True)}
    with np.errstate(over="ignore"):
        scaled = _difference(observed, predicted) / scale
    return {"rmse": per_state, "scaled_rmse": finite(_root_mean_square(scaled[~np.isnan(observed)]))}


def pooled_rmse(data: Trajectories, predictions: Trajectories) -> float:
    """The root mean square error over all observed entries of all states, in the data's units.

    It means something where the states share a unit; see `errors` for the scaled one.

    Args:
        data: what was observed.
        predictions: a trajectory for each id of `data`, at the same times; others are ignored.

    Returns:
        NaN if nothing is observed; not finite if a prediction of an observed entry is not.

    Raises:
        ValueError: if a trajectory of `data` has no prediction, or times or states differ.
    """
    observed, predicted = _stacked(data, predictions)
    return _root_mean_square(_difference(observed, predicted)[~np.isnan(observed)])


def mean_baseline(train: Trajectories, test: Trajectories | None) -> Baseline:
    """The errors of the predictor that always answers the mean of each state over the training data.

    A model worth having is below them: `scaled_rmse` on the training data is 1 by construction
    (less where a state is constant).

    Args:
        train: the training data; they give the means and the scale.
        test: the test data, or None.

    Raises:
        ValueError: if `train` and `test` have different numbers of states.
    """
    if test is not None and test.state_size != train.state_size:
        raise ValueError(f"the training data have {train.state_size} states, the test data {test.state_size}.")
    columns = np.concatenate([trajectory.ys for trajectory in train]).T
    seen = [column[~np.isnan(column)] for column in columns]
    mean = np.array([column.mean() if column.size else np.nan for column in seen])
    scale = state_scale(train)

    def against(data: Trajectories) -> Errors:
        constant = [Trajectory(run.id, run.ts, np.broadcast_to(mean, run.ys.shape)) for run in data]
        return errors(data, Trajectories(tuple(constant)), scale)

    return {"train": against(train), "test": None if test is None else against(test)}


def linear_interpolation(train: Trajectory, ts: np.ndarray) -> np.ndarray:
    """Predict rows that were left out by straight lines between the training rows.

    Each state is interpolated between its own observed entries, and held at the first or last of
    them before and after.

    Args:
        train: the training rows of one trajectory.
        ts: the times to predict, shape `(times,)`, in the data's unit of time.

    Returns:
        Shape `(times, states)`, in the data's units; NaN for a state that is never observed.
    """
    ts = np.asarray(ts, dtype=np.float64)
    predicted = np.full((ts.size, train.ys.shape[1]), np.nan)
    for j, column in enumerate(train.ys.T):
        seen = ~np.isnan(column)
        if seen.any():
            predicted[:, j] = np.interp(ts, train.ts[seen], column[seen])
    return predicted


def paired(data: Trajectories, predictions: Trajectories) -> Iterator[tuple[Trajectory, Trajectory]]:
    """Each trajectory of `data` with its prediction at the same times.

    Raises:
        ValueError: if a trajectory of `data` has no prediction, or times or states differ.
    """
    by_id = {run.id: run for run in with_states_of(data, predictions, "the prediction")}
    for observed in data:
        if observed.id not in by_id:
            raise ValueError(f"trajectory {observed.id!r} has no prediction.")
        predicted = by_id[observed.id]
        if predicted.ys.shape != observed.ys.shape:
            raise ValueError(
                f"trajectory {observed.id!r}: the data have shape (times, states) = {observed.ys.shape}, "
                f"the predictions {predicted.ys.shape}; predict at the times of the data."
            )
        # Predictions may have been computed in single precision, and their times with them.
        if np.max(np.abs(predicted.ts - observed.ts)) > 1e-6 * np.max(np.abs(observed.ts)):
            raise ValueError(f"trajectory {observed.id!r}: the predictions are at other times than the data.")
        yield observed, predicted


def differences(data: Trajectories, predictions: Trajectories) -> np.ndarray:
    """Data minus predictions in the rows of all trajectories, `(rows, states)`; raises as `paired`."""
    return _difference(*_stacked(data, predictions))


def _stacked(data: Trajectories, predictions: Trajectories) -> tuple[np.ndarray, np.ndarray]:
    """Observed and predicted states over all trajectories, both of shape (rows, states)."""
    pairs = list(paired(data, predictions))
    return np.concatenate([a.ys for a, _ in pairs]), np.concatenate([b.ys for _, b in pairs])


def _difference(observed: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """observed - predicted; a prediction so large that this overflows is an infinite error, not a warning."""
    with np.errstate(over="ignore", invalid="ignore"):
        return observed - predicted


def _root_mean_square(values: np.ndarray) -> float:
    """The root mean square of an array, NaN if it is empty; scaled first, because squares overflow from 1e154 on."""
    if values.size == 0:
        return float("nan")
    largest = np.max(np.abs(values))
    if largest == 0 or not np.isfinite(largest):
        return float(largest)
    return float(largest * np.sqrt(np.mean((values / largest) ** 2)))


def finite(value: float) -> float | None:
    """A number that JSON can hold, or None."""
    return float(value) if np.isfinite(value) else None
