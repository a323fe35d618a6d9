"""Programs compiled ahead of time, so that what compiling costs is known apart from what running costs."""

import time
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
from jax.core import Tracer

from .shelf import traced

MOST_KEPT = 64  # programs of one function, the oldest given up first: shapes and modules of one's own can be many

_spent = [0.0]  # seconds, of all programs


def compile_seconds() -> float:
    """Of tracing and compiling all programs of this process so far."""
    return _spent[0]


class Compiled:
    """A function that is compiled once for arguments of each shape.

    Arrays are arguments of the program, those in `held` too: another data set of the same shapes is served by the same
    program. All else (sizes, activations, solvers) is part of it, as in `equinox.filter_jit`.

    Args:
        function: of pytrees; called as `function(*held, *arguments)`.
        held: what it is given first, always.
        options: passed to the XLA compiler.
    """

    function: Callable[..., Any]
    held: tuple[Any, ...]
    options: dict[str, Any] | None
    seconds: float  # of tracing and compiling
    compiles: int

    def __init__(self, function: Callable, *held: Any, options: dict[str, Any] | None = None):
        self.function, self.held, self.options = function, held, options
        self.seconds = 0.0
        self.compiles = 0
        self._programs: dict[Any, Callable] = {}

    def plain(self, *arguments: Any) -> Any:
        """What the function returns, as it is: to be traced within other programs."""
        return self.function(*self.held, *arguments)

    def __call__(self, *arguments: Any) -> Any:
        """What the function returns, whose leaves must be arrays; within other programs it is a part of these."""
        if any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(arguments)):
            return self.plain(*arguments)
        return self.program(*arguments)(*arguments)

    def program(self, *arguments: Any) -> Callable:
        """The program for these shapes; `seconds` counts tracing and compiling."""
        leaves, structure = jax.tree.flatten((self.held, arguments))
        key = (structure, *(_shape(leaf) if eqx.is_array(leaf) else leaf for leaf in leaves))
        if key not in self._programs:
            started = time.perf_counter()
            if len(self._programs) == MOST_KEPT:
                del self._programs[next(iter(self._programs))]
            self._programs[key] = self._compiled(leaves, structure)
            took = time.perf_counter() - started
            self.seconds += took
            _spent[0] += took
            self.compiles += 1
        return self._programs[key]

    def _compiled(self, leaves: list[Any], structure: Any) -> Callable:
        # No program holds what holds it: those of a fit that is done are to be freed at once. Each takes some of the
        # 65,530 mappings that a process has on Linux, and the garbage collector comes too late for a dozen fits.
        function, given_first = self.function, self.held
        static = [None if eqx.is_array(leaf) else leaf for leaf in leaves]
        places = [i for i, leaf in enumerate(leaves) if eqx.is_array(leaf)]
        arrays = [leaves[i] for i in places]

        def of_arrays(*arrays):
            filled = list(static)
            for i, array in zip(places, arrays, strict=True):
                filled[i] = array
            held, arguments = jax.tree.unflatten(structure, filled)
            return function(*held, *arguments)

        flat, outline = traced(function, of_arrays, jax.tree.unflatten(structure, leaves), arrays)
        program = flat.lower(*arrays).compile(compiler_options=self.options)

        def run(*arguments: Any) -> Any:
            given = [leaf for leaf in jax.tree.leaves((given_first, arguments)) if eqx.is_array(leaf)]
            return outline(program(*given), (given_first, arguments))

        return run


def _shape(array: Any) -> tuple[Any, ...]:
    return array.shape, array.dtype.name, getattr(array, "weak_type", False)
