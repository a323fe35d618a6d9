"""What `predict` says of the rows from which it starts."""

from ..data import Trajectories
from ..fitting.hidden import hidden_size
from ..fitting.start_prior import observed_rows, say_fewer, say_too_few, say_warmup
from ..outputs.store import SavedRun
from .saying import tell

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
    if warmup is not None and (fewer := say_fewer(asked, warmup)):
        tell(f"note: {fewer}.")


def _say_rows(asked: Trajectories, saved: SavedRun, warmup: int | None) -> None:
    """From how many rows hidden states are estimated, or that these are few."""
    if warmup is None:
        tell(say_warmup(asked, saved.model.coordinates))
    elif few := say_too_few(asked, saved.model.coordinates, warmup):
        tell(f"warning: {few}.")


def _say_noisy(asked: Trajectories) -> None:
    """That a start is a single row, of data as noisy as those whose starts a fit had to estimate."""
    rows = min(USUAL_WARMUP, max(observed_rows(run).size for run in asked) // 2)
    if rows >= LEAST_WARMUP:
        tell(
            f"note: predictions start from the first row alone, with its noise; --warmup {rows} would estimate the "
            f"start from {rows} rows, which helps where that noise grows, not where the model is wrong there."
        )
