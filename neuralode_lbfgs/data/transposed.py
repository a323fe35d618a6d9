"""Transposed tables: a row for each variable, and a column for each time."""

import re
from collections.abc import Sequence

from .cells import is_missing, is_value, is_word
from .errors import DataError, listed
from .headers import names_the_time

FEWEST = 3  # times, and of those that the first header does not call so
_TIME = re.compile(r"t ?[-_=]? ?[\d.]+|[-+]?[\d.,]+ ?[^\W\d]+|day ?\d+", re.IGNORECASE)  # t0, 10 min, day 3


def refuse_transposed(above: str, headers: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    """Refuse columns that are headed by times, beside words in the first. No table that can be read has only these.

    Args:
        above: how messages of headers begin.

    Raises:
        DataError: if they are; it says how to turn the table.
    """
    labels = next((i for i, column in enumerate(cells) if not _names(column)), 0)
    times = [header for header in headers[labels:] if header]
    if not labels or len(times) < FEWEST - names_the_time(headers[0]):
        return
    if not (all(map(is_value, times)) or all(_TIME.fullmatch(header) for header in times)):
        return
    raise transposed(above, cells[0], headers[0])


def transposed(above: str, names: Sequence[str], corner: str) -> DataError:
    """What to do about it.

    Args:
        names: of the variables, as they stand in the first column.
        corner: what stands above them.
    """
    time = corner if names_the_time(corner) else "t"
    return DataError(
        f"{above}: the table seems transposed, with a row for each variable ({listed(names)}) and a column for "
        "each time; give each time a row, in pandas by pandas.read_csv(..., index_col=0).T.rename_axis"
        f"({time!r}).to_csv(...)."
    )


def _names(column: Sequence[str]) -> bool:
    return any(map(is_word, column)) and all(is_word(text) or is_missing(text) for text in column)
