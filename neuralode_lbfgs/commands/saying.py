"""Errors, warnings and notes on standard error, a sentence each."""

import sys

from ..outputs.screen import wrapped


def tell(text: str) -> None:
    """A sentence on standard error: wrapped for a terminal, and in one line for what reads a pipe or a file."""
    lines = wrapped(text) if sys.stderr.isatty() else [text]
    print("\n".join(lines), file=sys.stderr, flush=True)
