"""What an evaluation costs without an optimiser around it: value and gradient, compiled alone."""

import time
from collections.abc import Callable

import jax
from jaxtyping import PyTree

from neuralode_lbfgs.compiling import Compiled
from neuralode_lbfgs.optimise import Minimiser, StopReason

CHUNK = 10  # evaluations between two looks at the clock
CHUNKS = 30  # enough for a mean, soon done


def bare_evaluation(value: Callable[..., jax.Array], start: PyTree, data: tuple) -> dict[str, float]:
    """Seconds to compile value and gradient, and seconds an evaluation of it and of the optimiser's loop.

    Both are timed in turn, the bare one at the very points that the optimiser has just tried: an adaptive solve takes
    more steps at some than at others, and the load of the machine changes. And both in a compiled loop, since calls
    from the host cost the more the busier the machine is.
    """
    plain = Compiled(jax.value_and_grad(value))
    plain.program(start, *data)
    minimiser = Minimiser(value, start)

    def tried(state: PyTree, data: tuple) -> tuple[PyTree, jax.Array]:
        def one(state, _):
            return minimiser.step(state, *data), state.x + state.step * state.direction

        return jax.lax.scan(one, state, length=CHUNK)

    def evaluated(points: jax.Array, data: tuple) -> tuple[jax.Array, jax.Array]:
        loss = lambda x: value(minimiser.rebuild(x), *data)  # noqa: E731
        return jax.lax.map(jax.value_and_grad(loss), points)

    state, seconds = minimiser.init(start), [0.0, 0.0]
    ours = Compiled(tried).program(state, data)
    bare, chunks = None, 0
    while minimiser.reason(state) is StopReason.RUNNING and chunks < CHUNKS:
        (state, points), took = timed(ours, state, data)
        bare = bare or Compiled(evaluated).program(points, data)
        seconds[0] += took
        seconds[1] += timed(bare, points, data)[1]
        chunks += 1
    ours_s, bare_s = (total / (chunks * CHUNK) for total in seconds)
    return {"compile_s": plain.seconds, "bare_s": bare_s, "ours_s": ours_s}


def timed(program: Callable[..., PyTree], *args: PyTree) -> tuple[PyTree, float]:
    """What a program returns, once it is there, and the seconds that took."""
    began = time.perf_counter()
    found = jax.block_until_ready(program(*args))
    return found, time.perf_counter() - began
