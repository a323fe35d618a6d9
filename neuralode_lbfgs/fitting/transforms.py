"""From the names that a person gives to the transform of the coordinates, and data under it."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ..data.errors import counted, did_you_mean
from ..data.trajectories import Trajectories
from ..models import NeuralODE, SecondOrderField, Transform
from .decades import over_decades
from .options import FitOptions

# Times count as log-spaced when their intervals differ by this much, a tenth at either end apart, and their logarithms'
# no more than by chance: those of random times have a standard deviation of their mean, of even ones none.
SPREAD, UNEVEN, LEAST_ROWS = 300.0, 1.4, 6


def transform_for(
    model: NeuralODE, data: Trajectories, options: FitOptions, notes: list[str], observe: Callable | None = None
) -> Transform:
    """The transform that the options ask for, or that of a model that has been fitted before.

    Raises:
        ValueError: if a name is no state, a state to be modelled in logarithms is negative or never positive, a
            state is both positive and in logarithms or the rate of another, or the model was fitted under another
            transform.
    """
    log = [_number(name, data, "transform") for name in options.logarithms]
    positive = tuple(sorted(_number(name, data, "positive") for name in options.positive))
    if (log or positive or options.time_scale != "linear") and (
        observe or isinstance(model.vector_field, SecondOrderField)
    ):
        raise ValueError(
            "transform, positive and time_scale go neither with second order nor with observe: a velocity is the rate "
            "of a position as it is, and what is observed is no state."
        )
    exact = dict(getattr(model.vector_field, "rates", ()))
    for state in positive:
        name = data.state_names[state]
        if state in log:
            raise ValueError(f"{name!r} is modelled in logarithms, so it is positive; leave it out of positive.")
        if state in exact:
            raise ValueError(f"the rate of {name!r} is another state, so that it cannot be kept positive as well.")
    before = model.coordinates.transform
    wanted = {"log": set(log), "positive": set(positive), "time": options.time_scale == "log"}
    if model.is_scaled:
        has = {"log": {i for i, _ in before.log}, "positive": set(before.positive), "time": bool(before.log_time)}
        if any(wanted.values()) and wanted != has:
            raise ValueError(
                "the model has been fitted with other transforms (transform, positive, time_scale), which it keeps; "
                "begin with a new model, or leave them out."
            )
        return before
    log_time = None
    if options.time_scale == "log":
        log_time = _log_time(data, notes)
    elif not (data.input_size or observe) and all(is_log_spaced(run.ts - min(run.ts[0], 0.0)) for run in data):
        notes.append(
            f"the times {data.time_name} are log-spaced: solving in their logarithm (--time-scale log, "
            "time_scale='log' in Python) may fit better, in fewer steps."
        )
    fixed = observe or isinstance(model.vector_field, SecondOrderField)  # neither goes with a transform
    if not fixed and (told := over_decades(data, log, positive)):
        notes.append(f"{told}.")
    return Transform(tuple((state, _floor(state, data, notes)) for state in sorted(log)), positive, log_time)


def transformed(data: Trajectories, transform: Transform) -> Trajectories:
    """The data with states and times in logarithms where these are modelled so."""
    if not transform.log and transform.log_time is None:
        return data
    return data.with_trajectories(
        [
            replace(
                run,
                ts=transform.times(run.ts),
                ys=transform.states(run.ys),
                sd=None if run.sd is None else run.sd / transform.unit_of(transform.floored(run.ys)),
            )
            for run in data
        ]
    )


def is_log_spaced(ts: np.ndarray) -> bool:
    """Whether the intervals between positive times grow three hundredfold while those of their logarithms stay."""
    ts = ts[ts > 0]
    if ts.size < LEAST_ROWS:
        return False
    steps, log_steps = np.diff(ts), np.diff(np.log(ts))
    least, most = np.quantile(steps, [0.1, 0.9])
    return bool(most > SPREAD * least and log_steps.std() < UNEVEN * log_steps.mean())


def _number(name: str, data: Trajectories, option: str) -> int:
    if name not in data.state_names:
        hint = did_you_mean(name, data.state_names)
        raise ValueError(f"{option}: there is no state {name!r}{hint}; there are {', '.join(data.state_names)}.")
    return data.state_names.index(name)


def _floor(state: int, data: Trajectories, notes: list[str]) -> float:
    """Half the smallest positive value of a state."""
    name = data.state_names[state]
    values = np.concatenate([run.ys[:, state] for run in data])
    negative, zeros = int((values < 0).sum()), int((values == 0).sum())
    if negative:
        raise ValueError(
            f"{name} has {counted(negative, 'negative value')}, down to {np.nanmin(values):.6g}, without a logarithm; "
            f"make those NaN that only show noise, or take positive={name!r} in place of transform."
        )
    if not (values > 0).any():
        raise ValueError(f"{name} is never positive, so that it has no logarithm; leave it out of transform.")
    least = float(values[values > 0].min())
    if zeros:
        notes.append(
            f"{name} is modelled in logarithms: {zeros} {'zero enters' if zeros == 1 else 'zeros enter'} as "
            f"{least / 2:.3g}, half of its smallest positive value."
        )
    return least / 2


def _log_time(data: Trajectories, notes: list[str]) -> tuple[float, float]:
    """Shift and unit, so that the first time of all has the logarithm zero."""
    if data.input_size:
        raise ValueError("time_scale='log' does not go with inputs, which are linear in time between their rows.")
    ts = np.unique(np.concatenate([run.ts for run in data]))
    if ts[0] > 0 or ts.size == 1:
        return (0.0, float(ts[0])) if ts[0] > 0 else (1.0 - float(ts[0]), 1.0)
    shift = float(ts[1] - 2 * ts[0])  # t + shift is the first interval where time begins
    sign = "-" if shift < 0 else "+"
    notes.append(
        f"solved in the logarithm of {data.time_name} {sign} {abs(shift):.3g}, because times begin at {ts[0]:.6g}: the "
        "first time of all becomes the first interval."
    )
    return shift, float(ts[0] + shift)
