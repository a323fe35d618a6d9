"""Rows of words in columns, as the summary shows them, and how numbers stand in them."""

import math
from collections.abc import Sequence


def aligned(rows: Sequence[Sequence[str]], left: int) -> list[str]:
    """A line for each row; the first `left` columns begin below each other, and the others end so."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    sides = [str.ljust] * left + [str.rjust] * (len(widths) - left)
    lines = (map(lambda side, cell, width: side(cell, width), sides, row, widths) for row in rows)
    return ["  ".join(line).rstrip() for line in lines]


def sd_text(value: float | None) -> str:
    """A standard deviation, in words where it is not known (None, NaN) or zero."""
    return "unknown" if value is None or math.isnan(value) else f"{value:.2g}" if value else "exact"
