"""Delimited text to a table and back: commas, semicolons, tabs or spaces between the cells."""

import csv
import io
import re

from .above import refuse_preamble, refuse_units, units_in, with_units_below
from .building import build_table
from .cells import Table, is_missing, is_timestamp, may_be_number, parse_number, shown
from .errors import DataError
from .headers import with_unit
from .opening import stem
from .packing import ZIP
from .separators import SPELLED, cells_of, reader, separator_of, told_separator

_NO_COMMENT = re.compile(r"\s*#(N/A|DIV/0!|VALUE!|NUM!|NULL!|REF!|NAME\?)", re.IGNORECASE)  # spreadsheets' errors
# A comma may part thousands or decimals; all of these may be thousands.
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")
_CONTROL = re.compile(rb"[\x01-\x08\x0e-\x1f\x7f]")  # no text has these
MATLAB = "a MATLAB file; write a CSV there with writetable"
KINDS = {  # that are no text, by their first bytes
    ZIP: "an Excel or zip file; save the sheet as CSV",
    b"\xd0\xcf\x11\xe0": "an old Excel file; save the sheet as CSV",
    b"MATLAB 5.0 MAT": MATLAB,
    b"MATLAB 7.3 MAT": MATLAB,
    b"\x89HDF": "an HDF5 file; write its table as CSV, as with pandas.read_hdf(...).to_csv(...)",
    b"\x93NUMPY": "an NPY file, of one array; write the times beside it: numpy.savez(FILE, ts=..., ys=...)",
    b"ARROW1": "a Feather file; write it as Parquet or CSV, as with pandas.read_feather(...).to_csv(...)",
    b"SQLite format 3": "a database; write the table as CSV",
    b"%PDF": "a PDF document; give the table as CSV",
}
COMMENTS = ("#", "% ", "%%", "%\t")  # of Python and R, and of MATLAB: %DO is a header
LONGEST_LINE = 2**20  # characters; a header of ten thousand names has a tenth of that


def parse_text(data: bytes, source: str) -> Table:
    """Read the bytes of a text file.

    The separator is a tab, semicolon, comma or run of spaces, whichever splits the header and the
    first row alike, or what a line `sep=;` above them says; cells may be quoted. Lines that are blank
    or start with `#` or `% ` are skipped; when the first row is all numbers, the comment line before it is
    taken for the header, as `numpy.savetxt` writes it. Decimal commas are understood where the
    separator is not a comma. A line of units below the header goes behind the names. Text is UTF-8, UTF-16 with its
    mark, or else Windows-1252.

    Raises:
        DataError: if this is not such a file; one sentence with the line.
    """
    text, encoded = _decode(data, source)
    numbers, lines, comments, notes = _content(text, source)
    notes += encoded
    if not lines:
        raise DataError(f"{source} is empty; it needs a header line and rows of numbers.")
    told = told_separator(lines[0])
    if told is not None and len(lines) > 1:
        numbers, lines = numbers[1:], lines[1:]
    separator = told or separator_of(lines[0], lines[1] if len(lines) > 1 else None)
    refuse_preamble(lines, numbers, separator, source)
    rows, places = _rows(lines, numbers, separator, source)
    if _has_no_names(rows[0]):
        headers = _names_in(comments, separator, len(rows[0]))
        if not headers:
            raise DataError(
                f"{source}, line {places[0]}: the first row holds numbers, not names; add a header line such as t,x,y."
            )
        notes += (f"the names of the columns were read from the comment line before line {places[0]}",)
        header_place = ", header"
    else:
        headers, rows, places, header_place = rows[0], rows[1:], places[1:], f", line {places[0]}"
    if (
        separator in " \t"
        and rows
        and all(row[0] == str(i) and len(row) > len(headers) for i, row in enumerate(rows, 1))
    ):
        headers = ["", *headers]  # so R writes the numbers of rows
    kept = [i for i, row in enumerate(rows) if any(row)]  # spreadsheets leave lines of bare separators
    if not kept:
        raise DataError(f"{source} has a header line but no rows of data{''.join(f' ({note})' for note in notes)}.")
    places = [places[i] for i in kept]
    fitted = [_fit(rows[i], len(headers), separator, source, place) for i, place in zip(kept, places, strict=True)]
    if (with_units := with_units_below(headers, fitted)) is not None:
        notes += (f"line {places[0]} was read as the units of the columns",)
        headers, fitted, places = with_units, fitted[1:], places[1:]
    refuse_units(fitted, places, source)
    columns = list(zip(*fitted, strict=True))
    decimal = "." if separator == "," else _decimal(columns)
    if decimal == ",":
        _refuse_thousands(headers, columns, places, source)
        notes += ("numbers were read with decimal commas",)
    elif separator in ";\t":
        notes += _odd_points(headers, columns)
    return build_table(
        source,
        headers,
        columns,
        places,
        title=stem(source),
        header_place=header_place,
        decimal=decimal,
        notes=notes,
    )


