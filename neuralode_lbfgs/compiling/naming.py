"""A name for what a program was made from, the same in every process and for nothing else.

What is kept on disk under a name must be what tracing anew would give. So everything that a traced program follows from
is in its name: the source of this package, the versions of those it is written with, the settings of JAX, and of the
function and its arguments all but the numbers in arrays. What cannot be named so for certain, such as a module of a
person's own, whose source may change, has no name, and its programs are not kept.
"""

import dataclasses
import enum
import hashlib
import os
import sys
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from types import FunctionType
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

PACKAGE = Path(__file__).parents[1]
WRITTEN_WITH = ("jax", "jaxlib", "equinox", "diffrax", "lineax", "optimistix", "optax", "jaxtyping", "numpy")
TRUSTED = {PACKAGE.name, "builtins", *WRITTEN_WITH}  # whose source is known by version, or by content
PLAIN = (bool, int, float, complex, str, bytes, type(None), type(Ellipsis), np.dtype)
# Settings of JAX that say where programs are kept and what is logged, and nothing about what is traced.
ASIDE = ("jax_compilation_cache", "jax_persistent_cache", "jax_log", "jax_dump", "jax_traceback", "jax_raise")


class UnnamedError(Exception):
    """There is no certain name for this."""


def name_of(function: Any, arguments: Any) -> str | None:
    """The name of a function traced for these arguments, of which arrays count by shape and type; None without one."""
    try:
        parts = [_surroundings(), _constant(function), _argument(arguments)]
    except (UnnamedError, RecursionError):
        return None
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _surroundings() -> str:
    settings = {key: value for key, value in jax.config.values.items() if not key.startswith(ASIDE)}
    said = (*sorted(settings.items()), jax.default_backend(), os.environ.get("EQX_ON_ERROR"))
    return f"{_source()} {said!r}"


@cache
def _source() -> str:
    """Of everything that is trusted."""
    content = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*.py")):
        content.update(path.relative_to(PACKAGE).as_posix().encode() + path.read_bytes())
    versions = [f"{name} {version(name)}" for name in WRITTEN_WITH]
    return " ".join([content.hexdigest(), sys.version, *versions])


def _argument(node: Any) -> str:
    """Of a pytree that is handed to a program: its arrays are numbers to come."""
    if eqx.is_array(node):
        return f"array {node.shape} {node.dtype} {getattr(node, 'weak_type', False)}"
    if isinstance(node, eqx.Module):
        of_field = {field.name: field.metadata.get("static", False) for field in dataclasses.fields(node)}
        parts = [
            f"{name}={_constant(value) if of_field.get(name, True) else _argument(value)}"
            for name, value in sorted(vars(node).items())
        ]
        return f"{_class_of(node)}({', '.join(parts)})"
    if isinstance(node, jax.tree_util.Partial):
        return f"Partial({_constant(node.func)}, {_argument(node.args)}, {_argument(node.keywords)})"
    return _collection(node, _argument) or _constant(node)


def _constant(node: Any) -> str:
    """Of what becomes part of a program, to the last bit."""
    if isinstance(node, PLAIN):
        return f"{type(node).__name__} {node!r}"
    if eqx.is_array(node):
        if jnp.issubdtype(node.dtype, jax.dtypes.extended):
            raise UnnamedError
        content = np.asarray(node)
        return f"array {content.shape} {content.dtype} {hashlib.sha256(content.tobytes()).hexdigest()}"
    if isinstance(node, partial):
        return f"partial({_constant(node.func)}, {_constant(node.args)}, {_constant(node.keywords)})"
    if isinstance(node, enum.Enum):
        return f"{_class_of(node)}.{node.name}"
    found = _collection(node, _constant) or _named(node)
    if found is not None:
        return found
    try:
        return f"{_class_of(node)}({_constant(vars(node))})"
    except TypeError:  # it has parts that are not attributes
        raise UnnamedError from None


def _collection(node: Any, part: Any) -> str | None:
    if type(node) in (tuple, list, frozenset) or (isinstance(node, tuple) and hasattr(node, "_fields")):
        parts = map(part, node)
        return f"{_class_of(node)}({', '.join(sorted(parts) if isinstance(node, frozenset) else parts)})"
    if type(node) is dict:
        return "{" + ", ".join(f"{_constant(key)}: {part(value)}" for key, value in node.items()) + "}"
    return None


def _class_of(node: Any) -> str:
    name = _named(type(node))
    if name is None:
        raise UnnamedError
    return name


def _named(node: Any) -> str | None:
    """Of a class or function of a package that is trusted; None for what is neither.

    Raises:
        UnnamedError: if it is of another package, or depends on what surrounds it.
    """
    module, name = getattr(node, "__module__", None), getattr(node, "__qualname__", None)
    if not (isinstance(module, str) and isinstance(name, str)) or not (isinstance(node, type) or callable(node)):
        return None
    if module.partition(".")[0] not in TRUSTED:
        raise UnnamedError
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    if found is node:
        return f"{module}:{name}"
    if not isinstance(node, FunctionType) or node.__closure__ is not None:
        raise UnnamedError
    code = node.__code__  # a lambda, say: its place and its code tell it from its neighbours
    says = code.co_code.hex(), repr(code.co_names), code.co_firstlineno, _constant(node.__defaults__)
    return f"{module}:{name} {says}"
