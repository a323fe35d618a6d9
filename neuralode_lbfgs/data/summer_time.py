"""Clocks that were put forward: an hour of a Sunday night that local times skip, and that nothing took."""

from collections.abc import Iterable
from datetime import datetime

import numpy as np

from .clock import SECONDS
from .trajectories import Trajectories

FEWEST = 4  # steps that say what is usual
MOSTLY = 0.8  # of all steps
HOUR = 3600.0
NIGHT = range(0, 4)  # hours after which clocks go on
MONTHS = (3, 4, 9, 10)  # in the north and in the south


def skipped_hours(data: Trajectories) -> Iterable[str]:
    """What is to be said of local times without an offset that go on by an hour more than usual."""
    if not data.clock.dated or data.clock.zone is not None:
        return
    for run in data:
        steps = np.diff(run.ts) * SECONDS[data.clock.unit]
        usual = float(np.median(steps)) if steps.size >= FEWEST else 0.0
        if not 0 < usual <= HOUR or np.mean(np.abs(steps - usual) < 1e-3 * usual) < MOSTLY:
            continue
        for row in np.flatnonzero(np.abs(steps - usual - HOUR) < 1e-3 * usual).tolist():
            before, after = (data.clock.write(float(t)) for t in run.ts[row : row + 2])
            moment = datetime.fromisoformat(after)
            if moment.weekday() == 6 and moment.month in MONTHS and moment.hour in NIGHT:
                yield (
                    f"times go on by an hour more from {before} to {after}; if clocks were put forward there, nothing "
                    "took so long: give times in UTC, or with their offsets, as 2024-03-31T03:00+02:00"
                )
                return
