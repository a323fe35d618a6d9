"""The bytes of a file: of a file and no device, and never more of it than a machine can hold."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

from .errors import DataError

BLOCK = 2**20


@contextmanager
def opened(path: str | os.PathLike[str], most: int, *, pipes: bool = False) -> Iterator[tuple[BufferedReader, int]]:
    """A file to read in binary, and how many bytes of it to read: one more than there are, or than are allowed.

    Args:
        most: bytes that the file may have.
        pipes: whether it may be a pipe, whose size is not known before its end.

    Raises:
        OSError: as `open` does.
        DataError: if it is no file, or a larger one.
    """
    source = os.fspath(path)
    state = os.stat(source)  # before it is opened: a pipe without a writer would wait for ever
    if not (stat.S_ISREG(state.st_mode) or (pipes and stat.S_ISFIFO(state.st_mode))):
        raise DataError(f"{source} is not a file; give the path of one.")
    if state.st_size > most:
        raise _too_large(source, most)
    with open(source, "rb", buffering=BLOCK) as file:
        assert isinstance(file, BufferedReader)  # as it is with a buffer
        regular = stat.S_ISREG(state.st_mode)
        yield file, (min(most, max(state.st_size, BLOCK)) if regular else most) + 1


def read_bytes(path: str | os.PathLike[str], most: int) -> bytes:
    """All bytes of a file; arguments and errors as in `opened`."""
    with opened(path, most) as (file, number):
        return whole(file, number, most, os.fspath(path))


def whole(file: BufferedReader, number: int, most: int, source: str) -> bytes:
    """All bytes of an opened file.

    Raises:
        DataError: if there are more than `most`.
    """
    data = file.read(number)
    if len(data) > most:
        raise _too_large(source, most)
    return data


def stem(source: str) -> str:
    """The name of a file without its folder and its endings: `mine` of `runs/mine.csv.gz`."""
    return Path(source.removesuffix(".gz")).stem


def _too_large(source: str, most: int) -> DataError:
    return DataError(f"{source} is larger than {shown_size(most)}, which is the most that is read; give a smaller one.")


def shown_size(number: int) -> str:
    """Bytes in words: `64 kiB`, `1024 MiB`."""
    return f"{number / 2**20:.0f} MiB" if number >= 2**20 else f"{number / 2**10:.0f} kiB"
