"""Dates and times of day as spreadsheets and loggers write them, put into ISO 8601 and into seconds."""

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise

from .cells import is_missing, is_timestamp, may_be_number, shown
from .errors import DataError
from .headers import names_the_time, split_unit
from .written import DAY, ORDERS, Written, orders_of, stamp, written

OF_DAY = "were read as hours, minutes and seconds"
_MINUTES = ("m:", "mm:", "min")  # units of times that are written in minutes and seconds
_FINE = re.compile(r"\d+:\d\d[.,]\d+")  # as a spreadsheet shows 13:45:10.5: no minute is written so
_SAID = re.compile(r"(d{1,2}|m{1,2}|y{2,4})[-./ ](d{1,2}|m{1,2}|y{2,4})[-./ ](d{1,2}|m{1,2}|y{2,4})", re.IGNORECASE)

_ORDER_OF = {"".join(word[0] for word in order.split(", ")): order for order in ORDERS}

Headers = list[str]
Cells = list[tuple[str, ...]]
Place = Callable[[int], str]  # a row as it is told in a message, with the text of its cell


def with_plain_times(
    headers: Headers, cells: Cells, decimal: str, where: Callable[[int, str], str]
) -> tuple[Headers, Cells, tuple[str, ...], dict[str, str]]:
    """Columns with dates of other forms as timestamps of ISO 8601, with times of day and spans as seconds; notes; and
    by header the order in which dates were read.

    Those that have the name of a time, or all if there is none; first the only date, and the only time of day beside
    it, become one column.

    Args:
        decimal: the decimal mark of the table.
        where: a row and the header of a column, as messages begin.

    Raises:
        DataError: if the times of a column are not of one form, may be of two days, or run past midnight.
    """
    headers, cells, notes = _with_one_time(headers, cells)
    orders: dict[str, str] = {}
    named = [names_the_time(header) for header in headers]
    forms = [None if is_timestamp(_text(column)) else _first(column) for column in cells]
    plain = any(is_time and form is None for is_time, form in zip(named, forms, strict=True))
    for i in [i for i, is_time in enumerate(named) if is_time or not any(named)]:
        first, header = forms[i], headers[i]
        if first is None:
            continue
        place = lambda row, i=i: f"{where(row, headers[i])}: {shown(cells[i][row])}"  # noqa: E731
        said = [None if is_missing(text) else written(text) for text in cells[i]]
        for row, one in enumerate(said):
            if not is_missing(cells[i][row]) and (one is None or bool(one.day) != bool(first.day)):
                raise DataError(f"{place(row)} is no time like those before it; correct it or remove the row.")
        if first.day:
            cells[i], order = _in_iso(said, header, place)
            orders[header] = order
            notes += (f"the dates in column {header!r} were read as {order}",)
            continue
        name, unit = split_unit(header)
        in_minutes = all(text.count(":") < 2 for text in cells[i])
        in_minutes &= unit.lower().startswith(_MINUTES) or any(_FINE.fullmatch(text.strip()) for text in cells[i])
        seconds = [one and one.seconds and one.seconds / (60 if in_minutes else 1) for one in said]
        if len({one.zone for one in said if one is not None}) > 1:
            raise DataError(f"{place(0)} and those after it have other offsets from UTC; add a column of dates.")
        if (row := _next_day(seconds)) is not None:
            if plain:  # that column is the time, or may be
                continue
            raise DataError(f"{place(row)} seems to be on the next day; add a column of dates.")
        texts = tuple("" if value is None else f"{value:f}".replace(".", decimal) for value in seconds)
        example = next((row for row, value in enumerate(seconds) if value), 0)
        how = "were read as minutes and seconds" if in_minutes else OF_DAY
        notes += (f"the times in column {header!r} {how}: {cells[i][example]} is {texts[example]} s",)
        cells[i], headers[i] = texts, f"{name} [s]"
    return headers, cells, notes, orders


