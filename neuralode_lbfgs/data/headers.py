"""What a header says: a name, a unit, whether it is that of the time."""

import re
from collections.abc import Sequence

from .units import is_unit

_DURATION = r"s|secs?|seconds?|[mµμun]s|mins?|minutes?|h|hrs?|hours?|d|days?|weeks?|months?|y|yrs?|years?"
_TIME = re.compile(
    r"(t|ts|time|time[ _.-]?stamp|elapsed|(elapsed|test|run|total)[ _.-]?time|zeit|tiempo|tempo|tijd|时间|時間|время)"
    rf"([ _.-]({_DURATION}))?|times|date|date[ _.-]?time"
)
# Units behind a line as they are written only: t/T and t/D are ratios.
_TIME_IN = re.compile(rf"([^()/]*[^()/\s])(?:\(((?i:{_DURATION}))\)|\s?/\s?({_DURATION}))")
_FLOWS = ("L", "l", "m", "g", "mg", "kg", "mol", "mmol", "cells", "km")  # of which a line makes another unit: L/min
_SD = r"sd|std|stdev|stddev|std[ _.]?dev|err|error|se|sem|stderr|sigma|unc|uncertainty"
DEVIATION_OF = re.compile(rf"(?:(?:{_SD})[ _.-](?P<after>.+))|(?:(?P<before>.+?)[ _.±-]+(?:{_SD}))")
MEAN_OF = re.compile(r"(?:(?:mean|avg|average)[ _.-](?P<after>.+))|(?:(?P<before>.+?)[ _.-](?:mean|avg|average))")


def is_duration(unit: str) -> bool:
    """Whether this is a unit of time."""
    return re.fullmatch(_DURATION, unit.lower()) is not None


def _measures(unit: str) -> bool:
    """Whether this is a unit, and none of time: a state is a rate or depends on the time, rather than being one."""
    return is_unit(unit) and not is_duration(unit)


# Without spaces around the line one letter is rather part of a ratio, C/N, as are two words before it: flow L/min.
_ONE_LETTER = re.compile(r"(?P<name>[^\s/]+)/(?P<unit>[ACFHJKLNTVW])")  # that may stand for a variable as well
LIKE_IT = 2  # columns of a header that say what lines in it mean
LONG = 3  # letters of a unit, that is no name of a variable as well
_UNIT_BEHIND = {
    re.compile(r"(?P<name>\S[^\n]*?)(?: / |, ?| in )(?P<unit>.+)"): is_unit,
    re.compile(r"(?P<name>[^\s/]+)/(?P<unit>[^\s/()]{2,})"): _measures,
    re.compile(r"(?P<name>[^\s/]+)/\((?P<unit>.+)\)"): _measures,
}


def split_unit(header: str) -> tuple[str, str]:
    """Name and unit in a header: `substrate [mol/L]` and `substrate (mol/L)` are `substrate`, `mol/L`.

    `y[0]` and `f(x)` are names: an index is no unit, and round brackets need a space before them. Without one, and
    behind a line, a comma or `in`, only what is known to be a unit is one: `Current(A)`, `S / mM`, `v, m/s`,
    `Temp. in °C`; but `dx/dt` is a name, and so are `x(s)`, which depends on s, and the rate `L/min`. Units of time are
    known behind a name of the time, and where there are spaces.
    """
    if (time := _TIME_IN.fullmatch(header)) and names_the_time(time[1]):
        return time[1], time[2] or time[3]
    for left, right in ("[]", "()"):
        before, _, inside = header.removesuffix(right).rpartition(left)
        name, unit = before.rstrip(), inside.strip()
        if not header.endswith(right) or right in inside or not name or "\n" in name:
            continue
        is_name = unit.isdigit() if left == "[" else name == before and not (name[-1] != "/" and _measures(unit))
        if not is_name:
            return name, unit
    for form, known in _UNIT_BEHIND.items():
        if (match := form.fullmatch(header)) and known(match["unit"]) and match["name"] not in _FLOWS:
            name = match["name"]
            if len(name) < LONG or not is_unit(name):  # CFU/mL is a unit as a whole, and V/mV a voltage
                return name, match["unit"]
    return header, ""


def split_units(headers: Sequence[str]) -> list[tuple[str, str]]:
    """Names and units of all headers of a table: where others have a unit behind a line, `i_sd/A` has one, too.

    `C/N` stays a name, as C may be a unit itself, and so does `a/b`.
    """
    split = [split_unit(header) for header in headers]
    if sum("/" in header.removeprefix(name)[:1] for header, (name, _) in zip(headers, split, strict=True)) < LIKE_IT:
        return split
    behind = [_ONE_LETTER.fullmatch(header) for header in headers]
    return [
        (match["name"], match["unit"]) if match and not unit and not is_unit(match["name"]) else (name, unit)
        for match, (name, unit) in zip(behind, split, strict=True)
    ]


def with_unit(name: str, unit: str) -> str:
    """A header of both, as `split_unit` reads it; the name alone where there is no unit."""
    return f"{name} [{unit}]" if unit else name


def names_the_time(header: str) -> bool:
    """Whether this is a name of the time, with or without a unit behind it."""
    return _TIME.fullmatch(split_unit(header)[0].lower()) is not None
