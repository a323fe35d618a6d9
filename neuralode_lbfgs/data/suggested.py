"""What to type for the columns that are left when some cannot be states: which may be states, and which inputs."""

import re
import shlex
from collections.abc import Sequence

import numpy as np

from .cells import Column, Table
from .errors import MOST_LISTED, DataError
from .runs import rows_of_each
from .steps import looks_set

_FLAG = re.compile(r"(.*[^a-z])?(quality|qc|flags?|alarms?|status|valid|ok|error|err|warning|checks?)([^a-z].*)?")


def suggested_flags(table: Table, columns: Sequence[Column], trajectory: str | None, inputs: Sequence[str]) -> str:
    """`--states x y --inputs u`: without what stands still and flags of quality, steps and pulses among the inputs.

    Args:
        inputs: those that are known already.
    """
    names = ("",) * len(table) if trajectory is None else table.column(trajectory).cells
    runs = list(rows_of_each(names).values())
    states: list[str] = []
    known = list(inputs)
    for column in columns:
        try:
            values = table.numbers(column.name)
        except DataError:
            states.append(column.name)  # that is told of when it is read
            continue
        seen = values[np.isfinite(values)]
        if not seen.size or np.ptp(seen) == 0 or (_FLAG.fullmatch(column.name.lower()) and (seen % 1 == 0).all()):
            continue
        (known if looks_set([values[rows] for rows in runs]) else states).append(column.name)
    if not states:  # something has to be one
        states, known = [column.name for column in columns], list(inputs)
    named = shlex.join(states) if len(states) <= MOST_LISTED else "and the names of the states"
    return f"--states {named}" + (f" --inputs {shlex.join(known)}" if known else "")
