"""A run that was saved: reading it back for `predict` and `plot`."""

from pathlib import Path

from ..data import DataError
from ..outputs.run_folder import CONFIG, MODEL
from ..outputs.store import SavedRun, load_model
from .config import read_config
from .options import DataOptions
from .source import Source, open_source


def open_run(folder: Path) -> SavedRun:
    """The model of a run.

    Raises:
        ValueError: one sentence, if there is none.
    """
    if not (folder / MODEL).is_file():
        raise DataError(f"{folder} holds no run ({MODEL} is missing); name a folder that fit has written.")
    return load_model(folder / MODEL)


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
    lists = {name: tuple(value) for name, value in entries.items() if isinstance(value, list)}
    return open_source(given, DataOptions(**{**entries, **lists}))
