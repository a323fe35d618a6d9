"""The rows of a table: their times, the trajectory that each belongs to, and the inputs that were known there."""

import shlex
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import wraps
from itertools import pairwise
from types import MappingProxyType
from typing import Concatenate, ParamSpec, TypeVar

import numpy as np

from .cells import Column, Table, is_missing, plain_number, shown
from .clock import FORMS, Clock, Moment, clock_of_numbers, clock_of_timestamps, exact, parse_timestamp
from .dates import OF_DAY
from .digits import what_digits_are
from .errors import DataError, counted
from .long import advice_on_long
from .roles import Roles
from .runs import rows_of_each

P = ParamSpec("P")
T = TypeVar("T")

_NUMBERS = "an input needs a number, such as 1 and 0 for on and off"
LEAST_RUN, NEAR = 3, 0.1  # rows, and of all times, from the first one, where a run begins
CYCLES = {"hour": (23, 24), "hr": (23, 24), "month": (12, 12), "week": (52, 53), "day": (28, 31), "doy": (365, 366)}


def read_once(read: Callable[Concatenate[Table, P], T]) -> Callable[Concatenate[Table, P], T]:
    """What this reads of a table is kept with the table, for the next who asks."""

    @wraps(read)
    def known(table: Table, *args: P.args, **keywords: P.kwargs) -> T:
        key = (read.__name__, *args, *keywords.items())
        if key not in table.known:
            table.known[key] = read(table, *args, **keywords)
        return table.known[key]

    return known


