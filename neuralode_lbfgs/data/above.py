"""Lines that stand above a table, and a line of units below its header: instruments write both."""

import re
from collections.abc import Sequence

from .advice import THOUSANDS
from .cells import is_missing, is_value, may_be_number
from .errors import DataError
from .headers import is_duration, names_the_time, split_unit, with_unit
from .separators import SEPARATORS, cells_of
from .transposed import FEWEST as LEAST_TIMES
from .transposed import transposed
from .units import is_unit

MOST_UNITS = 3  # lines below the header
MOST_LINES = 100  # from the first one on, that are looked at
_NAME = re.compile(r"[^\d\s+\-.,<>=~].*", re.DOTALL)  # dates of all forms and limits such as <0.1 are no names


def refuse_preamble(lines: list[str], numbers: list[int], separator: str, source: str) -> None:
    """Refuse lines above the header, if one of those below them is the header that is meant; and transposed tables.

    Raises:
        DataError: if so; it names the line of the header.
    """
    lines = lines[:MOST_LINES]
    marks = (separator, *(mark for mark in SEPARATORS if mark != separator))
    for mark in marks:
        begins = _header(lines, mark)
        if begins:
            raise DataError(
                f"{source}, line {numbers[0]}: this is no header of the table, which seems to begin with line "
                f"{numbers[begins]}; remove the lines before that one, or begin them with #."
            )
        if begins == 0:
            return
    for mark in marks:
        rows = [cells_of(line, mark) for line in lines]
        names = [cells[0] for cells in rows if _is_variable(cells)]
        begins = next((place for place, cells in enumerate(rows) if _is_variable(cells)), 0)
        if begins and len(names) > 1 and _is_variable(rows[-1]):
            corner = next(filter(names_the_time, names), "")
            names = [name for name in names if name != corner]
            raise transposed(f"{source}, line {numbers[begins]}", names, corner)


def _is_variable(row: list[str]) -> bool:
    """Whether a row has a name, and then numbers."""
    return len(row) > LEAST_TIMES and _is_name(row[0]) and all(map(is_value, row[1:]))


def _header(lines: list[str], separator: str) -> int | None:
    """The last line that has a name above every number of the last row, and only rows as wide below it.

    If this line may have the units of the one above, that one; the first, where it names the time and no other does.
    None if there is no such line.
    """
    places, rows = [], []
    for place, line in enumerate(lines):
        if any(cells := cells_of(line, separator)):  # spreadsheets leave lines of bare separators
            places.append(place)
            rows.append(cells)
    last = rows[-1] if rows else []
    if len(rows) < 2 or len(last) < 2:
        return None
    columns = [column for column, cell in enumerate(last) if is_value(cell)]
    if not columns:
        return None
    if len(rows[0]) == len(last) and _are_data(rows[1], columns):
        return 0  # as in nearly all files
    i = len(rows) - 2
    while i >= 0 and len(rows[i]) == len(last) and not _has_names(rows[i], columns):
        i -= 1
    if i < 0 or len(rows[i]) != len(last):
        return None
    above = rows[i - 1] if i else []
    if len(above) == len(last) and _has_names(above, columns) and _has_units(rows[i], above, first=i == 1):
        i -= 1
    timed = len(rows[0]) == len(last) and _has_names(rows[0], columns) and _names_a_time(rows[0])
    return 0 if timed and not _names_a_time(rows[i]) else places[i]


def _are_data(row: list[str], columns: Sequence[int]) -> bool:
    return len(row) > columns[-1] and all(is_missing(row[i]) or is_value(row[i]) for i in columns)


def _has_names(row: list[str], columns: Sequence[int]) -> bool:
    """Whether names stand in these columns, and names or nothing in the others."""
    return len(row) > columns[-1] and all(row[i] for i in columns) and all(_is_name(cell) for cell in row if cell)


def _is_name(cell: str) -> bool:
    return _NAME.fullmatch(cell) is not None and not is_missing(cell) and not is_value(cell)


def _has_units(row: list[str], names: list[str], *, first: bool) -> bool:
    """Whether a row of words has the units of the names above it, and is no header itself.

    Args:
        first: whether the names are the first line, which is then rather the header than not.
    """
    if any(cell == "TS" and names_the_time(name) for cell, name in zip(row, names, strict=True)):
        return True  # so data loggers call the unit of TIMESTAMP
    if _names_a_time(row):
        return False
    return _names_a_time(names) or first or any(is_duration(cell.strip("[]()")) and cell != "y" for cell in row)


def _names_a_time(row: list[str]) -> bool:
    return any(map(names_the_time, row))


def units_in(cells: Sequence[str]) -> list[str] | None:
    """The units that a line holds, one a column and with brackets or without, empty where there is none; None if any
    cell is something else."""
    units = [cell.strip("[]()").strip("-") for cell in cells]
    known = all(not unit or is_unit(unit) or is_duration(unit) for unit in units)
    return units if known and any(units) else None


def with_units_below(headers: list[str], rows: list[list[str]]) -> list[str] | None:
    """The headers with the units that the first row holds, above rows of numbers; None if it holds others."""
    units = units_in(rows[0]) if len(rows) > 1 else None
    if units is None or any(
        unit and not (is_missing(below) or is_value(below)) for unit, below in zip(units, rows[1], strict=True)
    ):
        return None
    pairs = zip(headers, units, strict=True)
    return [header if split_unit(header)[1] else with_unit(header, unit) for header, unit in pairs]


def refuse_units(rows: list[list[str]], places: list[int], source: str) -> None:
    """Refuse further lines of the header: words above numbers, and no number among them.

    Raises:
        DataError: if there are.
    """

    def number(cell: str) -> bool:
        return not is_missing(cell) and may_be_number(cell)

    above = next((i for i, row in enumerate(rows[: MOST_UNITS + 1]) if any(map(number, row))), 0)
    pairs = [pair for row in rows[:above] for pair in zip(row, rows[above], strict=True)]
    if any(re.fullmatch(THOUSANDS, word) for word, _ in pairs):
        return  # numbers they are, but for their marks
    if any(not is_missing(word) and number(below) for word, below in pairs):
        which, them = ("row holds", "row") if above == 1 else (f"{above} rows hold", "rows")
        raise DataError(
            f"{source}, line {places[0]}: the first {which} no number; if these are units, write them behind the "
            f"names, as x [m], and remove the {them}."
        )
