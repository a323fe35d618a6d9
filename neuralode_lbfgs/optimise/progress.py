"""What a minimisation has seen so far, and whether it should go on; shared by all optimisers."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from .stopping import StopReason

FINAL = (StopReason.SEARCH_FAILED, StopReason.NONFINITE_START, StopReason.UNBOUNDED, StopReason.DIVERGED)
ROWS = 64  # iterations recorded per chunk; a full buffer ends the chunk and is emptied by the host


class Limits(eqx.Module):
    """When to stop; traced, so that other limits do not compile anew.

    `gtol` bounds the largest component of the gradient. `ftol` bounds the relative decrease
    (f_k - f_{k+1}) / max(|f_k|, |f_{k+1}|), `patience` times in a row.
    """

    gtol: Float[Array, ""]
    ftol: Float[Array, ""]
    patience: Int[Array, ""]
    max_iter: Int[Array, ""]
    max_evals: Int[Array, ""]
    chunk_evals: Int[Array, ""]

    @classmethod
    def of(
        cls,
        dtype: np.dtype | type,
        *,
        max_iter: int = 1000,
        max_evals: int = 100_000,
        gtol: float = 1e-8,
        ftol: float = 1e-9,
        patience: int = 5,
        chunk_evals: int = 100,
    ) -> "Limits":
        """Limits from plain numbers, for parameters of a dtype."""
        counts = (min(number, 2**31 - 1) for number in (patience, max_iter, max_evals, chunk_evals))
        return cls(
            jnp.asarray(gtol, dtype), jnp.asarray(ftol, dtype), *(jnp.asarray(count, jnp.int32) for count in counts)
        )

    def with_chunk(self, evaluations: int) -> "Limits":
        """These with a chunk of so many evaluations."""
        return eqx.tree_at(lambda one: one.chunk_evals, self, jnp.asarray(evaluations, jnp.int32))


class Progress(eqx.Module):
    """Counters, the best point, and the history of the present chunk.

    A row of `rows` is (iteration, evaluations, loss, gradient norm, step size, pairs, skipped, restarts).
    """

    iterations: Int[Array, ""]
    evaluations: Int[Array, ""]
    chunk_evaluations: Int[Array, ""]
    flat: Int[Array, ""]  # iterations in a row with a decrease below ftol
    failed_searches: Int[Array, ""]
    restarts: Int[Array, ""]
    skipped: Int[Array, ""]  # curvature pairs
    rejected: Int[Array, ""]  # evaluations that were not finite
    reason: Int[Array, ""]
    best_x: Float[Array, " free"]
    best_value: Float[Array, ""]
    rows: Float[Array, "rows 8"]
    row_count: Int[Array, ""]

    @classmethod
    def start(cls, x: Float[Array, " free"]) -> "Progress":
        zero = jnp.asarray(0, jnp.int32)
        return cls(
            zero, zero, zero, zero, zero, zero, zero, zero, zero,
            x, jnp.asarray(jnp.inf, x.dtype), jnp.zeros((ROWS, 8), x.dtype), zero,
        )  # fmt: skip

    def reopen(self) -> "Progress":
        """The same counters for a loss that has changed: the best value of the old one is void."""
        return eqx.tree_at(
            lambda p: (p.best_value, p.reason, p.flat),
            self,
            (jnp.full_like(self.best_value, jnp.inf), jnp.zeros_like(self.reason), jnp.zeros_like(self.flat)),
        )

    def next_chunk(self) -> "Progress":
        """Empty the history buffer, after the host has read it."""
        zero = jnp.zeros_like(self.row_count)
        return eqx.tree_at(lambda p: (p.row_count, p.chunk_evaluations), self, (zero, zero))

    def resumed(self, limits: Limits) -> "Progress":
        """The same counters for a run that is taken up again, perhaps with other limits; some ends no limit undoes."""
        reason = jnp.where(self.iterations >= limits.max_iter, StopReason.MAX_ITER.code, StopReason.RUNNING.code)
        reason = jnp.where(self.evaluations >= limits.max_evals, StopReason.MAX_EVALS.code, reason)
        reason = jnp.where(jnp.isin(self.reason, jnp.asarray([end.code for end in FINAL])), self.reason, reason)
        return eqx.tree_at(lambda p: p.reason, self, reason.astype(self.reason.dtype))

    def goes_on(self, limits: Limits) -> Bool[Array, ""]:
        """Whether the compiled loop takes another step."""
        return (
            (self.reason == StopReason.RUNNING.code)
            & (self.row_count < ROWS)
            & (self.chunk_evaluations < limits.chunk_evals)
        )


def record(
    progress: Progress,
    limits: Limits,
    *,
    x: Float[Array, " free"],
    previous: Float[Array, ""],
    value: Float[Array, ""],
    gradient: Float[Array, " free"],
    step: Float[Array, ""],
    took_step: Bool[Array, ""],
    evaluated_start: Bool[Array, ""],
    finite: Bool[Array, ""],
    trial: tuple[Any, Any] | None = None,
    dead: Any = False,
    diverged: Any = False,
    unbounded: Any = False,
    comparable: Any = True,
    search_failed: Any = False,
    memory_restarted: Any = False,
    pairs: Any = 0,
    pair_skipped: Any = False,
    evaluations: Any = 1,
) -> Progress:
    """The progress after one step of an optimiser.

    Args:
        x, value, gradient: the current iterate.
        previous: the loss that its decrease is measured from.
        step: the size of the step that led to it.
        took_step: whether the iterate is new. `evaluated_start`: whether the start was evaluated.
        finite: whether this evaluation gave a finite value and gradient.
        trial: the point just evaluated and its value, if that is not the iterate.
        dead, diverged, unbounded: whether the optimiser has no way to go on, and why.
        comparable: whether values at different iterates are of the same loss; if not (mini-batches), the
            latest iterate counts as the best, and the run does not end for want of decrease.
        search_failed, memory_restarted, pair_skipped: counted for the diagnosis.
        pairs: of curvature, from which the step's direction was formed.
        evaluations: how many evaluations of value and gradient the step took.
    """
    iterations = progress.iterations + jnp.where(took_step, 1, 0)
    evaluations = jnp.asarray(evaluations, progress.evaluations.dtype)
    total = progress.evaluations + evaluations
    gradient_norm = jnp.max(jnp.abs(gradient), initial=0.0)
    arrived = took_step | evaluated_start

    scale = jnp.maximum(jnp.maximum(jnp.abs(previous), jnp.abs(value)), jnp.finfo(x.dtype).tiny)
    small = took_step & ((previous - value) <= limits.ftol * scale)
    flat = jnp.where(took_step, jnp.where(small, progress.flat + 1, 0), progress.flat)

    def stop(reason, condition, otherwise):
        return jnp.where(condition, reason.code, otherwise)

    reason = jnp.asarray(StopReason.RUNNING.code, jnp.int32)
    reason = stop(StopReason.MAX_EVALS, total >= limits.max_evals, reason)
    reason = stop(StopReason.MAX_ITER, iterations >= limits.max_iter, reason)
    reason = stop(StopReason.DECREASE, (flat >= limits.patience) & comparable, reason)
    reason = stop(StopReason.GRADIENT, arrived & (gradient_norm <= limits.gtol), reason)
    reason = stop(StopReason.UNBOUNDED, unbounded | (arrived & (value < -0.1 * jnp.finfo(x.dtype).max ** 0.5)), reason)
    reason = stop(StopReason.SEARCH_FAILED, dead, reason)
    reason = stop(StopReason.DIVERGED, diverged, reason)
    reason = stop(StopReason.NONFINITE_START, evaluated_start & ~finite, reason)

    trial_x, trial_value = (x, value) if trial is None else trial
    better = finite & ((trial_value < progress.best_value) | ~jnp.asarray(comparable))
    restarts = progress.restarts + jnp.where(memory_restarted, 1, 0)
    skipped = progress.skipped + jnp.where(pair_skipped, 1, 0)
    size = jnp.where(took_step, step, 0)
    columns = (iterations, total, value, gradient_norm, size, pairs, skipped, restarts)
    row = jnp.stack([jnp.asarray(column, x.dtype) for column in columns])
    return Progress(
        iterations=iterations,
        evaluations=total,
        chunk_evaluations=progress.chunk_evaluations + evaluations,
        flat=flat,
        failed_searches=progress.failed_searches + jnp.where(search_failed, 1, 0),
        restarts=restarts,
        skipped=skipped,
        rejected=progress.rejected + jnp.where(finite, 0, 1),
        reason=jnp.asarray(reason, jnp.int32),
        best_x=jnp.where(better, trial_x, progress.best_x),
        best_value=jnp.where(better, trial_value, progress.best_value),
        # A loop that steps on without emptying the buffer writes over its oldest rows.
        rows=jnp.where(arrived, progress.rows.at[progress.row_count % ROWS].set(row), progress.rows),
        row_count=progress.row_count + jnp.where(arrived, 1, 0),
    )
