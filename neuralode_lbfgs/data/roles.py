"""What each column of a table is: trajectory, time, state or input."""

import re
import shlex
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .cells import BLANK_OR_REMOVE, Column, Table, is_missing, is_switch, is_timestamp, is_word, may_be_number, shown
from .doses import refuse_doses
from .errors import DataError, did_you_mean, listed
from .headers import DEVIATION_OF
from .long import advice_on_long
from .runs import rows_of_each, runs_of
from .suggested import suggested_flags
from .times import time_of

_ROW_NUMBER = re.compile(
    r"#|id|index|rownames?|(row|record|rn|point|obs|observation|sample|scan|reading|entry|item)?[ _.-]?"
    r"(id|no|nr|num|number|name)?\.?"
)


@dataclass(frozen=True)
class Roles:
    """Which column is what, by name.

    Args:
        trajectory: the column that names the run of each row, or None when there is one run.
        time: the column of times.
        states: the columns that the model describes.
        inputs: the columns that are known and drive the model.
        sd: for each state the column of its standard deviations, or a number that is that of all its
            observations; empty when none are known.
        held, linear: inputs of which it is said that they are held from row to row, or linear in between; the data
            decide of the others.
        inferred: whether nobody named the states, and they are the columns that were left over.
        notes: sentences on what was taken for what, for the caller to print.

    Raises:
        DataError: if there is no state, or a column has two roles.
    """

    trajectory: str | None
    time: str
    states: tuple[str, ...]
    inputs: tuple[str, ...] = ()
    sd: tuple[str | float, ...] = ()
    held: tuple[str, ...] = ()
    linear: tuple[str, ...] = ()
    inferred: bool = False
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("states", "inputs", "sd", "held", "linear"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if not self.states:
            raise DataError("there is no state column; name at least one with --states (states= in Python).")
        roles = [(self.time, "the time"), *((name, "a state") for name in self.states)]
        roles += [(name, "an input") for name in self.inputs]
        if self.trajectory is not None:
            roles.insert(0, (self.trajectory, "the trajectory"))
        taken: dict[str, str] = {}
        for name, role in roles:
            if name in taken:
                twice = "twice" if taken[name] == role else f"and as {role}"
                raise DataError(f"column {name!r} is named as {taken[name]} {twice}; give it one role.")
            taken[name] = role
        for name in self.sd_columns:  # one column may serve several states
            if name in taken:
                raise DataError(
                    f"column {name!r} is named as {taken[name]} and as a standard deviation; give it one role."
                )
        for name in (*self.held, *self.linear):
            if name in self.inputs and not (name in self.held and name in self.linear):
                continue
            what = "both" if name in self.inputs else f"no input{did_you_mean(name, self.inputs)}"
            raise DataError(
                "--input-hold and --input-linear (input_hold= and input_linear= in Python) name inputs, each in one of "
                f"them: {name!r} is {what}."
            )

    @property
    def sd_columns(self) -> tuple[str, ...]:
        """The columns of standard deviations."""
        return tuple(dict.fromkeys(name for name in self.sd if isinstance(name, str)))


def infer_roles(
    table: Table,
    *,
    time: str | None = None,
    states: Sequence[str] | None = None,
    inputs: Sequence[str] | None = None,
    trajectory: str | None = None,
    sd_columns: Mapping[str, str] | None = None,
    noise: Mapping[str, float] | None = None,
    input_hold: Sequence[str] | None = None,
    input_linear: Sequence[str] | None = None,
) -> Roles:
    """Find what each column is; names that are given win.

    The time is the one column with a name such as t, time, time_s, timestamp, date or, failing
    those, days, hours, ..., or the one that holds timestamps, or the first, if it is called h, min, frame, ...
    and grows, and never a temperature; the trajectory is the one called id, run, trajectory, series, subject,
    experiment, ..., or one called well, mouse, batch, ... or of words, where only within each of these times grow;
    the states are all other columns that are not inputs, but for those of true and false, and those that are the same
    all through each run and differ between runs, which are inputs that are held. A column called id, index or row that
    counts 0, 1, 2, ... only numbers the rows and is left out, but that an index is the time where nothing else is.

    Args:
        sd_columns: the column of standard deviations of each state; they weigh its observations.
        noise: for states without one, the standard deviation of all observations.
        input_hold: inputs that keep the value of a row until the next one.
        input_linear: inputs that are linear between rows.

    Raises:
        DataError: if a given name is unknown, a role is open between two columns, there is no
            time or no state, or a column taken for a state holds text or nothing at all.
    """
    states = (states,) if isinstance(states, str) else states
    inputs = (inputs,) if isinstance(inputs, str) else inputs
    refuse_doses(table, states)
    if inputs is None:
        inputs = tuple(name for name in table.inputs if name not in (states or ()))
    if sd_columns is None and not noise:
        sd_columns = {state: name for state, name in table.sd.items() if states is None or state in states}
    for state, name in (sd_columns or {}).items():
        if state == name:
            raise DataError(f"column {name!r} is named as a state and as its own standard deviation; give it one role.")
    own = [name for name in table.sd.values() if name in table.names]
    named = [trajectory, time, *(states or ()), *inputs, *(sd_columns or {}).values(), *own]
    named = [name for name in named if name is not None]
    taken = {table.column(name).name for name in named}
    free = [column for column in table.columns if column.name not in taken]
    numbering = [column for column in free if _numbers_the_rows(column)]
    free = [column for column in free if column not in numbering]
    notes: tuple[str, ...] = ()
    if time is None and (time := time_of(table, free, numbering)) in [column.name for column in numbering]:
        notes = (f"{time!r}, which counts the rows, was taken for the time, as nothing else is it: --time names it",)
    if trajectory is None:
        known = [table.column(name) for name in (*(states or ()), *inputs)]
        trajectory, said = runs_of(table, time, free, known)
        notes += said
    inferred = states is None
    held = (input_hold,) if isinstance(input_hold, str) else tuple(input_hold or ())
    linear = (input_linear,) if isinstance(input_linear, str) else tuple(input_linear or ())
    if states is None:
        left = [column for column in free if column.name not in (time, trajectory)]
        switches = tuple(column.name for column in left if is_switch(column.cells))
        conditions, note = _conditions(table, trajectory, [column for column in left if column.name not in switches])
        notes += note
        known = (*switches, *conditions)
        states = [column.name for column in left if column.name not in known]
        inputs = (*inputs, *known)
        held += tuple(name for name in known if name not in (*held, *linear))
        if not states:
            raise DataError(f"{table.source} has no state column beside {listed(table.names)}; add one.")
        if long := advice_on_long(table, time, trajectory):
            raise DataError(f"{table.source}: {long}.")
        _refuse_text([table.column(name) for name in states], table, trajectory, inputs)
        for name in states:
            _check_inferred_state(table, name, states)
    column_name = lambda name: table.column(name).name  # noqa: E731 - a header may have been given for the name
    states = tuple(map(column_name, states))
    given = {state: column_name(name) for state, name in (sd_columns or {}).items()}
    return Roles(
        None if trajectory is None else column_name(trajectory),
        column_name(time),
        states,
        tuple(map(column_name, inputs)),
        _sd_of(states, given, noise or {}),
        held,
        linear,
        inferred,
        notes,
    )


def _sd_of(states: Sequence[str], columns: Mapping[str, str], noise: Mapping[str, float]) -> tuple[str | float, ...]:
    """For each state the column of its standard deviations or the noise; empty if none has either."""
    for state in (*columns, *noise):
        if state not in states:
            raise DataError(
                f"a standard deviation is given for {state!r}, which is no state{did_you_mean(state, states)}; the "
                f"states are {listed(states)}."
            )
    for state, value in noise.items():
        if state in columns:
            raise DataError(
                f"state {state!r} has a column of standard deviations and a noise; give one of --sd-columns "
                "(sd_columns= in Python) and --noise (noise=)."
            )
        if not 0 < value < float("inf"):
            raise DataError(f"the noise of state {state!r} must be a positive number; it is {value:g}.")
    if not columns and not noise:
        return ()
    for state in states:
        if state not in columns and state not in noise:
            raise DataError(
                f"state {state!r} has no standard deviation, but others have; give it one with --sd-columns "
                f"{shlex.quote(f'{state}=COLUMN')} (sd_columns= in Python) or --noise {shlex.quote(f'{state}=NUMBER')} "
                "(noise=)."
            )
    return tuple(columns.get(state, noise.get(state, 0.0)) for state in states)


def _numbers_the_rows(column: Column) -> bool:
    """Whether a column that could be an index counts the rows; two rows are too few to tell."""
    if not _ROW_NUMBER.fullmatch(column.name.lower()) or len(column.cells) < 3:
        return False
    return any(column.cells == tuple(str(start + row) for row in range(len(column.cells))) for start in (0, 1))


def _conditions(
    table: Table, trajectory: str | None, columns: Sequence[Column]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The columns of numbers that are the same all through each run and differ between runs, beside others that are
    not; and a sentence, if there are any."""
    if trajectory is None:
        return (), ()
    runs = rows_of_each(table.column(trajectory).cells).values()
    if min(map(len, runs)) < 2:
        return (), ()
    able = [column for column in columns if not DEVIATION_OF.fullmatch(column.name.lower())]
    found = [column.name for column in able if _is_condition(column.cells, runs)]
    if not found or len(found) == len(columns):
        return (), ()
    is_same, an_input = ("is", "an input") if len(found) == 1 else ("are", "inputs")
    return tuple(found), (
        f"{listed(found)} {is_same} the same all through each run, as conditions are, and taken for {an_input}; name "
        "the states with --states (states= in Python) if not",
    )


def _is_condition(cells: Sequence[str], runs: Collection[Sequence[int]]) -> bool:
    """Whether a column holds one number all through each run, and not the same in all."""
    of_runs = [{cells[row] for row in rows} for rows in runs]
    values = set.union(*of_runs)
    constant = all(len(one) == 1 for one in of_runs) and len(values) > 1
    return constant and all(not is_missing(text) and may_be_number(text) for text in values)


def _refuse_text(columns: Sequence[Column], table: Table, trajectory: str | None, inputs: Sequence[str]) -> None:
    """Refuse columns of words beside those of numbers: conditions, remarks, names of runs, another time."""
    words = [column for column in columns if _holds(column, is_word) or _holds(column, is_timestamp)]
    rest = [column.name for column in columns if column not in words]
    if not words or not rest:
        return
    row, text = next((row, text) for row, text in enumerate(words[0].cells) if not is_missing(text))
    several = f", as {'are' if words[2:] else 'is'} {listed(column.name for column in words[1:])}" if words[1:] else ""
    flags = suggested_flags(table, [table.column(name) for name in rest], trajectory, inputs)
    if all(_holds(column, is_timestamp) for column in words):
        raise DataError(
            f"{table.where(row, words[0].name)}: {shown(text)} is a timestamp and so is the whole column{several}, and "
            f"the time is another one; leave it out with {flags} (states= in Python), or name it with --time (time= in "
            "Python)."
        )
    shared = trajectory is None and len(words) == 1 and 1 < len(set(words[0].cells)) <= len(table) / 2
    raise DataError(
        f"{table.where(row, words[0].name)}: {shown(text)} is text and so is the whole column{several}; leave it out "
        f"with {flags} (states= in Python), or write numbers such as 0 and 1 for its words to make it an "
        f"input{', or if they name runs give --trajectory ' + shlex.quote(words[0].name) if shared else ''}."
    )


def _holds(column: Column, is_one: Callable[[str], bool]) -> bool:
    """Whether there is such a text, as of words, in all cells but blank ones."""
    seen = [text for text in column.cells if not is_missing(text)]
    return bool(seen) and all(map(is_one, seen))


def _check_inferred_state(table: Table, name: str, states: Sequence[str]) -> None:
    advice = "or name the columns that are states with --states (states= in Python)"
    if np.isnan(table.numbers(name, f"{BLANK_OR_REMOVE}, {advice}", states)).all():
        raise DataError(f"{table.source}: column {name!r} is blank in every row; remove it, {advice}.")
