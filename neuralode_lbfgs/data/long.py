"""Long tables: a row for each variable at each time, its name in one column and its value in another."""

import re
import shlex

from .cells import Column, Table, may_be_number

FEWEST = 2  # rows on average that share a word; remarks share fewer

# What heads the names of variables; and their values, and the deviations of these.
_VARIABLE = re.compile(
    r"(variable|analyte|species|compound|metabolite|component|observable|quantity|parameter|measure|signal|"
    r"channel|metric|feature|gene|protein|key)s?([ _.-]?(id|no|nr|number|name))?"
)
_VALUE = re.compile(r"values?|val|dv|readings?|measurements?|sd|std|error|err|sem")


def plainly_long(table: Table) -> bool:
    """Whether the name of a column is one that long tables have."""
    return any(names_variables(name) or _VALUE.fullmatch(name.lower()) for name in table.names)


def names_variables(name: str) -> bool:
    """Whether a column of this name has the names of variables in long tables."""
    return _VARIABLE.fullmatch(name.lower()) is not None


def advice_on_long(table: Table, time: str, trajectory: str | None) -> str | None:
    """What to do where a column of words, or of variables, tells rows of the same time apart: the end of a sentence."""
    index = [table.column(name) for name in (trajectory, time) if name is not None]
    rest = [column for column in table.columns if column not in index]
    words = [column for column in rest if _may_name_variables(column)]
    rows = list(zip(*(column.cells for column in index), strict=True)) if words else []
    if len(set(rows)) == len(rows):
        return None
    for column in words:
        shared = FEWEST * len(set(column.cells)) <= len(rows)
        if shared and len(set(zip(rows, column.cells, strict=True))) == len(rows):
            return _advice(index, column, [other for other in rest if other not in words], trajectory)
    return None


def _may_name_variables(column: Column) -> bool:
    numbers = [text for text in column.cells if may_be_number(text)]
    return not numbers or (names_variables(column.name) and not any("." in text or "," in text for text in numbers))


def _advice(index: list[Column], words: Column, rest: list[Column], trajectory: str | None) -> str:
    pivot = ""
    if len(rest) == 1:  # of several columns of values pandas makes headers of two lines
        at, name, values = [column.header for column in index], words.header, rest[0].header
        pivot = f", in pandas by frame.pivot(index={at}, columns={name!r}, values={values!r}).reset_index()"
    runs = f"; if they are runs, give --trajectory {shlex.quote(words.name)} (trajectory= in Python)"
    if trajectory is not None:
        runs = f"; if they tell runs apart, too, make one column of it and {trajectory!r}"
        runs = "" if names_variables(words.name) else runs
    kind = "numbers" if any(map(may_be_number, words.cells)) else "words"
    return (
        f"column {words.name!r} tells rows of the same time apart: if its {kind} are variables, give each a column of "
        f"its own{pivot}{runs}"
    )
