"""`predict`: a saved model on new data, or on into the future."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from .saying import tell

if TYPE_CHECKING:
    import numpy as np

    from ..data import Roles, Table, Trajectories, Trajectory
    from ..outputs.store import Columns, SavedRun, Start


def predict(
    run: Annotated[Path, Parameter(name="RUN")],
    /,
    *,
    out: Path,
    data: Annotated[tuple[str, ...], Parameter(show_default=False)] = (),
    start: Literal["data", "fitted"] = "data",
    warmup: int | None = None,
    t1: float | str | None = None,
    num: int = 101,
    trajectory: tuple[str, ...] = (),
    initial_states: str | None = None,
    vector_field: str | None = None,
    keep_outliers: bool = False,
) -> int:
    """Predict with a fitted model: the rows of a file, or a forecast.

    Args:
        run: A folder that fit has written.
        out: The CSV file to write.
        data: Predict every row of this file, or of several; they have the columns of the training data.
        start: Start at the first complete row, or the fitted start of the training trajectory of that name.
        warmup: Estimate each initial state from so many first rows, rather than taking a single, noisy one.
            Where states are hidden that is done in any case, by default from rows that take a few units of time.
        t1: Forecast the training trajectories from their fitted start to this time, written as in the data.
        num: How many times of a forecast, evenly spread.
        trajectory: Forecast only these; with --data, the column that names the runs, if another than in training does.
        initial_states: Forecast from each row of this file to --t1: columns of the states, and if you like of times and
            of names.
        vector_field: FILE.py:NAME of your own equations, if the run was fitted with them.
        keep_outliers: Estimate initial states from values that stand alone, too: far off the rows on both sides.

    Returns:
        The exit code: 1 where rows could not be predicted, which are blank then.
    """
    from .environment import prepare_jax

    if bool(data) == (t1 is not None):
        raise ValueError("give either --data FILE to predict its rows, or --t1 TIME for a forecast.")
    if warmup is not None and (warmup < 1 or not data or start == "fitted"):
        raise ValueError("--warmup N estimates initial states from the first N rows of --data FILE; N is at least 1.")
    if initial_states is not None and (t1 is None or trajectory):
        raise ValueError("--initial-states FILE needs --t1 TIME, to forecast each of its rows to; and no --trajectory.")
    if not out.absolute().parent.is_dir():
        raise ValueError(f"{out} cannot be written: the folder {out.absolute().parent} does not exist.")
    _spare(out, run, (*data, *([] if initial_states is None else [initial_states])))
    prepare_jax()
    from ..fitting.hidden import hidden_size
    from ..fitting.prediction import predict as solve
    from ..fitting.prediction import with_earlier_inputs
    from .future import future, without_states, written_as
    from .saved import open_members
    from .warmup import say_of_starts

    members = open_members(run, vector_field)
    saved = members[0]
    if initial_states is not None:
        from .many_starts import forecast, rows_to_forecast

        assert t1 is not None
        asked, y0s = rows_to_forecast(saved, initial_states, t1, num)
        table, roles = without_states(asked, saved.columns)
        return _write(out, run, table, roles, [forecast(one.model, asked, y0s) for one in members], saved)
    if data:
        if len(trajectory) > 1:
            raise ValueError("--trajectory names one column with --data, that of the runs; all of them are predicted.")
        table, roles, asked = _read(data, saved.columns, *trajectory)
        if start == "fitted":
            starts = _fitted_starts(saved, asked)
            asked = asked.with_trajectories(
                [with_earlier_inputs(one, starts[one.id].input_ts, starts[one.id].inputs) for one in asked]
            )
        else:
            say_of_starts(asked, saved, warmup)
            if not keep_outliers and (warmup is not None or hidden_size(saved.model, asked)):
                asked = _sifted(table, roles, asked, saved.columns)
    else:
        assert t1 is not None
        table, roles, asked = future(saved, t1, num, trajectory)
        table = written_as(table, roles, run)
        start = "fitted"
    found = [
        solve(one.model, asked, starts=_starts(one, asked, start, warmup), ends=_ends(one, asked, start))
        for one in members
    ]
    return _write(out, run, table, roles, found, saved)


def _write(
    out: Path, run: Path, table: "Table", roles: "Roles", predictions: "Sequence[Trajectories]", saved: "SavedRun"
) -> int:
    """The predictions of one model, or the median and the band of those of several, in the rows of a table.

    Returns:
        The exit code: whether there are rows that could not be predicted.
    """
    from ..data import predictions_table, write_table
    from ..data.errors import counted
    from ..fitting.band import band_of
    from ..outputs.evaluate import arrays_of
    from .reach import warn_of_reach

    band = band_of(predictions)
    beside = {"low": arrays_of(band.low), "high": arrays_of(band.high)} if len(predictions) > 1 else None
    table = predictions_table(table, roles, arrays_of(band.middle), saved.columns.clock, beside)
    write_table(table, out)
    print(f"{out}: {counted(len(table), 'row')}", file=sys.stderr)
    gaps = _gaps(band.middle)
    for told in gaps:
        tell(f"warning: {told}")
    warn_of_reach(run, saved, band.middle)
    return 1 if gaps else 0


def _spare(out: Path, run: Path, given: Sequence[str]) -> None:
    """Refuse to write over what is read: the measurements in a file are not to be had again.

    Raises:
        ValueError: one sentence.
    """
    from ..data import expanded
    from ..outputs.run_folder import FILES

    read = {os.path.realpath(path) for path in expanded(given)} | {os.path.realpath(run / name) for name in FILES}
    if os.path.realpath(out) in read:
        raise ValueError(f"{out} is read itself, or part of the run; name another file with --out.")


def _starts(
    saved: "SavedRun", asked: "Trajectories", start: Literal["data", "fitted"], warmup: int | None
) -> "dict[str, tuple[float, np.ndarray]] | None":
    """Time and state from which each trajectory starts; None for their first complete rows."""
    from ..fitting.start_estimates import estimate_starts, usual_starts

    if start == "fitted":
        return {name: (begin.t, begin.y) for name, begin in _fitted_starts(saved, asked).items()}
    prior = usual_starts(saved.model, asked, (start.y for start in saved.starts.values()), saved.noise)
    if prior is None and warmup is None:
        return None
    return estimate_starts(saved.model, asked, warmup=warmup, prior=prior)


def _ends(
    saved: "SavedRun", asked: "Trajectories", start: Literal["data", "fitted"]
) -> "dict[str, tuple[float, np.ndarray]]":
    """Time and state after which each trajectory goes on from there, of those that have such an end."""
    from ..outputs.store import ends_of

    return ends_of(_fitted_starts(saved, asked)) if start == "fitted" else {}


def _fitted_starts(saved: "SavedRun", asked: "Trajectories") -> "dict[str, Start]":
    """Those of the training trajectories of the same names."""
    return {one.id: _start_of(saved, one, alone=len(asked) == 1) for one in asked}


def _read(
    paths: Sequence[str], columns: "Columns", trajectory: str | None = None
) -> "tuple[Table, Roles, Trajectories]":
    """The rows of files under the columns that the model knows, but for that of the runs, if it is named."""
    from ..data import Roles, read_tables, to_trajectories

    def roles_of(table: "Table") -> Roles:
        # Standard deviations serve the estimation of starts, and may be left out.
        known = all(name in table.names for name in columns.sd if isinstance(name, str))
        return Roles(
            _column_of_runs(table, columns, trajectory),
            table.column(columns.time).name,
            tuple(table.column(name).name for name in columns.states),
            tuple(table.column(name).name for name in columns.measured_inputs),
            columns.sd if known else (),
        )

    table, roles = read_tables(paths, roles_of)
    _check_units(table, roles, columns)
    hold = (columns.hold or (False,) * len(columns.inputs))[: len(columns.measured_inputs)]
    data = to_trajectories(table, roles, columns.units, columns.clock, hold)
    return table, roles, data.with_periods(*columns.periods)


def _column_of_runs(table: "Table", columns: "Columns", named: str | None) -> str | None:
    """The one that is named, that of the training data, or the one that the file shows; None if it holds one run."""
    from ..data import infer_roles

    if named is None and columns.trajectory in table.names:
        return columns.trajectory
    given = {"time": columns.time, "states": columns.states, "inputs": columns.measured_inputs}
    return infer_roles(table, **given, trajectory=named).trajectory


def _sifted(table: "Table", roles: "Roles", asked: "Trajectories", columns: "Columns") -> "Trajectories":
    """Without values that stand alone, which would spoil the starts; and a note on them."""
    from ..data.left_out import STARTS, without_outliers

    sifted, asked = without_outliers(table, roles, asked, columns.clock, STARTS)
    for note in sifted.notes[len(table.notes) :]:
        tell(f"note: {note}")
    return asked


def _check_units(table: "Table", roles: "Roles", columns: "Columns") -> None:
    """Refuse numbers that the headers say are in other units than those that the model knows.

    Raises:
        DataError: one sentence.
    """
    from ..data.same_columns import refuse_another_unit

    names = [*zip((*roles.states, *roles.inputs), (*columns.states, *columns.measured_inputs), strict=True)]
    if not columns.clock.origin:  # else times are counted from there, in a unit of ours
        names.insert(0, (roles.time, columns.time))
    for name, known in names:
        refuse_another_unit(table.source, name, table.units.get(name, ""), known, columns.units)


def _start_of(saved: "SavedRun", run: "Trajectory", *, alone: bool) -> "Start":
    """The fitted start of the training trajectory of that name."""
    from ..data import DataError, did_you_mean

    if run.id in saved.starts:
        return saved.starts[run.id]
    if alone and len(saved.starts) == 1:
        return next(iter(saved.starts.values()))
    few = ", ".join(list(saved.starts)[:5]) + (", ..." if len(saved.starts) > 5 else "")
    raise DataError(
        f"trajectory {run.id!r} has no fitted start{did_you_mean(run.id, saved.starts)}: the model was trained on "
        f"{few}; use --start data."
    )


def _gaps(predicted: "Trajectories") -> list[str]:
    """A sentence for each trajectory that is not predicted to its end."""
    import numpy as np

    from ..data.errors import counted

    told = []
    for run in predicted:
        lost = np.flatnonzero(~np.isfinite(run.ys).all(axis=1))
        if lost.size:
            first = predicted.clock.show(float(run.ts[lost[0]]))
            told.append(
                f"{counted(lost.size, 'row')} of trajectory {run.id!r} could not be predicted (first at "
                f"{predicted.time_name} = {first}): the solution diverges, or takes more steps than the solver may "
                "(--max-steps of the fit); left blank."
            )
    return told
