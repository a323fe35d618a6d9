"""Times as they are written, and the numbers that they are counted in.

A time is a number, or a timestamp of ISO 8601 such as 2024-01-31, 2024-01-31T13:45 or 2024-01-31 13:45:00.250+01:00.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

import numpy as np

from .written import ORDERS, AmbiguousDateError, timestamp_of

_TIMESTAMP = re.compile(
    r"(\d{4})-(\d\d)(?:-(\d\d)(?:([Tt ])(\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,15}))?)?"
    r"(\s?(?:[Zz]|UTC|GMT|[+-]\d\d(?::?\d\d)?))?)?)?"
)
SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86400}
_SPELLED = {"s": "seconds", "min": "minutes", "h": "hours", "d": "days"}
_DAY_ZERO = date(1970, 1, 1).toordinal()
# Numbers this many times larger than their span and their steps have lost digits to where their zero is, as seconds
# since 1970 have: they are counted from the first one, subtracted digit by digit.
FAR_FROM_ZERO, FINE_STEPS = 100, 1e6
LONGEST = 400  # characters of a time: a float in plain digits
FORMS = "such as 2024-01-31 or 2024-01-31T13:45:00"


class Moment(NamedTuple):
    """A timestamp: exact seconds since 1970 (in UTC, or on the clock of a place that it does not name), and its zone.

    Args:
        zone: the offset in seconds, or None where none is written.
    """

    seconds: Decimal
    zone: int | None


def parse_timestamp(text: str) -> Moment | None:
    """The moment that is written, or None if this is no timestamp.

    Raises:
        ValueError: if it has the form of one, but there is no such day or hour.
    """
    match = _TIMESTAMP.fullmatch(text.strip())
    if match is None:
        return None
    year, month, day, _, hour, minute, second, fraction, zone = match.groups()
    days = date(int(year), int(month), int(day or 1)).toordinal() - _DAY_ZERO
    if int(hour or 0) > 23 or int(minute or 0) > 59 or int(second or 0) > 59:
        raise ValueError("no such time of day")
    whole = 86400 * days + 3600 * int(hour or 0) + 60 * int(minute or 0) + int(second or 0)
    offset = None if zone is None else _offset(zone)
    return Moment(whole - (offset or 0) + Decimal(f"0.{fraction or 0}"), offset)


def _offset(zone: str) -> int:
    zone = zone.strip()
    if zone in ("Z", "z", "UTC", "GMT"):
        return 0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    if int(digits[:2]) > 23 or int(digits[2:]) > 59:
        raise ValueError("no such time zone")
    return (3600 * int(digits[:2]) + 60 * int(digits[2:])) * (-1 if zone[0] == "-" else 1)


@dataclass(frozen=True)
class Clock:
    """How times are counted: (what is written - origin) / unit.

    Args:
        origin: a time as it is written; empty for numbers that are taken as they are.
        unit: of timestamps: s, min, h or d; empty for numbers, which keep their own.
        order: of `ORDERS`, in which a file has dates that are not of ISO 8601; empty if there are none. What a person
            writes is read in that order, too.

    Raises:
        ValueError: if this is no time, or no such unit.
    """

    origin: str = ""
    unit: str = ""
    order: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        try:
            # Not further than a float reaches: all digits of a larger number would be written out.
            sound = parse_timestamp(self.origin) is not None if self.unit else math.isfinite(float(self.origin or "0"))
            sound = sound and len(self.origin) <= LONGEST and self.unit in ("", *SECONDS)
            sound = sound and self.order in ("", *ORDERS)
        except ValueError:
            sound = False
        if not sound:
            raise ValueError(f"times cannot be counted from {self.origin[:LONGEST]!r} in the unit {self.unit[:9]!r}.")

    @property
    def dated(self) -> bool:
        """Whether times are timestamps."""
        return self.unit != ""

    @property
    def zone(self) -> int | None:
        """The time zone of the timestamps, in seconds; None if they have none."""
        return self._origin().zone if self.dated else None

    def _origin(self) -> Moment:
        moment = parse_timestamp(self.origin) if self.dated else Moment(Decimal(self.origin or "0"), None)
        assert moment is not None
        return moment

    def count(self, exact: Sequence[Decimal]) -> np.ndarray:
        """Exact seconds (of timestamps) or numbers as times from the origin, in the unit."""
        origin, unit = self._origin().seconds, SECONDS.get(self.unit, 1)
        return np.array([float((value - origin) / unit) for value in exact])

    def read(self, written: str | float) -> float:
        """A time as a person writes it: as in the data, or, where these have timestamps, as a number from the origin.

        Dates may be written as spreadsheets do, in the order of those of the data, or if they can be of one day only.
        A timestamp without a time zone is one in that of the data.

        Raises:
            ValueError: if this is no time of this kind; one sentence.
        """
        text = str(written).strip()
        try:
            moment = parse_timestamp(text)
            if moment is None and self.dated and (stamp := timestamp_of(text, self.order)):
                moment = parse_timestamp(stamp)
        except AmbiguousDateError as error:
            raise ValueError(str(error)) from None
        except ValueError:
            raise ValueError(f"there is no such time as {text!r}.") from None
        try:
            number = Decimal(text)
            number = None if abs(number.adjusted()) > LONGEST else number
        except ArithmeticError:
            number = None
        if moment is None and (number is None or not number.is_finite()):
            forms = f"a timestamp {FORMS}" if self.dated else "a number"
            raise ValueError(f"{text!r} is not a time; the times of the data want {forms}.")
        if not self.dated:
            if number is None:
                raise ValueError(f"{text!r} is a timestamp, but the times of the data are numbers; give a number.")
            return float(number - self._origin().seconds) if self.origin else float(number)
        if moment is None:
            assert number is not None
            return float(number)
        if moment.zone is not None and self.zone is None:
            raise ValueError(f"{text!r} has a time zone, but the times of the data have none; leave it away.")
        seconds = moment.seconds - (self.zone or 0) * (moment.zone is None)
        return float(self.count([seconds])[0])

    def write(self, t: float) -> str:
        """The time in the way of the data; timestamps to the microsecond, or finer where the origin is.

        Raises:
            ValueError: for a timestamp beyond the years 1 to 9999.
        """
        if not self.origin:
            return repr(float(t))
        if not self.dated:
            return _plain(Decimal(self.origin) + Decimal(f"{t:.12g}"))
        match = _TIMESTAMP.fullmatch(self.origin.strip())
        assert match is not None
        separator, fraction, zone = match[4], match[8] or "", match[9] or ""
        digits = max(6, len(fraction))
        local = self._origin().seconds + (self.zone or 0) + Decimal(repr(float(t))) * SECONDS[self.unit]
        local = local.quantize(Decimal(1).scaleb(-digits))
        whole = math.floor(local)
        try:
            moment = datetime(1970, 1, 1) + timedelta(seconds=whole)
        except OverflowError:
            raise ValueError(
                f"a time {t:.6g} {_SPELLED[self.unit]} from {self.origin} is beyond the years 1 to 9999."
            ) from None
        if separator is None and local % SECONDS["d"] == 0:
            return moment.date().isoformat()
        rest = _plain(local - whole).partition(".")[2]
        return moment.isoformat(separator or "T") + (f".{rest}" if rest else "") + zone

    def moved(self, ts: np.ndarray, to: "Clock") -> np.ndarray:
        """Times of this clock as another one counts them.

        Raises:
            ValueError: if one has timestamps and the other numbers, or only one knows its time zone.
        """
        if self == to:
            return ts
        if self.dated != to.dated or (self.zone is None) != (to.zone is None):
            raise ValueError(
                f"times are {self._kind()} here and {to._kind()} there; write them in one way, or build your own data "
                "with `with_trajectories` of those that they belong to."
            )
        unit = SECONDS.get(to.unit, 1)
        between = float((self._origin().seconds - to._origin().seconds) / unit)
        return between + ts * (SECONDS.get(self.unit, 1) / unit)

    def from_zero(self, ts: np.ndarray) -> np.ndarray:
        """Times of this clock in the same unit since 1970, or as numbers that are not counted from an origin."""
        return ts + float(self._origin().seconds / SECONDS.get(self.unit, 1)) if self.origin else ts

    def _kind(self) -> str:
        if not self.dated:
            return "numbers"
        return "timestamps without a time zone" if self.zone is None else "timestamps with a time zone"

    def show(self, t: float) -> str:
        """The time for a message: short, if it is a plain number."""
        return self.write(t) if self.origin else f"{t:.6g}"

    def label(self, unit: str = "") -> str:
        """The unit of the numbers, for an axis: `days since 2024-01-31`."""
        if not self.origin or unit.endswith(f"since {self.origin}"):
            return unit
        return f"{_SPELLED.get(self.unit, unit)} since {self.origin}".strip()

    def unit_of(self, label: str) -> str:
        """The unit of a `label`, without the origin."""
        return label.removesuffix(f"since {self.origin}").strip() if self.origin else label


def clock_of_timestamps(texts: Sequence[str], seconds: Sequence[Decimal], order: str = "") -> Clock:
    """From the first of all times, in the largest of days, hours, minutes and seconds that a usual step reaches.

    Args:
        order: as of `Clock`.
    """
    first = min(range(len(seconds)), key=seconds.__getitem__)
    steps = np.diff(np.unique([float(value - seconds[first]) for value in seconds]))
    step = float(np.median(steps)) if steps.size else (SECONDS["d"] if ":" not in texts[first] else 1)
    unit = next((unit for unit in ("d", "h", "min") if step > 0.999 * SECONDS[unit]), "s")
    return Clock(texts[first].strip(), unit, order)


def clock_of_numbers(texts: Sequence[str], ts: np.ndarray) -> Clock:
    """From the first of all times where they are far from zero, else as they are."""
    size = np.abs(ts).max()
    if size > 2**53:  # floats do not tell such numbers apart: nanoseconds since 1970
        numbers = [exact(text) for text in texts]
        least = min(numbers)
        ts = np.array([float(number - least) for number in numbers])
    with np.errstate(over="ignore"):  # from one end of the floats to the other: infinite
        span, steps = np.ptp(ts), np.diff(np.unique(ts))
    if not steps.size or size / FAR_FROM_ZERO < span or size / FINE_STEPS < np.median(steps):
        return Clock()
    first = int(np.argmin(ts))
    origin = _plain(exact(texts[first]))
    return Clock(origin if len(origin) <= LONGEST else _plain(Decimal(repr(float(texts[first])))))


def exact(text: str) -> Decimal:
    """The number that is written, to the last digit, but for one with an exponent that no number needs."""
    try:
        return Decimal(text.strip())
    except ArithmeticError:
        return Decimal(repr(float(text)))


def _plain(number: Decimal) -> str:
    """Digits without an exponent or zeros at the end."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
