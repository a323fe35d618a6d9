"""Many starts as one compiled program: lanes side by side, each taken over by the next start when it has ended.

One trip of the loop evaluates every lane once, wherever its line search is, so that no search waits for another.
A lane whose start has ended waits for the end of the chunk at most, not for the slowest of all starts.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from ..compiling import Compiled
from .first_order import Optax
from .lbfgs import LBFGS
from .minimise import Minimiser
from .minimum import Iteration, Minimum, iterations_of
from .progress import Limits
from .stopping import StopReason


def minimise_many(
    value_fn: Callable[..., jax.Array],
    starts: Sequence[Any],
    *args: Any,
    optimizer: LBFGS | Optax | optax.GradientTransformation | None = None,
    lanes: int = 16,
    chunk_evals: int = 25,
    **limits: Any,
) -> list[Minimum]:
    """Minimise `value_fn(params, *args)` from each of several starts.

    Args:
        value_fn, args: as for `minimise`; they are the same for all starts.
        starts: pytrees of one structure, with arrays of the same shapes.
        optimizer: as for `minimise`.
        lanes: how many starts run side by side.
        chunk_evals: evaluations of each lane between two looks of the host, which refills lanes.
        limits: of every start: max_iter, max_evals, gtol, ftol, patience.

    Returns:
        One `Minimum` a start, in their order; of the seconds each has its share. After Ctrl-C those that had not
        ended are at their best point, and those that had not begun at their start.

    Raises:
        ValueError: if there is no start, or there are no lanes.
    """
    if not starts or lanes < 1:
        raise ValueError(f"give at least one start and one lane; there are {len(starts)} starts and {lanes} lanes.")
    minimiser = Minimiser(value_fn, starts[0], optimizer)
    chunk = Compiled(jax.vmap(minimiser.chunk.plain, in_axes=(0, None, None)))
    args = jax.tree.map(jnp.asarray, args)
    # Between chunks states are NumPy arrays: each operation on JAX arrays would compile a program of its own.
    states = [jax.tree.map(np.asarray, minimiser.init(start)) for start in starts]
    bounds = Limits.of(states[0].progress.best_x.dtype, chunk_evals=chunk_evals, **limits)
    history: list[list[Iteration]] = [[] for _ in starts]
    reasons = [StopReason.RUNNING] * len(starts)

    waiting = deque(range(len(starts)))
    # Of each lane; one that has ended and finds no successor stays where it is, and idles.
    owners = [waiting.popleft() for _ in range(min(lanes, len(starts)))]
    began = time.perf_counter()
    try:
        while any(reasons[owner] is StopReason.RUNNING for owner in owners):
            stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *(states[owner] for owner in owners))
            program = chunk.program(stacked, bounds, args)
            before = time.perf_counter() - began - chunk.seconds
            after_chunk = jax.tree.map(np.asarray, program(stacked, bounds, args))
            now = time.perf_counter() - began - chunk.seconds
            for lane, owner in enumerate(owners):
                if reasons[owner] is not StopReason.RUNNING:
                    continue
                state = jax.tree.map(lambda leaf, lane=lane: leaf[lane], after_chunk)
                history[owner] += iterations_of(state.progress, before, now)
                reasons[owner] = StopReason.from_code(int(state.progress.reason))
                states[owner] = state
                if reasons[owner] is not StopReason.RUNNING and waiting:
                    owners[lane] = waiting.popleft()
    except KeyboardInterrupt:
        reasons = [StopReason.INTERRUPTED if reason is StopReason.RUNNING else reason for reason in reasons]
    share = (time.perf_counter() - began - chunk.seconds) / len(starts)
    return [
        minimiser.minimum(state, rows, reason, compile_s=chunk.seconds / len(starts), run_s=share)
        for state, rows, reason in zip(states, history, reasons, strict=True)
    ]
