"""What each column of a table is: trajectory, time, state or input."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .cells import BLANK_OR_REMOVE, Column, Table
from .errors import DataError

_DURATION = r"s|secs?|seconds?|[mun]s|mins?|minutes?|h|hrs?|hours?|d|days?|weeks?|months?|y|yrs?|years?"
_TIME = re.compile(rf"(t|time|timestamp)([ _.-]({_DURATION})|\(({_DURATION})\))?|ts|times|date|datetime")
# Plain units of time name the time only where no clearer name is there.
_TIME_UNIT = re.compile(r"seconds?|minutes?|hours?|days?|weeks?|months?|years?")
_TRAJECTORY = re.compile(
    r"(id|run|traj|trajectory|series|subject|patient|experiment|episode|trial|replicate|culture)"
    r"([ _.-]?(id|no|nr|number|name))?"
)
_ROW_NUMBER = re.compile(r"id|index|row|rownames?|row[ _.-]?(id|no|nr|number|name)")


@dataclass(frozen=True)
class Roles:
    """Which column is what, by name.

    Args:
        trajectory: the column that names the run of each row, or None when there is one run.
        time: the column of times.
        states: the columns that the model describes.
        inputs: the columns that are known and drive the model.

    Raises:
        DataError: if there is no state, or a column has two roles.
    """

    trajectory: str | None
    time: str
    states: tuple[str, ...]
    inputs: tuple[str, ...] = ()

    def __post_init__(self):
        object.__setattr__(self, "states", tuple(self.states))
        object.__setattr__(self, "inputs", tuple(self.inputs))
        if not self.states:
            raise DataError("there is no state column; name at least one with --states (states= in Python).")
        roles = [(self.time, "the time"), *((name, "a state") for name in self.states)]
        roles += [(name, "an input") for name in self.inputs]
        if self.trajectory is not None:
            roles.insert(0, (self.trajectory, "the trajectory"))
        taken: dict[str, str] = {}
        for name, role in roles:
            if name in taken:
                raise DataError(f"column {name!r} is named as {taken[name]} and as {role}; give it one role.")
            taken[name] = role


def infer_roles(
    table: Table,
    *,
    time: str | None = None,
    states: Sequence[str] | None = None,
    inputs: Sequence[str] | None = None,
    trajectory: str | None = None,
) -> Roles:
    """Find what each column is; names that are given win.

    The time is the one column with a name such as t, time, time_s, timestamp, date or, failing
    those, days, hours, ...; the trajectory is the one called id, run, trajectory, series, subject,
    experiment, ...; the states are all other columns that are not inputs. A column called id,
    index or row that counts 0, 1, 2, ... only numbers the rows and is left out.

    Raises:
        DataError: if a given name is unknown, a role is open between two columns, there is no
            time or no state, or a column taken for a state holds text or nothing at all.
    """
    states = (states,) if isinstance(states, str) else states
    inputs = (inputs,) if isinstance(inputs, str) else inputs
    named = [name for name in (trajectory, time, *(states or ()), *(inputs or ())) if name is not None]
    taken = {table.column(name).name for name in named}
    free = [column for column in table.columns if column.name not in taken]
    free = [column for column in free if not _numbers_the_rows(column)]
    if time is None:
        found = [column.name for column in free if _TIME.fullmatch(column.name.lower())]
        found = found or [column.name for column in free if _TIME_UNIT.fullmatch(column.name.lower())]
        if not found:
            listed = ", ".join(repr(name) for name in table.names)
            notes = "".join(f"; {note}" for note in table.notes if "left out" in note)
            raise DataError(
                f"{table.source} has no column called t or time (it has {listed}{notes}); "
                "name the time column with --time (time= in Python)."
            )
        time = _only(table, found, "time")
    if trajectory is None:
        found = [column.name for column in free if _TRAJECTORY.fullmatch(column.name.lower()) and column.name != time]
        trajectory = _only(table, found, "trajectory") if found else None
    if states is None:
        states = [column.name for column in free if column.name not in (time, trajectory)]
        if not states:
            raise DataError(f"{table.source} has no state column beside {', '.join(map(repr, table.names))}; add one.")
        for name in states:
            _check_inferred_state(table, name)
    column_name = lambda name: table.column(name).name  # noqa: E731 - a header may have been given for the name
    return Roles(
        None if trajectory is None else column_name(trajectory),
        column_name(time),
        tuple(map(column_name, states)),
        tuple(map(column_name, inputs or ())),
    )


def _only(table: Table, found: list[str], role: str) -> str:
    if len(found) > 1:
        listed = " or ".join(repr(name) for name in found)
        raise DataError(
            f"{table.source}: the {role} column may be {listed}; choose one with --{role} ({role}= in Python)."
        )
    return found[0]


def _numbers_the_rows(column: Column) -> bool:
    """Whether a column that could be an index counts the rows; two rows are too few to tell."""
    if not _ROW_NUMBER.fullmatch(column.name.lower()) or len(column.cells) < 3:
        return False
    return any(column.cells == tuple(str(start + row) for row in range(len(column.cells))) for start in (0, 1))


def _check_inferred_state(table: Table, name: str) -> None:
    advice = "or name the columns that are states with --states (states= in Python)"
    if np.isnan(table.numbers(name, f"{BLANK_OR_REMOVE}, {advice}")).all():
        raise DataError(f"{table.source}: column {name!r} is blank in every row; remove it, {advice}.")