def format_text(table: Table) -> str:
    """The table as CSV, headers and cells as they are.

    Cells are separated by commas; by semicolons when the table's numbers have decimal commas, as
    spreadsheets of those countries do.
    """
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";" if table.decimal == "," else ",", lineterminator="\n")
    writer.writerow([column.header for column in table.columns])
    writer.writerows(zip(*(column.cells for column in table.columns), strict=True))
    return out.getvalue()


def _decode(data: bytes, source: str) -> tuple[str, tuple[str, ...]]:
    """The text, and a note where it is in the letters of older programs."""
    for beginning, what in KINDS.items():
        if data.startswith(beginning):
            raise DataError(f"{source} is {what}.")
    encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    if not any(data[1:100:2]) and all(data[:100:2]):  # without its mark
        encoding = "utf-16-le"
    notes: tuple[str, ...] = ()
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        text = "\0" if b"\0" in data else _in_windows_1252(data)
        if text is None:
            raise DataError(f"{source}, line {line}: the text is not UTF-8; save the file as CSV UTF-8.") from None
        notes = (f"the text is not UTF-8 (line {line}) and was read as Windows-1252 (Latin-1)",)
    if text.lstrip()[:9].lower().startswith(("{", "[{", "<!doctype", "<html", "<?xml")):
        raise DataError(f"{source} is a web page, JSON or XML, not a table; save the table as CSV.")
    if "\0" in text:
        raise DataError(f"{source} is a binary file, not a table of text; give a CSV, Parquet or NPZ file.")
    return text, notes


def _in_windows_1252(data: bytes) -> str | None:
    """Text in the code of western Europe, of one byte a letter; None if it is rather damaged UTF-8, or no text."""
    if _CONTROL.search(data) or not data.decode("utf-8", errors="ignore").isascii():
        return None
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        return None


def check_first_line(head: bytes, source: str) -> None:
    """Refuse what has no end of a line in its first megabyte, before the rest of it is read.

    Raises:
        DataError: if that is so.
    """
    if len(head) >= LONGEST_LINE and not head.startswith(tuple(KINDS)) and not (b"\n" in head or b"\r" in head):
        raise _too_long(source, 1)


def _too_long(source: str, number: int) -> DataError:
    return DataError(
        f"{source}, line {number}: the line is longer than {LONGEST_LINE} characters; is this a table with one row for "
        "each time?"
    )


def _has_no_names(row: list[str]) -> bool:
    """Whether there are numbers in a row, and else nothing but times."""
    numbers = [may_be_number(text) for text in row]
    return any(numbers) and all(number or is_timestamp(text) for number, text in zip(numbers, row, strict=True))


def _names_in(comments: list[str], separator: str, width: int) -> list[str]:
    """The names in the last of the comments, or in the one before where that has their units; none if it has others."""
    *before, names = [cells_of(comment, separator) for comment in comments[-2:]] or [[]]
    if [len(row) for row in (*before, names)] == [width, width] and (units := units_in(names)) is not None:
        return [with_unit(name, unit) for name, unit in zip(*before, units, strict=True)]
    return names if len(names) == width else []


