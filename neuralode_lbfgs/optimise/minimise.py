"""The front door: minimise any scalar function of any pytree, in compiled chunks."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jax.flatten_util import ravel_pytree

from ..compiling import Compiled
from .first_order import Optax
from .given import one_number, optimizer_given
from .lbfgs import LBFGS
from .minimum import Iteration, Minimum, Paused, iterations_of
from .progress import ROWS, Limits
from .stopping import StopReason

LOOK = 1.0  # seconds between two looks of the host, where no evaluation takes longer: Ctrl-C is not kept waiting


def free_vector(params: Any) -> tuple[jax.Array, Callable[[jax.Array], Any]]:
    """All inexact arrays of a pytree as one vector, and the function that puts a vector back.

    One vector leaves no room for the traps of leaves (mixed precision, empty or integer leaves,
    keys called "value") and makes every product of the optimiser a single operation.

    Raises:
        ValueError: if there is no inexact array to train, or one is complex.
    """
    free, fixed = eqx.partition(params, eqx.is_inexact_array)
    leaves = jax.tree.leaves(free)
    if not leaves:
        raise ValueError("there is nothing to train: the parameters hold no array of floating-point numbers.")
    if any(jnp.iscomplexobj(leaf) for leaf in leaves):
        raise ValueError("a parameter is complex; give its real and imaginary parts as two real arrays.")
    vector, unravel = ravel_pytree(free)
    return vector, lambda x: eqx.combine(unravel(x), fixed)


class Minimiser:
    """A compiled minimisation, to be run on several starts and data of the same shapes.

    `run` is the whole; `init` and `step` are the same machine for a loop of your own:

        >>> minimiser = Minimiser(lambda p, target: ((p["a"] - target) ** 2).sum(), {"a": jnp.zeros(2)})
        >>> state, step = minimiser.init({"a": jnp.zeros(2)}), jax.jit(minimiser.step)
        >>> while minimiser.reason(state) is StopReason.RUNNING:
        ...     state = step(state, 3.0)  # one evaluation of value and gradient, and all that follows from it
        >>> [round(float(a), 3) for a in minimiser.params(state)["a"]]
        [3.0, 3.0]

    Args:
        value_fn: `value_fn(params, *args) -> scalar`. Data belong into `args`: what is closed over
            becomes a constant of the compiled program.
        params: an example of the parameters, any pytree; its inexact arrays are trained, one that occurs twice as two:
            `equinox.nn.Shared` ties them.
        optimizer: an `LBFGS` or `Optax`, or an optax transformation.
        compiler_options: passed to the XLA compiler.
    """

    optimizer: LBFGS | Optax
    value_fn: Callable[..., jax.Array]
    rebuild: Callable[[jax.Array], Any]  # the second of `free_vector`
    limits: Limits
    chunk: Compiled

    def __init__(
        self,
        value_fn: Callable[..., jax.Array],
        params: Any,
        optimizer: LBFGS | Optax | optax.GradientTransformation | None = None,
        compiler_options: dict[str, Any] | None = None,
    ):
        self.optimizer = optimizer_given(optimizer)
        self.value_fn = value_fn
        vector, self.rebuild = free_vector(params)
        self.limits = Limits.of(vector.dtype)
        # One program: each operation outside of one compiles a program of its own.
        self._init = jax.jit(lambda x: strong(self.optimizer.init(x)))

        self.chunk = Compiled(_chunk, value_fn, params, self.optimizer, options=compiler_options)

    def init(self, params: Any) -> Any:
        """The state before the first evaluation: a plain pytree, to be saved and taken up again."""
        return self._init(free_vector(params)[0])

    def step(self, state: Any, *args: Any, limits: Limits | None = None) -> Any:
        """The state after one more step, for L-BFGS one evaluation of value and gradient; a pure function to jit.

        Args:
            args: the data; others from step to step are another loss, for which L-BFGS is not made.
            limits: when to stop; those of `Limits.of` by default.
        """
        limits = self.limits if limits is None else limits
        return _step(self.value_fn, self.rebuild, self.optimizer, state, limits, args)

    def params(self, state: Any) -> Any:
        """The best parameters so far."""
        return self.rebuild(state.progress.best_x)

    def reason(self, state: Any) -> StopReason:
        """Why it ended, or that it is running."""
        return StopReason.from_code(int(state.progress.reason))

    def run(
        self,
        params: Any,
        *args: Any,
        max_iter: int = 1000,
        max_evals: int = 100_000,
        gtol: float = 1e-8,
        ftol: float = 1e-9,
        patience: int = 5,
        time_limit: float | None = None,
        chunk_evals: int = 100,
        state: Any | None = None,
        between: Callable[[Any, Any], tuple | None] | None = None,
        callback: Callable[[list[Iteration]], None] | None = None,
        paused: Paused | None = None,
        pause: Callable[[Paused], None] | None = None,
    ) -> Minimum:
        """Minimise from `params`.

        Args:
            args: the data, handed to `value_fn` after the parameters.
            max_iter, max_evals, gtol, ftol, patience: see `Limits`.
            time_limit: seconds of running, compilation not counted; heeded to within a second or an evaluation.
            chunk_evals: evaluations of a chunk.
            state: go on from `Minimum.state` of an earlier run of the same shapes, in place of `params`;
                limits count from its start.
            between: `between(best_params, args) -> args or None`, called between chunks; new data
                (a refined mesh) make the loss be evaluated anew at the best point. Also called when the loss
                no longer falls, and the run goes on unless it was flat from the last such change on.
            callback: called with the history after each chunk, and about once a second within longer ones.
            paused: go on from here, in place of `params`, to the same bits as a run that was never stopped; `args`
                are those that were in use then: what `between` returned last.
            pause: called with a `Paused` after each chunk, before `callback`: also with one that has ended.
        """
        vector = free_vector(params)[0]
        now: Any = self.init(params) if state is None and paused is None else strong(state)
        args = jax.tree.map(jnp.asarray, args)
        history: list[Iteration] = []
        spent = (0.0, 0.0) if paused is None else (paused.compile_s, paused.run_s)
        compiled_before, started = self.chunk.seconds - spent[0], time.perf_counter() - sum(spent)
        limits = Limits.of(
            vector.dtype, max_iter=max_iter, max_evals=max_evals, gtol=gtol, ftol=ftol, patience=patience
        )  # fmt: skip
        compiled = lambda: self.chunk.seconds - compiled_before  # noqa: E731
        elapsed = lambda: time.perf_counter() - started - compiled()  # noqa: E731
        if paused is not None:
            now, history = paused.state, list(paused.history)
            reason, loss, restarted_at = paused.reason, paused.loss, paused.restarted_at
        else:
            if state is not None:
                now = eqx.tree_at(lambda s: s.progress, now, now.progress.resumed(limits))
            reason, loss, restarted_at = self.reason(now), float(now.progress.best_value), -patience - 1
        piece, counts = 1, _counts(now)
        begun = counts  # of the chunk
        try:
            while reason is StopReason.RUNNING:
                # Pieces end by the clock, which must change no bit: what follows from a chunk waits for its end.
                before = counts
                most = min(chunk_evals - (before[0] - begun[0]), ROWS - (before[1] - begun[1]))
                piece_limits = limits.with_chunk(min(piece, most))
                program = self.chunk.program(now, piece_limits, args)
                piece_started = elapsed()
                now = jax.block_until_ready(program(now, piece_limits, args))
                history += iterations_of(now.progress, piece_started, elapsed())
                reason, loss = self.reason(now), float(now.progress.best_value)
                counts = _counts(now)
                each = (elapsed() - piece_started) / max(counts[0] - before[0], 1)
                left = LOOK if time_limit is None else min(LOOK, time_limit - elapsed())
                piece = max(1, int(min(left / max(each, 1e-9), chunk_evals)))
                whole = counts[0] - begun[0] >= chunk_evals or counts[1] - begun[1] >= ROWS
                if whole or reason is not StopReason.RUNNING:
                    # Flat from the last restart on: other data of the same kind would not change that.
                    settled = reason is StopReason.DECREASE and counts[1] <= restarted_at + patience
                    if between is not None and not settled and reason in (StopReason.RUNNING, StopReason.DECREASE):
                        new_args = between(self.params(now), args)
                        if new_args is not None:
                            args = jax.tree.map(jnp.asarray, new_args)
                            now = strong(self.optimizer.restart(now, now.progress.best_x))
                            restarted_at = counts[1]
                            reason = StopReason.RUNNING
                    begun = counts
                    if pause is not None:
                        pause(Paused(now, history, reason, loss, restarted_at, compiled(), elapsed()))
                if callback is not None:
                    callback(history)
                if reason is StopReason.RUNNING and time_limit is not None and elapsed() > time_limit:
                    reason = StopReason.TIME_LIMIT
        except KeyboardInterrupt:
            reason = StopReason.INTERRUPTED
        return self.minimum(now, history, reason, compile_s=compiled(), run_s=elapsed(), loss=loss)

    def minimum(
        self,
        state: Any,
        history: Sequence[Iteration],
        reason: StopReason,
        *,
        compile_s: float,
        run_s: float,
        loss: float | None = None,
    ) -> Minimum:
        """What is returned of a state in which a run has ended; the loss is its best value, unless it is given."""
        progress = state.progress
        return Minimum(
            params=self.params(state),
            loss=float(progress.best_value) if loss is None else loss,
            reason=reason,
            history=tuple(history),
            iterations=int(progress.iterations),
            evaluations=int(progress.evaluations),
            failed_searches=int(progress.failed_searches),
            rejected=int(progress.rejected),
            compile_s=compile_s,
            run_s=run_s,
            state=state,
        )


def _counts(state: Any) -> tuple[int, int]:
    """Evaluations and iterations so far."""
    return int(state.progress.evaluations), int(state.progress.iterations)


def _chunk(value_fn: Callable, params: Any, optimizer: LBFGS | Optax, state: Any, limits: Limits, args: tuple) -> Any:
    """The state after steps until the limits of a chunk are reached."""
    rebuild = free_vector(params)[1]
    # The host has read the history of the chunk before.
    state = eqx.tree_at(lambda s: s.progress, state, state.progress.next_chunk())
    return jax.lax.while_loop(
        lambda s: s.progress.goes_on(limits), lambda s: _step(value_fn, rebuild, optimizer, s, limits, args), state
    )


def _step(
    value_fn: Callable, rebuild: Callable, optimizer: LBFGS | Optax, state: Any, limits: Limits, args: tuple
) -> Any:
    drawn = _sampled(optimizer, state, args)
    value_and_grad = _ValueAndGrad(lambda x: value_fn(rebuild(x), *drawn))
    return strong(optimizer.step(value_and_grad, state, limits))


def _sampled(optimizer: LBFGS | Optax, state: Any, args: tuple) -> tuple:
    sample = getattr(optimizer, "sample", None)
    if sample is None:
        return args
    key = jax.random.fold_in(jax.random.key(getattr(optimizer, "seed", 0)), state.progress.evaluations)
    return sample(key, args)


class _ValueAndGrad:
    """`value_and_grad`, with the value alone for optimisers that have a search of their own."""

    def __init__(self, value_fn):
        # Data of another precision must not change that of the optimiser's state.
        self.value_fn = lambda x: one_number(value_fn(x), x.dtype)
        self._both = jax.value_and_grad(self.value_fn)

    def __call__(self, x):
        return self._both(x)


def strong(tree: Any) -> Any:
    """Strong types throughout: a weakly typed leaf would make the second call compile again."""
    return jax.tree.map(lambda leaf: jax.lax.convert_element_type(leaf, jnp.result_type(leaf)), tree)


def minimise(
    value_fn: Callable[..., jax.Array],
    params: Any,
    *args: Any,
    optimizer: LBFGS | Optax | optax.GradientTransformation | None = None,
    **limits: Any,
) -> Minimum:
    """Minimise `value_fn(params, *args)` over the inexact arrays of the pytree `params`.

    Keywords are those of `Minimiser.run`: max_iter, max_evals, gtol, ftol, patience, time_limit, ...

    Example:
        >>> import jax.numpy as jnp
        >>> from neuralode_lbfgs.optimise import minimise
        >>> result = minimise(lambda p: ((p["a"] - 3.0) ** 2).sum(), {"a": jnp.zeros(2)}, gtol=1e-4)
        >>> [round(float(a), 3) for a in result.params["a"]]
        [3.0, 3.0]
    """
    return Minimiser(value_fn, params, optimizer).run(params, *args, **limits)
