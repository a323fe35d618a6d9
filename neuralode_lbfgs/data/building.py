"""Headers and columns of text to a table: names and units, row numbers left out, times put into one way."""

import re
from collections.abc import Callable, Mapping, Sequence

from .cells import Column, Table, is_timestamp, is_word
from .date_parts import with_one_date
from .dates import with_plain_times
from .errors import DataError
from .headers import names_the_time, split_units
from .transposed import refuse_transposed

# Far beyond any table of measurements; what is larger was made by mistake, or to fill the memory.
MOST_COLUMNS, MOST_CHARACTERS, LONGEST_NAME = 10_000, 4096, 500


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
        DataError: if a column has no name, or two have the same, there are far more or longer ones than of
            measurements, or the table is transposed.
    """
    headers, cells = list(headers), list(cells)
    where = lambda row, header: f"{source}, {place_word} {places[row]}, column {header!r}"  # noqa: E731
    _refuse_giants(source + header_place, headers, cells, where)
    refuse_transposed(source + header_place, headers, cells)
    headers, cells, on_times, orders = with_plain_times(headers, cells, decimal, where)
    headers, cells, on_parts = with_one_date(headers, cells, decimal)
    notes += (*on_times, *on_parts)
    while len(headers) > 1 and re.fullmatch(r"|Unnamed: \d+(\.\d+)?", headers[0]):
        if cells[0] and is_timestamp(cells[0][0]) and not any(map(names_the_time, headers)):
            notes += ("the first column has no name and was read as the time",)
            headers[0] = "time"
            break
        kind = "names of rows" if any(map(is_word, cells[0])) else "row numbers"
        notes += (f"the first column has no name and was left out as {kind}",)
        headers, cells = headers[1:], cells[1:]
    # Spreadsheets like to save empty columns at the right.
    filled = [i for i, header in enumerate(headers) if header or any(text for text in cells[i])]
    headers, cells = [headers[i] for i in filled], [cells[i] for i in filled]
    if "" in headers:
        number = headers.index("") + 1
        raise DataError(f"{source}{header_place}: column {number} has no name; name it in the header.")
    split = split_units(headers)
    if len({name for name, _ in split}) < len(split):  # the unit tells them apart: keep it in the name
        split = [(header, "") for header in headers]
    seen: set[str] = set()
    for header in headers:
        if header in seen:
            raise DataError(f"{source}{header_place}: two columns are named {header!r}; rename one of them.")
        seen.add(header)
    columns = [
        Column(name, header, unit, text, orders.get(header, ""))
        for (name, unit), header, text in zip(split, headers, cells, strict=True)
    ]
    return Table(source, tuple(columns), places, place_word, title, decimal, notes, inputs=inputs, sd=sd or {})


def _refuse_giants(
    above: str, headers: Sequence[str], cells: Sequence[tuple[str, ...]], where: Callable[[int, str], str]
) -> None:
    """`above` and `where` are how messages of headers and of cells begin."""
    if len(headers) > MOST_COLUMNS:
        raise DataError(
            f"{above}: there are {len(headers)} columns, and {MOST_COLUMNS} at most are read; is this a table with one "
            "row for each time?"
        )
    for number, header in enumerate(headers, start=1):
        if len(header) > LONGEST_NAME:
            raise DataError(f"{above}: the name of column {number} has {len(header)} characters; shorten it.")
    for header, column in zip(headers, cells, strict=True):
        if max(map(len, column), default=0) > MOST_CHARACTERS:
            row = next(row for row, text in enumerate(column) if len(text) > MOST_CHARACTERS)
            raise DataError(
                f"{where(row, header)}: the cell has {len(column[row])} characters; shorten it or remove the column."
            )
