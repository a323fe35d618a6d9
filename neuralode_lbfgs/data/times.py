"""Which column holds the times: by its name, by the timestamps in it, or by numbers that grow in it."""

import re
from collections.abc import Sequence

from .cells import Column, Table, is_timestamp, shown
from .digits import what_digits_are
from .errors import DataError, listed, only
from .headers import is_duration, names_the_time
from .runs import grows_in_runs, may_name_runs

# Plain units of time name the time only where no clearer name is there; and French for it may be temperatures.
_TIME_UNIT = re.compile(
    r"(unix|epoch)([ _.-]?(time|timestamp|ts|s|secs?|seconds?|ms))?|"
    r"secs?|seconds?|mins|minutes?|hrs|hours?|days?|weeks?|months?|years?|temps|datum|fecha|heure|uhrzeit"
)
# These name other things as well: a height, a minimum, a torque. As the first column whose numbers grow it is the time,
# as is one in a unit of time.
_SHORT = re.compile(r"s|h|hr|d|ms|min|tau|τ|frames?|steps?")
_OF_RUN = re.compile(r"(.+?)(?:[ _.-](\w+)|(\d+))")
_TEMPERATURE = re.compile(r"k|c|f|kelvin|celsius|fahrenheit|(°|deg[ .]?)[ckf]")


def time_of(table: Table, free: Sequence[Column], numbering: Sequence[Column] = ()) -> str:
    """The name of the column of times among those that have no other role.

    Args:
        numbering: columns that count the rows: an index is the time where nothing else is.

    Raises:
        DataError: if there is none, or more than one.
    """
    able = [column for column in free if not _TEMPERATURE.fullmatch(column.unit.lower())]
    named = [column for column in able if names_the_time(column.name)]
    # A large T stands for temperatures, tensions and T cells as well.
    found = [column for column in named if column.name != "T" or is_duration(column.unit)]
    found = found or [column for column in able if _TIME_UNIT.fullmatch(column.name.lower())]
    found = found or [column for column in named if not column.unit and grows_in_runs(table, column, able)]
    found = found or [column for column in able if column.cells and is_timestamp(column.cells[0])]
    found = found or _first_that_grows(table, able)
    found = found or [column for column in named if not column.unit and column.name != "T"]
    found = found or [
        column
        for column in (*numbering, *able)
        if column.name.lower() == "index" and grows_in_runs(table, column, able)
    ]
    if not found:
        raise _no_time(table, free)
    for column in found if len(found) > 1 else ():  # a date, or a time of day, that is one with another column
        if told := what_digits_are(column.cells):
            raise DataError(f"{table.where(0, column.name)}: {shown(column.cells[0])} {told}.")
    return only(table.source, [column.name for column in found], "time")


def _first_that_grows(table: Table, able: Sequence[Column]) -> list[Column]:
    """The first column, but for names of runs and other words, if it may be the time."""
    first = next((column for column in able if not may_name_runs(column)), None)
    if first is None or not (_SHORT.fullmatch(first.name.lower()) or is_duration(first.unit)):
        return []
    return [first] if grows_in_runs(table, first, able) else []


def _of_runs(names: Sequence[str]) -> list[str]:
    """Those of several names that are times of runs side by side: `t_A` beside `x_A`, `t_B` beside `x_B`."""
    split = [(name, match[1], match[2] or match[3]) for name in names if (match := _OF_RUN.fullmatch(name))]
    others = {run for _, what, run in split if not names_the_time(what)}
    times = [name for name, what, run in split if names_the_time(what) and run in others]
    return times if len(times) > 1 else []


def _no_time(table: Table, free: Sequence[Column]) -> DataError:
    if times := _of_runs([column.name for column in free]):
        return DataError(
            f"{table.source}: {listed(times)} look like the times of runs side by side; give each run rows of its own, "
            "with its name in a column (--trajectory)."
        )
    for column in table.columns:
        if column not in free and names_the_time(column.name):
            return DataError(
                f"{table.source}: column {column.name!r} was given another role, and no other one can be the time; "
                "give it none, or name the time column with --time (time= in Python)."
            )
    temperature = next((column.name for column in free if column.name == "T"), "")
    falls = f"; {temperature} does not grow from row to row, as times do" if temperature else ""
    notes = falls + "".join(f"; {note}" for note in table.notes if "left out" in note or "UTF-8" in note)
    return DataError(
        f"{table.source} has no column called t or time (it has {listed(table.names)}{notes}); "
        "name the time column with --time (time= in Python)."
    )
