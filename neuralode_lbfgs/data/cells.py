"""A table as it was written: the text of every cell, and where it stands."""

import math
import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .advice import advice_on
from .clock import parse_timestamp
from .errors import DataError, counted, listed, no_column

# What spreadsheets, pandas, R, SQL, loggers and people write for "no value"; compared in lower case.
MISSING = frozenset(
    (
        "", "nan", "-nan", "nan(ind)", "-nan(ind)", "1.#qnan", "-1.#ind", "na", "n/a", "n.a.", "#n/a", "<na>", "null",
        "(null)", "\\n", "none", "nil", "missing", "no data", "nodata", "-", "--", "---", "–", "—", ".", "?",
    )
)  # fmt: skip
SWITCHES = {"true": 1.0, "false": 0.0, "on": 1.0, "off": 0.0, "yes": 1.0, "no": 0.0}
MINUS = str.maketrans("\u2212\u2013", "--")  # that of typesetters, and a dash in its place
_FORTRAN = re.compile(r"([-+]?(?:\d+\.\d*|\.\d+))[dD]([-+]?\d+)")  # its double precision: 1.5D+00
BLANK_OR_REMOVE = "remove it or leave the cell blank"


def is_missing(text: str) -> bool:
    """Whether a cell says "no value": blank, NaN, NA, null or missing in any case, or a dash, point or `?` alone."""
    return text.strip().lower() in MISSING


def is_timestamp(text: str) -> bool:
    """Whether a cell has the form of a timestamp, be there such a day or not."""
    try:
        return parse_timestamp(text) is not None
    except ValueError:
        return True  # reading it says what is wrong


def is_switch(cells: Sequence[str]) -> bool:
    """Whether all cells but blank ones say what is on or off: true or false, on or off, yes or no."""
    if not all(is_missing(text) or _is_switch(text) for text in cells):  # columns of numbers end here
        return False
    return not all(map(is_missing, cells))


def may_be_number(text: str) -> bool:
    """Whether a cell is blank or a number, with a decimal point or a decimal comma."""
    return parse_number(text) is not None or parse_number(text, ",") is not None


def is_value(text: str) -> bool:
    """Whether a cell may hold a number, or a time."""
    return not is_missing(text) and (may_be_number(text) or is_timestamp(text))


def is_word(text: str) -> bool:
    """Whether a cell begins with a letter, and is neither a number nor one that says "no value"; 12 mg and <0.1 are
    no words."""
    return text[:1].isalpha() and not may_be_number(text)


def parse_number(text: str, decimal: str = ".") -> float | None:
    """The number in a cell: NaN when it is blank, 1 or 0 for what is on or off, None when the text is no number."""
    if is_missing(text):
        return math.nan
    if decimal == "," and "." in text:  # a thousands separator, or a stray: either way not to be guessed at
        return None
    text = plain_number(text, decimal)
    if "_" in text:  # Python reads 1_000 as a number; no data file means that
        return None
    try:
        return float(text)
    except ValueError:
        return SWITCHES.get(text.strip().lower())


def plain_number(text: str, decimal: str) -> str:
    """A number as Python reads it: with a decimal point, the minus of keyboards, and an exponent behind an e."""
    text = text.translate(MINUS).replace(decimal, ".")
    if "d" in text.lower() and (number := _FORTRAN.fullmatch(text.strip())):
        return f"{number[1]}e{number[2]}"
    return text


def format_number(value: float, decimal: str = ".") -> str:
    """The shortest text that reads back as exactly this number; blank for NaN."""
    return "" if math.isnan(value) else repr(value).replace(".", decimal)


def shown(text: str) -> str:
    """A cell's text for a message: in quotes, cut when long."""
    return repr(text if len(text) <= 40 else text[:37] + "...")


@dataclass(frozen=True)
class Column:
    """One column: its header as written, the name and unit read from it, and its cells as text; of dates that were not
    of ISO 8601 the order in which they were read, one of `ORDERS`."""

    name: str
    header: str
    unit: str
    cells: tuple[str, ...]
    order: str = ""


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
        known: what was read from the cells and is asked for again; see `read_once`.
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
    known: dict[Hashable, Any] = field(default_factory=dict, init=False, repr=False)

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
        together = "," in name and all(part.strip() in self.names for part in name.split(","))
        raise no_column(self.source, name, self.names, " (names are separated by spaces)" if together else "")

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

    def numbers(self, name: str, advice: str = BLANK_OR_REMOVE, beside: Sequence[str] = ()) -> np.ndarray:
        """A column as float64, shape `(rows,)`, NaN where the cell is blank.

        Args:
            advice: what to do about a cell that is no number; ends the error's sentence.
            beside: columns that are read with it, of whose cells the error tells, too.

        Raises:
            DataError: if a cell holds text or an infinite value; it says how many there are.
        """
        column = self.column(name)
        try:  # plain columns, which nearly all are, several times faster
            values = np.array([float(text) if text else math.nan for text in column.cells])
            if not np.isinf(values).any() and not any("_" in text for text in column.cells):
                return values
        except ValueError:
            pass
        found = self._parsed(column)
        if not all(map(_is_usable, found)):
            raise DataError(self._refusal(column, found, advice, beside))
        return np.array(found, dtype=np.float64)

    def _parsed(self, column: Column) -> list[float | None]:
        """The numbers of a column; words for on and off are none among numbers other than 1 and 0."""
        found = [parse_number(text, self.decimal) for text in column.cells]
        if all(number is None or math.isnan(number) or number in (0.0, 1.0) for number in found):
            return found
        return [None if _is_switch(text) else number for text, number in zip(column.cells, found, strict=True)]

    def _refusal(self, column: Column, found: list[float | None], advice: str, beside: Sequence[str]) -> str:
        """A sentence on the first cell of a column that is no number, and how many more there are in all columns."""
        others = [(other, self._parsed(other)) for other in map(self.column, beside) if other is not column]
        parsed = [(column, found), *others]
        bad = [(row, one) for one, numbers in parsed for row, number in enumerate(numbers) if not _is_usable(number)]
        (row, _), rest = bad[0], sorted(bad[1:], key=lambda cell: cell[0])
        text, what = column.cells[row], "is infinite"
        if found[row] is None:
            what, advice = "is not a number", advice_on(text, column.name, column.header, advice)
            if self.decimal == "." and "," in text and parse_number(text, ",") is not None:
                advice = "write numbers with a decimal point and no other marks"
        if rest:
            lines = dict.fromkeys(str(self.places[at]) for at, _ in rest)
            cells = counted(len(rest), "more cell is", "more cells are")
            word = self.place_word if len(lines) == 1 else f"{self.place_word}s"
            names = listed(dict.fromkeys(one.name for _, one in rest))
            texts = _few(shown(one.cells[at]) for at, one in rest)
            what += f", and {cells} none ({word} {_few(lines)} of {names}: {texts})"
        return f"{self.where(row, column.name)}: {shown(text)} {what}; {advice}."


def _is_switch(text: str) -> bool:
    return text.strip().lower() in SWITCHES


def _is_usable(number: float | None) -> bool:
    return number is not None and not math.isinf(number)


def _few(texts: Iterable[str]) -> str:
    """The first three of them, each once."""
    texts = list(dict.fromkeys(texts))
    return ", ".join(texts[:3]) + (", ..." if len(texts) > 3 else "")
