"""Predictions: the states of a model at the times of data, and where to start from."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..compiling import Compiled
from ..data.trajectories import Trajectories, Trajectory
from ..models import Inputs, LinearInputs, NeuralODE, SteppedInputs, failed_solves_as_nan, sampled_inputs
from .hidden import hidden_size

LAST_DIGITS = 1e-12  # of a number: what a change of units and back takes

MANY_TIMES, GROSS = 5.0, 0.3  # as far as from fitted starts, and standard deviations

Known = Mapping[str, tuple[float, np.ndarray]]  # by the id of a trajectory, a time and the state there
Observe = Callable | None  # `observe(y) -> observed columns` of one state; None takes the first states


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
    model: Callable,
    data: Trajectories,
    *,
    starts: Known | None = None,
    ends: Known | None = None,
    observe: Observe = None,
) -> Trajectories:
    """What is observed of the model's states, at every time of `data`.

    A trajectory starts from its first complete row, or from `starts[id] = (time, state)`, and is solved
    forward and, for earlier rows, backward from there. Rows after `ends[id] = (time, state)` are solved from that, as
    noise has moved the system until then. Rows that a diverging solve does not reach are NaN.

    Raises:
        ValueError: if no start is given of a trajectory that has no complete row, or of a model with hidden states, or
            a time has no logarithm where the model needs one.
    """
    hidden = observe is not None or hidden_size(model, data) > 0
    predicted = []
    for trajectory in data:
        if starts is not None and trajectory.id in starts:
            time, state = starts[trajectory.id]
        elif hidden:
            raise ValueError(
                f"trajectory {trajectory.id!r}: no row gives the hidden states of the model; estimate the start from "
                "several rows (warmup)."
            )
        else:
            complete = np.flatnonzero(np.isfinite(trajectory.ys).all(axis=1))
            if not complete.size:
                raise ValueError(
                    f"trajectory {trajectory.id!r} has no row in which every state is given, so there is no state "
                    "to start from; give one complete row, estimate the start from several (warmup), or take that of "
                    "the fit (--start fitted; start='fitted' in Python)."
                )
            time, state = float(trajectory.ts[complete[0]]), trajectory.ys[complete[0]]
        ran = free_run(model, trajectory, time, np.asarray(state))
        if ends is not None and trajectory.id in ends:
            ran = _forecast_from(model, trajectory, *ends[trajectory.id], ran)
        predicted.append(observed(ran, data.state_size, observe))
    return data.with_trajectories(predicted)


def predict_from_first_rows(model: Callable, data: Trajectories, most: int) -> Trajectories | None:
    """Some of the trajectories from their first rows, so many at most of those whose first row is complete; None where
    there are none."""
    whole = [run for run in data if run.ts.size > 1 and np.isfinite(run.ys[0]).all()]
    return predict(model, data.with_trajectories(whole).some(most)) if whole else None


def are_grown(from_rows: float, fitted: float) -> bool:
    """Whether errors from first rows, in standard deviations, are far beyond those from fitted starts and of noise."""
    return from_rows > max(MANY_TIMES * fitted, GROSS)


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


def free_run(model: Callable, trajectory: Trajectory, time: float, state: np.ndarray, room: int = 0) -> Trajectory:
    """All states at the times of a trajectory, from the state at a time; NaN where a solve does not reach.

    Args:
        room: rows of a longer trajectory, if there are others of it to come: one program then serves all.
    """
    ts = trajectory.ts
    _check_times(model, trajectory, time)
    inputs = None if trajectory.inputs is None else sampled_inputs(ts, trajectory.inputs, trajectory.hold)
    ys = np.full((ts.size, state.size), np.nan)
    forward, backward = np.flatnonzero(ts >= time), np.flatnonzero(ts < time)[::-1]
    for rows in (forward, backward):
        if rows.size:
            lead = [] if ts[rows[0]] == time else [time]
            ys[rows] = _solve(model, np.concatenate([lead, ts[rows]]), state, inputs, room)[len(lead) :]
    ys[~np.isfinite(ys)] = np.nan
    begin = ts == time  # as it was given: coordinates of order one, and back, change its last digit
    ys[begin] = np.where(np.isclose(ys[begin], state, rtol=LAST_DIGITS, atol=0.0), state, ys[begin])
    return Trajectory(trajectory.id, ts, ys, inputs=trajectory.inputs, hold=trajectory.hold)


def _forecast_from(
    model: Callable, trajectory: Trajectory, time: float, state: np.ndarray, before: Trajectory
) -> Trajectory:
    """The states after a time from the state there; before it those of another run."""
    later = trajectory.ts > time
    if not later.any():
        return before
    # Inputs are known by all rows; a run that begins between two of them needs those around its start.
    rows = trajectory.at(slice(max(int(np.argmax(later)) - 1, 0), None))
    ran = free_run(model, rows, time, state, trajectory.ts.size)
    ys = before.ys.copy()
    ys[later] = ran.ys[ran.ts > time]
    return replace(before, ys=ys)


def _check_times(model: Callable, trajectory: Trajectory, start: float) -> None:
    log_time = model.coordinates.transform.log_time if isinstance(model, NeuralODE) else None
    first = min(float(trajectory.ts[0]), start)
    if log_time is not None and first <= -log_time[0]:
        raise ValueError(
            f"trajectory {trajectory.id!r} has the time {first:.6g}, but the model is solved in the logarithm of time "
            f"and knows only times after {-log_time[0]:.6g}; leave out the earlier rows."
        )


def observed(run: Trajectory, size: int, observe: Observe) -> Trajectory:
    """The observed columns of states."""
    ys = run.ys[:, :size] if observe is None else np.asarray(_compiled_observe(observe, run.ys), np.float64)
    return replace(run, ys=np.where(np.isfinite(ys), ys, np.nan))


def call(
    model: Callable,
    ts: Float[Array | np.ndarray, " times"],
    y0: Float[Array | np.ndarray, " states"],
    inputs: Inputs | None,
) -> Any:
    """The states at `ts`; a `NeuralODE` whose solve fails gives what it has instead of raising."""
    if isinstance(model, NeuralODE):
        return model(ts, y0, inputs, throw=False)
    return model(ts, y0) if inputs is None else model(ts, y0, inputs)


_compiled_call = Compiled(call)
_compiled_observe = eqx.filter_jit(lambda observe, ys: jax.vmap(observe)(ys))


def _solve(
    model: Callable, ts: np.ndarray, y0: np.ndarray, inputs: LinearInputs | SteppedInputs | None, room: int
) -> np.ndarray:
    """One solve; times and inputs are padded to a power of two, so that few lengths are compiled."""
    with failed_solves_as_nan():
        return np.asarray(_compiled_call(model, padded_times(ts, room), y0, padded_inputs(inputs, room)))[: ts.size]


def padded_times(ts: np.ndarray, room: int = 0) -> np.ndarray:
    """So many times that their number is a power of two, with room for as many as that at least."""
    ts = ts.astype(jnp.result_type(float))
    extra = _power_of_two(max(2, ts.size, room)) - ts.size
    # Past the end the times go on by next to nothing: strictly, but without anything to solve.
    least = 8 * np.spacing(np.abs(ts).max() or ts.dtype.type(1))
    return np.concatenate([ts, ts[-1] + (np.sign(ts[-1] - ts[0]) or 1) * least * np.arange(1, extra + 1)])


def _power_of_two(number: int) -> int:
    """The next one, or the number itself."""
    return 1 << (number - 1).bit_length()


def padded_inputs(inputs: LinearInputs | SteppedInputs | None, room: int = 0) -> LinearInputs | SteppedInputs | None:
    """Inputs at so many times that their number is a power of two, with room for as many as that at least."""
    if inputs is None:
        return None
    extra = _power_of_two(max(inputs.ts.size, room)) - inputs.ts.size
    gap = np.arange(1, extra + 1) * (inputs.ts[-1] - inputs.ts[0] or 1.0)
    return sampled_inputs(
        np.concatenate([inputs.ts, inputs.ts[-1] + gap]),
        np.concatenate([inputs.us, np.repeat(inputs.us[-1:], extra, axis=0)]),
        inputs.hold if isinstance(inputs, SteppedInputs) else (),
    )
