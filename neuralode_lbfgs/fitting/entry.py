"""One loop of a fit, as it is kept; apart from the journal, so that files of them are read without JAX."""

from typing import Any, NamedTuple


class JournalError(ValueError):
    """What was kept is of another fit, or of none; one sentence."""


class Entry(NamedTuple):
    """One loop: its name, whether it has ended, and the arrays of its last state."""

    name: str
    ended: bool
    arrays: dict[str, Any]
