"""The times of a forecast, in the columns of the training data."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from ..data import Roles, Table, Trajectories, Trajectory
    from ..outputs.store import Columns, SavedRun, Start


def future(
    saved: "SavedRun", until: float | str, num: int, names: tuple[str, ...]
) -> "tuple[Table, Roles, Trajectories]":
    """An empty table of the times of a forecast, in the columns of the training data."""
    import numpy as np

    from ..data import DataError, Trajectories, Trajectory, did_you_mean
    from .many_starts import MOST_ROWS

    if num < 2 or num * len(names or saved.starts) > MOST_ROWS:
        raise DataError(f"num must be at least 2 times, and {MOST_ROWS} in all at most; it is {num}.")
    for name in names:
        if name not in saved.starts:
            hint = did_you_mean(name, saved.starts)
            raise DataError(f"there is no training trajectory {name!r}{hint}; there are {', '.join(saved.starts)}.")
    columns, runs = saved.columns, []
    show = columns.clock.show
    try:
        t1 = columns.clock.read(until)
        show(t1)
    except ValueError as error:
        raise DataError(f"--t1: {error}") from None
    asked: list[Trajectory] = []
    for name in names or saved.starts:
        start = saved.starts[name]
        if not np.isfinite(t1) or t1 <= start.t:
            raise DataError(f"t1 must be after the start of trajectory {name!r}, {show(start.t)}; it is {show(t1)}.")
        ts = np.linspace(start.t, t1, num)
        if columns.periods and not columns.measured_inputs:
            start = _driven_until(start, t1, columns)
        if start.input_ts is not None and start.inputs is not None and t1 > start.input_ts[-1]:
            raise DataError(
                f"the inputs of trajectory {name!r} are known up to {show(start.input_ts[-1])}, where its rows in "
                f"training end, not to {show(t1)}: "
                "give its later times and inputs in a file, states left blank, with --data FILE --start fitted."
            )
        runs.append(_unobserved(name, ts, columns, None))
        asked.append(_unobserved(name, ts, columns, start))
    id_name, units = columns.trajectory or "trajectory", dict(columns.units)
    clock = columns.clock
    data = Trajectories(tuple(asked), columns.states, columns.inputs, columns.time, id_name, units, clock)
    blank = Trajectories(tuple(runs), columns.states, (), columns.time, id_name, units, clock)
    table, roles = without_states(blank, columns)
    if columns.trajectory is None and len(runs) == 1:
        table, roles = replace(table, columns=table.columns[1:], title=runs[0].id), replace(roles, trajectory=None)
    return table, roles, data


def _driven_until(start: "Start", t1: float, columns: "Columns") -> "Start":
    """With the inputs of periods as far as that, in steps as before: straight lines between rows are a little nearer to
    the mean than sines are, and a model was fitted to these."""
    import numpy as np

    from ..data.periods import ENOUGH, period_in, phases

    assert start.input_ts is not None
    lengths = [period_in(columns.clock, period) for period in columns.periods]
    step = np.median(np.diff(start.input_ts)) if start.input_ts.size > 1 else min(lengths) / ENOUGH
    more = start.input_ts[-1] + step * np.arange(1, max(np.ceil((t1 - start.input_ts[-1]) / step), 0) + 1)
    ts = np.append(start.input_ts, more)
    return replace(start, input_ts=ts, inputs=phases(ts, columns.clock, lengths))


def written_as(table: "Table", roles: "Roles", run: Path) -> "Table":
    """The table with decimal commas where the predictions of the run have them, as the data had."""
    from ..data import read_table
    from ..outputs.run_folder import PREDICTIONS

    try:
        decimal = read_table(run / PREDICTIONS).decimal
    except (OSError, ValueError):  # it may be gone
        return table
    if decimal == table.decimal or ":" in "".join(table.column(roles.time).cells[:1]):
        return replace(table, decimal=decimal)
    columns = [
        column if column.name == roles.trajectory else replace(column, cells=tuple(map(_with_comma, column.cells)))
        for column in table.columns
    ]
    return replace(table, columns=tuple(columns), decimal=decimal)


def _with_comma(cell: str) -> str:
    return cell.replace(".", ",")


def without_states(asked: "Trajectories", columns: "Columns") -> "tuple[Table, Roles]":
    """The table of times that are to be predicted, under the names and units of the training data."""
    from ..data import Roles, from_trajectories

    table = from_trajectories(asked)
    plain = columns.time if columns.clock.origin else None  # times are written as they were, not counted from there
    headed = [one if one.name == plain else replace(one, header=asked.label(one.name)) for one in table.columns]
    return replace(table, columns=tuple(headed)), Roles(asked.id_name, columns.time, columns.states)


def _unobserved(name: str, ts: "np.ndarray", columns: "Columns", start: "Start | None") -> "Trajectory":
    """A trajectory without observations, with the inputs behind `start`: those at all their times, not only at `ts`."""
    import numpy as np

    from ..data import Trajectory

    def blank(ts: "np.ndarray") -> "np.ndarray":
        return np.full((ts.size, len(columns.states)), np.nan)

    if start is None or start.input_ts is None or start.inputs is None:
        return Trajectory(name, ts, blank(ts))
    known = Trajectory(name, start.input_ts, blank(start.input_ts), None, start.inputs, columns.hold)
    ts = np.union1d(ts, start.input_ts[start.input_ts <= ts[-1]])
    return Trajectory(name, ts, blank(ts), None, known.inputs_at(ts), columns.hold)