def _with_one_time(headers: Headers, cells: Cells) -> tuple[Headers, Cells, tuple[str, ...]]:
    """With the only column of dates and the only one of times of day as one, where these two are the time."""
    headers, cells = list(headers), list(cells)
    firsts = [_first(column) for column in cells]
    days = [i for i, one in enumerate(firsts) if one and one.day and one.seconds is None]
    hours = [i for i, one in enumerate(firsts) if one and not one.day]
    if not len(days) == len(hours) == 1:
        return headers, cells, ()
    (day,), (hour,) = days, hours
    cells[day] = tuple(_beside(*both) for both in zip(cells[day], cells[hour], strict=True))
    note = f"columns {headers[day]!r} and {headers[hour]!r} were read as one time"
    del headers[hour], cells[hour]
    return headers, cells, (note,)


def _are_zones(column: Sequence[str]) -> bool:
    """Whether what follows times of day are offsets, of which a year has two, and not other times: 08:00-09:00."""
    return len({one.zone for text in column if not is_missing(text) and (one := written(text))}) <= 2


def _beside(day: str, hour: str) -> str:
    """One text of a date and a time of day, which is put into the way of ISO 8601 if it can be."""
    if is_missing(day) or is_missing(hour):
        return ""
    time = written(hour)
    if time is not None and not time.day and time.seconds is not None and time.seconds < DAY:
        hour = stamp(date.min, time).partition("T")[2]
    return f"{day.strip()}{'T' if is_timestamp(day) else ' '}{hour.strip()}"


def _text(column: Sequence[str]) -> str:
    """The first cell that is not blank."""
    return next((text for text in column if not is_missing(text)), "")


def _first(column: Sequence[str]) -> Written | None:
    """What the first cell says; None if it is a number, or no time."""
    text = _text(column)
    one = None if may_be_number(text) else written(text)
    if one is None or (one.day and not orders_of({one.day})) or (one.zone and not _are_zones(column)):
        return None
    return one


def _in_iso(written: Sequence[Written | None], header: str, place: Place) -> tuple[tuple[str, ...], str]:
    """Dates as timestamps, and the order in which they were read; a header may say it, as `date (MM/DD/YYYY)`."""
    rows = [row for row, one in enumerate(written) if one is not None]
    seen = [one for one in written if one is not None]
    found = orders_of({one.day for one in seen})
    if not found:
        row = rows[_first_misfit([one.day for one in seen])]
        raise DataError(f"{place(row)} is no date like those before it; correct it or remove the row.")
    if (said := _SAID.search(header)) and (order := _ORDER_OF.get("".join(part[0] for part in said.groups()).lower())):
        found = {order: found[order]} if order in found else found
    unclear = next((i for i, one in enumerate(seen) if len({days[one.day] for days in found.values()}) > 1), None)
    if unclear is not None:
        close = [order for order, days in found.items() if _goes_on(seen, days)]
        if len(close) != 1:
            said = " or ".join(days[seen[unclear].day].isoformat() for days in found.values())
            raise DataError(
                f"{place(rows[unclear])} may be {said}; say which in the header, as {header} (DD/MM/YYYY) or {header} "
                f"(MM/DD/YYYY), or write dates as {said.split()[0]}."
            )
        found = {close[0]: found[close[0]]}
    order, days = next(iter(found.items()))
    return tuple("" if one is None else stamp(days[one.day], one) for one in written), order


def _first_misfit(days: Sequence[str]) -> int:
    """The first of dates with which no form fits all of them so far."""
    forms = [form for forms in ORDERS.values() for form in forms]
    for i, day in enumerate(days):
        forms = [form for form in forms if _fits(day, form)]
        if not forms:
            return i
    raise AssertionError("a form fits all of them")


def _fits(day: str, form: str) -> bool:
    try:
        datetime.strptime(day, form)
    except ValueError:
        return False
    return True


def _goes_on(written: Sequence[Written], days: dict[str, date]) -> bool:
    """Whether no day passes from one time to the next."""
    times = sorted({DAY * days[one.day].toordinal() + (one.seconds or 0) for one in written})
    return all(after - before < DAY for before, after in zip(times[:-1], times[1:], strict=True))


def _next_day(seconds: Sequence[Decimal | None]) -> int | None:
    """The first row at which times of day begin anew; None for spans, and for the times of several runs."""
    seen = [value for value in seconds if value is not None]
    if len(set(seen)) < len(seen) or max(seen) >= DAY:
        return None
    for row, (before, value) in enumerate(pairwise(seconds), start=1):
        if before is not None and value is not None and before - value > DAY / 2:
            return row
    return None
