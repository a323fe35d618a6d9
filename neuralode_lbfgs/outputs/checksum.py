"""SHA-256: whether what is read is what was written, and files are those that they were."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np


def checksum(contents: str, arrays: Mapping[str, np.ndarray]) -> str:
    """Of a description and of every array with its name, type and shape."""
    found = hashlib.sha256(contents.encode("utf-8", "surrogatepass"))
    for name in sorted(arrays):
        array = arrays[name]
        found.update(repr((name, array.dtype.str, array.shape)).encode())
        found.update(np.ascontiguousarray(array).data)
    return found.hexdigest()


def fingerprint(paths: Sequence[str | os.PathLike[str]]) -> str:
    """Of files, one after the other; tells whether data are those that were fitted."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(Path(path).read_bytes())
    return digest.hexdigest()
