"""Data frames and Parquet files to a table. Only here is pandas imported, and only when called."""

import io
from pathlib import Path
from typing import TYPE_CHECKING

from .cells import Table, build_table
from .errors import DataError

if TYPE_CHECKING:
    import pandas


def table_from_frame(frame: "pandas.DataFrame", source: str = "the data frame", title: str = "trajectory") -> Table:
    """The table of a pandas data frame; an index with a name becomes a column.

    Numbers keep their value exactly; rows are counted from zero in messages.

    Args:
        source: what messages call the frame.
        title: the name of the only trajectory when no column names them.

    Raises:
        DataError: if the frame is empty, or a column has no name or the name of another.
    """
    levels = [name for name in frame.index.names if name is not None and name not in frame.columns]
    if levels:
        frame = frame.reset_index(level=levels)
    if frame.shape[1] == 0 or len(frame) == 0:
        raise DataError(f"{source} is empty; it needs named columns and rows of numbers.")
    headers = ["" if name is None else str(name).strip() for name in frame.columns]
    cells = []
    for position in range(frame.shape[1]):
        series = frame.iloc[:, position]
        missing = series.isna().tolist()
        # tolist() gives Python numbers, and str of a Python float is its shortest exact form.
        cells.append(tuple("" if gone else str(value) for value, gone in zip(series.tolist(), missing, strict=True)))
    return build_table(source, headers, cells, range(len(frame)), place_word="row", title=title)


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
