"""Errors, warnings and notes on standard error, a sentence each."""

import sys

from ..outputs.screen import WIDTH, wrapped

TOLD = WIDTH  # tests of words set it to read a line


def tell(text: str) -> None:
    """A sentence on standard error, wrapped."""
    print("\n".join(wrapped(text, TOLD)), file=sys.stderr, flush=True)
