"""What comes again and again and is in no column, such as a day or a year: the sine and cosine of its time."""

from collections.abc import Sequence

import numpy as np

from .clock import SECONDS, Clock

FEWEST, FEW, ENOUGH = 3, 8, 12  # rows of a period: to tell it at all; too few for straight lines; and enough
SECONDS_OF = {"hour": 3600.0, "day": 86400.0, "week": 7 * 86400.0, "year": 365.2425 * 86400.0}


def period_in(clock: Clock, period: float | str) -> float:
    """A period in the unit in which a clock counts: a number is in it already, words are known where times are dates.

    Raises:
        ValueError: if it is neither a positive number nor such a word; one sentence.
    """
    if isinstance(period, str) and period in SECONDS_OF:
        if not clock.dated:
            raise ValueError(f"times are numbers, of which a {period} may be any; give the period in their unit.")
        return SECONDS_OF[period] / SECONDS[clock.unit]
    try:
        number = float(period)
    except ValueError:
        number = np.nan
    if not (np.isfinite(number) and number > 0):
        raise ValueError(f"a period is a positive number or one of {', '.join(SECONDS_OF)}; it is {period}.")
    return number


def names_of(periods: Sequence[float | str]) -> tuple[str, ...]:
    """Of the sine and cosine of each."""
    called = (period if period in SECONDS_OF else f"{float(period):.6g}" for period in periods)
    return tuple(f"{what} of {period}" for period in called for what in ("sine", "cosine"))


def phases(ts: np.ndarray, clock: Clock, periods: Sequence[float]) -> np.ndarray:
    """Sine and cosine of each period at these times, `(times, 2 periods)`: the same of one moment by any clock."""
    turns = 2 * np.pi * clock.from_zero(np.asarray(ts))[:, None] / np.asarray(periods)
    return np.stack([np.sin(turns), np.cos(turns)], axis=2).reshape(len(turns), -1)


def between_rows(ts: np.ndarray, periods: Sequence[float]) -> np.ndarray:
    """Times in gaps between rows, across which a sine is no straight line: so many that it nearly is."""
    steps, shortest = np.diff(ts), min(periods)
    parts = np.ceil(steps * ENOUGH / shortest).astype(int)
    gaps = np.flatnonzero(steps * FEW > shortest)
    return np.concatenate([np.zeros(0), *(np.linspace(ts[i], ts[i + 1], parts[i] + 1)[1:-1] for i in gaps)])


def usual_step(runs: Sequence[np.ndarray]) -> float:
    """Between rows at these times of each run; NaN if there are no two."""
    steps = np.concatenate([np.diff(ts) for ts in runs])
    return float(np.median(steps)) if steps.size else np.nan


def refuse_unseen(runs: Sequence[np.ndarray], periods: Sequence[float]) -> None:
    """Refuse periods that rows, at these times of each run, are too far from each other to show.

    Raises:
        ValueError: one sentence.
    """
    usual, shortest = usual_step(runs), min(periods, default=np.inf)
    if usual > shortest / FEWEST:
        raise ValueError(
            f"rows are {usual:.6g} apart, too far to show a period of {shortest:.6g}, of which {FEWEST} are needed; "
            "give a longer one."
        )
