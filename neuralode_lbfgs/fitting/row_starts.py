"""Noisy rows taken as starts, as of forecasts: does the model stay with the data from beside its own runs?"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from ..data.trajectories import Trajectories
from .prediction import free_run

MOST = 20  # rows, evenly spread
SHARE, LEAST_ROWS = 4, 8  # of its run, one part in so many, and rows at least, that each is followed for
MOST_ROWS = 5000  # what is unstable shows sooner, and a long run would be solved five times over


def from_rows_between(
    model: Callable, data: Trajectories, times: Mapping[str, int] | None = None
) -> Trajectories | None:
    """Parts of the trajectories from rows of them after the first, of which every state is observed; None if there are
    none. Their ids are `ID:ROW`.

    Args:
        times: as many times were asked of each trajectory; by default all of its rows, so that nothing compiles anew.
    """
    begun = []
    for run in data:
        length = max(min(run.ts.size // SHARE, MOST_ROWS), LEAST_ROWS)
        whole = np.flatnonzero(np.isfinite(run.ys).all(axis=1))
        begun += [(run, row, length) for row in whole if 0 < row <= run.ts.size - length]
    followed = []
    for run, row, length in begun[:: max(-(-len(begun) // MOST), 1)]:
        part = run.at(slice(row, row + length))
        room = run.ts.size if times is None else times[run.id]
        followed.append(replace(free_run(model, part, float(part.ts[0]), part.ys[0], room), id=f"{run.id}:{row}"))
    return data.with_trajectories(followed) if followed else None
