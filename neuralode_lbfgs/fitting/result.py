"""What a fit returns, and predictions with it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from ..data.trajectories import Trajectories, Trajectory
from ..models import LinearInputs, NeuralODE, failed_solves_as_nan
from ..optimise import StopReason
from .record import Stage


@dataclass(frozen=True)
class FitResult:
    """A fitted model and how it came about.

    Args:
        model: in the data's units.
        data: what it was trained on.
        starts: initial state of each training trajectory, in the data's units, at its first time.
        stages: what was done, with the history of each stage.
        stop_reason: why the last stage ended.
        initial_loss, loss: mean squared residual in units of each state's standard deviation, before the
            last stage and at the end, under a mesh chosen for the final model.
        noise: estimated standard deviation of the observations in the same units, or None.
        compile_s, run_s: seconds of tracing and compiling, and of minimising.
        notes: what a person should know, one sentence each.
    """

    model: Any
    data: Trajectories
    starts: Mapping[str, np.ndarray]
    stages: tuple[Stage, ...]
    stop_reason: StopReason
    iterations: int
    evaluations: int
    compile_s: float
    run_s: float
    initial_loss: float
    loss: float
    noise: float | None
    notes: tuple[str, ...] = field(default=())

    def predict(self, data: Trajectories, *, start: Literal["data", "fitted"] = "data") -> Trajectories:
        """The states at every time of `data`; see `predict`.

        Args:
            data: trajectories to predict; their observations are used only for the start.
            start: "data": from each trajectory's first complete row. "fitted": from the initial state that
                the fit found for the training trajectory of that id.
        """
        if start == "data":
            return predict(self.model, data)
        return predict(self.model, data, starts=fitted_starts(self.data, self.starts, data))

    def history_rows(self) -> list[dict[str, Any]]:
        """All iterations, a row each; evaluations and seconds are counted over the whole fit."""
        rows, evaluations, seconds = [], 0, 0.0
        for stage in self.stages:
            for row in stage.history:
                counted = row._replace(evaluations=row.evaluations + evaluations, seconds=row.seconds + seconds)
                rows.append({"stage": stage.name, **counted._asdict()})
            if stage.history:
                evaluations += stage.history[-1].evaluations
                seconds += stage.history[-1].seconds
        return rows

    def summary(self, test: Trajectories | None = None) -> str:
        """A few lines: errors in the data's units, why the fit stopped, what it cost.

        Args:
            test: held-out data; each trajectory is run from its first complete row.
        """
        train_errors = _rmse(self.data, self.predict(self.data, start="fitted"))
        test_errors = None if test is None else _rmse(test, self.predict(test))
        means = np.nanmean(np.concatenate([trajectory.ys for trajectory in self.data]), axis=0)
        mean_errors = _rmse(test or self.data, None, means)
        lines = [f"{'RMSE':<20} {'train':>12} {'held out':>12} {'mean predictor':>15}"]
        for i, name in enumerate(self.data.state_names):
            held_out = "-" if test_errors is None else f"{test_errors[i]:.4g}"
            lines.append(f"{self.data.label(name):<20} {train_errors[i]:>12.4g} {held_out:>12} {mean_errors[i]:>15.4g}")
        for stage in self.stages:
            lines.append(f"{stage.name}: {stage.why}")
        lines.append(f"stopped: {self.stop_reason.sentence}")
        lines.append(
            f"{self.iterations} iterations, {self.evaluations} evaluations, "
            f"{self.compile_s:.1f} s compiling, {self.run_s:.1f} s running"
        )
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes)])


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
        ValueError: if a trajectory has no complete row and no start is given.
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
                    "to start from; give one complete row."
                )
            time, state = float(trajectory.ts[complete[0]]), trajectory.ys[complete[0]]
        predicted.append(_run(model, trajectory, time, np.asarray(state)))
    return data.with_trajectories(predicted)


def _run(model: Callable, trajectory: Trajectory, time: float, state: np.ndarray) -> Trajectory:
    ts = trajectory.ts
    inputs = None if trajectory.inputs is None else LinearInputs(ts, trajectory.inputs)
    ys = np.full(trajectory.ys.shape, np.nan)
    forward, backward = np.flatnonzero(ts >= time), np.flatnonzero(ts < time)[::-1]
    for rows in (forward, backward):
        if rows.size:
            lead = [] if ts[rows[0]] == time else [time]
            ys[rows] = _solve(model, np.concatenate([lead, ts[rows]]), state, inputs)[len(lead) :]
    ys[~np.isfinite(ys)] = np.nan
    return Trajectory(trajectory.id, ts, ys, inputs=trajectory.inputs)


def call(model: Callable, ts, y0, inputs: LinearInputs | None):
    """The states at `ts`; a `NeuralODE` whose solve fails gives what it has instead of raising."""
    if isinstance(model, NeuralODE):
        return model(ts, y0, inputs, throw=False)
    return model(ts, y0) if inputs is None else model(ts, y0, inputs)


_compiled_call = eqx.filter_jit(call)


def _solve(model: Callable, ts: np.ndarray, y0: np.ndarray, inputs: LinearInputs | None) -> np.ndarray:
    """One solve; times and inputs are padded to a power of two, so that few lengths are compiled."""
    ts = ts.astype(jnp.result_type(float))
    extra = max(2, 1 << (ts.size - 1).bit_length()) - ts.size
    # Past the end the times go on by next to nothing: strictly, but without anything to solve.
    least = 8 * np.spacing(np.abs(ts).max() or ts.dtype.type(1))
    padded = np.concatenate([ts, ts[-1] + (np.sign(ts[-1] - ts[0]) or 1) * least * np.arange(1, extra + 1)])
    if inputs is not None:
        extra = (1 << (inputs.ts.size - 1).bit_length()) - inputs.ts.size
        gap = np.arange(1, extra + 1) * (inputs.ts[-1] - inputs.ts[0] or 1.0)
        inputs = LinearInputs(
            np.concatenate([inputs.ts, inputs.ts[-1] + gap]),
            np.concatenate([inputs.us, np.repeat(inputs.us[-1:], extra, axis=0)]),
        )
    with failed_solves_as_nan():
        return np.asarray(_compiled_call(model, padded, y0, inputs))[: ts.size]


def _rmse(data: Trajectories, predictions: Trajectories | None, constant: np.ndarray | None = None) -> np.ndarray:
    observed = np.concatenate([trajectory.ys for trajectory in data])
    predicted = constant if predictions is None else np.concatenate([trajectory.ys for trajectory in predictions])
    seen = np.isfinite(observed)
    squares = np.where(seen, observed - predicted, 0.0) ** 2
    return np.sqrt(squares.sum(axis=0) / np.maximum(seen.sum(axis=0), 1))
