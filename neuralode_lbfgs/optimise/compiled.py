"""Programs compiled ahead of time, so that what compiling costs is known apart from what running costs."""

import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp


class Compiled:
    """A function that is compiled once for arguments of each shape.

    Args:
        function: of pytrees of arrays.
        options: passed to the XLA compiler.
    """

    function: Callable[..., Any]
    options: dict[str, Any] | None
    seconds: float  # of tracing and compiling
    compiles: int

    def __init__(self, function: Callable, options: dict[str, Any] | None = None):
        self.function, self.options = function, options
        self.seconds = 0.0
        self.compiles = 0
        self._programs: dict[Any, Callable] = {}

    def program(self, *arguments: Any) -> Callable:
        """The program for these shapes; `seconds` counts tracing and compiling."""
        shapes = jax.tree.map(lambda leaf: (jnp.shape(leaf), jnp.result_type(leaf).name), arguments)
        key = (jax.tree.structure(arguments), tuple(jax.tree.leaves(shapes)))
        if key not in self._programs:
            started = time.perf_counter()
            lowered = jax.jit(self.function).lower(*arguments)
            self._programs[key] = lowered.compile(compiler_options=self.options)
            self.seconds += time.perf_counter() - started
            self.compiles += 1
        return self._programs[key]
