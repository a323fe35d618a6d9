"""Delimited text to a table and back: commas, semicolons, tabs or spaces between the cells."""

import csv
import io
import re

from .cells import Table, build_table, is_missing, parse_number, shown
from .errors import DataError
from .opening import stem
from .packing import ZIP

# From the start of a word, and never back: a long header takes no longer than its length.
_NAME_AND_UNIT = (
    re.compile(r'(?<![^\s"\[\]])[^\s"\[\]]++[ \t]*+\[[^\[\]"]*+\]'),
    re.compile(r'(?<![^\s"()])[^\s"()]++[ \t]++\([^()"]*+\)'),
)
_NO_COMMENT = re.compile(r"\s*#(N/A|DIV/0!|VALUE!|NUM!|NULL!|REF!|NAME\?)", re.IGNORECASE)  # spreadsheets' errors
# A comma may part thousands or decimals; all of these may be thousands.
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")
MOST_PREAMBLE = 100  # lines above the header and below it that are looked at
LONGEST_LINE = 2**20  # characters; a header of ten thousand names has a tenth of that


def parse_text(data: bytes, source: str) -> Table:
    """Read the bytes of a text file.

    The separator is a tab, semicolon, comma or run of spaces, whichever splits the header and the
    first row alike; cells may be quoted. Lines that are blank or start with `#` are skipped; when
    the first row is all numbers, the comment line before it is taken for the header, as
    `numpy.savetxt` writes it. Decimal commas are understood where the separator is not a comma.

    Raises:
        DataError: if this is not such a file; one sentence with the line.
    """
    numbers, lines, comment, notes = _content(_decode(data, source), source)
    if not lines:
        raise DataError(f"{source} is empty; it needs a header line and rows of numbers.")
    separator = _separator(lines[0], lines[1] if len(lines) > 1 else None)
    _refuse_preamble(lines, numbers, separator, source)
    rows, places = _rows(lines, numbers, separator, source)
    if all(parse_number(text) is not None or parse_number(text, ",") is not None for text in rows[0]):
        headers = _cells(comment.strip().lstrip("#"), separator) if comment else []
        if len(headers) != len(rows[0]):
            raise DataError(
                f"{source}, line {places[0]}: the first row holds numbers, not names; add a header line such as t,x,y."
            )
        notes += (f"the names of the columns were read from the comment line before line {places[0]}",)
        header_place = ", header"
    else:
        headers, rows, places, header_place = rows[0], rows[1:], places[1:], f", line {places[0]}"
    kept = [i for i, row in enumerate(rows) if any(row)]  # spreadsheets leave lines of bare separators
    if not kept:
        raise DataError(f"{source} has a header line but no rows of data{''.join(f' ({note})' for note in notes)}.")
    places = [places[i] for i in kept]
    fitted = [_fit(rows[i], len(headers), separator, source, place) for i, place in zip(kept, places, strict=True)]
    _refuse_units(fitted, places, source)
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


def _decode(data: bytes, source: str) -> str:
    if data.startswith(ZIP):
        raise DataError(f"{source} is an Excel or zip file; save the sheet as CSV.")
    encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        if b"\0" not in data:
            line = data.count(b"\n", 0, error.start) + 1
            raise DataError(f"{source}, line {line}: the text is not UTF-8; save the file as CSV UTF-8.") from None
        text = "\0"
    if text.lstrip()[:9].lower().startswith(("{", "[{", "<!doctype", "<html", "<?xml")):
        raise DataError(f"{source} is a web page, JSON or XML, not a table; save the table as CSV.")
    if "\0" in text:
        raise DataError(f"{source} is a binary file, not a table of text; give a CSV, Parquet or NPZ file.")
    return text


def check_first_line(head: bytes, source: str) -> None:
    """Refuse what has no end of a line in its first megabyte, before the rest of it is read.

    Raises:
        DataError: if that is so.
    """
    if len(head) >= LONGEST_LINE and not (b"\n" in head or b"\r" in head):
        raise _too_long(source, 1)


def _too_long(source: str, number: int) -> DataError:
    return DataError(
        f"{source}, line {number}: the line is longer than {LONGEST_LINE} characters; is this a table with one row for "
        "each time?"
    )


