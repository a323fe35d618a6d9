"""Tables of doses and observations, as NONMEM reads them: DV is what was observed, and some rows are doses."""

import shlex
from collections.abc import Sequence

from .cells import Column, Table, is_missing, parse_number
from .errors import DataError, counted, listed

OBSERVED = "dv"
NO_OBSERVATION = ("evid", "mdv")  # where one of these is neither blank nor 0; without both, where there is an amount
AMOUNT = "amt"
SEVERAL = ("cmt", "dvid")  # which of several variables DV is


def refuse_doses(table: Table, states: Sequence[str] | None) -> None:
    """Refuse rows of doses among those of observations; and where no states are named, the columns that tell of them.

    Raises:
        DataError: if there are such; it says which rows and columns to leave out.
    """
    by_name = {column.name.lower(): column for column in table.columns}
    dv, told = by_name.get(OBSERVED), [by_name[name] for name in (*NO_OBSERVATION, AMOUNT) if name in by_name]
    if dv is None or not told or not (states is None or dv.name in states):
        return
    marks = [column for column in told if column.name.lower() != AMOUNT] or told
    others = {row for row in range(len(table)) if any(_is_set(table, column, row) for column in marks)}
    if states is not None and all(is_missing(dv.cells[row]) for row in others):
        return
    observed = set(range(len(table))) - others
    several = [by_name[name].name for name in SEVERAL if name in by_name]
    several = [name for name in several if len({table.column(name).cells[row] for row in observed}) > 1]
    rows = f"remove the {counted(len(others), 'row')} without an observation, the first of them in "
    rows = f"{rows}{table.where(min(others))}; " if others else ""
    what = f"give DV a column for each {several[0]}, and name these" if several else "name it"
    flag = "--states" if several else f"--states {shlex.quote(dv.name)}"
    raise DataError(
        f"{table.source}: columns {listed(column.name for column in [dv, *told])} are those of NONMEM, and only "
        f"{dv.name!r} was observed: {rows}{what} with {flag} (states= in Python); doses within a run are not modelled, "
        "only the start of a run is estimated, so let a run begin after each dose."
    )


def _is_set(table: Table, column: Column, row: int) -> bool:
    text = column.cells[row]
    return not is_missing(text) and parse_number(text, table.decimal) != 0
