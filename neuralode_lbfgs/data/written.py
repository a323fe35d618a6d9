"""What a date and a time of day say, as spreadsheets and loggers write them."""

import re
from collections.abc import Collection
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

# What the numbers of a date are, and how it is written, in the codes of `datetime.strptime`.
ORDERS: dict[str, tuple[str, ...]] = {
    "year, month, day": ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d"),
    "day, month, year": (
        "%d.%m.%Y", "%d.%m.%y", "%d/%m/%Y", "%d/%m/%y", "%d-%m-%Y", "%d-%b-%Y", "%d-%b-%y", "%d %b %Y", "%d %B %Y",
    ),
    "month, day, year": ("%m/%d/%Y", "%m/%d/%y", "%m-%d-%Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%B %d %Y"),
    "month, year": ("%b %Y", "%B %Y", "%b-%Y", "%m/%Y"),
}  # fmt: skip
DAY = 86400  # seconds
LONGEST = 40  # characters of a date and a time of day
_PART = r"(\d\d(?:[.,]\d+)?)"
_ZONE = r"(\s?(?:[Zz]|UTC|GMT|[+-]\d\d(?::?\d\d)?))?"
_WRITTEN = re.compile(rf"(.*?)(?:(?:^|[\s,]+|T)(\d+):{_PART}(?::{_PART})?(?:\s?([AaPp])\.?[Mm]\.?)?{_ZONE})?")
_DAYS = re.compile(r"(\d{1,6}) days?,?")  # before the hours of a span, as Python and pandas write it


class AmbiguousDateError(ValueError):
    """A date that may be of two days."""


class Written(NamedTuple):
    """What a cell says: a date as it is written, and seconds since midnight, or of a span; one of them may lack.

    And the offset from UTC, as it stands after a time of day.
    """

    day: str
    seconds: Decimal | None
    zone: str = ""


def written(text: str) -> Written | None:
    """What a cell says; None if that is no date, nor a time of day or a span."""
    text = text.strip()
    match = _WRITTEN.fullmatch(text) if len(text) <= LONGEST else None
    if match is None:
        return None
    day, hour, minute, second, half, zone = match.groups()
    if hour is None:
        return Written(day, None)
    hours, (minutes, seconds) = int(hour), (Decimal((part or "0").replace(",", ".")) for part in (minute, second))
    if days := _DAYS.fullmatch(day):
        return None if half or zone or hours > 23 else written(f"{24 * int(days[1]) + hours}:{text.partition(':')[2]}")
    if half and not 1 <= hours <= 12:
        return None
    if half:
        hours = hours % 12 + 12 * (half in "Pp")
    if minutes >= 60 or seconds >= 60 or hours >= (24 if day else DAY) or (minutes % 1 and (day or second)):
        return None
    return Written(day, 3600 * hours + 60 * minutes + seconds, (zone or "").strip())


def orders_of(days: Collection[str]) -> dict[str, dict[str, date]]:
    """The orders in which all these dates can be read, and the days that they are then."""
    found: dict[str, dict[str, date]] = {}
    for order, forms in ORDERS.items():
        for form in forms:
            try:
                found[order] = {day: datetime.strptime(day, form).date() for day in days}
            except ValueError:
                continue
            break
    return found


def stamp(day: date, one: Written) -> str:
    """What a cell says as a timestamp of ISO 8601, of this day."""
    if one.seconds is None:
        return day.isoformat()
    moment = datetime(day.year, day.month, day.day) + timedelta(seconds=int(one.seconds))
    return moment.isoformat() + f"{one.seconds % 1:f}"[1:].rstrip("0").rstrip(".") + one.zone


def timestamp_of(text: str, order: str) -> str | None:
    """A date of one of these forms as a timestamp of ISO 8601; None if it is none.

    Args:
        order: in which the dates of the data were read, one of `ORDERS`; empty if that is not known.

    Raises:
        AmbiguousDateError: if it may be of two days; one sentence.
    """
    one = written(text)
    found = orders_of([one.day]) if one is not None and one.day else {}
    if one is None or not found:
        return None
    days = {found[order][one.day]} if order in found else {of[one.day] for of in found.values()}
    if len(days) > 1:
        said = " or ".join(sorted(day.isoformat() for day in days))
        raise AmbiguousDateError(f"{text!r} may be {said}; write it in that way.")
    return stamp(days.pop(), one)
