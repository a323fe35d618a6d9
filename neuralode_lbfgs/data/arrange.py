"""A table to trajectories, and trajectories or predictions to a table."""

from collections.abc import Mapping

import numpy as np

from .cells import Column, Table, format_number
from .clock import Clock
from .driving import filled, held
from .errors import DataError
from .roles import Roles
from .rows import read_inputs, read_times, rows_by_trajectory
from .trajectories import Trajectories, Trajectory


def to_trajectories(
    table: Table,
    roles: Roles,
    units: Mapping[str, str] | None = None,
    clock: Clock | None = None,
    hold: tuple[bool, ...] | None = None,
) -> Trajectories:
    """The trajectories in a table of one row for each time.

    Rows are grouped by trajectory and put in the order of time. A blank state is one that was not
    observed; a row of which all states are blank is a time at which a prediction is wanted.

    Args:
        units: units by column name; they take the place of those in the headers.
        clock: how to count times; by default numbers as they are and timestamps from the first of them.
        hold: which inputs are held from row to row; by default see `held`.

    Raises:
        DataError: if a cell cannot be used; one sentence with file, line and column.
    """
    rows = rows_by_trajectory(table, roles, clock)
    ys = np.stack([table.numbers(name, beside=roles.states) for name in roles.states], axis=1)
    sd = _deviations(table, roles, ys) if roles.sd else None
    us = read_inputs(table, roles, clock) if roles.inputs else None
    ts, clock = read_times(table, roles.time, clock)
    if us is None or hold is None:
        hold = () if us is None else held(us, rows, roles)
    return Trajectories(
        tuple(
            Trajectory(
                name,
                ts[at],
                ys[at],
                None if sd is None else sd[at],
                None if us is None else filled(ts[at], us[at], hold),
                hold,
            )
            for name, at in rows.items()
        ),
        state_names=roles.states,
        input_names=roles.inputs,
        time_name=roles.time,
        id_name=roles.trajectory or "trajectory",
        units=_with_origin({**table.units, **(units or {})}, roles.time, clock),
        clock=clock,
    )


def _with_origin(units: dict[str, str], time: str, clock: Clock) -> dict[str, str]:
    return {**units, time: clock.label(units.get(time, ""))} if clock.origin else units


def _deviations(table: Table, roles: Roles, ys: np.ndarray) -> np.ndarray:
    """The standard deviations of the observations, from columns or one number a state; NaN where nothing was seen."""
    sd = np.empty(ys.shape)
    for i, (state, given) in enumerate(zip(roles.states, roles.sd, strict=True)):
        if not isinstance(given, str):
            sd[:, i] = given
            continue
        sd[:, i] = table.numbers(given, f"it is the standard deviation of {state!r}")
        for row in np.flatnonzero(np.isfinite(ys[:, i]) & ~(sd[:, i] > 0)):
            what = "blank" if np.isnan(sd[row, i]) else "not positive"
            raise DataError(
                f"{table.where(int(row), given)}: the standard deviation of {state!r} is {what}; give it, or leave the "
                f"cell of {state!r} blank."
            )
    return np.where(np.isfinite(ys), sd, np.nan)


def from_trajectories(data: Trajectories, source: str = "the data") -> Table:
    """The table of trajectories: id, time, states and inputs, every number so that it reads back exactly."""
    ids = tuple(trajectory.id for trajectory in data for _ in trajectory.ts)
    columns = [Column(data.id_name, data.id_name, "", ids)]
    times = tuple(data.clock.write(t) for trajectory in data for t in trajectory.ts)
    columns.append(Column(data.time_name, data.time_name, "", times))
    values = [np.concatenate([trajectory.ys for trajectory in data])]
    if data.input_size:
        values.append(np.concatenate([trajectory.inputs for trajectory in data if trajectory.inputs is not None]))
    names = (*data.state_names, *data.input_names)
    for name, cells in zip(names, np.concatenate(values, axis=1).T, strict=True):
        columns.append(Column(name, name, "", tuple(map(format_number, cells.tolist()))))
    return Table(source, tuple(columns), range(2, 2 + len(ids)))


def predictions_table(
    table: Table,
    roles: Roles,
    predictions: Mapping[str, tuple[np.ndarray, np.ndarray]],
    clock: Clock | None = None,
    beside: Mapping[str, Mapping[str, tuple[np.ndarray, np.ndarray]]] | None = None,
) -> Table:
    """The id, time and state columns of a table with the states replaced by predictions.

    Headers, ids, times and the order of the rows are those of the table, as written there.

    Args:
        predictions: for each trajectory times, shape `(times,)`, and predicted states, shape
            `(times, states)`; among the times are all of the table's. NaN is written as blank.
        clock: how their times are counted; by default as `to_trajectories` counts those of the table.
        beside: others by their name, such as `low`, in columns after all states: `hare_low`.

    Raises:
        ValueError: if a trajectory or one of its times has no prediction, or shapes disagree.
    """
    columns = [table.column(name) for name in (roles.trajectory, roles.time) if name is not None]
    for suffix, values_of in {"": predictions, **(beside or {})}.items():
        for name, values in zip(roles.states, _predicted(table, roles, values_of, clock).T, strict=True):
            texts = tuple(format_number(value, table.decimal) for value in values.tolist())
            column = table.column(name)
            new, taken = f"{column.name}_{suffix}", {one.name for one in columns}
            while new in taken:
                new += "_"
            columns.append(
                Column(new, new, column.unit, texts)
                if suffix
                else Column(column.name, column.header, column.unit, texts)
            )
    return Table(table.source, tuple(columns), table.places, table.place_word, table.title, table.decimal)


def _predicted(
    table: Table, roles: Roles, predictions: Mapping[str, tuple[np.ndarray, np.ndarray]], clock: Clock | None
) -> np.ndarray:
    """Predictions at the rows of a table, `(rows, states)`."""
    ts, _ = read_times(table, roles.time, clock)
    predicted = np.empty((len(table), len(roles.states)))
    for name, rows in rows_by_trajectory(table, roles, clock).items():
        if name not in predictions:
            raise ValueError(f"there is no prediction for trajectory {name!r}.")
        at, ys = (np.asarray(values, dtype=np.float64) for values in predictions[name])
        if ys.shape != (at.size, len(roles.states)) or at.size == 0:
            raise ValueError(
                f"trajectory {name!r}: predicted states must have shape (times, states) = "
                f"({at.size}, {len(roles.states)}) with at least one time; they have shape {ys.shape}."
            )
        order = np.argsort(at)
        nearest = order[np.rint(np.interp(ts[rows], at[order], np.arange(at.size))).astype(int)]
        # Times may have been through float32, which keeps about seven digits.
        far = np.flatnonzero(np.abs(at[nearest] - ts[rows]) > 1e-6 * np.abs(ts[rows]).max())
        if far.size:
            raise ValueError(f"trajectory {name!r} has no prediction at time {ts[rows[far[0]]]:.12g}.")
        predicted[rows] = ys[nearest]
    return predicted
