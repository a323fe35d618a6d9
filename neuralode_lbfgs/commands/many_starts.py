"""Forecasts from many initial states, a row of a file each, solved at once."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ..data import DataError, Table, Trajectories, Trajectory, read_table
from ..data.rows import read_times
from ..fitting.many_starts import predict_many
from ..outputs.store import SavedRun

MOST_ROWS = 10_000_000  # of the forecast


def rows_to_forecast(saved: SavedRun, path: str, until: float | str, num: int) -> tuple[Trajectories, np.ndarray]:
    """Times of a forecast from each row of a file, without states, and the states of these rows, `(rows, states)`.

    Args:
        path: of a table with a column for each state, and perhaps one of times, at which rows start (the start of the
            training data otherwise), and one of names (numbers from 0 otherwise).
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
    ids = [str(row) for row in range(len(table))]
    if columns.trajectory is not None and columns.trajectory in table.names:
        ids = list(table.column(columns.trajectory).cells)
        if len(set(ids)) < len(ids) or "" in ids:
            raise DataError(f"{table.source}: each row needs a name of its own in column {columns.trajectory!r}.")
    ts = np.linspace(begin, t1, num, axis=1)
    blank = np.full((*ts.shape, len(columns.states)), np.nan)
    asked = Trajectories(
        tuple(map(Trajectory, ids, ts, blank)),
        state_names=columns.states,
        time_name=columns.time,
        id_name=columns.trajectory or "trajectory",
        units=dict(columns.units),
        clock=columns.clock,
    )
    return asked, y0s


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
