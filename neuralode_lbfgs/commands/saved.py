"""A run that was saved: reading it back for `predict` and `plot`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..data import DataError
from ..outputs.run_folder import CONFIG, MODEL
from ..outputs.store import SavedRun, load_model, read_columns
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
    if not (folder / MODEL).is_file():
        raise DataError(f"{folder} holds no run ({MODEL} is missing); name a folder that fit has written.")
    columns, has_its_own_kind = read_columns(folder / MODEL)
    if not has_its_own_kind and vector_field is None:
        return load_model(folder / MODEL)
    entries = read_config(folder / CONFIG).get("model", {})
    if not has_its_own_kind:
        if "vector_field" not in entries:
            raise DataError(f"{folder} holds a network, not a vector field of your own; leave out --vector-field.")
        return load_model(folder / MODEL)
    if vector_field is None:
        named = entries.get("vector_field", "FILE.py:NAME")
        raise DataError(
            f"{folder} holds a vector field of your own, and code is run only where you name it: add "
            f"--vector-field {named}."
        )
    from .own_field import own_model

    like = own_model(vector_field, ModelOptions(**with_tuples(entries)), len(columns.states), len(columns.inputs))
    return load_model(folder / MODEL, like=like)


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
    return open_source(given, DataOptions(**with_tuples(entries)))


def with_tuples(entries: Mapping[str, Any]) -> dict[str, Any]:
    """The entries of a config file as options hold them: TOML has lists."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in entries.items()}
