"""Any optax transformation behind the same front door as L-BFGS."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float

from .progress import Limits, Progress, record


class OptaxState(eqx.Module):
    """The present point, not yet evaluated, and optax's own state."""

    x: Float[Array, " free"]
    value: Float[Array, ""]
    inner: Any
    fresh: Bool[Array, ""]
    progress: Progress


class Optax(eqx.Module):
    """Runs an optax transformation: `optax.adam(1e-2)`, `optax.lbfgs()`, a chain with a schedule, ...

    Args:
        transformation: the optax transformation.
        sample: `sample(key, args) -> args` draws the mini-batch of each step; None for all data.
        seed: of the mini-batches.
        patience: steps without a new best loss before the run ends; in place of the limits' `patience`,
            which suits methods that descend at every step. Mini-batches run to the other limits.
    """

    transformation: optax.GradientTransformation
    sample: Callable | None = None
    seed: int = 0
    patience: int = 200

    def init(self, x: Float[Array, " free"]) -> OptaxState:
        inner = self.transformation.init(x)
        return OptaxState(x, jnp.asarray(jnp.inf, x.dtype), inner, jnp.asarray(True), Progress.start(x))

    def restart(self, state: OptaxState, x: Float[Array, " free"]) -> OptaxState:
        """Go on from x when the loss has changed."""
        return eqx.tree_at(lambda s: (s.x, s.fresh, s.progress), state, (x, jnp.asarray(True), state.progress.reopen()))

    def step(self, value_and_grad: Callable, state: OptaxState, limits: Limits) -> OptaxState:
        """One update. Transformations with a line search of their own evaluate more than once."""
        update = optax.with_extra_args_support(self.transformation).update
        value_fn = lambda x: value_and_grad(x)[0]  # noqa: E731
        value: Any
        gradient: Any
        searches = optax.tree_utils.tree_get(state.inner, "num_linesearch_steps") is not None
        if searches:
            # The search has already computed value and gradient at its last point.
            value, gradient = optax.value_and_grad_from_state(value_and_grad.value_fn)(state.x, state=state.inner)  # pyright: ignore[reportFunctionMemberAccess]
            value_fn = value_and_grad.value_fn  # pyright: ignore[reportFunctionMemberAccess]
        else:
            value, gradient = value_and_grad(state.x)
        finite = jnp.isfinite(value) & jnp.isfinite(gradient).all()
        limits = eqx.tree_at(lambda m: m.patience, limits, jnp.asarray(self.patience, limits.patience.dtype))
        updates, inner = update(gradient, state.inner, state.x, value=value, grad=gradient, value_fn=value_fn)
        trials = optax.tree_utils.tree_get(inner, "num_linesearch_steps") if searches else 0
        inner = jax.tree.map(lambda new, old: jnp.asarray(new, jnp.result_type(old)), inner, state.inner)
        x: Any = optax.apply_updates(state.x, updates)
        progress = record(
            state.progress,
            limits,
            x=state.x,
            previous=state.progress.best_value,
            value=jnp.where(finite, value, jnp.inf),
            gradient=gradient,
            step=jnp.linalg.norm(x - state.x),
            took_step=~state.fresh,
            evaluated_start=state.fresh,
            finite=finite,
            diverged=~finite & ~state.fresh,
            comparable=self.sample is None,
            evaluations=jnp.where(state.fresh & searches, 1, 0) + (trials if searches else 1),
        )
        return OptaxState(x, value, inner, jnp.asarray(False), progress)
