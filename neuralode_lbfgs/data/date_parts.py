"""A time in several columns of numbers: a date and an hour; a year and its day; a year, a month, a day."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np

from .cells import is_missing, parse_number
from .headers import names_the_time, split_unit

# What the columns are called, and between which numbers theirs lie; 24 hours are the next day.
PARTS = {
    "year": (re.compile(r"years?|yr|yyyy|jahr|año|année"), 1500, 2200),
    "month": (re.compile(r"months?|mon|monat|mes|mois"), 1, 12),
    "day": (re.compile(r"days?|dd|dom|day[ _.-]?of[ _.-]?month|día|jour"), 1, 31),
    "doy": (re.compile(r"doy|jday|yday|day[ _.-]?of[ _.-]?year|julian([ _.-]?day)?"), 1, 367),
    "hour": (re.compile(r"hours?|hrs?|hh|stunde|hora|heure"), 0, 24),
    "minute": (re.compile(r"minutes?"), 0, 60),
    "second": (re.compile(r"seconds?|secs?"), 0, 60),
}
WHOLE = ("year", "month", "day")
OF_DAY = ("hour", "minute", "second")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")

Headers = Sequence[str]
Cells = Sequence[tuple[str, ...]]


def with_one_date(headers: Headers, cells: Cells, decimal: str) -> tuple[list[str], list[tuple[str, ...]], list[str]]:
    """With the columns that only together are a time as one of timestamps, and a note; where no other is the time."""
    headers, cells = list(headers), list(cells)
    parts = _together(_parts(headers, cells, decimal))
    if any(names_the_time(header) for i, header in enumerate(headers) if i not in parts.values()) or not parts:
        return headers, cells, []
    texts = _stamps({part: cells[at] for part, at in parts.items()}, decimal)
    note = f"columns {', '.join(repr(headers[at]) for at in parts.values())} were read as one time"
    first, *rest = parts.values()
    headers[first], cells[first] = headers[first] if "date" in parts else "date", texts
    left = [i for i in range(len(headers)) if i not in rest]
    return [headers[i] for i in left], [cells[i] for i in left], [note]


def _together(found: dict[str, int]) -> dict[str, int]:
    """Those parts that are a time together, from the largest to the smallest; none of a date or a year alone."""
    ways = (["date"], ["year", "doy"], ["year", "month", "day"], ["year", "month"])
    way = next((way for way in ways if set(way) <= set(found)), [])
    if way and way[-1] != "month":  # else no day is known, and no hour of it
        way = [*way, *OF_DAY[: next((k for k, part in enumerate(OF_DAY) if part not in found), len(OF_DAY))]]
    return {part: found[part] for part in way} if len(way) > 1 else {}


def _parts(headers: Headers, cells: Cells, decimal: str) -> dict[str, int]:
    """The only column of each part that holds its numbers, and that of dates without a time of day."""
    dates = [i for i, header in enumerate(headers) if names_the_time(header) and all(map(_is_date, cells[i]))]
    found = {"date": dates[0]} if len(dates) == 1 else {}
    for part, (called, least, most) in PARTS.items():
        at = [i for i, header in enumerate(headers) if called.fullmatch(split_unit(header)[0].lower())]
        if len(at) != 1:
            continue
        numbers = [parse_number(text, decimal) for text in cells[at[0]]]
        known = np.array([number for number in numbers if number is not None and not np.isnan(number)])
        inside = known.size > 0 and None not in numbers and ((known >= least) & (known <= most)).all()
        if inside and not (part in WHOLE and (known % 1).any()):
            found[part] = at[0]
    return found


def _is_date(text: str) -> bool:
    return is_missing(text) or _DATE.fullmatch(text) is not None


def _stamps(parts: dict[str, tuple[str, ...]], decimal: str) -> tuple[str, ...]:
    """Timestamps of the rows, or days where there are no other parts; blank where a part is."""
    rows = [_stamp(dict(zip(parts, row, strict=True)), decimal) for row in zip(*parts.values(), strict=True)]
    days = not any(part in parts for part in OF_DAY) and all(text[10:] in ("", "T00:00:00") for text in rows)
    return tuple(text[:10] for text in rows) if days else tuple(rows)


def _stamp(written: dict[str, str], decimal: str) -> str:
    """In ISO 8601; of a day that there is not, as it would be written."""
    if any(map(is_missing, written.values())):
        return ""
    numbers = {part: parse_number(text, decimal) or 0.0 for part, text in written.items() if part != "date"}
    day = written.get("date") or "-".join(f"{int(numbers.get(part, 1)):02d}" for part in WHOLE)
    try:
        midnight = datetime.fromisoformat(day)
    except ValueError:
        return day
    of_day = {f"{part}s": numbers.get(part, 0.0) for part in OF_DAY}
    return (midnight + timedelta(days=numbers.get("doy", 1.0) - 1.0, **of_day)).isoformat()
