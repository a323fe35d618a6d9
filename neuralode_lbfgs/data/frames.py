"""Data frames and Parquet files to a table. Only here is pandas imported, and only when called."""

import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .arrays import timestamps
from .cells import Table, build_table
from .errors import DataError

if TYPE_CHECKING:
    import pandas
    import polars  # pyright: ignore[reportMissingImports] - a person's own, if they have it


def table_from_frame(
    frame: "pandas.DataFrame | polars.DataFrame | Mapping[str, Iterable[Any]]",
    source: str = "the data frame",
    title: str = "trajectory",
) -> Table:
    """The table of a pandas or polars data frame, or of a dict of columns; an index with a name becomes a column.

    Numbers keep their value exactly; rows are counted from zero in messages.

    Args:
        source: what messages call the frame.
        title: the name of the only trajectory when no column names them.

    Raises:
        DataError: if the frame is empty, its columns differ in length, or one has no name or that of another.
    """
    columns = _pandas_columns(frame) if hasattr(frame, "iloc") else _other_columns(frame)
    lengths = {len(values) for _, values in columns}
    if lengths in (set(), {0}):
        raise DataError(f"{source} is empty; it needs named columns and rows of numbers.")
    if len(lengths) > 1:
        raise DataError(f"{source} has columns of {min(lengths)} and of {max(lengths)} rows; they must be as long.")
    headers = ["" if name is None else str(name).strip() for name, _ in columns]
    # str of a Python float is its shortest exact form, that of a date and time is ISO 8601.
    cells = [tuple("" if value is None else str(value) for value in values) for _, values in columns]
    return build_table(source, headers, cells, range(lengths.pop()), place_word="row", title=title)


def _pandas_columns(frame: Any) -> list[tuple[Any, list[Any]]]:
    levels = [name for name in frame.index.names if name is not None and name not in frame.columns]
    if levels:
        frame = frame.reset_index(level=levels)
    columns = []
    for position, name in enumerate(frame.columns):
        series = frame.iloc[:, position]
        if getattr(series.dtype, "tz", None) is not None:  # one zone, whose offset changes with summer time
            series = series.dt.tz_convert("UTC")
        missing = series.isna().tolist()
        # tolist() gives Python numbers.
        columns.append((name, [None if gone else value for value, gone in zip(series.tolist(), missing, strict=True)]))
    return columns


def _other_columns(frame: Any) -> list[tuple[Any, list[Any]]]:
    """Of polars, whose columns know `to_list`, and of a dict of lists or arrays."""
    if not isinstance(frame, Mapping):
        return [(name, frame[name].to_list()) for name in frame.columns]
    columns = []
    for name, values in frame.items():
        array = np.asarray(values)
        # tolist() of nanoseconds would be their number.
        columns.append((name, timestamps(array) if array.dtype.kind == "M" else np.atleast_1d(array).tolist()))
    return columns


def table_from_parquet(data: bytes, source: str) -> Table:
    """The table in the bytes of a Parquet file.

    Raises:
        DataError: if pyarrow is not installed, or the file is damaged or empty.
    """
    try:
        import pandas
        import pyarrow
    except ImportError as error:
        raise DataError(f"{source} is a Parquet file: install pyarrow to read it, or save it as CSV.") from error
    try:
        frame = pandas.read_parquet(io.BytesIO(data))
    except (pyarrow.ArrowException, OSError, ValueError):
        raise DataError(f"{source} is not a Parquet file that can be read; write it again or save it as CSV.") from None
    return table_from_frame(frame, source, Path(source).stem)
