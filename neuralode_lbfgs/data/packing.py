"""What a compressed file may unpack to: a few bytes can stand for more than a machine can hold."""

import gzip
import io
import zlib

from .errors import DataError
from .opening import shown_size

# Unpacked bytes that are always read, and how many times the size of the file they may be beyond: compressed
# measurements are a few times smaller than numbers of eight bytes, columns of one value hundreds of times.
ALWAYS, DENSEST = 2**25, 10
GZIP, PARQUET, ZIP = b"\x1f\x8b", b"PAR1", b"PK\x03\x04"  # what such files begin with


def unpacked(data: bytes, source: str) -> bytes:
    """What gzip has compressed; other bytes as they are.

    Raises:
        DataError: if it is damaged, or unpacks to far more than it is.
    """
    if not data.startswith(GZIP):
        return data
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            content = file.read(max(ALWAYS, DENSEST * len(data)) + 1)
    except (OSError, EOFError, zlib.error):
        raise DataError(f"{source} is compressed, and damaged or cut short; unpack or pack it anew.") from None
    check_unpacked(len(content), len(data), source)
    return content


def check_unpacked(size: int, packed: int, source: str) -> None:
    """Refuse a file that unpacks to far more than it is.

    Args:
        size, packed: bytes of its content, a number counted as eight, and of the file.

    Raises:
        DataError: if it is a bomb, or looks like one.
    """
    if size > max(ALWAYS, DENSEST * packed):
        raise DataError(
            f"{source} would unpack to {shown_size(size)}, {size // max(packed, 1)} times its size, which is more than "
            "is read of a compressed file; save it without compression."
        )
