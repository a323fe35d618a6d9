"""A time in several columns of numbers: a date and an hour; a year and its day; a year, a month, a day."""

import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta

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
    named = [i for i, header in enumerate(headers) if names_the_time(header)]
    dates = [i for i in named if all(is_missing(text) or _DATE.fullmatch(text) for text in cells[i])]
    found = _parts(headers, cells, decimal)
    first = [("date", dates[0])] if dates else [("year", found["year"])] if "year" in found else []
    if not first or set(named) - {at for _, at in first}:
        return headers, cells, []
    rest = [] if dates else next((way for way in (["doy"], ["month", "day"], ["month"]) if set(way) <= set(found)), [])
    if not (dates or rest):
        return headers, cells, []
    if rest != ["month"]:  # else no day is known, and no hour of it
        rest += OF_DAY[: next((k for k, part in enumerate(OF_DAY) if part not in found), len(OF_DAY))]
    if not rest:
        return headers, cells, []
    parts = dict([*first, *((part, found[part]) for part in rest)])
    texts = _stamps({part: cells[at] for part, at in parts.items()}, decimal)
    listed = ", ".join(repr(headers[at]) for at in parts.values())
    name = headers[first[0][1]] if dates else "date"
    left = [i for i in range(len(headers)) if i not in parts.values()]
    where = min(parts.values())
    at = sum(i < where for i in left)
    headers, cells = [headers[i] for i in left], [cells[i] for i in left]
    headers.insert(at, name)
    cells.insert(at, texts)
    return headers, cells, [f"columns {listed} were read as one time"]


def _parts(headers: Headers, cells: Cells, decimal: str) -> dict[str, int]:
    """The only column of each part that holds its numbers."""
    found: dict[str, int] = {}
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


def _stamps(parts: dict[str, tuple[str, ...]], decimal: str) -> tuple[str, ...]:
    """Timestamps of the rows, blank where a part is; of no such day a text that is none either."""
    rows: list[datetime | str] = []
    for row in zip(*parts.values(), strict=True):
        if any(map(is_missing, row)):
            rows.append("")
            continue
        written = dict(zip(parts, row, strict=True))
        whole = written.pop("date", None)
        numbers = {part: parse_number(text, decimal) or 0.0 for part, text in written.items()}
        if whole is None:
            whole = "-".join(f"{int(numbers.get(part, 1)):02d}" for part in WHOLE)
        try:
            day = datetime.combine(date.fromisoformat(whole), datetime.min.time())
        except ValueError:
            rows.append(whole)
            continue
        rows.append(
            day
            + timedelta(
                days=numbers.get("doy", 1.0) - 1.0,
                **{f"{part}s": numbers.get(part, 0.0) for part in OF_DAY},
            )
        )
    days = not any(part in parts for part in OF_DAY)
    days &= all(isinstance(one, str) or one == _midnight(one) for one in rows)
    return tuple(one if isinstance(one, str) else (one.date() if days else one).isoformat() for one in rows)


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)
