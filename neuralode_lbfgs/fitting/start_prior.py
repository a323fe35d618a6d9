"""What is known of a hidden state before its trajectory is looked at, and how many rows tell of it."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ..data.trajectories import Trajectories, Trajectory
from ..models import Coordinates

PSEUDO_COUNT = 2.0  # starts at one standard deviation: so that a few alike ones do not rule out all others
UNKNOWN_NOISE = 0.01  # of a standard deviation, where none was estimated
WARMUP_TIME, LEAST_ROWS = 3.0, 10  # in units of time in which states move by one standard deviation
MOST_TRIED = 8


@dataclass(frozen=True)
class StartPrior:
    """A normal distribution of initial states, in coordinates of order one.

    Args:
        mean, spread: per state, `(states,)`: of the fitted starts of the training trajectories.
        noise: of the observations: how much a misfit counts beside an unusual start.
        starts: fitted starts to begin a search from, `(starts, states)`.
    """

    mean: np.ndarray
    spread: np.ndarray
    noise: float
    starts: np.ndarray

    @classmethod
    def of(cls, coordinates: Coordinates, starts: Iterable[np.ndarray], noise: float | None) -> "StartPrior":
        """From fitted starts in the data's units; of none it is one standard deviation around the centre."""
        size = np.size(coordinates.centre)
        zs = np.stack([np.zeros(size), *(np.asarray(coordinates.states_in(start)) for start in starts)])
        zs = zs[1:] if len(zs) > 1 else zs
        mean = zs.mean(axis=0)
        variance = (np.sum((zs - mean) ** 2, axis=0) + PSEUDO_COUNT) / (len(zs) + PSEUDO_COUNT)
        tried = zs[np.linspace(0, len(zs) - 1, min(len(zs), MOST_TRIED)).round().astype(int)]
        return cls(mean, np.sqrt(variance), UNKNOWN_NOISE if noise is None else noise, tried)


def warmup_rows(trajectory: Trajectory, coordinates: Coordinates) -> int:
    """From how many of its rows the hidden start of a trajectory is estimated by default.

    Those in which every state has had the time to show itself in the observed ones; a short trajectory's first half.
    """
    ts = trajectory.ts[observed_rows(trajectory)]
    soon = int(np.sum(ts <= ts[0] + WARMUP_TIME * float(coordinates.time_scale))) if ts.size else 0
    return min(max(soon, LEAST_ROWS), max((ts.size + 1) // 2, LEAST_ROWS), ts.size)


def observed_rows(trajectory: Trajectory) -> np.ndarray:
    """The rows in which something is observed."""
    return np.flatnonzero(np.isfinite(trajectory.ys).any(axis=1))


def say_warmup(data: Trajectories, coordinates: Coordinates) -> str:
    """How many rows that is, in words."""
    counts = sorted({warmup_rows(run, coordinates) for run in data})
    number = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return f"initial values of the hidden states estimated from the first {number} rows"


def say_too_few(data: Trajectories, coordinates: Coordinates, warmup: int) -> str | None:
    """That a person asks for fewer rows than tell of hidden states; None where these are enough.

    Of fewer, the noise decides: the default takes as many as it takes every state to show itself.
    """
    most = max(warmup_rows(run, coordinates) for run in data)
    if warmup >= most:
        return None
    return (
        f"--warmup {warmup} estimates hidden states from fewer rows than tell of them, and noise may decide their "
        f"start: without --warmup it would be {most} rows; give as many, or more"
    )


def say_fewer(data: Trajectories, warmup: int) -> str | None:
    """That trajectories have fewer rows than are to tell of their starts: none is left to be a forecast."""
    rows = {run.id: observed_rows(run).size for run in data}
    fewer = [name for name, number in rows.items() if 0 < number < warmup]
    if not fewer:
        return None
    least = min(fewer, key=lambda name: rows[name])
    if len(fewer) == 1:
        told = f"trajectory {least!r} has {rows[least]} rows with observations, and its start is"
    else:
        few = f"{len(fewer)} trajectories have fewer rows with observations ({rows[least]} of {least!r})"
        told = f"{few}, and their starts are"
    return f"--warmup {warmup}: {told} estimated from all of them"
