"""The config file of a run: its options as they were understood, and what it was made with."""

import os
from dataclasses import replace
from pathlib import Path

from ..data import dataset_path
from ..fitting.options import FitOptions
from ..outputs.origin import made_with, other_files, other_versions
from .config import config_text, read_record, record_of
from .options import ModelOptions, RunOptions
from .saying import tell
from .source import Source


def config_of(source: Source, out: Path, options: tuple[ModelOptions, FitOptions, RunOptions]) -> str:
    """The text of `config.toml` in the folder `out`."""
    model_options, fit_options, run_options = options
    files = [dataset_path(source.given[0])] if source.bundled else source.given
    field = (model_options.vector_field or "").rpartition(":")[0]
    sections = {
        "data": source.options,
        "model": _field_as_seen_from(out, model_options),
        "fit": fit_options,
        "run": run_options,
    }
    return config_text(_as_seen_from(out, source), sections, made_with(files, field if os.path.isfile(field) else None))


def note_other_origins(config: Path, text: str) -> None:
    """Say what is not as it was for the run that wrote a config file, and may give other numbers."""
    then, now = read_record(config), record_of(text)
    for what in other_files(then, now):
        tell(f"note: {what} is not what {config} was written for (its SHA-256 differs).")
    others = other_versions(then, now)
    if others:
        tell(f"note: {config} was written with {', '.join(others)}: digits may differ.")


def _as_seen_from(out: Path, source: "Source") -> str | list[str]:
    """The data as config.toml names them: a bundled name, or paths from the config file, so that both can move."""
    if source.bundled:
        return source.given[0]
    seen = [one if os.path.isabs(one) else Path(os.path.relpath(one, out)).as_posix() for one in source.given]
    return seen[0] if len(seen) == 1 else seen


def _field_as_seen_from(out: Path, options: ModelOptions) -> ModelOptions:
    """The file of a vector field as config.toml names it: a path from the config file, as that of the data."""
    file, colon, name = (options.vector_field or "").rpartition(":")
    if not colon or os.path.isabs(file):
        return options
    return replace(options, vector_field=f"{Path(os.path.relpath(file, out)).as_posix()}:{name}")
