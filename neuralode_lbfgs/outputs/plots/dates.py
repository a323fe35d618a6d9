"""Dates along an axis whose times are counted from a timestamp, as ISO 8601 writes them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, num2date
from matplotlib.ticker import Formatter, Locator

from neuralode_lbfgs.data.clock import SECONDS, Clock, parse_timestamp

INCHES = 0.95  # that a date takes, with the gap to the next
FEWEST, MOST = 2, 6


def with_dates(axes: Axes, clock: Clock, inches: float) -> bool:
    """Give the axis of times, of these limits, ticks at dates; whether it has them: numbers have none, nor have times
    before the year 1 or after 9999.

    Args:
        inches: its length.
    """
    moment = parse_timestamp(clock.origin) if clock.dated else None
    if moment is None:
        return False
    try:
        first = datetime(1970, 1, 1) + timedelta(seconds=float(moment.seconds + (moment.zone or 0)))
        ticks = _Ticks(first, float(SECONDS[clock.unit]), inches)
        ticks.tick_values(*axes.get_xlim())
    except (OverflowError, ValueError):
        return False
    axes.xaxis.set_major_locator(ticks)
    axes.xaxis.set_major_formatter(_Written(ticks))
    return True


class _Ticks(Locator):
    """Round dates, at times that are counted in so many seconds."""

    def __init__(self, first: datetime, unit: float, inches: float):
        self.first, self.unit = first, unit
        self.round = AutoDateLocator(minticks=FEWEST, maxticks=min(max(int(inches / INCHES), FEWEST), MOST))

    def date(self, t: float) -> datetime:
        return self.first + timedelta(seconds=t * self.unit)

    def __call__(self) -> Sequence[float]:
        assert self.axis is not None
        return self.tick_values(*self.axis.get_view_interval())

    def tick_values(self, vmin: float, vmax: float) -> Sequence[float]:
        ends: Any = self.date(vmin), self.date(vmax)  # which it takes, though its types say numbers
        dates = [num2date(number).replace(tzinfo=None) for number in self.round.tick_values(*ends)]
        return [(date - self.first).total_seconds() / self.unit for date in dates]


class _Written(Formatter):
    """The day, and below it the time of day where one of the ticks is not at midnight."""

    def __init__(self, ticks: _Ticks):
        self.ticks = ticks

    def __call__(self, x: float, pos: int | None = None) -> str:
        return self.format_ticks([x])[0]

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        # A tick is off by what floats of days since 1970 leave of it.
        dates = [self.ticks.date(t + 1e-5 / self.ticks.unit) for t in values]
        if all(date.hour == date.minute == date.second == 0 and date.microsecond < 1000 for date in dates):
            return [date.date().isoformat() for date in dates]
        finest = "milliseconds" if any(date.microsecond >= 1000 for date in dates) else "minutes"
        finest = "seconds" if finest == "minutes" and any(date.second for date in dates) else finest
        return [f"{date.date().isoformat()}\n{date.time().isoformat(finest)}" for date in dates]
