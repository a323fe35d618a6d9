"""Files and data frames in and out."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .arrange import from_trajectories, to_trajectories
from .cells import Table
from .delimited import format_text, parse_text
from .errors import DataError
from .frames import table_from_frame, table_from_parquet
from .roles import infer_roles
from .trajectories import Trajectories

if TYPE_CHECKING:
    import pandas


def read_table(path: str | os.PathLike[str]) -> Table:
    """Read a CSV, TSV, space-separated or Parquet file; its content decides which it is.

    Raises:
        DataError: if the file is missing, empty, not a table, or a row does not fit the header.
    """
    source = os.fspath(path)
    if os.path.isdir(source):
        raise DataError(f"{source} is a folder; give a CSV or Parquet file.")
    try:
        data = Path(source).read_bytes()
    except FileNotFoundError:
        raise DataError(f"{source} does not exist; give a CSV or Parquet file.") from None
    except OSError as error:
        raise DataError(f"{source} cannot be read: {error.strerror}.") from None
    return table_from_parquet(data, source) if data.startswith(b"PAR1") else parse_text(data, source)


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
    path: str | os.PathLike[str],
    *,
    time: str | None = None,
    states: Sequence[str] | None = None,
    inputs: Sequence[str] | None = None,
    trajectory: str | None = None,
    units: Mapping[str, str] | None = None,
) -> Trajectories:
    """Trajectories from a file with one row for each time: CSV and its kin, or Parquet.

    ```python
    data = nl.read_csv("mine.csv", time="t", states=["x", "y"])
    ```

    Args:
        path: the file.
        time: the column of times; found by its name when not given, see `infer_roles`.
        states: the columns that the model describes; all that have no other role when not given.
        inputs: the columns that are known and drive the model.
        trajectory: the column that names the run of each row.
        units: units by column name, for plots and reports.

    Raises:
        DataError: one sentence with file, line and column, and what to do.
    """
    table = read_table(path)
    roles = infer_roles(table, time=time, states=states, inputs=inputs, trajectory=trajectory)
    return to_trajectories(table, roles, units)


def from_frame(
    frame: "pandas.DataFrame",
    *,
    time: str | None = None,
    states: Sequence[str] | None = None,
    inputs: Sequence[str] | None = None,
    trajectory: str | None = None,
    units: Mapping[str, str] | None = None,
) -> Trajectories:
    """Trajectories from a pandas data frame; arguments and errors as in `read_csv`.

    An index with a name counts as a column, one without is ignored.
    """
    table = table_from_frame(frame)
    roles = infer_roles(table, time=time, states=states, inputs=inputs, trajectory=trajectory)
    return to_trajectories(table, roles, units)


def write_csv(data: Trajectories, path: str | os.PathLike[str]) -> None:
    """Write trajectories so that `read_csv` gives the same ids, times, states and inputs to the last bit.

    Entries that were not observed are blank. Units and standard deviations are not written.

    Raises:
        DataError: if the file cannot be written.
    """
    write_table(from_trajectories(data), path)
