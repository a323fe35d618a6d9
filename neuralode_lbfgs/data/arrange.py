"""A table to trajectories, and trajectories or predictions to a table."""

import re
from collections.abc import Mapping

import numpy as np

from .cells import Column, Table, format_number
from .errors import DataError
from .roles import Roles
from .trajectories import Trajectories, Trajectory


def read_times(table: Table, name: str) -> np.ndarray:
    """The times of all rows, shape `(rows,)`; the one place where the text of a time is understood.

    Raises:
        DataError: if a time is blank, infinite or not a number.
    """
    column = table.column(name)
    dated = column.cells and re.match(r"\d{4}-\d\d-\d\d|\d{1,2}[./]\d{1,2}[./]\d{2,4}|\d{1,2}:\d\d", column.cells[0])
    advice = "write times as numbers" + (", such as days since the first row" if dated else " or remove the row")
    ts = table.numbers(name, advice)
    for row in np.flatnonzero(np.isnan(ts)):
        raise DataError(f"{table.where(int(row), column.name)}: the time is blank; fill it in or remove the row.")
    return ts


def rows_by_trajectory(table: Table, roles: Roles) -> dict[str, np.ndarray]:
    """Positions of each trajectory's rows in the order of time; trajectories as they first appear.

    Raises:
        DataError: if a time cannot be read, a row names no trajectory, or a time comes twice.
    """
    ts = read_times(table, roles.time)
    groups: dict[str, list[int]] = {}
    if roles.trajectory is None:
        groups[table.title] = list(range(len(table)))
    else:
        ids = table.column(roles.trajectory)
        for row, name in enumerate(ids.cells):
            if not name:
                raise DataError(f"{table.where(row, ids.name)}: the row names no trajectory; fill in the cell.")
            groups.setdefault(name, []).append(row)
    ordered = {}
    for name, group in groups.items():
        rows = np.array(group)[np.argsort(ts[group], kind="stable")]
        for again in np.flatnonzero(np.diff(ts[rows]) == 0):
            first, second = table.places[rows[again]], table.places[rows[again + 1]]
            advice = "remove one of the rows"
            if roles.trajectory is None:
                advice += " or name the column that tells the runs apart with --trajectory (trajectory= in Python)"
            which = "" if roles.trajectory is None else f" of trajectory {name!r}"
            raise DataError(
                f"{table.source}, {table.place_word}s {first} and {second}: time "
                f"{table.column(roles.time).cells[rows[again]]}{which} comes twice; {advice}."
            )
        ordered[name] = rows
    return ordered


def to_trajectories(table: Table, roles: Roles, units: Mapping[str, str] | None = None) -> Trajectories:
    """The trajectories in a table of one row for each time.

    Rows are grouped by trajectory and put in the order of time. A blank state is one that was not
    observed; a row of which all states are blank is a time at which a prediction is wanted.

    Args:
        units: units by column name; they take the place of those in the headers.

    Raises:
        DataError: if a cell cannot be used; one sentence with file, line and column.
    """
    rows = rows_by_trajectory(table, roles)
    ts = read_times(table, roles.time)
    ys = np.stack([table.numbers(name) for name in roles.states], axis=1)
    inputs = None
    if roles.inputs:
        inputs = np.stack([table.numbers(name, "an input needs a number at every time") for name in roles.inputs], 1)
        for row, column in np.argwhere(np.isnan(inputs)):
            raise DataError(
                f"{table.where(int(row), roles.inputs[column])}: the input is blank; an input needs a number at "
                "every time."
            )
    return Trajectories(
        tuple(
            Trajectory(name, ts[at], ys[at], None, None if inputs is None else inputs[at]) for name, at in rows.items()
        ),
        state_names=roles.states,
        input_names=roles.inputs,
        time_name=roles.time,
        id_name=roles.trajectory or "trajectory",
        units={**table.units, **(units or {})},
    )


def from_trajectories(data: Trajectories, source: str = "the data") -> Table:
    """The table of trajectories: id, time, states and inputs, every number so that it reads back exactly."""
    ids = tuple(trajectory.id for trajectory in data for _ in trajectory.ts)
    columns = [Column(data.id_name, data.id_name, "", ids)]
    values = [np.concatenate([trajectory.ts for trajectory in data])[:, None]]
    values.append(np.concatenate([trajectory.ys for trajectory in data]))
    if data.input_size:
        values.append(np.concatenate([trajectory.inputs for trajectory in data if trajectory.inputs is not None]))
    names = (data.time_name, *data.state_names, *data.input_names)
    for name, cells in zip(names, np.concatenate(values, axis=1).T, strict=True):
        columns.append(Column(name, name, "", tuple(map(format_number, cells.tolist()))))
    return Table(source, tuple(columns), range(2, 2 + len(ids)))


def predictions_table(table: Table, roles: Roles, predictions: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> Table:
    """The id, time and state columns of a table with the states replaced by predictions.

    Headers, ids, times and the order of the rows are those of the table, as written there.

    Args:
        predictions: for each trajectory times, shape `(times,)`, and predicted states, shape
            `(times, states)`; among the times are all of the table's. NaN is written as blank.

    Raises:
        ValueError: if a trajectory or one of its times has no prediction, or shapes disagree.
    """
    ts = read_times(table, roles.time)
    predicted = np.empty((len(table), len(roles.states)))
    for name, rows in rows_by_trajectory(table, roles).items():
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
    columns = [table.column(name) for name in (roles.trajectory, roles.time) if name is not None]
    for name, values in zip(roles.states, predicted.T, strict=True):
        texts = (format_number(value, table.decimal) for value in values.tolist())
        column = table.column(name)
        columns.append(Column(column.name, column.header, column.unit, tuple(texts)))
    return Table(table.source, tuple(columns), table.places, table.place_word, table.title, table.decimal)
