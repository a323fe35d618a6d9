"""Columns that were reckoned from others, as their sums or their rates: what they tell is there already."""

import re
import shlex
from collections.abc import Iterable, Sequence
from itertools import combinations

import numpy as np

from .errors import listed

EXACT = 1e-3  # of the spread of each part: digits are rounded off, and no measurement is as exact
MOST = 12  # columns, of which all pairs are tried
_RATE_OF = re.compile(r"d[ _]?(?P<of>.+?)[ _]?/?[ _]?dt|(?P<before>.+?)[ _.]?dot", re.IGNORECASE)


def told_of_sums(columns: dict[str, list[np.ndarray]]) -> Iterable[str]:
    """A sentence for each column that is the sum of others.

    Args:
        columns: of each run, by name.
    """
    values = {name: np.concatenate(runs) for name, runs in columns.items()}
    for total, parts in _sums(values):
        rest = shlex.join(name for name in columns if name != total)
        yield (
            f"{total!r} is {' + '.join(map(repr, parts))} in every row: it tells nothing more, and as a state of its "
            f"own may part from them; leave it out with --states {rest} (states= in Python)"
        )


def told_of_rates(names: Sequence[str]) -> Iterable[str]:
    """A sentence on the columns that are named as rates of others, if there are any."""
    rates = {name: of for name in names if (of := _rate_of(name, names)) is not None}
    if not rates:
        return
    one = ("is named as the rate", "it was", "it")
    is_rate, it_was, it = one if len(rates) == 1 else ("are named as rates", "they were", "them")
    rest = shlex.join(name for name in names if name not in rates)
    flags = shlex.join(f"{of}={name}" for name, of in rates.items())
    yield (
        f"{listed(rates)} {is_rate} of {listed(rates.values())}: if {it_was} reckoned from there, leave {it} out with "
        f"--states {rest} (states= in Python); measured velocities are named by --rate {flags}"
    )


def _sums(values: dict[str, np.ndarray]) -> Iterable[tuple[str, tuple[str, ...]]]:
    """Each column that is the sum of two others, or of all."""
    if not 3 <= len(values) <= MOST:
        return
    spread = {name: np.nanstd(column) if np.isfinite(column).any() else 0.0 for name, column in values.items()}
    for total in values:
        others = [name for name in values if name != total]
        for parts in dict.fromkeys([*combinations(others, 2), tuple(others)]):
            left = values[total] - sum(values[name] for name in parts)
            least = min(spread[name] for name in (total, *parts))
            seen = left[np.isfinite(left)]
            if least > 0 and seen.size > len(values) and np.abs(seen).max() <= EXACT * least:
                yield total, parts
                break


def _rate_of(name: str, columns: Iterable[str]) -> str | None:
    match = _RATE_OF.fullmatch(name)
    of = (match["of"] or match["before"]).lower() if match else None
    return next((other for other in columns if other.lower() == of and other != name), None)
