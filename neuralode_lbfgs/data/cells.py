"""A table as it was written: the text of every cell, and where it stands."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from .clock import parse_timestamp
from .errors import DataError, did_you_mean, listed

# What spreadsheets, pandas, R, SQL and people write for "no value"; compared in lower case.
MISSING = frozenset(("", "nan", "na", "n/a", "#n/a", "<na>", "null", "none", "-", "--", "–", "—", ".", "?"))
SWITCHES = {"true": 1.0, "false": 0.0}  # as pandas and R write what is on or off
BLANK_OR_REMOVE = "remove it or leave the cell blank"
# Far beyond any table of measurements; what is larger was made by mistake, or to fill the memory.
CLEAR_TIMES = {"t", "time", "ts", "times", "date", "datetime", "date time", "date_time", "timestamp"}
MOST_COLUMNS, MOST_CHARACTERS, LONGEST_NAME = 10_000, 4096, 500


def is_missing(text: str) -> bool:
    """Whether a cell says "no value": blank, NaN, NA, N/A, null or None in any case, or a dash, point or `?` alone."""
    return text.strip().lower() in MISSING


def is_timestamp(text: str) -> bool:
    """Whether a cell has the form of a timestamp, be there such a day or not."""
    try:
        return parse_timestamp(text) is not None
    except ValueError:
        return True  # reading it says what is wrong


def is_switch(cells: Sequence[str]) -> bool:
    """Whether all cells but blank ones are true or false."""
    if not all(is_missing(text) or text.strip().lower() in SWITCHES for text in cells):  # columns of numbers end here
        return False
    return not all(map(is_missing, cells))


def may_be_number(text: str) -> bool:
    """Whether a cell is blank or a number, with a decimal point or a decimal comma."""
    return parse_number(text) is not None or parse_number(text, ",") is not None


def parse_number(text: str, decimal: str = ".") -> float | None:
    """The number in a cell: NaN when the cell is blank, 1 or 0 for true or false, None when the text is no number."""
    if is_missing(text):
        return math.nan
    if decimal == ",":
        if "." in text:  # a thousands separator, or a stray: either way not to be guessed at
            return None
        text = text.replace(",", ".")
    if "_" in text:  # Python reads 1_000 as a number; no data file means that
        return None
    try:
        return float(text)
    except ValueError:
        return SWITCHES.get(text.strip().lower())


def format_number(value: float, decimal: str = ".") -> str:
    """The shortest text that reads back as exactly this number; blank for NaN."""
    return "" if math.isnan(value) else repr(value).replace(".", decimal)


def shown(text: str) -> str:
    """A cell's text for a message: in quotes, cut when long."""
    return repr(text if len(text) <= 40 else text[:37] + "...")


