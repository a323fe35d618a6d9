"""Predictions: the states of a model at the times of data, and where to start from."""

from collections.abc import Callable, Mapping
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from scipy.optimize import least_squares

from ..data.trajectories import Trajectories, Trajectory
from ..models import Inputs, LinearInputs, NeuralODE, SteppedInputs, Transform, failed_solves_as_nan, sampled_inputs
from .weights import observation_weights

PULL = 0.01  # towards the first guess, of a standard deviation: for states that the rows say nothing of
DIVERGED = 1e3  # standard deviations that a row counts as which a solve did not reach
PROBE = 1e-3  # of a standard deviation, for differences: far above the error of a solve, far below a bend


def fitted_starts(
    trained: Trajectories, starts: Mapping[str, np.ndarray], data: Trajectories
) -> dict[str, tuple[float, np.ndarray]]:
    """Time and state from which each trajectory of `data` starts: those of the training trajectory of its id.

    Raises:
        ValueError: if a trajectory was not among the training data. Where there is a single one on both
            sides, names do not matter.
    """
    if len(data) == 1 and len(trained) == 1:
        return {data[0].id: (float(trained[0].ts[0]), np.asarray(starts[trained[0].id]))}
    unknown = [name for name in data.ids if name not in starts]
    if unknown:
        raise ValueError(
            f"trajectory {unknown[0]!r} was not among the training data, so it has no fitted start; "
            "start it from its data (start='data')."
        )
    return {name: (float(trained[name].ts[0]), np.asarray(starts[name])) for name in data.ids}


def predict(
    model: Callable, data: Trajectories, *, starts: Mapping[str, tuple[float, np.ndarray]] | None = None
) -> Trajectories:
    """The model's states at every time of `data`.

    A trajectory starts from its first complete row, or from `starts[id] = (time, state)`, and is solved
    forward and, for earlier rows, backward from there. Rows that a diverging solve does not reach are NaN.

    Raises:
        ValueError: if a trajectory has no complete row and no start is given, or a time has no logarithm where the
            model needs one.
    """
    predicted = []
    for trajectory in data:
        if starts is not None and trajectory.id in starts:
            time, state = starts[trajectory.id]
        else:
            complete = np.flatnonzero(np.isfinite(trajectory.ys).all(axis=1))
            if not complete.size:
                raise ValueError(
                    f"trajectory {trajectory.id!r} has no row in which every state is given, so there is no state "
                    "to start from; give one complete row, or estimate the start from several (warmup)."
                )
            time, state = float(trajectory.ts[complete[0]]), trajectory.ys[complete[0]]
        predicted.append(_run(model, trajectory, time, np.asarray(state)))
    return data.with_trajectories(predicted)


