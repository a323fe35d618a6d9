"""Long tables: a row for each variable at each time, its name in one column and its value in another."""

import re
import shlex

from .cells import Column, Table, may_be_number

FEWEST = 2  # rows on average that share a word; remarks share fewer

# What heads the names of variables, their values, and the deviations of these.
_HEADS = re.compile(
    r"variables?|analytes?|species|compounds?|metabolites?|components?|observables?|quantity|parameters?|measure|"
    r"measurements?|signals?|channels?|metrics?|features?|genes?|proteins?|key|values?|val|dv|reading|sd|std|error|err|sem"
)


def plainly_long(table: Table) -> bool:
    """Whether the name of a column is one that long tables have."""
    return any(_HEADS.fullmatch(name.lower()) for name in table.names)


def advice_on_long(table: Table, time: str, trajectory: str | None) -> str | None:
    """What to do where a column of words tells rows of the same time apart: the end of a sentence, or None."""
    index = [table.column(name) for name in (trajectory, time) if name is not None]
    rest = [column for column in table.columns if column not in index]
    words = [column for column in rest if not any(map(may_be_number, column.cells))]
    rows = list(zip(*(column.cells for column in index), strict=True)) if words else []
    if len(set(rows)) == len(rows):
        return None
    for column in words:
        shared = FEWEST * len(set(column.cells)) <= len(rows)
        if shared and len(set(zip(rows, column.cells, strict=True))) == len(rows):
            return _advice(index, column, [other for other in rest if other not in words], trajectory)
    return None


def _advice(index: list[Column], words: Column, rest: list[Column], trajectory: str | None) -> str:
    pivot = ""
    if len(rest) == 1:  # of several columns of values pandas makes headers of two lines
        at, name, values = [column.header for column in index], words.header, rest[0].header
        pivot = f", in pandas by frame.pivot(index={at}, columns={name!r}, values={values!r}).reset_index()"
    runs = f"; if they are runs, give --trajectory {shlex.quote(words.name)} (trajectory= in Python)"
    if trajectory is not None:
        runs = f"; if they tell runs apart, too, make one column of it and {trajectory!r}"
        runs = "" if _HEADS.fullmatch(words.name.lower()) else runs
    return (
        f"column {words.name!r} tells rows of the same time apart: if its words are variables, give each a column of "
        f"its own{pivot}{runs}"
    )
