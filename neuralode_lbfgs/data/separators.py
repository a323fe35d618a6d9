"""The cells of lines of text, and what separates them."""

import csv
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _csv import Reader

# From the start of a word, and never back: a long header takes no longer than its length.
_NAME_AND_UNIT = (
    re.compile(r'(?<![^\s"\[\]])[^\s"\[\]]++[ \t]*+\[[^\[\]"]*+\]'),
    re.compile(r'(?<![^\s"()])[^\s"()]++[ \t]++\([^()"]*+\)'),
    re.compile(r'(?<![^\s"/])[^\s"/]++ / [^\s"/][^\s"]*+'),
)
_TOLD = re.compile(r'"?sep=([,;|\t]|\\t)"?[,;|\t]*', re.IGNORECASE)
SEPARATORS = ("\t", ";", ",", "|", " ")
SPELLED = {"\t": "tabs", " ": "spaces", ",": "commas", ";": "semicolons", "|": "bars"}


def reader(lines: list[str], separator: str) -> "Reader":
    """Rows of cells of the lines, of which the first is the header."""
    if separator == " ":
        lines = [line.replace("\t", " ").strip() for line in lines]
        for pattern in _NAME_AND_UNIT:
            lines[0] = pattern.sub(r'"\g<0>"', lines[0])  # the spaces in `t [s]` and `x (m)` are no separators
    return csv.reader(lines, delimiter=separator, skipinitialspace=True, strict=True)


def cells_of(line: str, separator: str) -> list[str]:
    """The cells of one line; an unfinished quotation counts as one cell."""
    try:
        return [text.strip() for text in next(reader([line.strip(" \r\n")], separator), [])]
    except csv.Error:
        return [line]


def told_separator(line: str) -> str | None:
    """The separator that a first line `sep=;` names, as spreadsheets write it."""
    match = _TOLD.fullmatch(line.strip(" \r\n"))
    return match and match[1].replace("\\t", "\t")


def separator_of(header: str, first: str | None) -> str:
    """What splits the header and the first row alike."""

    def splits(separator: str) -> bool:
        width = len(cells_of(header, separator))
        return width > 1 and (first is None or len(cells_of(first, separator)) == width)

    written = [separator for separator in "\t;,|" if separator in header]
    for separator in (*written, " "):
        if splits(separator):
            return separator
    return written[0] if written else " "  # ragged: the row that does not fit will be named
