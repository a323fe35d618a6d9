"""The learned field on a grid: a column for the time, each state, each input and each rate."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from ..data.errors import did_you_mean
from ..data.trajectories import Trajectories
from ..models import NeuralODE, rates
from .limits import plane_limits, plane_points

MOST_POINTS = 1_000_000


def field_on_grid(
    model: NeuralODE,
    axes: Mapping[str, ArrayLike],
    *,
    states: Sequence[str],
    inputs: Sequence[str] = (),
    time: str = "t",
) -> dict[str, np.ndarray]:
    """The rates of change at every point of a grid, in the data's units.

    ```python
    axes = {"x": np.linspace(0, 2, 21), "v": np.linspace(-1, 1, 11)}
    columns = nl.field_on_grid(result.model, axes, states=data.state_names)  # t, x, v, dx/dt, dv/dt
    ```

    Args:
        axes: the values of each state and input, and of the time if it matters: an array, or a number that is held.
            The last one varies fastest.
        states, inputs, time: the names of the model's, hidden states too.

    Returns:
        Columns of one length, of a grid of all combinations: time, states, inputs, and `dNAME/dtime` of each state.

    Raises:
        ValueError: if a state or input has no value, a name is not known, or there are more than a million points.
    """
    known = (time, *states, *inputs)
    for name in axes:
        if name not in known:
            raise ValueError(f"there is no {name!r}{did_you_mean(name, known)}; there are {', '.join(known)}.")
    for name in (*states, *inputs):
        if name not in axes:
            raise ValueError(f"{name!r} has no value; give it an axis of the grid, or the value that it is held at.")
    values = {name: np.atleast_1d(np.asarray(given, np.float64)) for name, given in {time: 0.0, **axes}.items()}
    for name, axis in values.items():
        if axis.ndim != 1 or not axis.size or not np.isfinite(axis).all():
            raise ValueError(f"the axis {name!r} must be a list of finite numbers.")
    number = math.prod(axis.size for axis in values.values())
    if number > MOST_POINTS:
        raise ValueError(f"the grid has {number} points, and {MOST_POINTS} at most are computed; give fewer.")
    order = [time] * (time not in axes) + list(axes)
    grid = np.meshgrid(*(values[name] for name in order), indexing="ij")
    columns = {name: grid[order.index(name)].ravel() for name in known}
    ys = np.stack([columns[name] for name in states], axis=1)
    us = np.stack([columns[name] for name in inputs], axis=1) if inputs else None
    found = rates(model, ys, t=columns[time], inputs=us)
    return {**columns, **{f"d{name}/d{time}": found[:, i] for i, name in enumerate(states)}}


def field_in_plane(model: NeuralODE, data: Trajectories, curves: Trajectories, time: float) -> np.ndarray:
    """The rates where a phase portrait of these data and predictions draws its arrows, `(points, states)`."""
    return rates(model, plane_points(data, plane_limits(data, curves)), t=time)


def rate_unit(unit: str, time_unit: str) -> str:
    """The unit of a rate: `m/s`, `1/s`; empty if that of the state or of time is not known."""
    return f"{unit or 1}/{time_unit}" if time_unit else ""
