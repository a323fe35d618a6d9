"""What a header says: a name, a unit, whether it is that of the time."""

import re

_DURATION = r"s|secs?|seconds?|[mµμun]s|mins?|minutes?|h|hrs?|hours?|d|days?|weeks?|months?|y|yrs?|years?"
_TIME = re.compile(
    rf"(t|time|time[ _.-]?stamp|elapsed|(elapsed|test|run|total)[ _.-]?time)([ _.-]({_DURATION}))?|ts|times|date"
    r"|date[ _.-]?time|zeit|tiempo|tempo|tijd|时间|時間|время"
)
# Units behind a line as they are written only: t/T and t/D are ratios.
_TIME_IN = re.compile(rf"([^()/]*[^()/\s])(?:\(((?i:{_DURATION}))\)|\s?/\s?({_DURATION}))")
_SD = r"sd|std|stdev|stddev|std[ _.]?dev|err|error|se|sem|stderr|sigma|unc|uncertainty"
DEVIATION_OF = re.compile(rf"(?:(?:{_SD})[ _.-](?P<after>.+))|(?:(?P<before>.+?)[ _.±-]+(?:{_SD}))")
MEAN_OF = re.compile(r"(?:(?:mean|avg|average)[ _.-](?P<after>.+))|(?:(?P<before>.+?)[ _.-](?:mean|avg|average))")


def split_unit(header: str) -> tuple[str, str]:
    """Name and unit in a header: `substrate [mol/L]` and `substrate (mol/L)` are `substrate`, `mol/L`.

    `y[0]` and `f(x)` are names: an index is no unit, and round brackets need a space before them. Only behind a name of
    the time is a unit of time plain without one: `Time(ms)`, and `t/min` as ISO 80000 writes quantities.
    """
    if (time := _TIME_IN.fullmatch(header)) and names_the_time(time[1]):
        return time[1], time[2] or time[3]
    for left, right in ("[]", "()"):
        before, _, inside = header.removesuffix(right).rpartition(left)
        name, unit = before.rstrip(), inside.strip()
        if not header.endswith(right) or right in inside or not name or "\n" in name:
            continue
        is_name = unit.isdigit() if left == "[" else name == before
        if not is_name:
            return name, unit
    return header, ""


def with_unit(name: str, unit: str) -> str:
    """A header of both, as `split_unit` reads it; the name alone where there is no unit."""
    return f"{name} [{unit}]" if unit else name


def names_the_time(header: str) -> bool:
    """Whether this is a name of the time, with or without a unit behind it."""
    return _TIME.fullmatch(split_unit(header)[0].lower()) is not None


def is_duration(unit: str) -> bool:
    """Whether this is a unit of time."""
    return re.fullmatch(_DURATION, unit.lower()) is not None
