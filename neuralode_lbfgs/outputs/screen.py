"""Text for people, in lines of a terminal's usual width."""

import shlex
import textwrap
from collections.abc import Iterable

WIDTH = 80
NO_BREAK = "\N{NO-BREAK SPACE}"


def wrapped(text: str) -> list[str]:
    """A line of text in lines of at most 80 columns, but for words that are longer: a path stays whole to be copied.

    The later ones are indented; a unit stays with its name.
    """
    together = text.replace(" [", f"{NO_BREAK}[")
    lines = textwrap.wrap(together, WIDTH, subsequent_indent="  ", break_on_hyphens=False, break_long_words=False)
    return [line.replace(f"{NO_BREAK}[", " [") for line in lines]


def screenful(lines: Iterable[str]) -> str:
    """All of these, each wrapped."""
    return "\n".join(part for line in lines for part in wrapped(line))


def to_type(*words: object) -> str:
    """A command of this program that a shell reads as it is meant: names with spaces are quoted."""
    return shlex.join(["neuralode-lbfgs", *map(str, words)])
