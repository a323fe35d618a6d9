"""Plain values, as JSON and TOML have them, into the types that a dataclass is annotated with: nothing else gets in."""

import dataclasses
import datetime
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
MOST, LONGEST = 2**63, 4096  # of whole numbers; of texts, which are names and paths
NAMES: dict[Any, str] = {
    int: "a whole number",
    float: "a number",
    str: "text",
    bool: "true or false",
    Path: "a path",
    Mapping: "a table",
}


def instance(kind: type[T], entries: Any) -> T:
    """An instance of a dataclass from a table of plain values; what is not there has its default.

    Raises:
        ValueError: one sentence, if there is no field of a name, or a value is of another type.
    """
    return kind(**checked(kind, entries))


def checked(kind: type, entries: Any) -> dict[str, Any]:
    """The values of fields of a dataclass, by name; see `instance`."""
    if not isinstance(entries, Mapping):
        raise ValueError(f"there must be a table of {kind.__name__}.")
    hints = get_type_hints(kind)
    known = {field.name for field in dataclasses.fields(kind)}
    found = {}
    for name, value in entries.items():
        if name not in known:
            raise ValueError(f"there is no entry {str(name)[:40]!r}.")
        try:
            found[name] = typed(hints[name], value)
        except ValueError as error:
            raise ValueError(f"{name} must be {error}; it is {repr(value)[:60]}.") from None
    return found


def typed(hint: Any, value: Any) -> Any:
    """The value as the annotation has it: lists become tuples, whole numbers pass as numbers, dates as text.

    Raises:
        ValueError: what it must be, in words.
    """
    origin, of = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _any_of(of, value)
    if origin is Literal:
        if isinstance(value, str) and value in of:
            return value
        raise ValueError(f"one of {', '.join(map(str, of))}")
    if origin is tuple:
        return _tuple(of, value)
    if origin is not None and issubclass(origin, Mapping):
        if isinstance(value, dict):
            return {typed(of[0], key): typed(of[1], one) for key, one in value.items()}
        raise ValueError(NAMES[Mapping])
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return instance(hint, value)
    if hint is type(None) and value is None:
        return None
    if isinstance(value, str) and len(value) > LONGEST:
        raise ValueError(f"shorter than {LONGEST} characters")
    if hint is str and isinstance(value, datetime.date | datetime.time):  # TOML has them without quotes
        return value.isoformat()
    if hint is Path and isinstance(value, str):
        return Path(value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool) and abs(value) < MOST:
        return float(value)
    if hint in (bool, str, float) and type(value) is hint:
        return value
    if hint is int and type(value) is int and abs(value) < MOST:
        return value
    raise ValueError(NAMES.get(hint, "left out"))


def _any_of(hints: tuple[Any, ...], value: Any) -> Any:
    wanted = []
    for hint in hints:
        try:
            return typed(hint, value)
        except ValueError as error:
            wanted += [str(error)] if hint is not type(None) else []
    raise ValueError(" or ".join(wanted))


def _tuple(of: tuple[Any, ...], value: Any) -> tuple[Any, ...]:
    if isinstance(value, str) and of == (str, ...):  # a list of one
        return (value,)
    if not isinstance(value, list | tuple):
        raise ValueError("a list")
    hints = of[:1] * len(value) if of[-1:] == (...,) else of
    if len(hints) != len(value):
        raise ValueError(f"a list of {len(hints)}")
    return tuple(typed(hint, one) for hint, one in zip(hints, value, strict=True))
