"""Arrays and NPZ files to a table: `ts` and `ys`, and what may come with them.

The names are those of `Trajectory`. Either one row a time:

    ts (rows,)    ys (rows, states)    ids (rows,)    inputs (rows, inputs)    sd (rows, states)

or runs stacked, all of the same times or each with its own; a time that is NaN is padding:

    ts (times,) or (runs, times)    ys (runs, times, states)    ids (runs,)    inputs, sd likewise

`names` and `input_names` name the states and inputs. All but `ts` and `ys` may be left out.

A file that has neither may have one array for each column, `t`, `x`, `v`, all as long.
"""

import io
import math
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np

from .building import build_table
from .cells import Table, format_number, shown
from .errors import MOST_LISTED, DataError, did_you_mean
from .opening import stem
from .packing import ZIP, check_unpacked

KNOWN = ("ts", "ys", "inputs", "sd", "ids", "names", "input_names")


def is_npz(data: bytes) -> bool:
    """Whether these are the bytes of an NPZ file: a zip of arrays, and not of a spreadsheet."""
    if not data.startswith(ZIP):
        return False
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return all(name.endswith(".npy") for name in archive.namelist())
    except Exception:  # what the library raises on bytes that were made to mislead it is not written down
        return False


def table_from_npz(data: bytes, source: str) -> Table:
    """The table in the bytes of an NPZ file; nothing in it is unpickled, and of `ts` and `ys` no others are read.

    Raises:
        DataError: if an array cannot be read, is missing or has the wrong shape, or would fill the memory.
    """
    arrays: dict[str, np.ndarray] = {}
    size = 0
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
        are_columns = not {"ts", "ys"} & members.keys()
        for name in [name for name in members if are_columns or name in KNOWN]:
            try:
                with archive.open(members[name]) as file:
                    shape, by_columns, dtype = _header(file)
                    size += max(dtype.itemsize, 8) * math.prod(shape)
                    check_unpacked(size, len(data), source)
                    arrays[name] = _array(file, shape, by_columns, dtype)
            except DataError:
                raise
            except Exception:  # as above
                raise DataError(
                    f"{source}: the array {name!r} is damaged or holds Python objects; save it as numbers or text."
                ) from None
    shapes = {array.shape for array in arrays.values()}
    if are_columns and len(arrays) > 1 and len(shapes) == 1 and len(shape := shapes.pop()) == 1 and shape[0]:
        cells = [tuple(_cells(array)) for array in arrays.values()]
        return build_table(source, list(arrays), cells, range(shape[0]), place_word="row", title=stem(source))
    unused = [name for name in members if name not in KNOWN]
    for name in ("ts", "ys"):
        if name not in arrays:
            raise DataError(
                f"{source}: there is no array {name!r} (there is {', '.join(members) or 'nothing'}); ts and ys are "
                "needed, or a column in each array, all as long."
            )
    notes = [f"the array {shown(name)} was not used{did_you_mean(name, KNOWN)}" for name in unused[:MOST_LISTED]]
    return table_from_arrays(arrays, source, stem(source), tuple(notes))