@dataclass(frozen=True)
class Column:
    """One column: its header as written, the name and unit read from it, and its cells as text."""

    name: str
    header: str
    unit: str
    cells: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of text with the place of every row, so that errors can name it.

    Args:
        source: the file as the person named it, or `the data frame`; messages start with it.
        columns: the columns, all of one length.
        places: the line number of each row in the file (position in a data frame).
        place_word: what `places` count: `line` or `row`.
        title: the name of the only trajectory when no column names them.
        decimal: the decimal mark of its numbers, `.` or `,`.
        notes: sentences on what was done in reading, for the caller to print.
        files: the file of each row, where there are several.
        inputs: columns that the file itself says are inputs.
        sd: columns that the file itself says are standard deviations, by state.
    """

    source: str
    columns: tuple[Column, ...]
    places: Sequence[int]
    place_word: str = "line"
    title: str = "trajectory"
    decimal: str = "."
    notes: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    sd: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.places)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def units(self) -> dict[str, str]:
        """The units that headers give, by column name."""
        return {column.name: column.unit for column in self.columns if column.unit}

    def column(self, name: str) -> Column:
        """The column of that name (the header as written is accepted too).

        Raises:
            DataError: if there is none; it suggests the nearest name and lists all.
        """
        name = str(name)  # a data frame may call them 0, 1, 2
        for column in self.columns:
            if name in (column.name, column.header):
                return column
        hint = did_you_mean(name, self.names)
        if "," in name and all(part.strip() in self.names for part in name.split(",")):
            hint = " (names are separated by spaces)"
        raise DataError(f"{self.source} has no column {name!r}{hint}; it has {listed(self.names)}.")

    def where(self, row: int, name: str | None = None) -> str:
        """`mine.csv, line 12, column 'x'`: the start of every sentence about a cell."""
        place = f"{self.files[row] if self.files else self.source}, {self.place_word} {self.places[row]}"
        return place if name is None else f"{place}, column {name!r}"

    def both(self, first: int, second: int) -> str:
        """`mine.csv, lines 3 and 5`: the start of a sentence about two rows."""
        if self.files and self.files[first] != self.files[second]:
            return f"{self.where(first)} and {self.where(second)}"
        places = f"{self.place_word}s {self.places[first]} and {self.places[second]}"
        return f"{self.files[first] if self.files else self.source}, {places}"

    def numbers(self, name: str, advice: str = BLANK_OR_REMOVE) -> np.ndarray:
        """A column as float64, shape `(rows,)`, NaN where the cell is blank.

        Args:
            advice: what to do about a cell that is no number; ends the error's sentence.

        Raises:
            DataError: if a cell holds text or an infinite value.
        """
        column = self.column(name)
        try:  # plain columns, which nearly all are, several times faster
            values = np.array([float(text) if text else math.nan for text in column.cells])
            if not np.isinf(values).any() and not any("_" in text for text in column.cells):
                return values
        except ValueError:
            pass
        values = np.empty(len(column.cells))
        for row, text in enumerate(column.cells):
            value = parse_number(text, self.decimal)
            if value is None:
                if self.decimal == "." and parse_number(text, ",") is not None:
                    advice = "write numbers with a decimal point and no other marks"
                raise DataError(f"{self.where(row, column.name)}: {shown(text)} is not a number; {advice}.")
            if math.isinf(value):
                raise DataError(f"{self.where(row, column.name)}: {shown(text)} is infinite; {advice}.")
            values[row] = value
        return values


def split_unit(header: str) -> tuple[str, str]:
    """Name and unit in a header: `substrate [mol/L]` and `substrate (mol/L)` are `substrate`, `mol/L`.

    `y[0]` and `f(x)` are names: an index is no unit, and round brackets need a space before them.
    """
    for left, right in ("[]", "()"):
        before, _, inside = header.removesuffix(right).rpartition(left)
        name, unit = before.rstrip(), inside.strip()
        if not header.endswith(right) or right in inside or not name or "\n" in name:
            continue
        is_name = unit.isdigit() if left == "[" else name == before
        if not is_name:
            return name, unit
    return header, ""


def build_table(
    source: str,
    headers: Sequence[str],
    cells: Sequence[tuple[str, ...]],
    places: Sequence[int],
    *,
    place_word: str = "line",
    title: str = "trajectory",
    header_place: str = "",
    decimal: str = ".",
    notes: tuple[str, ...] = (),
    inputs: tuple[str, ...] = (),
    sd: Mapping[str, str] | None = None,
) -> Table:
    """A table from headers and columns of text: index columns dropped, but for timestamps; names and units read.

    Args:
        header_place: where the headers stand, for messages, as `, line 1`.
        inputs, sd: what the file itself says of its columns.

    Raises:
        DataError: if a column has no name, or two have the same, or there are far more or longer ones than of
            measurements.
    """
    headers, cells = list(headers), list(cells)
    _refuse_giants(source, headers, cells, places, place_word, header_place)
    while len(headers) > 1 and re.fullmatch(r"|Unnamed: \d+(\.\d+)?", headers[0]):
        if cells[0] and is_timestamp(cells[0][0]) and not CLEAR_TIMES & {header.lower() for header in headers}:
            notes += ("the first column has no name and was read as the time",)
            headers[0] = "time"
            break
        notes += ("the first column has no name and was left out as row numbers",)
        headers, cells = headers[1:], cells[1:]
    # Spreadsheets like to save empty columns at the right.
    filled = [i for i, header in enumerate(headers) if header or any(text for text in cells[i])]
    headers, cells = [headers[i] for i in filled], [cells[i] for i in filled]
    if "" in headers:
        number = headers.index("") + 1
        raise DataError(f"{source}{header_place}: column {number} has no name; name it in the header.")
    split = [split_unit(header) for header in headers]
    if len({name for name, _ in split}) < len(split):  # the unit tells them apart: keep it in the name
        split = [(header, "") for header in headers]
    seen: set[str] = set()
    for header in headers:
        if header in seen:
            raise DataError(f"{source}{header_place}: two columns are named {header!r}; rename one of them.")
        seen.add(header)
    columns = [
        Column(name, header, unit, text) for (name, unit), header, text in zip(split, headers, cells, strict=True)
    ]
    return Table(source, tuple(columns), places, place_word, title, decimal, notes, inputs=inputs, sd=sd or {})


def _refuse_giants(
    source: str,
    headers: Sequence[str],
    cells: Sequence[tuple[str, ...]],
    places: Sequence[int],
    place_word: str,
    header_place: str,
) -> None:
    if len(headers) > MOST_COLUMNS:
        raise DataError(
            f"{source}{header_place}: there are {len(headers)} columns, and {MOST_COLUMNS} at most are read; is this "
            "a table with one row for each time?"
        )
    for number, header in enumerate(headers, start=1):
        if len(header) > LONGEST_NAME:
            raise DataError(
                f"{source}{header_place}: the name of column {number} has {len(header)} characters; shorten it."
            )
    for header, column in zip(headers, cells, strict=True):
        if max(map(len, column), default=0) > MOST_CHARACTERS:
            row = next(row for row, text in enumerate(column) if len(text) > MOST_CHARACTERS)
            raise DataError(
                f"{source}, {place_word} {places[row]}, column {header!r}: the cell has {len(column[row])} characters; "
                "shorten it or remove the column."
            )
