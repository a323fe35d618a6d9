"""What may drive a system and is in no column: another input, or one that comes again with the day or the year."""

import numpy as np

from ...data.periods import FEWEST, period_in, usual_step
from ...data.trajectories import Trajectories

SPANNED = 1.5  # periods that data span before one is worth a try


def other_inputs(data: Trajectories) -> str:
    """In words, with the flags that give them."""
    likely = [f"--period {word}" for word in ("day", "week", "year") if _may_show(data, word)]
    again = f", the time of day or of the year among them ({', '.join(likely)})" if likely else ""
    if not (again or data.clock.dated):
        again = " (--period P if it comes again after a known time)"
    return f"an input that drives the system and is not in the data{again}"


def _may_show(data: Trajectories, word: str) -> bool:
    """Whether dates are near enough to each other, and go on for long enough."""
    if not data.clock.dated:
        return False
    period = period_in(data.clock, word)
    span = max(np.ptp(run.ts) for run in data)
    return bool(usual_step([run.ts for run in data]) <= period / FEWEST and span >= SPANNED * period)