@read_once
def read_times(table: Table, name: str, clock: Clock | None) -> tuple[np.ndarray, Clock]:
    """The times of all rows, shape `(rows,)`, and how they are counted.

    Args:
        clock: how to count them; if None, numbers as they are and timestamps from the first of them.

    Raises:
        DataError: if a time is blank, infinite, neither a number nor a timestamp, or of another kind than the first,
            or only one of them has a time zone. Zones may change, as they do in summer: a time with one is absolute.
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
        if (moment.zone is None) != (zone is None):
            raise DataError(
                f"{table.where(row, column.name)}: {shown(text)} has {'no' if moment.zone is None else 'a'} time zone, "
                f"unlike the first, {shown(column.cells[0])}; write all times with one, or without."
            )
        seconds.append(moment.seconds)
    if clock is not None and (clock.zone is None) != (zone is None):
        raise DataError(
            f"{table.where(0, column.name)}: {shown(column.cells[0])} has {'no' if zone is None else 'a'} time zone, "
            f"but the times that the model was trained on have {'none' if clock.zone is None else 'one'}; write times "
            "as there."
        )
    clock = clock or clock_of_timestamps(column.cells, seconds, column.order)
    return clock.count(seconds), clock


def _read_numbers(table: Table, column: Column, clock: Clock | None) -> tuple[np.ndarray, Clock]:
    if told := what_digits_are(column.cells):
        raise DataError(f"{table.where(0, column.name)}: {shown(column.cells[0])} {told}.")
    try:
        ts = table.numbers(column.name, f"write times as numbers or as timestamps {FORMS}, or remove the row")
    except DataError:
        for row, text in enumerate(column.cells):
            if _moment(table, column, row) is not None:
                message = f"{shown(text)} is a timestamp among numbers; write all times in one way"
                raise DataError(f"{table.where(row, column.name)}: {message}.") from None
        raise
    texts = [plain_number(text, table.decimal) for text in column.cells]
    clock = clock or clock_of_numbers(texts, ts)
    return (clock.count([exact(text) for text in texts]) if clock.origin else ts), clock


@read_once
def rows_by_trajectory(table: Table, roles: Roles, clock: Clock | None) -> Mapping[str, np.ndarray]:
    """Positions of each trajectory's rows in the order of time; trajectories as they first appear.

    Raises:
        DataError: if a time cannot be read, a row names no trajectory, or a time comes twice.
    """
    ts, _ = read_times(table, roles.time, clock)
    groups = {table.title: list(range(len(table)))}
    if roles.trajectory is not None:
        ids = table.column(roles.trajectory)
        groups = rows_of_each(ids.cells)
        if "" in groups:
            raise DataError(f"{table.where(groups[''][0], ids.name)}: the row names no trajectory; fill in the cell.")
    ordered: dict[str, np.ndarray] = {}
    for name, group in groups.items():
        _refuse_cycles(table, roles.time, ts, group)
        rows = np.array(group)[np.argsort(ts[group], kind="stable")]
        for again in np.flatnonzero(np.diff(ts[rows]) == 0):
            which = "" if roles.trajectory is None else f" of trajectory {name!r}"
            advice = advice_on_long(table, roles.time, roles.trajectory) or _advice_on_twice(table, roles, ts)
            raise DataError(
                f"{table.both(int(rows[again]), int(rows[again + 1]))}: time "
                f"{table.column(roles.time).cells[rows[again]]}{which} comes twice; {advice}."
            )
        rows.setflags(write=False)
        ordered[name] = rows
    return MappingProxyType(ordered)


def _advice_on_twice(table: Table, roles: Roles, ts: np.ndarray) -> str:
    """What to do about a time that comes twice."""
    again = _restarts(table, roles.time, ts)
    advice = "remove one of the rows"
    other = _tells_apart(table, roles.trajectory, roles.time)
    if roles.trajectory is None and other is not None:
        quoted = shlex.quote(other)
        advice = (
            f"if {other!r} tells the runs apart, name it with --trajectory {quoted} (trajectory={other!r} in Python), "
            f"or, if it drives them, too, number the runs in a column of their own; else {advice}"
        )
    elif roles.trajectory is None and again.size:
        begins = f"{table.place_word} {table.places[again[0]]}"
        others = f" and {counted(again.size - 1, f'more {table.place_word}')}" if again.size > 1 else ""
        advice = (
            f"times start again in {begins}{others}, so that these are {again.size + 1} runs: number them in a column "
            "of their own (in pandas table['run'] = (table[...].diff() < 0).cumsum() of the times), and name it with "
            "--trajectory run (trajectory='run' in Python)"
        )
    elif roles.trajectory is None:
        advice += " or name the column that tells the runs apart with --trajectory (trajectory= in Python)"
    elif other is not None:
        advice += f", or if {other!r} tells runs apart, too, make one column of it and {roles.trajectory!r}"
    if any(OF_DAY in note for note in table.notes):
        return f"{advice}, or where times of day go on past midnight add a column of dates"
    return f"{advice}, or where clocks were put back give times in UTC" if _on_a_clock(table, roles.time) else advice


def _restarts(table: Table, time: str, ts: np.ndarray) -> np.ndarray:
    """The rows at which a clock is set back to about where it began, if that is what parts them; of no time of day."""
    again = np.flatnonzero(np.diff(ts) < 0) + 1
    of_day = any(OF_DAY in note for note in table.notes) or _on_a_clock(table, time)
    near = ts[again] - ts[0] < NEAR * np.ptp(ts)
    enough = min(map(len, np.split(ts, again))) >= LEAST_RUN
    return again if enough and near.all() and not of_day else again[:0]


def _tells_apart(table: Table, trajectory: str | None, time: str) -> str | None:
    """A column of few words or numbers with which no time comes twice in a run; of numbers that are not whole one that
    is the same from row to row until the times begin anew."""
    times = table.column(time).cells
    runs = times if trajectory is None else table.column(trajectory).cells
    index = list(zip(runs, times, strict=True))
    for column in table.columns:
        few = 2 * len(set(column.cells)) <= len(table) and not any(map(is_missing, column.cells))
        if few and len(set(zip(index, column.cells, strict=True))) == len(table):
            whole = not any("." in text or "," in text for text in column.cells)
            if whole or sum(one != other for one, other in pairwise(column.cells)) + 1 == len(set(column.cells)):
                return column.name
    return None


def _refuse_cycles(table: Table, time: str, ts: np.ndarray, rows: list[int]) -> None:
    """Refuse the hours of a day, months of a year and the like that begin anew within a run."""
    if (cycle := CYCLES.get(time.lower().removesuffix("s"))) is None:
        return
    run, (least, most) = ts[rows], cycle
    if least <= run.max() <= most:
        for at in np.flatnonzero((run[:-1] >= least) & (run[1:] <= 1)):
            raise DataError(
                f"{table.where(rows[at + 1], time)}: {time!r} begins anew after {run[at]:g}; let it go on growing, or "
                f"write timestamps {FORMS}."
            )


def _on_a_clock(table: Table, time: str) -> bool:
    """Whether times are those of day at a place, of which one hour comes twice a year."""
    text = table.column(time).cells[0]
    moment = parse_timestamp(text)
    return moment is not None and moment.zone is None and ":" in text


@read_once
def read_inputs(table: Table, roles: Roles, clock: Clock | None) -> np.ndarray:
    """The inputs of all rows, shape `(rows, inputs)`, as they are written: NaN where blank.

    Raises:
        DataError: if a cell is no number, or an input is blank where a trajectory begins or ends.
    """
    us = np.stack([table.numbers(name, _NUMBERS, roles.inputs) for name in roles.inputs], axis=1)
    for at in rows_by_trajectory(table, roles, clock).values():
        for i, name in enumerate(roles.inputs):
            known = np.flatnonzero(np.isfinite(us[at, i]))
            time = table.column(roles.time).cells
            if not known.size or known[0] > 0:
                raise DataError(
                    f"{table.where(int(at[0]), name)}: the input is blank where its trajectory begins, at time "
                    f"{time[at[0]]}; give it from the first row on."
                )
            if known[-1] < at.size - 1:
                last, end = time[at[known[-1]]], time[at[-1]]
                raise DataError(
                    f"{table.where(int(at[known[-1] + 1]), name)}: the input is blank from here to the end; it is "
                    f"known until time {last} and needed until {end}: fill in the last row, or remove those after it."
                )
    us.setflags(write=False)
    return us
