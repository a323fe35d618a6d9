"""Files and data frames in and out."""

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from .arrange import from_trajectories, to_trajectories
from .arrays import is_npz, table_from_arrays, table_from_npz
from .cells import Table
from .delimited import LONGEST_LINE, check_first_line, format_text, parse_text
from .errors import DataError, no_column
from .frames import table_from_frame, table_from_parquet
from .opening import opened, whole
from .packing import GZIP, PARQUET, ZIP, unpacked
from .roles import Roles, infer_roles
from .several import expanded, joined
from .trajectories import Trajectories

if TYPE_CHECKING:
    import pandas
    import polars  # pyright: ignore[reportMissingImports] - a person's own, if they have it


MOST_BYTES = 2**30  # of a file; its table takes several times as much memory
BINARY = (PARQUET, ZIP)  # an NPZ file is a zip file


def read_table(path: str | os.PathLike[str]) -> Table:
    """Read a CSV, TSV, space-separated, Parquet or NPZ file, or one of these in gzip; its content decides which it is.

    Raises:
        DataError: if the file is missing, empty, too large, not a table, or a row does not fit the header.
    """
    source = os.fspath(path)
    if os.path.isdir(source):
        raise DataError(f"{source} is a folder; give a CSV, Parquet or NPZ file.")
    try:
        with opened(source, MOST_BYTES, pipes=True) as (file, number):
            head = file.peek()
            if not head.startswith((*BINARY, GZIP)):
                check_first_line(head, source)
            data = unpacked(whole(file, number, MOST_BYTES, source), source)
            if head.startswith(GZIP) and not data.startswith(BINARY):
                check_first_line(data[:LONGEST_LINE], source)
    except FileNotFoundError:
        raise DataError(f"{source} does not exist; give a CSV, Parquet or NPZ file.") from None
    except OSError as error:
        raise DataError(f"{source} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{source!r} is not the name of a file.") from None  # it holds a zero byte
    if data.startswith(PARQUET):
        return table_from_parquet(data, source)
    return table_from_npz(data, source) if is_npz(data) else parse_text(data, source)


def read_tables(paths: Sequence[str | os.PathLike[str]], roles_of: Callable[[Table], Roles]) -> tuple[Table, Roles]:
    """Read one file, or several as one table; see `joined`.

    Raises:
        DataError: as `read_table` and `joined` do.
    """
    return joined([read_table(path) for path in expanded(paths)], roles_of)


def write_table(table: Table, path: str | os.PathLike[str]) -> None:
    """Write a table as CSV, whole or not at all: a reader never sees half a file.

    Raises:
        DataError: if the folder does not exist or cannot be written.
    """
    target = Path(os.path.realpath(path))  # a link keeps pointing to the file that is replaced
    text = format_text(table)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        if target.exists() and not target.is_file():  # /dev/stdout and pipes cannot be replaced
            target.write_text(text, encoding="utf-8", newline="")
            return
        temporary.write_text(text, encoding="utf-8", newline="")
        os.replace(temporary, target)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise DataError(f"{os.fspath(path)} cannot be written: {error.strerror}.") from None


def read_csv(
    path: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    time: str | None = None,
    states: Sequence[str] | None = None,
    inputs: Sequence[str] | None = None,
    trajectory: str | None = None,
    sd_columns: Mapping[str, str] | None = None,
    noise: Mapping[str, float] | None = None,
    input_hold: Sequence[str] | None = None,
    input_linear: Sequence[str] | None = None,
    units: Mapping[str, str] | None = None,
) -> Trajectories:
    """Trajectories from a file with one row for each time: CSV and its kin, Parquet, or NPZ.

    ```python
    data = nl.read_csv("mine.csv", time="t", states=["x", "y"])
    ```

    Times are numbers, timestamps of ISO 8601 or dates as spreadsheets write them, which become such. Timestamps are
    counted from the first of them in days, hours, minutes or seconds, and numbers far from zero from the first;
    `data.clock` tells, and writes them as they were.

    Args:
        path: the file, or several, of which each is a trajectory of its own unless a column names them; a
            pattern such as `runs/*.csv` stands for those that it matches.
        time: the column of times; found by its name when not given, see `infer_roles`.
        states: the columns that the model describes; all that have no other role when not given, but for those of
            true and false (on and off, yes and no), which are then inputs.
        inputs: the columns that are known and drive the model.
        trajectory: the column that names the run of each row.
        sd_columns: for each state the column of the standard deviations of its observations, which weigh them.
        noise: for a state without one, the standard deviation of all its observations.
        input_hold: inputs that keep the value of a row until the next one; by default those that look like steps or
            pulses.
        input_linear: inputs that are linear between rows; by default the others.
        units: units by column name, for plots and reports.

    Raises:
        DataError: one sentence with file, line and column, and what to do.
    """
    roles_of = partial(
        infer_roles,
        time=time,
        states=states,
        inputs=inputs,
        trajectory=trajectory,
        sd_columns=sd_columns,
        noise=noise,
        input_hold=input_hold,
        input_linear=input_linear,
    )
    if hasattr(path, "columns") or isinstance(path, Mapping | np.ndarray):
        home = "from_arrays" if isinstance(path, np.ndarray) else "from_frame"
        raise DataError(f"read_csv reads files; give a {type(path).__name__} to {home}.")
    table, roles = read_tables([path] if isinstance(path, str | os.PathLike) else path, roles_of)
    _check_units(table, units)
    return to_trajectories(table, roles, units)


