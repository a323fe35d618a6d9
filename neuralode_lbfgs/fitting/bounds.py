"""Bounds of parameters as they are typed: `friction=0:1`, `stiffness=0:`; in Python `{"friction": (0, 1)}`."""

import math
from collections.abc import Mapping, Sequence
from typing import Any


def bounds_as_words(bounds: Mapping[str, Any]) -> tuple[str, ...]:
    """Pairs of numbers as the words of a command line.

    Raises:
        ValueError: if something else than a pair of numbers is given; None is no bound.
    """
    words = []
    for name, pair in bounds.items():
        try:
            low, high = pair
            sides = ["" if side is None else repr(float(side)) for side in (low, high)]
        except (TypeError, ValueError):
            raise ValueError(
                f"the bounds of {name!r} must be a pair of numbers, with None for no bound; they are {pair!r}."
            ) from None
        words.append(f"{name}={':'.join(sides)}")
    return tuple(words)


def ranges_of(words: Sequence[str]) -> dict[str, tuple[float, float]]:
    """The lowest and highest value by name; infinite where there is no bound.

    Raises:
        ValueError: for a word that is not NAME=LOW:HIGH.
    """
    ranges = {}
    for word in words:
        name, _, pair = word.rpartition("=")
        low, colon, high = pair.partition(":")
        try:
            sides = float(low or "-inf"), float(high or "inf")
        except ValueError:
            sides = math.nan, math.nan
        if not (name and colon) or any(map(math.isnan, sides)):
            raise ValueError(
                f"bounds are typed NAME=LOW:HIGH, one side of which may be blank (friction=0:1); not {word}."
            )
        if not sides[0] < sides[1]:
            raise ValueError(f"the lower bound of {name!r} must be below the upper one; they are {pair}.")
        if name in ranges:
            raise ValueError(f"{name!r} has bounds twice.")
        ranges[name] = sides
    return ranges
