"""Reading safetensors files of arrays, a description in JSON and a checksum of both; no byte of them is trusted."""

import json
import os
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from safetensors import safe_open

from ..data.errors import DataError
from ..data.opening import opened
from .checksum import checksum

MOST_BYTES = 2**30
MOST_HEADER = 2**23  # with the description; a few bytes of it become a hundred in memory, and take their time


@dataclass(frozen=True)
class Form:
    """What files of one kind say of themselves, and what is said of others.

    Args:
        name, version: in the metadata of every file.
        what: what it is, and who wrote it.
        other_version: what to do with a file of another version.
        again: what to do with a damaged one.
        error: what is raised.
        unchecked: whether files without a checksum are read.
    """

    name: str
    version: str
    what: str
    other_version: str
    again: str
    error: type[ValueError]
    unchecked: bool = False


def read_sealed(path: str | os.PathLike[str], form: Form) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The description and the arrays of a file, which are those that were written.

    Raises:
        ValueError: of the kind of the form, in one sentence, if it cannot be read or is not of this form.
    """
    source, error = os.fspath(path), form.error
    try:
        with opened(source, MOST_BYTES) as (file, _):  # a file, and no pipe or device
            if struct.unpack("<Q", file.read(8))[0] > MOST_HEADER:
                raise OverflowError
        with safe_open(source, framework="numpy") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != form.name:
                raise error(f"{source} is not {form.what}.")
            if metadata.get("version") != form.version:
                raise error(
                    f"{source} has version {metadata.get('version', '')[:20]} of the format, and version "
                    f"{form.version} is known here; {form.other_version}."
                )
            contents = json.loads(metadata["contents"], parse_constant=_refuse)
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
            if not isinstance(contents, dict):
                raise TypeError
        found = checksum(metadata["contents"], arrays)
        if metadata.get("sha256", found if form.unchecked else None) != found:
            raise error(f"{source} is damaged: it is not what its checksum says; {form.again}.")
        return contents, arrays
    except FileNotFoundError:
        raise error(f"{source} does not exist.") from None
    except OSError as failed:
        raise error(f"{source} cannot be read: {failed.strerror or failed}.") from None
    except error:
        raise
    except DataError as refused:
        raise error(str(refused)) from None
    except Exception:  # of the library and of JSON: what they raise on hostile bytes is not written down
        raise error(f"{source} is damaged or not {form.what}; {form.again}.") from None


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is not JSON.")