def from_frame(
    frame: "pandas.DataFrame | polars.DataFrame",
    *,
    time: str | None = None,
    states: Sequence[str] | None = None,
    inputs: Sequence[str] | None = None,
    trajectory: str | None = None,
    sd_columns: Mapping[str, str] | None = None,
    noise: Mapping[str, float] | None = None,
    input_hold: Sequence[str] | None = None,
    input_linear: Sequence[str] | None = None,
    units: Mapping[str, str] | None = None,
) -> Trajectories:
    """Trajectories from a pandas or polars data frame, or a dict of columns; arguments and errors as in `read_csv`.

    An index with a name counts as a column, one without is the time if it holds timestamps or spans of time, and else
    ignored. Spans of time are seconds.
    """
    table = table_from_frame(frame)
    _check_units(table, units)
    roles = infer_roles(
        table,
        time=time,
        states=states,
        inputs=inputs,
        trajectory=trajectory,
        sd_columns=sd_columns,
        noise=noise,
        input_hold=input_hold,
        input_linear=input_linear,
    )
    return to_trajectories(table, roles, units)


def from_arrays(
    ts: ArrayLike,
    ys: ArrayLike,
    *,
    inputs: ArrayLike | None = None,
    sd: ArrayLike | None = None,
    ids: ArrayLike | None = None,
    names: Sequence[str] | None = None,
    input_names: Sequence[str] | None = None,
    noise: Mapping[str, float] | None = None,
    input_hold: Sequence[str] | None = None,
    input_linear: Sequence[str] | None = None,
    units: Mapping[str, str] | None = None,
) -> Trajectories:
    """Trajectories from arrays; an NPZ file of these names is read by `read_csv` and `fit` in the same way.

    Args:
        ts: times or timestamps, shape `(rows,)`; of stacked runs `(times,)` or `(runs, times)`, NaN for padding.
        ys: states, shape `(rows, states)`, or stacked `(runs, times, states)`; NaN where nothing was observed.
        inputs, sd: known inputs and standard deviations of the states, with the leading axes of `ys`.
        ids: the run of each row, or of each of the stacked runs.
        names, input_names: of states and inputs.
        noise, input_hold, input_linear, units: as in `read_csv`.

    Raises:
        DataError: if shapes do not agree or a number cannot be used; one sentence.
    """
    arrays = {"ts": ts, "ys": ys, "inputs": inputs, "sd": sd, "ids": ids, "names": names, "input_names": input_names}
    table = table_from_arrays(arrays)
    _check_units(table, units)
    return to_trajectories(
        table, infer_roles(table, noise=noise, input_hold=input_hold, input_linear=input_linear), units
    )


def _check_units(table: Table, units: Mapping[str, str] | None) -> None:
    for name in units or ():
        if name not in table.names:
            raise no_column("units: " + table.source, name, table.names)


def write_csv(data: Trajectories, path: str | os.PathLike[str]) -> None:
    """Write trajectories so that `read_csv` gives the same ids, times, states and inputs to the last bit.

    Entries that were not observed are blank. Units and standard deviations are not written.

    Raises:
        DataError: if the file cannot be written.
    """
    write_table(from_trajectories(data), path)
