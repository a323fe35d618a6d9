"""What a loop has kept, as a file gives it back: no array is used before it is one that a fit could have kept."""

import numpy as np

from ..optimise import Iteration, StopReason
from .entry import Entry, JournalError

COUNTS = [i for i, kind in enumerate(Iteration.__annotations__.values()) if kind is int]  # columns of a history
MOST_ROWS = 2**19  # of a history: as many iterations as are read of history.csv
MOST_COUNT = 2**30  # of iterations and evaluations, so that counting on does not overflow


def numbers(
    saved: Entry,
    name: str,
    *shape: int | None,
    whole: bool = False,
    finite: bool = True,
    least: float = -np.inf,
    most: float = np.inf,
) -> np.ndarray:
    """An array of a loop.

    Args:
        saved: the loop.
        name: of the array.
        shape: that it must have; None for any length.
        whole: whether it holds whole numbers; else it holds floating-point numbers.
        finite: whether NaN and infinities are refused.
        least, most: bounds of its numbers.

    Raises:
        JournalError: if it is missing or another one.
    """
    array = saved.arrays.get(name)
    if not isinstance(array, np.ndarray) or array.dtype.kind != ("i" if whole else "f"):
        raise unlike(saved, name)
    if len(array.shape) != len(shape) or any(n not in (None, m) for n, m in zip(shape, array.shape, strict=True)):
        raise unlike(saved, name)
    if (finite and not np.isfinite(array).all()) or (array < least).any() or (array > most).any():
        raise unlike(saved, name)
    return array


def count_of(saved: Entry, name: str, value: float) -> int:
    """A count that is kept among floating-point numbers.

    Raises:
        JournalError: if it is none.
    """
    if not (0 <= value <= MOST_COUNT and value == int(value)):
        raise unlike(saved, name)
    return int(value)


def reason_of(saved: Entry, name: str, value: float) -> StopReason:
    """Why a loop ended, from the number of the reason; RUNNING if, and only if, it has not ended.

    Raises:
        JournalError: if there is no such reason.
    """
    known = {reason.code: reason for reason in StopReason}
    reason = known.get(count_of(saved, name, value))
    if reason is None or saved.ended == (reason is StopReason.RUNNING):
        raise unlike(saved, name)
    return reason


def rows_of(saved: Entry) -> np.ndarray:
    """The history of a loop, a row an iteration, `(iterations, fields)`.

    Raises:
        JournalError: if there are too many rows, or they are none.
    """
    rows = numbers(saved, "history", None, len(Iteration._fields), finite=False)
    counted = rows[:, COUNTS]
    if len(rows) > MOST_ROWS or not ((counted >= 0) & (counted <= MOST_COUNT)).all():
        raise unlike(saved, "history")
    return rows


def seconds_of(saved: Entry) -> tuple[float, float]:
    """Seconds of compiling and of running.

    Raises:
        JournalError: if they are none.
    """
    compile_s, run_s = numbers(saved, "seconds", 2, least=0.0, most=1e12).tolist()
    return compile_s, run_s


def unlike(saved: Entry, name: str) -> JournalError:
    """What to raise of an array that this fit cannot have kept."""
    return JournalError(f"{name[:40]!r} of {saved.name[:40]!r} is not what this fit would have kept.")