def _content(text: str, source: str) -> tuple[list[int], list[str], list[str], tuple[str, ...]]:
    """Line numbers and text of the lines that hold cells, the comments before them, and a note on those below."""
    numbers, lines, comments, below = [], [], [], 0
    for number, line in enumerate(io.StringIO(text, newline=None), start=1):
        if len(line) > LONGEST_LINE:
            raise _too_long(source, number)
        if line.lstrip().startswith(COMMENTS) and not _NO_COMMENT.match(line):
            below += bool(lines)
            comments += [] if lines else [line.strip().lstrip("#%")]
        elif line.strip():
            numbers.append(number)
            lines.append(line)
    what = "1 line below the header begins with # or % and was read as a comment"
    if below > 1:
        what = f"{below} lines below the header begin with # or % and were read as comments"
    return numbers, lines, comments, (what,) if below else ()


def _rows(lines: list[str], numbers: list[int], separator: str, source: str) -> tuple[list[list[str]], list[int]]:
    """Cells of each row and the line on which it starts (a quoted cell may run over several lines)."""
    cells = reader(lines, separator)
    rows, places, start = [], [], 0
    try:
        for row in cells:
            rows.append([text.strip() for text in row])
            places.append(numbers[start])
            start = cells.line_num
    except csv.Error as error:
        where = f"{source}, line {numbers[start]}"
        if "field larger" in str(error):
            raise DataError(f"{where}: a cell has more than {csv.field_size_limit()} characters; shorten it.") from None
        raise DataError(f"{where}: a quotation mark is not closed, or stands inside a cell; remove it.") from None
    return rows, places


def _fit(row: list[str], width: int, separator: str, source: str, place: int) -> list[str]:
    """The row with the width of the header, or an error."""
    if len(row) > width and not any(row[width:]):
        return row[:width]
    if len(row) != width:
        advice = (
            "complete the row, or remove it" if len(row) < width else "remove what is too much, or put text in quotes"
        )
        cells = "cell" if len(row) == 1 else "cells"
        raise DataError(
            f"{source}, line {place}: {len(row)} {cells} between {SPELLED[separator]}, but the header has {width}; "
            f"{advice}."
        )
    return row


def _refuse_thousands(headers: list[str], columns: list[tuple[str, ...]], places: list[int], source: str) -> None:
    """Refuse 980 above 1,234, which may be 1234, if nothing in the table says that its commas are decimal ones."""
    commas = [text for cells in columns for text in cells if "," in text and parse_number(text, ",") is not None]
    if not all(map(_THOUSANDS.fullmatch, commas)):
        return
    for header, cells in zip(headers, columns, strict=True):
        if any("," not in text and not is_missing(text) for text in cells):
            for place, text in zip(places, cells, strict=True):
                if _THOUSANDS.fullmatch(text):
                    raise DataError(
                        f"{source}, line {place}, column {header!r}: {shown(text)} may be {text.replace(',', '')} or "
                        f"{text.replace(',', '.')}; write it without a comma, or with a decimal point."
                    )


def _odd_points(headers: list[str], columns: list[tuple[str, ...]]) -> tuple[str, ...]:
    """A note if 980 stands above 1.234, which may be meant as 1234 in a table that is not parted by commas."""
    for header, cells in zip(headers, columns, strict=True):
        points = [text for text in cells if "." in text and parse_number(text) is not None]
        whole = any(re.fullmatch(r"[+-]?[1-9]\d\d", text) for text in cells)
        if whole and points and all(_THOUSANDS.fullmatch(text.replace(".", ",")) for text in points):
            return (f"{points[0]} in column {header!r} was read as a decimal number, not as a thousand",)
    return ()


def _decimal(columns: list[tuple[str, ...]]) -> str:
    """`,` when numbers have commas and none has a point.

    A table with both is read with points, and its first comma is then reported as no number: 1,234
    may be a thousand or one and a bit, and guessing wrong would be silent.
    """
    found = False
    for cells in columns:
        if any("." in text and parse_number(text) is not None for text in cells):
            return "."
        found = found or any("," in text and parse_number(text, ",") is not None for text in cells)
    return "," if found else "."
