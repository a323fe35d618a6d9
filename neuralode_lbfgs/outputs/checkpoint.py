"""A fit on its way, on disk: one safetensors file, no pickle, nothing that could run, and always whole.

The file holds the arrays of each loop of a fit's journal under its number (`0.x`, `3.state.5`). Its metadata are
strings: `format` is `neuralode_lbfgs checkpoint`, `version` is `1`, `contents` is JSON with the text of the
config file of the run, the loops by name and whether they have ended, and the seconds spent up to here; `sha256` is
that of the contents and all arrays.
"""

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from ..fitting.entry import Entry
from .checksum import checksum

FORMAT, VERSION = "neuralode_lbfgs checkpoint", "1"


class CheckpointError(ValueError):
    """A file that is not a checkpoint, or not a whole one; one sentence that says what is wrong."""


@dataclass(frozen=True)
class Checkpoint:
    """A fit on its way.

    Args:
        config: the text of its config file.
        entries: of its journal.
        seconds: from the start of the program, over all its sessions.
    """

    config: str
    entries: Sequence[Entry]
    seconds: float


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Replace the file as a whole: whoever stops the program or the machine, the one before or this one is there.

    Raises:
        OSError: if it cannot be written; the one before is as it was.
    """
    arrays = {
        f"{number}.{name}": np.array(array, order="C")
        for number, entry in enumerate(checkpoint.entries)
        for name, array in entry.arrays.items()
    }
    loops = [[entry.name, entry.ended] for entry in checkpoint.entries]
    contents = json.dumps({"config": checkpoint.config, "seconds": checkpoint.seconds, "loops": loops})
    metadata = {"format": FORMAT, "version": VERSION, "contents": contents, "sha256": checksum(contents, arrays)}
    unfinished = unfinished_name(path)
    try:
        with open(unfinished, "wb") as file:
            file.write(save(arrays, metadata))
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    except BaseException:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise


def read_checkpoint(path: Path) -> Checkpoint:
    """Read it back.

    Raises:
        CheckpointError: one sentence, if the file is missing, damaged, or not a checkpoint.
    """
    try:
        with safe_open(os.fspath(path), framework="numpy") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != FORMAT:
                raise CheckpointError(f"{path} is not a checkpoint that this package has written.")
            if metadata.get("version") != VERSION:
                raise CheckpointError(
                    f"{path} has version {metadata.get('version')} of the format, and version {VERSION} is known here; "
                    "go on with the neuralode-lbfgs that wrote it."
                )
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
        if metadata["sha256"] != checksum(metadata["contents"], arrays):
            raise CheckpointError(f"{path} is damaged: its contents are not what was written; begin the fit again.")
        contents = json.loads(metadata["contents"])
        entries: list[Entry] = [Entry(name, ended, {}) for name, ended in contents["loops"]]
        for key, array in arrays.items():
            number, _, name = key.partition(".")
            entries[int(number)].arrays[name] = array
        return Checkpoint(contents["config"], entries, float(contents["seconds"]))
    except FileNotFoundError:
        raise CheckpointError(f"{path} does not exist.") from None
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror or error}.") from None
    except (SafetensorError, KeyError, IndexError, TypeError, json.JSONDecodeError):
        raise CheckpointError(f"{path} is damaged or no checkpoint; begin the fit again.") from None


def remove_checkpoint(path: Path) -> None:
    """It and what may be left of one that was being written."""
    path.unlink(missing_ok=True)
    unfinished_name(path).unlink(missing_ok=True)


def unfinished_name(path: Path) -> Path:
    """Where it is written, before it is whole."""
    return path.with_name(f".{path.name}.unfinished")
