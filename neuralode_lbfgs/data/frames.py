"""Data frames and Parquet files to a table. Only here is pandas imported, and only when called."""

import io
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from .arrays import timestamps, without_mask
from .building import build_table
from .cells import Table
from .errors import DataError
from .headers import names_the_time, split_unit
from .opening import stem
from .packing import check_unpacked

if TYPE_CHECKING:
    import pandas
    import polars  # pyright: ignore[reportMissingImports] - a person's own, if they have it


def table_from_frame(
    frame: "pandas.DataFrame | polars.DataFrame | Mapping[str, Iterable[Any]]",
    source: str = "the data frame",
    title: str = "trajectory",
) -> Table:
    """The table of a pandas or polars data frame, or of a dict of columns; an index with a name becomes a column.

    Numbers keep their value exactly, spans of time are seconds; rows are counted from zero in messages.

    Args:
        source: what messages call the frame.
        title: the name of the only trajectory when no column names them.

    Raises:
        DataError: if the frame is empty, its columns differ in length, or one has no name or that of another.
    """
    if hasattr(frame, "collect"):
        raise DataError(f"{source} is a {type(frame).__name__}, which holds no rows yet; give frame.collect().")
    if not isinstance(frame, Mapping) and (getattr(frame, "ndim", 2) != 2 or not hasattr(frame, "columns")):
        raise DataError(
            f"{source} is a {type(frame).__name__}; give a pandas or polars data frame or a dict of columns, or arrays "
            "to from_arrays."
        )
    return _table_of(_pandas_columns(frame) if hasattr(frame, "iloc") else _other_columns(frame), source, title)


def _table_of(columns: list[tuple[Any, list[Any]]], source: str, title: str) -> Table:
    lengths = {len(values) for _, values in columns}
    if lengths in (set(), {0}):
        raise DataError(f"{source} is empty; it needs named columns and rows of numbers.")
    if len(lengths) > 1:
        raise DataError(f"{source} has columns of {min(lengths)} and of {max(lengths)} rows; they must be as long.")
    headers = _headers(columns)
    cells = [tuple(map(_written, values)) for _, values in columns]
    return build_table(source, headers, cells, range(lengths.pop()), place_word="row", title=title)


def _headers(columns: list[tuple[Any, list[Any]]]) -> list[str]:
    """The names of columns as text; spans of time get their unit, and are the time where they are an index."""
    headers = ["" if name is None else str(name).strip() for name, _ in columns]
    index = "" if any(map(names_the_time, headers)) else "time"
    for i, (_, values) in enumerate(columns):
        if any(isinstance(value, timedelta) for value in values):
            name = split_unit(headers[i])[0] or index
            headers[i] = f"{name} [s]" if name else ""
    return headers


def _written(value: Any) -> str:
    if isinstance(value, timedelta):
        value = value.total_seconds()
    # str of a Python float is its shortest exact form, that of a date and time is ISO 8601.
    return "" if value is None else str(value)


def _pandas_columns(frame: Any) -> list[tuple[Any, list[Any]]]:
    levels = [name for name in frame.index.names if name is not None and name not in frame.columns]
    if levels:
        frame = frame.reset_index(level=levels)
    columns = []
    every = [(name, frame.iloc[:, position]) for position, name in enumerate(frame.columns)]
    times = hasattr(frame.index, "year") or hasattr(frame.index, "total_seconds")
    if frame.index.names == [None] and times:  # days or hours, as a frame of times has them
        every.insert(0, (None, frame.index.to_series()))
    for name, series in every:
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
        array = without_mask(values)
        # tolist() of nanoseconds would be their number.
        if array.dtype.kind == "m":
            array = array.astype("m8[us]")  # the finest that Python knows
        columns.append((name, timestamps(array) if array.dtype.kind == "M" else np.atleast_1d(array).tolist()))
    return columns


def table_from_parquet(data: bytes, source: str) -> Table:
    """The table in the bytes of a Parquet file.

    Raises:
        DataError: if pyarrow is not installed, the file is damaged or empty, or would fill the memory.
    """
    try:
        import pandas  # noqa: F401 - pyarrow hands its columns over
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise DataError(f"{source} is a Parquet file: install pyarrow to read it, or save it as CSV.") from error
    try:
        found, schema = parquet.read_metadata(io.BytesIO(data)), parquet.read_schema(io.BytesIO(data))
        rows = max(found.num_rows, sum(found.row_group(i).num_rows for i in range(found.num_row_groups)))
        check_unpacked(8 * rows * found.num_columns, len(data), source)
        nested = [field.name for field in schema if pyarrow.types.is_nested(field.type)]
        if nested:
            raise DataError(f"{source}: column {nested[0]!r} holds lists or records; give each number its own column.")
        texts = [field.name for field in schema if _is_text(field.type)]
        table = parquet.ParquetFile(io.BytesIO(data), read_dictionary=texts).read()
        columns = []
        for name, column in zip(table.column_names, table.columns, strict=True):
            if not name.startswith("__index_level_"):
                columns.append((name, _column(column)))
            elif pyarrow.types.is_temporal(column.type):  # an index without a name of its own counts rows otherwise
                columns.insert(0, (None, _column(column)))
    except DataError:
        raise
    except Exception:  # what the library raises on damaged bytes is not written down
        raise DataError(f"{source} is not a Parquet file that can be read; write it again or save it as CSV.") from None
    return _table_of(columns, source, stem(source))


def _column(column: Any) -> list[Any]:
    """The values of an Arrow column. A text is kept once, however many rows repeat it: few bytes can ask for many."""
    import pyarrow

    if not pyarrow.types.is_dictionary(column.type):
        return _pandas_columns(column.to_pandas().to_frame())[0][1]
    values = []
    for chunk in column.chunks:
        words = chunk.dictionary.to_pylist()
        values += [None if code is None else words[code] for code in chunk.indices.to_pylist()]
    return values


def _is_text(kind: Any) -> bool:
    import pyarrow

    is_of = pyarrow.types
    return is_of.is_string(kind) or is_of.is_large_string(kind) or is_of.is_binary(kind) or is_of.is_large_binary(kind)
