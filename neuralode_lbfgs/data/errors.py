"""The error that tells a person what is wrong with their data."""

import difflib
from collections.abc import Iterable


class DataError(ValueError):
    """Something in a file, a data frame or the choice of its columns cannot be used.

    The message is one sentence that names the file, line and column, and says what to do. It is
    meant to be shown as it is, without a traceback.
    """


MOST_LISTED = 20


def counted(number: int, what: str, several: str = "") -> str:
    """`1 state`, `2 states`; of a word whose plural is another, with that."""
    return f"{number} {what if number == 1 else several or what + 's'}"


def listed(names: Iterable[str]) -> str:
    """Names in quotes for a message, the first twenty of them."""
    names = list(names)
    more = f", ... and {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED else ""
    return ", ".join(map(repr, names[:MOST_LISTED])) + more


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`" (did you mean 'time'?)"` when a known name is near to `name`, else an empty string."""
    by_lower = {other.lower(): other for other in known}
    near = difflib.get_close_matches(name.lower(), by_lower, n=1)
    return f" (did you mean {by_lower[near[0]]!r}?)" if near else ""


def no_column(source: str, name: str, known: Iterable[str], hint: str = "") -> DataError:
    """What to raise where a column is not there: it suggests the nearest name, or what the hint says, and lists all."""
    known = list(known)
    return DataError(f"{source} has no column {name!r}{hint or did_you_mean(name, known)}; it has {listed(known)}.")


def only(source: str, found: list[str], role: str) -> str:
    """The one column that was found for a role.

    Raises:
        DataError: if there are more.
    """
    if len(found) > 1:
        which = " or ".join(map(repr, found[:5]))
        raise DataError(f"{source}: the {role} column may be {which}; choose one with --{role} ({role}= in Python).")
    return found[0]
