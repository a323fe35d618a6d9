"""What an evaluation costs without an optimiser around it: value and gradient, compiled alone."""

import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import PyTree

from neuralode_lbfgs.optimise import Minimiser, StopReason
from neuralode_lbfgs.optimise.compiled import Compiled
from neuralode_lbfgs.optimise.minimise import free_vector
from neuralode_lbfgs.optimise.progress import Limits

EVALUATIONS = 300  # of the optimiser: enough for a mean, soon done
CHUNK = 10  # of them between two looks: an adaptive solve takes more steps the further a fit has come


def bare_evaluation(value: Callable[..., jax.Array], start: PyTree, data: tuple) -> dict[str, float]:
    """Seconds to compile value and gradient, and seconds an evaluation of it and of the optimiser's loop.

    Both are timed in turn, the bare one at the best point after each chunk: same parameters, same load of the machine.
    And both in a compiled loop, since calls from the host cost the more the busier the machine is.
    """
    value_and_grad = jax.value_and_grad(value)
    plain = Compiled(value_and_grad)
    plain.program(start, *data)

    def chunk_of_bare(params: PyTree, data: tuple) -> PyTree:
        def body(_, params):
            gradient = value_and_grad(params, *data)[1]
            # The same point again, in a way that the compiler cannot see.
            return jax.tree.map(lambda leaf, slope: leaf + 0.0 * jnp.nan_to_num(slope), params, gradient)

        return jax.lax.fori_loop(0, CHUNK, body, params)

    bare = Compiled(chunk_of_bare).program(start, data)
    minimiser = Minimiser(value, start)
    limits = Limits.of(free_vector(start)[0].dtype, max_evals=EVALUATIONS, chunk_evals=CHUNK)
    state = minimiser.init(start)
    chunk = minimiser.chunk.program(state, limits, data)

    ours_s = bare_s = 0.0
    looks = 0
    while minimiser.reason(state) is StopReason.RUNNING:
        began = time.perf_counter()
        state = jax.block_until_ready(chunk(state, limits, data))
        ours_s += time.perf_counter() - began
        params, looks = minimiser.params(state), looks + 1
        began = time.perf_counter()
        jax.block_until_ready(bare(params, data))
        bare_s += time.perf_counter() - began
    evaluations = int(state.progress.evaluations)
    return {"compile_s": plain.seconds, "bare_s": bare_s / (looks * CHUNK), "ours_s": ours_s / evaluations}