def estimate_starts(
    model: Callable, data: Trajectories, *, warmup: int | None = None
) -> dict[str, tuple[float, np.ndarray]]:
    """The initial states from which the model comes closest to the first rows of each trajectory.

    A single noisy row is a poor start: its error grows as the run goes on.

    Nonlinear least squares (SciPy's trust region, Branch, Coleman & Li, SIAM J. Sci. Comput. 21, 1999) in units of
    each state's standard deviation; the Jacobian by differences, so that any model will do.

    Args:
        model: as in `predict`.
        data: trajectories; unobserved entries are NaN. Standard deviations weigh the observations of each.
        warmup: how many rows in which something is observed are used of each trajectory, from the first on;
            by default the first half of them, so that the other half is a forecast.

    Returns:
        The first time and the state there, in the data's units, of each trajectory.

    Raises:
        ValueError: if nothing is observed of a trajectory.
    """
    centre, scale, transform = _centre_and_scale(model, data)
    starts = {}
    for trajectory in data:
        rows = np.flatnonzero(np.isfinite(trajectory.ys).any(axis=1))
        used = rows[: (rows.size + 1) // 2 if warmup is None else warmup]
        if not used.size:
            raise ValueError(
                f"trajectory {trajectory.id!r}: nothing is observed, so its initial state cannot be estimated."
            )
        part = trajectory.at(slice(0, used[-1] + 1))
        seen, time = np.isfinite(part.ys), float(part.ts[0])
        counted = np.sqrt(observation_weights(data.with_trajectories([part]), scale).each[0])
        first = np.argmax(seen, axis=0)
        observed = transform.states(part.ys)
        guess = np.where(seen.any(axis=0), observed[first, np.arange(first.size)], centre)

        def residuals(moved, part=part, seen=seen, time=time, guess=guess, observed=observed, counted=counted):
            run = _run(model, part, time, transform.states_back(guess + moved * scale))
            error = counted * (transform.states(run.ys) - observed) / scale
            return np.append(np.clip(np.nan_to_num(error, nan=DIVERGED)[seen], -DIVERGED, DIVERGED), PULL * moved)

        def slopes(moved, residuals=residuals):
            probes = [residuals(moved + step) for step in PROBE * np.eye(moved.size)]
            return (np.stack(probes, axis=1) - residuals(moved)[:, None]) / PROBE

        # SciPy's annotation knows of methods by name only.
        jac: Any = slopes
        fitted = least_squares(residuals, np.zeros(first.size), jac, xtol=1e-4, ftol=1e-6)
        starts[trajectory.id] = (time, transform.states_back(guess + fitted.x * scale))
    return starts


def _centre_and_scale(model: Callable, data: Trajectories) -> tuple[np.ndarray, np.ndarray, Transform]:
    """Mean and standard deviation of each state: of the training data where the model knows them; and its transform."""
    if isinstance(model, NeuralODE):
        return np.asarray(model.coordinates.centre), np.asarray(model.coordinates.scale), model.coordinates.transform
    seen = np.ma.masked_invalid(np.concatenate([trajectory.ys for trajectory in data]))
    scale = seen.std(axis=0).filled(0.0)
    return seen.mean(axis=0).filled(0.0), np.where(scale > 0, scale, 1.0), Transform()


def predict_like_training(
    model: Callable, data: Trajectories, known: Mapping[str, tuple[float, np.ndarray]], *, estimated: bool
) -> Trajectories:
    """Predictions of training trajectories and of others, which start as those did.

    Args:
        known: time and state from which trajectories start, by id, as the fit found them; a continuation is part of
            the trajectory that it continues, and is predicted in one run with it.
        estimated: whether these states were estimated, because first rows are noisy or incomplete. Then those of
            other trajectories are estimated too, by `estimate_starts`; else they start from their first complete row.
    """
    starts = {trajectory.id: known[trajectory.id] for trajectory in data if trajectory.id in known}
    others = [trajectory for trajectory in data if trajectory.id not in starts]
    if estimated and others:
        starts |= estimate_starts(model, data.with_trajectories(others))
    return predict(model, data, starts=starts)


def with_earlier_inputs(trajectory: Trajectory, ts: np.ndarray | None, inputs: np.ndarray | None) -> Trajectory:
    """The trajectory, driven from a start before its first row: the earlier of the given inputs come before its own."""
    if trajectory.inputs is None or ts is None or inputs is None:
        return trajectory
    before = ts < trajectory.ts[0]
    blank = np.full((int(before.sum()), trajectory.ys.shape[1]), np.nan)
    return Trajectory(
        trajectory.id,
        np.concatenate([ts[before], trajectory.ts]),
        np.concatenate([blank, trajectory.ys]),
        inputs=np.concatenate([inputs[before], trajectory.inputs]),
        hold=trajectory.hold,
    )


def rows_of(part: Trajectories, predictions: Trajectories) -> Trajectories:
    """Of predictions, those of the rows that a part of the data has."""
    return part.with_trajectories([predictions[run.id].at(np.isin(predictions[run.id].ts, run.ts)) for run in part])


def _run(model: Callable, trajectory: Trajectory, time: float, state: np.ndarray) -> Trajectory:
    ts = trajectory.ts
    _check_times(model, trajectory, time)
    inputs = None if trajectory.inputs is None else sampled_inputs(ts, trajectory.inputs, trajectory.hold)
    ys = np.full(trajectory.ys.shape, np.nan)
    forward, backward = np.flatnonzero(ts >= time), np.flatnonzero(ts < time)[::-1]
    for rows in (forward, backward):
        if rows.size:
            lead = [] if ts[rows[0]] == time else [time]
            ys[rows] = _solve(model, np.concatenate([lead, ts[rows]]), state, inputs)[len(lead) :]
    ys[~np.isfinite(ys)] = np.nan
    return Trajectory(trajectory.id, ts, ys, inputs=trajectory.inputs, hold=trajectory.hold)


def _check_times(model: Callable, trajectory: Trajectory, start: float) -> None:
    log_time = model.coordinates.transform.log_time if isinstance(model, NeuralODE) else None
    first = min(float(trajectory.ts[0]), start)
    if log_time is not None and first <= -log_time[0]:
        raise ValueError(
            f"trajectory {trajectory.id!r} has the time {first:.6g}, but the model is solved in the logarithm of time "
            f"and knows only times after {-log_time[0]:.6g}; leave out the earlier rows."
        )


def call(model: Callable, ts, y0, inputs: Inputs | None):
    """The states at `ts`; a `NeuralODE` whose solve fails gives what it has instead of raising."""
    if isinstance(model, NeuralODE):
        return model(ts, y0, inputs, throw=False)
    return model(ts, y0) if inputs is None else model(ts, y0, inputs)


_compiled_call = eqx.filter_jit(call)


def _solve(model: Callable, ts: np.ndarray, y0: np.ndarray, inputs: LinearInputs | SteppedInputs | None) -> np.ndarray:
    """One solve; times and inputs are padded to a power of two, so that few lengths are compiled."""
    ts = ts.astype(jnp.result_type(float))
    extra = max(2, 1 << (ts.size - 1).bit_length()) - ts.size
    # Past the end the times go on by next to nothing: strictly, but without anything to solve.
    least = 8 * np.spacing(np.abs(ts).max() or ts.dtype.type(1))
    padded = np.concatenate([ts, ts[-1] + (np.sign(ts[-1] - ts[0]) or 1) * least * np.arange(1, extra + 1)])
    if inputs is not None:
        extra = (1 << (inputs.ts.size - 1).bit_length()) - inputs.ts.size
        gap = np.arange(1, extra + 1) * (inputs.ts[-1] - inputs.ts[0] or 1.0)
        inputs = sampled_inputs(
            np.concatenate([inputs.ts, inputs.ts[-1] + gap]),
            np.concatenate([inputs.us, np.repeat(inputs.us[-1:], extra, axis=0)]),
            inputs.hold if isinstance(inputs, SteppedInputs) else (),
        )
    with failed_solves_as_nan():
        return np.asarray(_compiled_call(model, padded, y0, inputs))[: ts.size]
