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
from safetensors.numpy import save

from ..fitting.entry import Entry
from .checksum import checksum
from .sealed import Form, read_sealed
from .typed import typed

MOST_SECONDS = 1e9  # a fit of thirty years


class CheckpointError(ValueError):
    """A file that is not a checkpoint, or not a whole one; one sentence that says what is wrong."""


FORM = Form(
    name="neuralode_lbfgs checkpoint",
    version="1",
    what="a checkpoint that this package has written",
    other_version="go on with the neuralode-lbfgs that wrote it",
    again="begin the fit again",
    error=CheckpointError,
)


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
    metadata = {
        "format": FORM.name, "version": FORM.version, "contents": contents, "sha256": checksum(contents, arrays),
    }  # fmt: skip
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
    """Read it back. Its arrays are what some program has written, and not yet what a fit can go on with.

    Raises:
        CheckpointError: one sentence, if the file is missing, damaged, or not a checkpoint.
    """
    contents, arrays = read_sealed(path, FORM)
    try:
        config, seconds = contents["config"], typed(float, contents["seconds"])
        if not isinstance(config, str) or not 0 <= seconds <= MOST_SECONDS:
            raise ValueError
        entries = [Entry(name, ended, {}) for name, ended in typed(tuple[tuple[str, bool], ...], contents["loops"])]
        numbered = {str(number): entry for number, entry in enumerate(entries)}
        for key, array in arrays.items():
            number, _, name = key.partition(".")
            numbered[number].arrays[name] = array
        return Checkpoint(config, entries, seconds)
    except (KeyError, TypeError, ValueError):
        raise CheckpointError(f"{path} is damaged: its description cannot be read; {FORM.again}.") from None


def remove_checkpoint(path: Path) -> None:
    """It and what may be left of one that was being written."""
    path.unlink(missing_ok=True)
    unfinished_name(path).unlink(missing_ok=True)


def unfinished_name(path: Path) -> Path:
    """Where it is written, before it is whole."""
    return path.with_name(f".{path.name}.unfinished")
