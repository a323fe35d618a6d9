"""Forecasts from many initial states, a row of a file each, solved at once."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

import numpy as np

from ..data import DataError, Table, Trajectories, Trajectory, read_table
from ..data.errors import listed
from ..data.rows import read_times
from ..data.runs import may_name_runs
from ..fitting.many_starts import predict_many
from ..outputs.store import Columns, SavedRun
from .saying import tell

MOST_ROWS = 10_000_000  # of the forecast


def rows_to_forecast(saved: SavedRun, path: str, until: float | str, num: int) -> tuple[Trajectories, np.ndarray]:
    """Times of a forecast from each row of a file, without states, and the states of these rows, `(rows, states)`.

    Args:
        path: of a table with a column for each state, and perhaps one of times, at which rows start (the start of the
            training data otherwise), and one of names (numbers from 0 otherwise), whatever it is called.
        until: the last time, written as in the data.
        num: how many times, evenly spread.

    Raises:
        DataError: one sentence, if a cell is blank or no number, or the model needs more than a row gives.
    """
    columns, table = saved.columns, read_table(path)
    if columns.inputs:
        raise DataError(
            f"the model is driven by {', '.join(columns.inputs)}, which a row of starts does not give; predict the "
            "rows of a file that has them with --data."
        )
    if getattr(saved.model, "state_size", len(columns.states)) > len(columns.states):
        raise DataError("the model has hidden states, which a row of starts does not give; predict rows with --data.")
    if num < 2 or num * len(table) > MOST_ROWS:
        raise DataError(f"num must be at least 2 times, and {MOST_ROWS} in all at most; it is {num}.")
    y0s = _states(table, columns.states)
    first = min((start.t for start in saved.starts.values()), default=0.0)
    begin = np.full(len(table), first)
    if columns.time in table.names:
        begin = read_times(table, columns.time, columns.clock)[0]
    try:
        t1 = columns.clock.read(until)
    except ValueError as error:
        raise DataError(f"--t1: {error}") from None
    late = np.flatnonzero(begin >= t1)
    if late.size or not np.isfinite(t1):
        show = columns.clock.show
        raise DataError(f"--t1 must be after the start of every row, {show(float(begin.max()))}; it is {until}.")
    naming = _names_of_rows(table, columns)
    ids = [str(row) for row in range(len(table))] if naming is None else list(table.column(naming).cells)
    if not _all_different(ids):
        raise DataError(f"{table.source}: each row needs a name of its own in column {naming!r}.")
    _say_unused(table, (naming, columns.time, *columns.states))
    ts = np.linspace(begin, t1, num, axis=1)
    blank = np.full((*ts.shape, len(columns.states)), np.nan)
    asked = Trajectories(
        tuple(map(Trajectory, ids, ts, blank)),
        state_names=columns.states,
        time_name=columns.time,
        id_name=columns.trajectory or naming or "trajectory",
        units=dict(columns.units),
        clock=columns.clock,
    )
    return asked, y0s


def _names_of_rows(table: Table, columns: Columns) -> str | None:
    """The column of names: that of the training data, else the first that may name runs and gives each row its own."""
    if columns.trajectory is not None and columns.trajectory in table.names:
        return columns.trajectory
    free = [column for column in table.columns if column.name not in (columns.time, *columns.states)]
    return next((one.name for one in free if may_name_runs(one) and _all_different(one.cells)), None)


def _all_different(names: Sequence[str]) -> bool:
    return len(set(names)) == len(names) and "" not in names


def _say_unused(table: Table, used: Collection[str | None]) -> None:
    if unused := [name for name in table.names if name not in used]:
        tell(f"note: {table.source}: not used: {listed(unused)}.")


def forecast(model: Callable, asked: Trajectories, y0s: np.ndarray) -> Trajectories:
    """The states at these times, from those at the first of each trajectory."""
    ys = predict_many(model, np.stack([run.ts for run in asked]), y0s)
    return asked.with_trajectories([replace(run, ys=states) for run, states in zip(asked, ys, strict=True)])


def _states(table: Table, names: tuple[str, ...]) -> np.ndarray:
    """The states of all rows, none of them blank."""
    values = np.stack([table.numbers(name) for name in names], axis=1)
    blank = np.argwhere(np.isnan(values))
    if blank.size:
        row, column = map(int, blank[0])
        raise DataError(f"{table.where(row, names[column])}: the state is blank; a start needs every state.")
    return values
