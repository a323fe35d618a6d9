"""Rows of words in columns, as the summary shows them."""

from collections.abc import Sequence


def aligned(rows: Sequence[Sequence[str]], left: int) -> list[str]:
    """A line for each row; the first `left` columns begin below each other, and the others end so."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    sides = [str.ljust] * left + [str.rjust] * (len(widths) - left)
    lines = (map(lambda side, cell, width: side(cell, width), sides, row, widths) for row in rows)
    return ["  ".join(line).rstrip() for line in lines]
