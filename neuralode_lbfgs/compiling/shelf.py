"""Traced programs kept on disk, beside the compiled ones that JAX keeps there.

Where JAX has been given a folder for compiled programs (`jax_compilation_cache_dir`), a program that another process
has traced is not traced again: tracing takes longer than a small fit runs. JAX's own cache needs the trace to find the
compiled program; this one has names for programs of known source (`naming`).

A file is a checksum, the outline of what the program returns as JSON, and the program as `jax.export` writes it:
StableHLO, which holds operations on arrays and nothing else.
"""

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax

from .naming import name_of

FOLDER = "traced"
CHECKSUM = 32  # bytes

Outline = Callable[[Sequence[Any], Any], Any]


def traced(function: Callable, of_arrays: Callable, given: Any, arrays: Sequence[Any]) -> tuple[Any, Outline]:
    """A jitted function of arrays that returns leaves, and what puts these together.

    Args:
        function: what the program computes, by which it is named.
        of_arrays: the same of arrays alone.
        given: everything that `function` is given: pytrees, in a pytree.
        arrays: those in `given`.

    Returns:
        `flat(*arrays) -> leaves`, jitted, and `outline(leaves, given) -> what the function returns`.
    """
    structures = []

    def flat(*arrays):
        leaves, structure = jax.tree.flatten(of_arrays(*arrays))
        structures.append(structure)
        return leaves

    jitted = jax.jit(flat)
    path = _place(function, given, arrays)
    if path is not None:
        found = _read(path)
        if found is None:
            with contextlib.suppress(Exception):  # callbacks, say, cannot be kept; what is wrong otherwise shows below
                exported = jax.export.export(jitted)(*arrays)
                found = _outlined(structures[0], given), exported
                _write(path, *found)
        if found is not None:
            text, exported = found
            return jax.jit(exported.call), lambda leaves, given: _put_together(text, iter(leaves), given)
    return jitted, lambda leaves, _: jax.tree.unflatten(structures[0], leaves)


def _place(function: Callable, given: Any, arrays: Sequence[Any]) -> Path | None:
    """Where the program is kept, if it is."""
    folder = jax.config.jax_compilation_cache_dir if jax.config.jax_enable_compilation_cache else None  # pyright: ignore[reportAttributeAccessIssue]
    several = any(isinstance(array, jax.Array) and len(array.sharding.device_set) > 1 for array in arrays)
    if folder is None or "://" in str(folder) or several:
        return None
    name = name_of(function, given)
    return None if name is None else Path(folder) / FOLDER / name


def _outlined(structure: Any, given: Any) -> Any:
    """A structure as JSON: a number for an argument that has it, a list for a tuple, null for an array.

    Raises:
        ValueError: for any other.
    """
    arguments = [jax.tree.structure(argument) for part in given for argument in part]
    if structure in arguments:
        return arguments.index(structure)
    if structure == jax.tree.structure(0):
        return None
    if structure.node_data() is None or structure.node_data()[0] is not tuple:
        raise ValueError("only tuples of arrays, and what is built like an argument, can be kept.")
    return [_outlined(child, given) for child in structure.children()]


def _put_together(outline: Any, leaves: Any, given: Any) -> Any:
    if outline is None:
        return next(leaves)
    if isinstance(outline, list):
        return tuple(_put_together(part, leaves, given) for part in outline)
    structure = jax.tree.structure([argument for part in given for argument in part][outline])
    return jax.tree.unflatten(structure, [next(leaves) for _ in range(structure.num_leaves)])


def _read(path: Path) -> tuple[Any, Any] | None:
    """The outline and the program; None if there is none, or a damaged one."""
    try:
        content = path.read_bytes()
        checksum, (head, _, program) = content[:CHECKSUM], content[CHECKSUM:].partition(b"\n")
        if hashlib.sha256(content[CHECKSUM:]).digest() != checksum:
            return None
        return json.loads(head), jax.export.deserialize(bytearray(program))
    except (OSError, ValueError, ImportError):
        return None


def _write(path: Path, outline: Any, exported: Any) -> None:
    """Under a temporary name first, so that no other process reads half of it."""
    content = json.dumps(outline).encode() + b"\n" + bytes(exported.serialize())
    path.parent.mkdir(exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(hashlib.sha256(content).digest() + content)
    os.replace(file.name, path)
