"""Dates and times of day in digits without marks between them: as numbers they would jump, and are refused."""

import re
from collections.abc import Sequence
from datetime import date

import numpy as np

ALIKE = 0.8  # of steps between rows that are as the usual one
FEWEST = 4  # such steps
DAY = 1440  # minutes
_DATE = re.compile(r"((?:19|20)\d\d)(\d\d)(\d\d)(?:T?[0-2]\d[0-5]\d(?:[0-5]\d)?)?(?:\.0|Z)?")
_MONTH = re.compile(r"((?:19|20)\d\d)(?:0[1-9]|1[0-2])")
_CLOCK = re.compile(r"([01]?\d|2[0-3])([0-5]\d)|([0-5]?\d)")


def what_digits_are(cells: Sequence[str]) -> str | None:
    """What all cells of a column of times look like, and how to write them: the end of a sentence; None for numbers."""
    texts = [text.strip() for text in cells]
    return next((told for look, told in _FORMS.items() if look(texts)), None)


def _dates(texts: list[str]) -> bool:
    """A day of the last or this century, and maybe an hour: 20240131, 202401311345, 20240131T1345."""
    try:
        return all((match := _DATE.fullmatch(text)) and date(*map(int, match.groups())) for text in texts)
    except ValueError:
        return False


def _months(texts: list[str]) -> bool:
    months = [_MONTH.fullmatch(text) for text in texts]
    return all(months) and len({month[1] for month in months if month}) > 1


def _times_of_day(texts: list[str]) -> bool:
    """0930, or 930: with zeros before them, or even as times of day and uneven as numbers; and past a full hour."""
    if not all(map(_CLOCK.fullmatch, texts)):
        return False
    numbers = np.array(list(map(int, texts)))
    hours, minutes = numbers // 100, numbers % 100
    if not minutes.any() or len(set(hours)) == 1:
        return False
    padded = all(len(text) == 4 for text in texts) and any(text[0] == "0" for text in texts)
    as_hours = _evenness(60 * hours + minutes)
    return padded or (as_hours >= ALIKE and as_hours > _evenness(numbers))


def _evenness(times: np.ndarray) -> float:
    """The part of the steps between rows that are as the usual one; 0 of few."""
    steps = np.diff(times) % DAY
    return float(np.mean(steps == np.median(steps))) if steps.size >= FEWEST else 0.0


_FORMS = {
    _dates: "looks like a date without its dashes, and as numbers such dates jump from month to month; write "
    "2024-01-31 for 20240131",
    _months: "looks like a year and a month, and as numbers they jump from year to year; write 2024-01-01 for 202401",
    _times_of_day: "looks like a time of day without its colon, and as numbers such times jump from hour to hour; "
    "write 09:30 for 0930",
}
