"""Values that are not fitted, because they stand alone; and a word on each, so that a person can look."""

from dataclasses import replace

import numpy as np

from .cells import Table
from .errors import counted
from .roles import Roles
from .rows import rows_by_trajectory
from .trajectories import Trajectories

MOST_SHOWN = 10


def without_outliers(table: Table, roles: Roles, data: Trajectories) -> tuple[Table, Trajectories]:
    """The data without the values that stand alone, see `Trajectories.without_outliers`; and a note in the table.

    Args:
        data: `to_trajectories(table, roles)`.
    """
    kept, cells = data.without_outliers(), []
    rows = rows_by_trajectory(table, roles, None)
    for before, after in zip(data, kept, strict=True):
        for at, state in np.argwhere(np.isfinite(before.ys) & np.isnan(after.ys)).tolist():
            name = roles.states[state]
            row = int(rows[before.id][at])
            where = table.where(row, name).removeprefix(f"{table.source}, " if cells else "")
            cells.append(f"{where}: {table.column(name).cells[row]}")
    if not cells:
        return table, data
    told = "; ".join(cells[:MOST_SHOWN]) + ("; ..." if len(cells) > MOST_SHOWN else "")
    note = (
        f"{counted(len(cells), 'value')} far off the rows around, which agree without, "
        f"{'is' if len(cells) == 1 else 'are'} left out of the fit and of the errors (--keep-outliers keeps them): "
        f"{told}"
    )
    return replace(table, notes=(*table.notes, note)), kept