def _header(file: Any) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, order and type of an array, as NumPy writes them before it."""
    version = np.lib.format.read_magic(file)
    reader = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
    return reader(file)


def _array(file: Any, shape: tuple[int, ...], by_columns: bool, dtype: np.dtype) -> np.ndarray:
    """The array after its header: that many bytes, and no more.

    Raises:
        ValueError: if there are others, or they stand for objects.
    """
    number = math.prod(shape)
    if dtype.hasobject or min(shape, default=0) < 0:
        raise ValueError("no array of numbers or text")
    if number == 0:
        return np.zeros(shape, dtype)
    data = file.read(number * dtype.itemsize + 1)  # one more: at the end of the member its checksum is compared
    if len(data) != number * dtype.itemsize:
        raise ValueError("another length")
    return np.frombuffer(data, dtype).reshape(shape, order="F" if by_columns else "C")


def table_from_arrays(
    arrays: Mapping[str, Any], source: str = "the arrays", title: str = "trajectory", notes: tuple[str, ...] = ()
) -> Table:
    """The table of arrays under the names that the head of this file explains; rows are counted from zero.

    Raises:
        DataError: if `ts` or `ys` is missing, or shapes or numbers of names do not agree.
    """
    for name in ("ts", "ys"):
        if arrays.get(name) is None:
            there = ", ".join(name for name in arrays if arrays[name] is not None) or "nothing"
            raise DataError(f"{source}: there is no array {name!r} (there is {there}); ts and ys are needed.")
    ys = _numbers(source, "ys", arrays["ys"])
    ys = ys[:, None] if ys.ndim == 1 else ys
    if ys.ndim not in (2, 3):
        raise DataError(
            f"{source}: ys must have shape (rows, states) or (runs, times, states); it has shape {ys.shape}."
        )
    lead, size = ys.shape[:-1], int(np.prod(ys.shape[:-1]))
    if not ys.size:
        raise DataError(f"{source}: ys is empty; it has shape {ys.shape}.")
    ts = _asarray(source, "ts", arrays["ts"])
    spans = ts.dtype.kind == "m"
    if ts.dtype.kind in "cV" or (ts.dtype.kind in "mM" and np.datetime_data(ts.dtype)[0] == "generic"):
        raise DataError(f"{source}: ts must hold numbers or timestamps; its type is {ts.dtype}.")
    if ts.shape != lead and not (ts.ndim == 1 and ts.shape == lead[-1:]):
        fault = f"ts must have shape {lead}, as ys has shape {ys.shape}; it has shape {ts.shape}"
        raise DataError(f"{source}: {fault}{_turned(ts, ys)}.")
    headers, cells = [], []
    if arrays.get("ids") is not None:
        ids = np.asarray(arrays["ids"])
        if ids.shape != lead[:1]:
            raise DataError(
                f"{source}: ids must have shape {lead[:1]}, one for each {'row' if ys.ndim == 2 else 'run'}; it has "
                f"shape {ids.shape}."
            )
        ids = _written(source, "ids", ids)
        if ys.ndim == 3 and len(set(ids)) < len(ids):
            twice = next(name for name in ids if ids.count(name) > 1)
            raise DataError(f"{source}: ids has {twice!r} twice; stacked runs need ids that differ.")
    else:
        ids = [str(run) for run in range(lead[0])] if ys.ndim == 3 else None
    if ids is not None:
        headers.append("trajectory")
        cells.append([name for name in ids for _ in range(lead[1])] if ys.ndim == 3 else ids)
    ts = seconds(ts) if spans else ts
    headers.append("t [s]" if spans else "t")
    cells.append(_cells(np.broadcast_to(ts, lead).ravel()))
    inputs, sd = (_beside(source, name, arrays.get(name), ys) for name in ("inputs", "sd"))
    states = _names(source, "names", arrays.get("names"), "y", ys.shape[-1])
    driving = _names(source, "input_names", arrays.get("input_names"), "u", 0 if inputs is None else inputs.shape[-1])
    deviations = () if sd is None else tuple(f"{state}_sd" for state in states)
    if sd is not None and sd.shape != ys.shape:
        raise DataError(f"{source}: sd must have the shape of ys, {ys.shape}; it has shape {sd.shape}.")
    for names, values in ((states, ys), (driving, inputs), (deviations, sd)):
        if values is not None:
            headers += names
            cells += [list(map(format_number, column.tolist())) for column in values.reshape(size, -1).T]
    kept = range(size)
    if ys.ndim == 3:  # padding
        kept = [row for row, text in enumerate(cells[1]) if text]
    table = build_table(
        source, headers, [tuple(column[row] for row in kept) for column in cells], list(kept), place_word="row",
        title=title, notes=notes, inputs=driving, sd=dict(zip(states, deviations, strict=False)),
    )  # fmt: skip
    return table


def _turned(ts: np.ndarray, ys: np.ndarray) -> str:
    """What to do where another axis of ys has as many entries as there are times: the end of a sentence."""
    axis = next((axis for axis, number in enumerate(ys.shape) if ts.ndim and number == ts.shape[-1]), None)
    if axis is None:
        return ""
    runs = "give ys[..., None] if they are runs of one state, else " if ys.ndim == 2 else "give "
    return f", and so many entries has axis {axis} of ys: {runs}numpy.moveaxis(ys, {axis}, -2)"


def without_mask(array: Any) -> np.ndarray:
    """The array, with NaN where it is masked: the numbers behind a mask are no observations."""
    if np.ma.is_masked(array):
        return np.ma.filled(array.astype(np.float64), np.nan)
    return np.asarray(array)


def _asarray(source: str, name: str, array: Any) -> np.ndarray:
    """The array of what may be nested lists."""
    try:
        return without_mask(array)
    except ValueError:
        raise DataError(
            f"{source}: {name} has rows of different lengths; fill the shorter runs up with NaN, or give ids, one for "
            "each row."
        ) from None


def _numbers(source: str, name: str, array: Any) -> np.ndarray:
    values = _asarray(source, name, array)
    try:
        if values.dtype.kind in "cmMV":  # complex numbers, dates and records would be made numbers somehow
            raise TypeError
        with np.errstate(over="ignore"):  # of longer floats: infinite, which is refused where it stands
            return values.astype(np.float64)
    except (TypeError, ValueError):
        raise DataError(f"{source}: {name} must hold numbers; its type is {values.dtype}.") from None


def _beside(source: str, name: str, array: Any, ys: np.ndarray) -> np.ndarray | None:
    """An array with a row for each row of ys."""
    if array is None:
        return None
    values = _numbers(source, name, array)
    values = values[..., None] if values.ndim == ys.ndim - 1 else values
    if values.shape[:-1] != ys.shape[:-1] or not values.size:
        wanted = ys.shape if name == "sd" else (*ys.shape[:-1], name)
        hint = "; one number for all rows of a state is noise={'NAME': number}" if name == "sd" else ""
        raise DataError(
            f"{source}: {name} must have shape {wanted}, as ys has shape {ys.shape}; it has {np.shape(array)}{hint}."
        )
    return values


def _names(source: str, what: str, names: Any, letter: str, number: int) -> tuple[str, ...]:
    if names is None:
        return tuple(f"{letter}{i}" for i in range(number)) if number != 1 else (letter,)
    names = tuple(_written(source, what, np.atleast_1d(np.asarray(names))))
    if len(names) != number:
        raise DataError(f"{source}: {what} has {len(names)} names for {number} columns; give one for each.")
    return names


def _written(source: str, what: str, values: np.ndarray) -> list[str]:
    """Names, as they come back from a file that they are written to."""
    names = [text.strip() for text in _texts(values)]
    for name in names:
        if not name.isprintable():
            raise DataError(f"{source}: {what} holds {shown(name)}, which cannot be written in a table; rename it.")
    return names


def _texts(values: np.ndarray) -> list[str]:
    if values.dtype.kind == "S":
        values = np.char.decode(values, "utf-8", "replace")
    return [str(value) for value in values.tolist()]


def _cells(values: np.ndarray) -> list[str]:
    """Numbers, times or words as they stand in a table, blank where there is none."""
    if values.dtype.kind == "M":
        return timestamps(values)
    return ["" if text == "nan" else text for text in _texts(values)]


def seconds(spans: np.ndarray) -> np.ndarray:
    """NumPy's spans of time in seconds, NaN for none."""
    return spans / np.timedelta64(1, "s")


def timestamps(ts: np.ndarray) -> list[str]:
    """NumPy's times in ISO 8601, blank for none, without zeros at the end of seconds."""
    finer = {"h": "m", "Y": "D"}.get(np.datetime_data(ts.dtype)[0])  # no hour stands alone, and a year is a number
    ts = ts.astype(f"M8[{finer}]") if finer else ts
    texts = np.datetime_as_string(ts).tolist()
    texts = [text.rstrip("0").rstrip(".") if "." in text else text for text in texts]
    return ["" if text == "NaT" else text for text in texts]
