"""Compiled programs that several fits share: only the first of them compiles.

The fits of an ensemble, or from several starts, differ in the numbers that are trained and in nothing else. A program
takes these numbers as an argument and holds all else as constants, so that it serves every fit with the same ones.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

T = TypeVar("T")


class Programs:
    """What was compiled in a call of `fit`, by its purpose and by what it holds as constants."""

    def __init__(self):
        self._kept: list[tuple[Any, Any]] = []

    def shared(self, purpose: str, free: Any, fixed: Any, make: Callable[[], T]) -> T:
        """What was made before for the same purpose and constants, else what `make` makes.

        Args:
            free: an example of what is trained, of which only structure, shapes and types count.
            fixed: what is closed over.
        """
        leaves, structure = jax.tree.flatten(free)
        key = (purpose, structure, [(leaf.shape, leaf.dtype.name) for leaf in leaves], fixed)
        for known, made in self._kept:
            if same(known, key):
                return made
        made = make()
        self._kept.append((key, made))
        return made


def same(one: Any, other: Any) -> bool:
    """Whether two trees have the same structure and the same leaves, arrays to the last bit."""
    if jax.tree.structure(one) != jax.tree.structure(other):
        return False
    return all(_equal(a, b) for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True))


def _equal(a: Any, b: Any) -> bool:
    if a is b:
        return True
    arrays = [isinstance(leaf, jax.Array | np.ndarray) for leaf in (a, b)]
    if not any(arrays):
        return bool(a == b)
    if not all(arrays) or a.dtype != b.dtype or a.shape != b.shape:
        return False
    keys = jnp.issubdtype(a.dtype, jax.dtypes.prng_key)
    return not keys and np.array_equal(np.asarray(a), np.asarray(b), equal_nan=a.dtype.kind in "fc")
