"""`config.toml`: all that is needed to run a fit again.

A section is one of the classes of options, and its keys are the fields. Flags win over the file.
"""

import os
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any, get_type_hints

from cyclopts import ArgumentCollection
from cyclopts.config import Dict

from ..data.errors import did_you_mean
from ..data.opening import read_bytes
from ..fitting.options import FitOptions
from ..outputs.typed import typed
from .options import DataOptions, ModelOptions, RunOptions

SECTIONS: dict[str, type] = {"data": DataOptions, "model": ModelOptions, "fit": FitOptions, "run": RunOptions}
RECORD = "record"  # a section that is no options: what a run was made with
MOST_BYTES, DEEPEST = 2**20, 100  # of the file, and names within names: the reader takes the square of their number
OF_ONE_CALL = ("out", "overwrite", "resume", "dry_run", "quiet", "config")  # not what makes a run the same again


def options_from_config(app: Any, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Fill in what was not typed from the file after `--config`; called by cyclopts once the flags are parsed."""
    path = next(argument for argument in arguments if "--config" in argument.names).tokens[0].value
    entries = {
        key: value for section in read_config(path).values() for key, value in section.items() if key != "config"
    }
    if "vector_field" in entries and not any("--vector-field" in a.names and a.tokens for a in arguments):
        raise ValueError(
            f"{path} names a vector field of your own, and code is run only where you name it: add --vector-field "
            f"{entries['vector_field']}."
        )
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
    source = os.fspath(path)
    try:
        text = read_bytes(source, MOST_BYTES).decode("utf-8")
    except OSError as error:
        raise ValueError(f"{source} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise ValueError(f"{source} is not TOML: it is not UTF-8 text.") from None
    return sections_of(text, path)


def parsed(text: str) -> dict[str, Any]:
    """TOML, but for what takes the reader too long.

    Raises:
        RecursionError: if names lie too deep within names.
        ValueError: if it is not TOML.
    """
    if any(line.partition("=")[0].count(".") > DEEPEST for line in text.splitlines()):
        raise RecursionError
    return tomllib.loads(text)


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
        sections = parsed(text)
    except RecursionError:
        raise ValueError(f"{source} is not a config file: its entries are nested too deep.") from None
    except ValueError as error:
        why = error if isinstance(error, tomllib.TOMLDecodeError) else "a number has too many digits"
        raise ValueError(f"{source} is not TOML: {why}.") from None
    sections.pop(RECORD, None)
    for section, entries in sections.items():
        if section in SECTIONS and not isinstance(entries, dict):
            raise ValueError(f"{source}: {section} is the name of a section, [{section}], and holds no value itself.")
        if section not in SECTIONS:
            hint = did_you_mean(section, SECTIONS)
            raise ValueError(f"{source} has no use for {section[:40]!r}{hint}; its sections are {', '.join(SECTIONS)}.")
        known = [option.name for option in fields(SECTIONS[section])] + ["data"] * (section == "data")
        hints = {**get_type_hints(SECTIONS[section]), "data": tuple[str, ...]}
        for key, value in entries.items():
            if key not in known:
                hint = did_you_mean(key, known)
                raise ValueError(f"{source}: there is no option {key[:40]!r} in [{section}]{hint}.")
            try:
                found = typed(hints[key], value)
            except ValueError as error:
                shown = repr(value)[:60]
                raise ValueError(f"{source}: {key} in [{section}] must be {error}; it is {shown}.") from None
            entries[key] = _plain(found) if key != "data" else value
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
    beside = os.path.join(Path(path).parent, data)
    return os.path.normpath(beside) if os.path.isfile(beside) or os.sep in data else data


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
