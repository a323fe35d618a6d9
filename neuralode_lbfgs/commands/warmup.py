"""What `predict` says of the rows from which it starts."""

import sys

import numpy as np

from ..data import Trajectories, Trajectory
from ..fitting.hidden import hidden_size
from ..fitting.start_prior import say_too_few, say_warmup
from ..outputs.store import SavedRun

NOISY = 1e-3  # standard deviations: less grows to nothing that matters
USUAL_WARMUP, LEAST_WARMUP = 10, 3  # rows; few more tell more of a start, and fewer are a start


def say_of_starts(asked: Trajectories, saved: SavedRun, warmup: int | None) -> None:
    """From how many rows the starts are estimated where that is not what was asked for, or would be of use.

    Args:
        warmup: the rows that were asked for.
    """
    if hidden_size(saved.model, asked):
        _say_rows(asked, saved, warmup)
    elif warmup is None and saved.estimated and (saved.noise is None or saved.noise > NOISY):
        _say_noisy(asked)
    if warmup is not None:
        _say_fewer(asked, warmup)


def _say_rows(asked: Trajectories, saved: SavedRun, warmup: int | None) -> None:
    """From how many rows hidden states are estimated, or that these are few."""
    if warmup is None:
        print(say_warmup(asked, saved.model.coordinates), file=sys.stderr)
    elif few := say_too_few(asked, saved.model.coordinates, warmup):
        print(f"warning: {few}.", file=sys.stderr)


def _say_noisy(asked: Trajectories) -> None:
    """That a start is a single row, of data as noisy as those whose starts a fit had to estimate."""
    rows = min(USUAL_WARMUP, max(map(_observed_rows, asked)) // 2)
    if rows >= LEAST_WARMUP:
        print(
            f"note: predictions start from the first row, whose noise grows from there; --warmup {rows} would estimate "
            f"the start from {rows} rows.",
            file=sys.stderr,
        )


def _say_fewer(asked: Trajectories, warmup: int) -> None:
    """That trajectories have fewer rows than are to tell of their starts: none is left to be a forecast."""
    rows = {run.id: _observed_rows(run) for run in asked}
    fewer = [name for name, number in rows.items() if 0 < number < warmup]
    if not fewer:
        return
    least = min(fewer, key=lambda name: rows[name])
    if len(fewer) == 1:
        told = f"trajectory {least!r} has {rows[least]} rows with observations, and its start is"
    else:
        few = f"{len(fewer)} trajectories have fewer rows with observations ({rows[least]} of {least!r})"
        told = f"{few}, and their starts are"
    print(f"note: --warmup {warmup}: {told} estimated from all of them.", file=sys.stderr)


def _observed_rows(run: Trajectory) -> int:
    """In how many rows something is observed."""
    return int(np.isfinite(run.ys).any(axis=1).sum())
