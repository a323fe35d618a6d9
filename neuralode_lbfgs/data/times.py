"""Which column holds the times: by its name, or by the timestamps in it."""

import re
from collections.abc import Sequence

from .cells import Column, Table, is_timestamp
from .errors import DataError, listed, only

_DURATION = r"s|secs?|seconds?|[mun]s|mins?|minutes?|h|hrs?|hours?|d|days?|weeks?|months?|y|yrs?|years?"
_TIME = re.compile(
    rf"(t|time|time[ _.-]?stamp|elapsed([ _]time)?)([ _.-]({_DURATION})|\(({_DURATION})\))?|ts|times|date"
    r"|date[ _.-]?time"
)
# Plain units of time name the time only where no clearer name is there.
_TIME_UNIT = re.compile(r"seconds?|minutes?|hours?|days?|weeks?|months?|years?")
_TEMPERATURE = re.compile(r"k|c|f|kelvin|celsius|fahrenheit|(°|deg[ .]?)[ckf]")
_TIME_OF_DAY = re.compile(r"\d\d?:\d\d(:\d\d([.,]\d+)?)?")


def names_the_time(header: str) -> bool:
    """Whether this is a name of the time, with or without a unit behind it."""
    return _TIME.fullmatch(re.split(r"\s*[\[(]", header, maxsplit=1)[0].lower()) is not None


def is_duration(unit: str) -> bool:
    """Whether this is a unit of time."""
    return re.fullmatch(_DURATION, unit.lower()) is not None


def time_of(table: Table, free: Sequence[Column]) -> str:
    """The name of the column of times among those that have no other role.

    Raises:
        DataError: if there is none, or more than one.
    """
    able = [column for column in free if not _TEMPERATURE.fullmatch(column.unit.lower())]
    found = [column for column in able if _TIME.fullmatch(column.name.lower())]
    found = found or [column for column in able if _TIME_UNIT.fullmatch(column.name.lower())]
    found = found or [column for column in able if column.cells and is_timestamp(column.cells[0])]
    if not found:
        raise _no_time(table, free)
    if len(found) > 1:
        # A large T beside a clearer name is a temperature, unless its unit is one of time.
        found = [column for column in found if column.name != "T" or is_duration(column.unit)] or found
        _refuse_times_of_day(table, found)
    return only(table.source, [column.name for column in found], "time")


def _refuse_times_of_day(table: Table, found: Sequence[Column]) -> None:
    """Refuse a date in one column and the time of day in another."""
    hours = [column for column in found if column.cells and _TIME_OF_DAY.fullmatch(column.cells[0])]
    if len(found) == 2 and len(hours) == 1:
        day = next(column for column in found if column is not hours[0])
        raise DataError(
            f"{table.source}: {day.name!r} seems to be the date and {hours[0].name!r} the time of day; join them into "
            "one column, such as 2024-01-31T13:45:00."
        )


def _no_time(table: Table, free: Sequence[Column]) -> DataError:
    for column in table.columns:
        if column not in free and _TIME.fullmatch(column.name.lower()):
            return DataError(
                f"{table.source}: column {column.name!r} was given another role, and no other one can be the time; "
                "give it none, or name the time column with --time (time= in Python)."
            )
    notes = "".join(f"; {note}" for note in table.notes if "left out" in note)
    return DataError(
        f"{table.source} has no column called t or time (it has {listed(table.names)}{notes}); "
        "name the time column with --time (time= in Python)."
    )
