"""Values that are not fitted, because they stand alone; and a word on each, so that a person can look."""

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from .cells import Table
from .clock import Clock
from .errors import counted
from .roles import Roles
from .rows import read_times, rows_by_trajectory
from .trajectories import Trajectories

MOST_SHOWN = 10
FIT, STARTS = "the fit and of the errors", "the rows that starts are estimated from"


def without_outliers(
    table: Table, roles: Roles, data: Trajectories, clock: Clock | None = None, of: str = FIT
) -> tuple[Table, Trajectories]:
    """The data without the values that stand alone, see `Trajectories.without_outliers`; and a note in the table.

    Args:
        data: `to_trajectories(table, roles)`, with this clock.
        of: what they are left out of.
    """
    kept = data.without_outliers()
    cells = cells_left_out(table, roles, data, kept, clock)
    if not cells:
        return table, kept
    said = [f"{table.where(row, name)}: {table.column(name).cells[row]}" for row, name in cells[:MOST_SHOWN]]
    told = [said[0], *(one.removeprefix(f"{table.source}, ") for one in said[1:])]
    note = (
        f"{counted(len(cells), 'value')} far off the rows around, which agree without, "
        f"{'is' if len(cells) == 1 else 'are'} left out of {of} (--keep-outliers keeps them): "
        f"{'; '.join(told)}{'; ...' if len(cells) > MOST_SHOWN else ''}"
    )
    return replace(table, notes=(*table.notes, note)), kept


def fitted_too(data: Trajectories) -> list[str]:
    """A sentence on values that stand alone but are fitted, each with its run and time, where nobody has looked."""
    if data.sifted:
        return []
    told = []
    for before, after in zip(data, data.without_outliers(), strict=True):
        for row, state in np.argwhere(np.isfinite(before.ys) & np.isnan(after.ys)).tolist():
            of = f" of {before.id!r}" if len(data) > 1 else ""
            when = data.clock.show(float(before.ts[row]))
            told.append(f"{data.state_names[state]} = {before.ys[row, state]:.6g} at {data.time_name} = {when}{of}")
    if not told:
        return []
    shown = "; ".join(told[:MOST_SHOWN]) + "; ..." * (len(told) > MOST_SHOWN)
    return [
        f"{counted(len(told), 'value')} far off the rows around {'was' if len(told) == 1 else 'were'} fitted, too: "
        f"{shown}. What stands alone is left out without --keep-outliers, and by data.without_outliers() in Python."
    ]


def cells_left_out(
    table: Table, roles: Roles, data: Trajectories, kept: Trajectories, clock: Clock | None = None
) -> list[tuple[int, str]]:
    """The row and the column of each value that is kept no more."""
    if kept.observed == data.observed:
        return []
    rows, cells = rows_by_trajectory(table, roles, clock), []
    times, _ = read_times(table, roles.time, clock)
    for before, after in zip(data, kept, strict=True):
        gone = np.argwhere(np.isfinite(before.ys) & np.isnan(after.ys)).tolist()
        own = rows[before.id]  # there may be others, in gaps
        cells += [(int(own[np.searchsorted(times[own], before.ts[at])]), roles.states[state]) for at, state in gone]
    return cells


def blanked(table: Table, cells: Collection[tuple[int, str]]) -> Table:
    """The table with these cells blank."""
    rows: dict[str, set[int]] = {}
    for row, name in cells:
        rows.setdefault(name, set()).add(row)
    columns = [
        replace(one, cells=tuple("" if row in rows[one.name] else text for row, text in enumerate(one.cells)))
        if one.name in rows
        else one
        for one in table.columns
    ]
    return replace(table, columns=tuple(columns))
