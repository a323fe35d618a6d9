"""Which column names the run of each row: by its name, or by times that start again with each of its words."""

import re
from collections.abc import Sequence

import numpy as np

from .cells import Column, Table, is_missing, is_word, may_be_number, parse_number
from .clock import parse_timestamp
from .errors import only
from .headers import DEVIATION_OF
from .long import names_variables, plainly_long

_NUMBERED = r"([ _.-]?(id|no|nr|number|name))?"
_NAMES = re.compile(
    rf"(id|run|traj|trajectory|series|subject|patient|experiment|episode|trial|replicate|culture){_NUMBERED}"
)
# What is one system each; a few of these are names of states as well.
_SYSTEMS = re.compile(
    r"(well|plot|shot|sample|specimen|mouse|rat|animal|plant|person|participant|individual|donor|plate|flask|tube|tank|"
    r"vessel|reactor|bioreactor|fermenter|batch|cell|unit|track|session|test|condition|treatment|strain)"
    rf"{_NUMBERED}|.+[ _.-]id"
)
FEWEST = 2  # rows of each run, columns of values that a long table has not, and runs


def runs_of(
    table: Table, time: str, free: Sequence[Column], known: Sequence[Column]
) -> tuple[str | None, tuple[str, ...]]:
    """The name of the column of runs among those that have no other role, if there is one; and a sentence, if only
    the times show that it is.

    Args:
        known: those that are named as states or inputs: values that a long table has not, as much as free ones.

    Raises:
        DataError: if there are more.
    """
    free = [column for column in free if column.name != time]
    if found := [column.name for column in free if _NAMES.fullmatch(column.name.lower())]:
        return only(table.source, found, "trajectory"), ()
    if not any(map(may_name_runs, free)) or (times := _comparable(table, time)) is None or _grow(times):
        return None, ()
    apart = [column for column in free if may_name_runs(column) and _tells_apart(column.cells, times)]
    found = [column.name for column in apart if _is_system(column.name)]
    if not found and _several_values([*free, *known]) and not plainly_long(table):
        found = [column.name for column in apart if _is_text(column) and _in_blocks(column.cells, times)]
    if not found:
        return None, ()
    name = only(table.source, found, "trajectory")
    return name, (f"column {name!r} was taken for the names of runs: within each of them, and only there, times grow",)


def grows_in_runs(table: Table, time: Column, free: Sequence[Column]) -> bool:
    """Whether the numbers of a column grow from row to row, or do so in each run that another column names."""
    times = _comparable(table, time.name)
    if times is None:
        return False
    named = [column for column in free if column is not time and may_name_runs(column)]
    return _grow(times) or any(_tells_apart(column.cells, times) for column in named)


def may_name_runs(column: Column) -> bool:
    """Whether its name is that of runs, or of systems above names and whole numbers, or it holds words."""
    if _NAMES.fullmatch(column.name.lower()):
        return True
    if not _is_system(column.name):
        return _is_text(column)
    return not any(is_missing(text) or "." in text or "," in text for text in column.cells)


def _is_system(name: str) -> bool:
    return _SYSTEMS.fullmatch(name.lower()) is not None and not names_variables(name)


def _is_text(column: Column) -> bool:
    return all(map(is_word, column.cells))


def _several_values(columns: Sequence[Column]) -> bool:
    values = [column for column in columns if not DEVIATION_OF.fullmatch(column.name.lower())]
    return sum(any(map(_is_number, column.cells)) for column in values) >= FEWEST


def _is_number(text: str) -> bool:
    return not is_missing(text) and may_be_number(text)


def _comparable(table: Table, time: str) -> np.ndarray | None:
    """The times, shape `(rows,)`, in any unit and from any zero; None if one cannot be read, which is told of later."""
    cells = table.column(time).cells
    try:
        moments = [parse_timestamp(text) for text in cells]
    except ValueError:
        return None
    stamps = [moment.seconds for moment in moments if moment is not None]
    seen = [float(seconds - stamps[0]) for seconds in stamps]
    if not seen:
        numbers = [parse_number(text, table.decimal) for text in cells]
        seen = [number for number in numbers if number is not None]
    return np.array(seen) if len(seen) == len(cells) else None


def _grow(times: np.ndarray) -> bool:
    return bool((np.diff(times) > 0).all())


def rows_of_each(names: Sequence[str]) -> dict[str, list[int]]:
    """The rows of each run, as these name them; runs as they first appear."""
    rows: dict[str, list[int]] = {}
    for row, name in enumerate(names):
        rows.setdefault(name, []).append(row)
    return rows


def _tells_apart(names: Sequence[str], times: np.ndarray) -> bool:
    """Whether there are several runs of several rows, in each of which times grow."""
    groups = rows_of_each(names)
    return len(groups) >= FEWEST and all(len(rows) >= FEWEST and _grow(times[rows]) for rows in groups.values())


def _in_blocks(names: Sequence[str], times: np.ndarray) -> bool:
    """Whether the rows of each run follow on each other, and times start again with the next."""
    begins = [row for row in range(1, len(names)) if names[row] != names[row - 1]]
    return len(begins) + 1 == len(set(names)) and all(times[row] <= times[row - 1] for row in begins)
