"""A table to trajectories, and trajectories or predictions to a table."""

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache

import numpy as np

from .cells import Column, Table, format_number, is_missing, plain_number, shown
from .clock import FORMS, Clock, Moment, clock_of_numbers, clock_of_timestamps, exact, parse_timestamp
from .driving import filled, held, read_inputs
from .errors import DataError
from .long import advice_on_long
from .roles import Roles
from .trajectories import Trajectories, Trajectory

_MONTH = re.compile(r"((?:19|20)\d\d)(?:0[1-9]|1[0-2])")


@lru_cache(maxsize=4)  # of one table the times are asked for several times
def read_times(table: Table, name: str, clock: Clock | None = None) -> tuple[np.ndarray, Clock]:
    """The times of all rows, shape `(rows,)`, and how they are counted.

    Args:
        clock: how to count them; by default numbers as they are and timestamps from the first of them.

    Raises:
        DataError: if a time is blank, infinite, neither a number nor a timestamp, or of another kind or time zone
            than the first.
    """
    column = table.column(name)
    for row, text in enumerate(column.cells):
        if is_missing(text):
            raise DataError(f"{table.where(row, column.name)}: the time is blank; fill it in or remove the row.")
    dated = _moment(table, column, 0) is not None
    if clock is not None and clock.dated != dated:
        kinds = ("timestamps", "numbers")
        raise DataError(
            f"{table.where(0, column.name)}: {shown(column.cells[0])} is one of {kinds[not dated]}, but the times that "
            f"the model was trained on are {kinds[dated]}; write times as there."
        )
    ts, clock = _read_timestamps(table, column, clock) if dated else _read_numbers(table, column, clock)
    ts.setflags(write=False)  # it is kept for the next who asks
    return ts, clock


def _moment(table: Table, column: Column, row: int) -> Moment | None:
    try:
        return parse_timestamp(column.cells[row])
    except ValueError:
        text = shown(column.cells[row])
        message = f"{table.where(row, column.name)}: there is no such time as {text}; correct it or remove the row."
        raise DataError(message) from None


def _read_timestamps(table: Table, column: Column, clock: Clock | None) -> tuple[np.ndarray, Clock]:
    seconds: list[Decimal] = []
    zone = None
    for row, text in enumerate(column.cells):
        moment = _moment(table, column, row)
        if moment is None:
            raise DataError(
                f"{table.where(row, column.name)}: {shown(text)} is no timestamp, but the times before it are; write "
                f"all times in one way, {FORMS}."
            )
        zone = moment.zone if row == 0 else zone
        if moment.zone != zone:
            raise DataError(
                f"{table.where(row, column.name)}: {shown(text)} is not in the time zone of the first, "
                f"{shown(column.cells[0])}; write all times in one, such as UTC."
            )
        seconds.append(moment.seconds)
    if clock is not None and (clock.zone is None) != (zone is None):
        raise DataError(
            f"{table.where(0, column.name)}: {shown(column.cells[0])} has {'no' if zone is None else 'a'} time zone, "
            f"but the times that the model was trained on have {'none' if clock.zone is None else 'one'}; write times "
            "as there."
        )
    clock = clock or clock_of_timestamps(column.cells, seconds)
    return clock.count(seconds), clock


def _read_numbers(table: Table, column: Column, clock: Clock | None) -> tuple[np.ndarray, Clock]:
    try:
        ts = table.numbers(column.name, f"write times as numbers or as timestamps {FORMS}, or remove the row")
    except DataError:
        for row, text in enumerate(column.cells):
            if _moment(table, column, row) is not None:
                message = f"{shown(text)} is a timestamp among numbers; write all times in one way"
                raise DataError(f"{table.where(row, column.name)}: {message}.") from None
        raise
    if all(map(_is_compact_date, column.cells)):
        raise DataError(
            f"{table.where(0, column.name)}: {shown(column.cells[0])} looks like a date without its dashes, and as "
            "numbers such dates jump from month to month; write 2024-01-31 for 20240131."
        )
    months = [_MONTH.fullmatch(text.strip()) for text in column.cells]
    if all(months) and len({month[1] for month in months if month}) > 1:
        raise DataError(
            f"{table.where(0, column.name)}: {shown(column.cells[0])} looks like a year and a month, and as numbers "
            "they jump from year to year; write 2024-01-01 for 202401."
        )
    texts = [plain_number(text, table.decimal) for text in column.cells]
    clock = clock or clock_of_numbers(texts, ts)
    return (clock.count([exact(text) for text in texts]) if clock.origin else ts), clock


def _is_compact_date(text: str) -> bool:
    """Whether digits are a day of the last or this century, and maybe an hour: 20240131, 202401311345."""
    match = re.fullmatch(r"((?:19|20)\d\d)(\d\d)(\d\d)(?:[0-2]\d[0-5]\d(?:[0-5]\d)?)?(?:\.0)?", text.strip())
    try:
        return match is not None and date(*map(int, match.groups())) is not None
    except ValueError:
        return False


def rows_by_trajectory(table: Table, roles: Roles, clock: Clock | None = None) -> dict[str, np.ndarray]:
    """Positions of each trajectory's rows in the order of time; trajectories as they first appear.

    Raises:
        DataError: if a time cannot be read, a row names no trajectory, or a time comes twice.
    """
    ts, _ = read_times(table, roles.time, clock)
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
            advice = "remove one of the rows"
            if roles.trajectory is None:
                advice += " or name the column that tells the runs apart with --trajectory (trajectory= in Python)"
                if _on_a_clock(table, roles.time):
                    advice += ", or where clocks were put back give times in UTC"
            which = "" if roles.trajectory is None else f" of trajectory {name!r}"
            long = advice_on_long(table, roles.time, roles.trajectory)
            raise DataError(
                f"{table.both(int(rows[again]), int(rows[again + 1]))}: time "
                f"{table.column(roles.time).cells[rows[again]]}{which} comes twice; {long or advice}."
            )
        ordered[name] = rows
    return ordered


def _on_a_clock(table: Table, time: str) -> bool:
    """Whether times are those of day at a place, of which one hour comes twice a year."""
    text = table.column(time).cells[0]
    moment = parse_timestamp(text)
    return moment is not None and moment.zone is None and ":" in text


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
    ts, clock = read_times(table, roles.time, clock)
    ys = np.stack([table.numbers(name) for name in roles.states], axis=1)
    sd = _deviations(table, roles, ys) if roles.sd else None
    us = read_inputs(table, roles, rows) if roles.inputs else None
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
