"""A run that was saved: reading it back for `predict` and `plot`."""

import os
from pathlib import Path

from ..data import DataError, dataset_names
from ..outputs.run_folder import CHECKPOINT, CONFIG, MODEL, members_of
from ..outputs.screen import to_type
from ..outputs.store import SavedRun, load_model, read_columns
from ..outputs.typed import instance
from .config import read_config
from .options import DataOptions, ModelOptions
from .source import Source, open_source


def open_run(folder: Path, vector_field: str | None = None) -> SavedRun:
    """The model of a run.

    Args:
        folder: of the run.
        vector_field: FILE.py:NAME of a person's own equations, which a run never loads by itself.

    Raises:
        ValueError: one sentence, if there is no model, or its equations are not named.
    """
    return _opened(folder, folder / MODEL, vector_field)


def open_members(folder: Path, vector_field: str | None = None) -> list[SavedRun]:
    """The members of an ensemble; of any other run its model alone. Arguments and errors as in `open_run`."""
    return [_opened(folder, path, vector_field) for path in members_of(folder)]


def _opened(folder: Path, path: Path, vector_field: str | None) -> SavedRun:
    if not (folder / MODEL).is_file() and (folder / CHECKPOINT).is_file():
        raise DataError(f"{folder} holds a fit that was stopped; go on with {to_type('fit', '--resume', folder)}.")
    if not (folder / MODEL).is_file():
        raise DataError(f"{folder} holds no run ({MODEL} is missing); name a folder that fit has written.")
    columns, has_its_own_kind = read_columns(path)
    if not has_its_own_kind and vector_field is None:
        return _of_its_columns(load_model(path), path)
    entries = read_config(folder / CONFIG).get("model", {})
    if not has_its_own_kind:
        if "vector_field" not in entries:
            raise DataError(f"{folder} holds a network, not a vector field of your own; leave out --vector-field.")
        return _of_its_columns(load_model(path), path)
    if vector_field is None:
        named = entries.get("vector_field", "FILE.py:NAME")
        raise DataError(
            f"{folder} holds a vector field of your own, and code is run only where you name it: add "
            f"--vector-field {named}."
        )
    from .own_field import own_model

    options = instance(ModelOptions, entries)
    like = own_model(vector_field, options, options.state_size(len(columns.states)), len(columns.inputs))
    return load_model(path, like=like)


def _of_its_columns(saved: SavedRun, path: Path) -> SavedRun:
    """The run, if its network has the states and inputs that its columns name."""
    spec, columns = saved.spec, saved.columns
    if spec is not None and not (len(columns.states) <= spec.state_size and len(columns.inputs) == spec.input_size):
        raise DataError(f"{path} is damaged: its columns are not those of its network; fit the model again.")
    return saved


def open_data(folder: Path) -> Source:
    """The data of a run, with their roles and split, as its config file names them.

    Raises:
        ValueError: one sentence, if the config file or the data are not there any more.
    """
    entries = dict(read_config(folder / CONFIG).get("data", {}))
    given = entries.pop("data", None)
    given = (given,) if isinstance(given, str) else given
    if not given:
        raise DataError(f'{folder / CONFIG} does not name the data; add data = "..." to [data].')
    for one in given:
        if not os.path.isfile(one) and one not in dataset_names():
            raise DataError(f"{folder / CONFIG} names the data {one}, which is no file; put it there again.")
    return open_source(given, instance(DataOptions, entries))
