"""`config.toml`: all that is needed to run a fit again.

A section is one of the classes of options, and its keys are the fields. Flags win over the file.
"""

import os
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

from cyclopts import ArgumentCollection
from cyclopts.config import Dict

from ..data.errors import did_you_mean
from ..fitting.options import FitOptions
from .options import DataOptions, ModelOptions, RunOptions

SECTIONS: dict[str, type] = {"data": DataOptions, "model": ModelOptions, "fit": FitOptions, "run": RunOptions}
RECORD = "record"  # a section that is no options: what a run was made with
OF_ONE_CALL = ("out", "overwrite", "resume", "dry_run", "quiet", "config")  # not what makes a run the same again


def options_from_config(app: Any, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Fill in what was not typed from the file after `--config`; called by cyclopts once the flags are parsed."""
    path = next(argument for argument in arguments if "--config" in argument.names).tokens[0].value
    entries = {
        key: value for section in read_config(path).values() for key, value in section.items() if key != "config"
    }
    # Trained up to a time or tested on trajectories: a flag for one of them replaces the other, too.
    typed = {name for argument in arguments if argument.tokens for name in argument.names}
    if typed & {"--train-until", "--test-trajectories"}:
        entries.pop("train_until", None)
        entries.pop("test_trajectories", None)
    Dict(entries, source=path, use_commands_as_keys=False)(app, commands, arguments)


def read_config(path: str | os.PathLike[str]) -> dict[str, dict[str, Any]]:
    """The sections of a config file, with the paths of the data and of a vector field made ones from here.

    Raises:
        ValueError: one sentence, if the file cannot be read or holds a section or key that is not an option.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not TOML: {error}.") from None
    return sections_of(text, path)


def read_record(path: str | os.PathLike[str]) -> dict[str, Any]:
    """What the run of a config file was made with; nothing if it was not written by a run."""
    return record_of(Path(path).read_text(encoding="utf-8"))


def record_of(text: str) -> dict[str, Any]:
    """As `read_record`, of the text of a config file."""
    record = tomllib.loads(text).get(RECORD, {})
    return record if isinstance(record, dict) else {}


def sections_of(text: str, path: str | os.PathLike[str]) -> dict[str, dict[str, Any]]:
    """As `read_config`, of the text of a config file that lies, or would lie, at `path`."""
    source = os.fspath(path)
    try:
        sections = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{source} is not TOML: {error}.") from None
    sections.pop(RECORD, None)
    for section, entries in sections.items():
        if section not in SECTIONS or not isinstance(entries, dict):
            hint = did_you_mean(section, SECTIONS)
            raise ValueError(f"{source} has no use for {section!r}{hint}; its sections are {', '.join(SECTIONS)}.")
        known = [option.name for option in fields(SECTIONS[section])] + ["data"] * (section == "data")
        for key in entries:
            if key not in known:
                raise ValueError(f"{source}: there is no option {key!r} in [{section}]{did_you_mean(key, known)}.")
    data = sections.get("data", {}).get("data")
    if isinstance(data, str):
        sections["data"]["data"] = _from_here(data, path)
    elif isinstance(data, list):
        sections["data"]["data"] = [_from_here(str(one), path) for one in data]
    field = sections.get("model", {}).get("vector_field")
    if isinstance(field, str):
        sections["model"]["vector_field"] = os.path.normpath(Path(path).parent / field)
    return sections


def _from_here(data: str, path: str | os.PathLike[str]) -> str:
    """A file is looked for beside the config file, so that both can move together; else it is a bundled name."""
    beside = Path(path).parent / data
    return os.path.normpath(beside) if beside.is_file() or os.sep in data else data


def config_text(data: str | list[str], sections: dict[str, Any], record: dict[str, Any] | None = None) -> str:
    """The text of a config file: every option with the value it had, in TOML.

    Args:
        data: path or name of the data, or paths, as they stand in the file.
        sections: an instance of each class of options by its section.
        record: what the run was made with.
    """
    import tomli_w

    content = {
        name: {
            option.name: _plain(getattr(options, option.name))
            for option in fields(options)
            if getattr(options, option.name) is not None and option.name not in OF_ONE_CALL
        }
        for name, options in sections.items()
    }
    content["data"] = {"data": data, **content.get("data", {})}
    if record:
        content[RECORD] = record
    return "# Run it again: neuralode-lbfgs fit --config config.toml --out ANOTHER_FOLDER\n" + tomli_w.dumps(content)


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return os.fspath(value)
    return list(value) if isinstance(value, tuple) else value