def _content(text: str, source: str) -> tuple[list[int], list[str], str | None, tuple[str, ...]]:
    """Line numbers and text of the lines that hold cells, the last comment before them, and a note on those below."""
    numbers, lines, comment, below = [], [], None, 0
    for number, line in enumerate(io.StringIO(text, newline=None), start=1):
        if len(line) > LONGEST_LINE:
            raise _too_long(source, number)
        if line.lstrip().startswith("#") and not _NO_COMMENT.match(line):
            comment = comment if lines else line
            below += bool(lines)
        elif line.strip():
            numbers.append(number)
            lines.append(line)
    what = "1 line below the header begins with # and was read as a comment"
    if below > 1:
        what = f"{below} lines below the header begin with # and were read as comments"
    return numbers, lines, comment, (what,) if below else ()


def _reader(lines: list[str], separator: str):
    if separator == " ":
        lines = [line.replace("\t", " ").strip() for line in lines]
        for pattern in _NAME_AND_UNIT:
            lines[0] = pattern.sub(r'"\g<0>"', lines[0])  # the spaces in `t [s]` and `x (m)` are no separators
    return csv.reader(lines, delimiter=separator, skipinitialspace=True, strict=True)


def _cells(line: str, separator: str) -> list[str]:
    """The cells of one line; an unfinished quotation counts as one cell."""
    try:
        return [text.strip() for text in next(_reader([line.strip(" \r\n")], separator), [])]
    except csv.Error:
        return [line]


def _separator(header: str, first: str | None) -> str:
    def splits(separator: str) -> bool:
        width = len(_cells(header, separator))
        return width > 1 and (first is None or len(_cells(first, separator)) == width)

    written = [separator for separator in "\t;," if separator in header]
    for separator in (*written, " "):
        if splits(separator):
            return separator
    return written[0] if written else " "  # ragged: the row that does not fit will be named


def _refuse_preamble(lines: list[str], numbers: list[int], separator: str, source: str) -> None:
    """Refuse a first line that does not split like those below it, if one of them may be the header that is meant."""
    last = lines[min(len(lines), MOST_PREAMBLE) - 1]
    if len(_cells(lines[0], separator)) == len(_cells(last, separator)):
        return
    for mark in ("\t", ";", ",", " "):
        widths = [len(_cells(line, mark)) for line in lines[:MOST_PREAMBLE]]
        begins = len(widths)
        while begins and widths[begins - 1] == widths[-1] > 1:
            begins -= 1
        header = _cells(lines[begins], mark) if 0 < begins < len(widths) - 1 else []
        if header and all(cell and parse_number(cell) is None for cell in header):
            raise DataError(
                f"{source}, line {numbers[0]}: this is no header of the table, which seems to begin with line "
                f"{numbers[begins]}; remove the lines before that one, or begin them with #."
            )


def _refuse_units(rows: list[list[str]], places: list[int], source: str) -> None:
    """Refuse a second line of the header: words above numbers, and no number among them."""

    def number(cell: str) -> bool:
        return not is_missing(cell) and (parse_number(cell) is not None or parse_number(cell, ",") is not None)

    if len(rows) < 2 or any(map(number, rows[0])):
        return
    if any(not is_missing(word) and number(below) for word, below in zip(rows[0], rows[1], strict=True)):
        raise DataError(
            f"{source}, line {places[0]}: the first row holds no number; if these are units, write them behind the "
            "names, as x [m], and remove the row."
        )


def _rows(lines: list[str], numbers: list[int], separator: str, source: str) -> tuple[list[list[str]], list[int]]:
    """Cells of each row and the line on which it starts (a quoted cell may run over several lines)."""
    reader = _reader(lines, separator)
    rows, places, start = [], [], 0
    try:
        for row in reader:
            rows.append([text.strip() for text in row])
            places.append(numbers[start])
            start = reader.line_num
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
        advice = "complete the row" if len(row) < width else "remove what is too much, or put text in quotes"
        cells = "cell" if len(row) == 1 else "cells"
        spelled = {"\t": "tabs", " ": "spaces", ",": "commas", ";": "semicolons"}[separator]
        raise DataError(
            f"{source}, line {place}: {len(row)} {cells} between {spelled}, but the header has {width}; {advice}."
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
