"""What a person wants of the parameters, freeze and bounds, put upon a model before it is fitted."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from ..data.errors import did_you_mean
from ..models import NeuralODE, constrained, innermost, is_constant, leaf_names
from .bounds import ranges_of
from .options import FitOptions

A_LITTLE = 0.01  # of the width of a range, or of the size of its only bound: how far a start on a bound is moved
ORDER_ONE = (1e-2, 1e2)  # sizes of physical parameters that are trained as they are


def with_constraints(model: Callable, options: FitOptions, notes: list[str]) -> Any:
    """The model with frozen and bounded parameters, and with physical ones of an unusual size made of order one.

    Paths are those of the vector field of a `NeuralODE`, else of the module itself.

    Raises:
        ValueError: if there is no parameter of that name, it cannot be bounded, or it starts outside of its bounds.
    """
    module = parameters_of(model)
    leaves = leaf_names(module)
    frozen = {leaf for name in options.freeze for leaf in _under(name, leaves, "freeze")}
    ranges: dict[str, tuple[float, float]] = {}
    for name, bounds in ranges_of(options.bounds).items():
        under = [leaf for leaf in _under(name, leaves, "bounds") if _is_number(leaves[leaf])]
        for leaf in under:
            if leaf in frozen:
                raise ValueError(f"{leaf!r} is frozen and has bounds; give one of the two.")
            ranges[leaf] = bounds
        if not under:
            raise ValueError(f"{name!r} is a constant, and only arrays are trained: make it an array to bound it.")
    for name, bounds in ranges.items():
        moved = _start_inside(name, leaves[name], bounds, notes)
        if moved is not leaves[name]:
            module, leaves[name] = _replaced(module, name, moved), moved
    scales = {name: _distance(leaves[name], bounds) for name, bounds in ranges.items()}
    for name in physical_names(module):
        if name not in frozen and name not in ranges:
            size = np.abs(np.asarray(leaves[name], np.float64))
            if np.any((size > 0) & ((size < ORDER_ONE[0]) | (size > ORDER_ONE[1]))):
                ranges[name], scales[name] = (-np.inf, np.inf), _power_of_two(np.where(size > 0, size, 1.0))
    module = constrained(module, frozen, ranges, scales)
    return eqx.tree_at(lambda m: m.vector_field, model, module) if isinstance(model, NeuralODE) else module


def parameters_of(model: Callable) -> Any:
    """The module whose paths name the parameters: the vector field, or a model of another kind itself."""
    return model.vector_field if isinstance(model, NeuralODE) else model


def physical_names(module: Any) -> list[str]:
    """The trained arrays that are not weights of a network: of no module of `equinox.nn`."""
    return [name for name, leaf in leaf_names(module).items() if _is_number(leaf) and not _in_network(module, name)]


def covering(leaf: str, paths: Iterable[str]) -> str | None:
    """The path that is the leaf's own, or one above it."""
    return next((path for path in paths if leaf == path or leaf.startswith(f"{path}.")), None)


def _in_network(module: Any, name: str) -> bool:
    node = module
    for part in name.split("."):
        if type(node).__module__.split(".")[:2] == ["equinox", "nn"]:
            return True
        node = _child(node, part)
    return False


def _child(node: Any, part: str) -> Any:
    """What the path of a leaf goes to from a node: an attribute, a key or a place in a sequence."""
    if isinstance(node, Mapping):
        return next((value for key, value in node.items() if str(key) == part), None)
    if isinstance(node, list | tuple) and part.isdigit():
        return node[int(part)]
    return getattr(node, part, None)


def _is_number(leaf: Any) -> bool:
    return not is_constant(leaf) and eqx.is_inexact_array(leaf)


def _under(name: str, leaves: Iterable[str], option: str) -> list[str]:
    """The leaves at a path or below it."""
    found = [leaf for leaf in leaves if covering(leaf, [name])]
    if found:
        return found
    known = {".".join(parts[:n]) for leaf in leaves for parts in [leaf.split(".")] for n in range(1, len(parts) + 1)}
    top = sorted({leaf.split(".")[0] for leaf in leaves})
    raise ValueError(
        f"{option}: there is no parameter {name!r}{did_you_mean(name, sorted(known))}; there are {', '.join(top)}."
    )


def _start_inside(name: str, value: Any, bounds: tuple[float, float], notes: list[str]) -> Any:
    """The start, moved a little where it lies on a bound."""
    low, high = bounds
    numbers = np.asarray(value)
    if not np.all((numbers >= low) & (numbers <= high)):
        wrong = numbers.ravel()[np.flatnonzero((numbers.ravel() < low) | (numbers.ravel() > high))[:1]]
        raise ValueError(
            f"{name!r} starts at {', '.join(f'{w:.6g}' for w in wrong) or 'NaN'}, outside of its bounds "
            f"{low:g} to {high:g}; start it inside."
        )
    least, most = innermost(bounds, numbers.dtype)
    if np.all((numbers >= least) & (numbers <= most)):
        return value
    if np.isfinite(low) and np.isfinite(high):
        little = A_LITTLE * (high - low)
    else:
        little = A_LITTLE * (abs(low if np.isfinite(low) else high) or 1.0)
    moved = np.where(numbers < least, low + little, np.where(numbers > most, high - little, numbers))
    notes.append(f"{name} starts on a bound, from where it could not move: it was moved inside by {little:.3g}.")
    return jnp.asarray(moved, numbers.dtype)


def _distance(value: Any, bounds: tuple[float, float]) -> np.ndarray:
    """How far a number is from its only bound, about; one where both sides are bounded."""
    low, high = bounds
    if np.isfinite(low) and np.isfinite(high):
        return np.ones(np.shape(value))
    return _power_of_two(np.abs(np.asarray(value, np.float64) - (low if np.isfinite(low) else high)))


def _power_of_two(size: np.ndarray | np.floating) -> np.ndarray:
    """Of about that size: to multiply with it rounds nothing."""
    return np.asarray(np.exp2(np.round(np.log2(size))))


def _replaced(module: Any, name: str, value: Any) -> Any:
    def where(tree):
        node = tree
        for part in name.split("."):
            node = _child(node, part)
        return node

    return eqx.tree_at(where, module, value)
