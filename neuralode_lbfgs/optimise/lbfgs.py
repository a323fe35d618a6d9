"""Limited-memory BFGS as a flat state machine: one value and gradient for each step of one loop.

The line search and the outer iteration are unrolled into the same loop, and the first evaluation
is made by the loop itself. A compiled program therefore holds exactly one copy of the objective,
which for an ODE solve is nearly all of its compile time.
"""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.scipy.linalg import solve_triangular
from jaxtyping import Array, Bool, Float, Int

from .line_search import Bracket, advance, open_bracket
from .progress import Limits, Progress, record

ENDLESS = 1e6  # a search that went this many times the size of x, downhill all the way, has no end
WORTHWHILE = 1e-7  # a failed search that lowers the loss by less, relative to it, has not helped, however small ftol is


class Memory(eqx.Module):
    """The last `memory` curvature pairs s = x+ - x, y = g+ - g, oldest first; unused rows are zero."""

    s: Float[Array, "memory free"]
    y: Float[Array, "memory free"]
    sy: Float[Array, "memory memory"]  # s_i . y_j for i <= j, with ones on the diagonal of unused rows
    kept: Int[Array, ""]


class LBFGSState(eqx.Module):
    """All that the next step needs; a plain pytree that can be saved and taken up again."""

    x: Float[Array, " free"]
    value: Float[Array, ""]
    gradient: Float[Array, " free"]
    direction: Float[Array, " free"]
    step: Float[Array, ""]
    bracket: Bracket
    gradient_low: Float[Array, " free"]
    memory: Memory
    fresh: Bool[Array, ""]  # the next evaluation is at x itself: the start, or a loss that has changed
    progress: Progress


def empty_memory(size: int, x: Float[Array, " free"]) -> Memory:
    rows = jnp.zeros((size, x.size), x.dtype)
    return Memory(rows, rows, jnp.eye(size, dtype=x.dtype), jnp.asarray(0, jnp.int32))


def curves_upward(s: Float[Array, " free"], y: Float[Array, " free"]) -> Bool[Array, ""]:
    """Whether a pair says that the loss curves upward along it: s.y > eps |s| |y|, whatever the units."""
    curvature = s @ y
    return jnp.isfinite(curvature) & (curvature > jnp.finfo(s.dtype).eps * jnp.linalg.norm(s) * jnp.linalg.norm(y))


def remember(memory: Memory, s: Float[Array, " free"], y: Float[Array, " free"]) -> Memory:
    """Add a pair, if the loss curves upward along it; else keep the memory as it is."""
    keep = curves_upward(s, y)
    rows_s = jnp.roll(memory.s, -1, axis=0).at[-1].set(s)
    rows_y = jnp.roll(memory.y, -1, axis=0).at[-1].set(y)
    sy = jnp.roll(memory.sy, (-1, -1), axis=(0, 1)).at[-1].set(0).at[:, -1].set(rows_s @ y)
    new = Memory(rows_s, rows_y, sy, jnp.minimum(memory.kept + 1, memory.s.shape[0]))
    return jax.tree.map(lambda a, b: jnp.where(keep, a, b), new, memory)


def quasi_newton_direction(
    memory: Memory, gradient: Float[Array, " free"], scaling: str = "geometric"
) -> Float[Array, " free"]:
    """-H g of the two-loop recursion (Nocedal & Wright, algorithm 7.4) without its loops.

    Written out, its first loop solves R a = S g and its second R^T b = D a - gamma Y (g - Y^T a), with R
    the upper triangle of S Y^T and D its diagonal: two triangular solves give the same numbers as
    2 x memory dependent dot products, in a tenth of the time. For `scaling`, which is gamma, see `LBFGS`.
    """
    s, y, upper = memory.s, memory.y, jnp.triu(memory.sy)
    diagonal = jnp.diagonal(upper)
    curvature = jnp.maximum(y[-1] @ y[-1], jnp.finfo(s.dtype).tiny)
    gamma = jnp.sqrt(s[-1] @ s[-1] / curvature) if scaling == "geometric" else diagonal[-1] / curvature
    gamma = jnp.where(memory.kept > 0, gamma, 1.0)
    a = solve_triangular(upper, s @ gradient)
    scaled = gamma * (gradient - a @ y)
    b = solve_triangular(upper, diagonal * a - y @ scaled, trans="T")
    return -(scaled + b @ s)


class LBFGS(eqx.Module):
    """L-BFGS with a safeguarded strong-Wolfe line search.

    Args:
        memory_size: how many curvature pairs are kept. Networks of a few hundred weights need
            about 50; 10, the usual choice, takes twice the evaluations.
        initial_step: the first trial of each search, a number or an optax schedule of the iteration.
            Right after a restart it is divided by the gradient's norm where that exceeds one.
        line_search: "wolfe", or "backtracking" for sufficient decrease alone.
        scaling: the inverse Hessian before any pair, a multiple of the identity from the last one. "geometric" takes
            `|s| / |y|`, the geometric mean of the two steps of Barzilai and Borwein (Dai, Al-Baali & Yang 2015).
            "standard" takes the shorter of them, `s.y / y.y` (Nocedal & Wright 7.20), as most others do. Neural
            ODEs are flat along most directions, where that one steps too short: sixteen fits took it 1.7 times as many
            evaluations. On the chained Rosenbrock function, curved alike along all, the standard takes 0.75 times.
    """

    memory_size: int = 50
    initial_step: float | Callable[[Int[Array, ""]], Float[Array, ""]] = 1.0
    line_search: str = "wolfe"
    scaling: str = "geometric"

    def __check_init__(self) -> None:
        if self.memory_size < 1:
            raise ValueError(f"memory_size must be at least 1; it is {self.memory_size}.")
        if self.line_search not in ("wolfe", "backtracking"):
            raise ValueError(f"line_search is 'wolfe' or 'backtracking'; it is {self.line_search!r}.")
        if self.scaling not in ("geometric", "standard"):
            raise ValueError(f"scaling is 'geometric' or 'standard'; it is {self.scaling!r}.")
        if not callable(self.initial_step) and not self.initial_step > 0:
            raise ValueError(f"initial_step must be positive; it is {self.initial_step}.")

    def init(self, x: Float[Array, " free"]) -> LBFGSState:
        """The state before the first evaluation: nothing is computed yet."""
        value = jnp.asarray(jnp.inf, x.dtype)
        zeros = jnp.zeros_like(x)
        return LBFGSState(
            x=x,
            value=value,
            gradient=zeros,
            direction=zeros,
            step=jnp.zeros_like(value),
            bracket=open_bracket(value, -jnp.ones_like(value)),
            gradient_low=zeros,
            memory=empty_memory(self.memory_size, x),
            fresh=jnp.asarray(True),
            progress=Progress.start(x),
        )

    def restart(self, state: LBFGSState, x: Float[Array, " free"]) -> LBFGSState:
        """Go on from x when the loss has changed a little: evaluate anew, keep the curvature pairs."""
        return eqx.tree_at(
            lambda s: (s.x, s.direction, s.step, s.fresh, s.progress),
            state,
            (x, jnp.zeros_like(x), jnp.zeros_like(state.step), jnp.asarray(True), state.progress.reopen()),
        )

    def step(self, value_and_grad: Callable, state: LBFGSState, limits: Limits) -> LBFGSState:
        """One evaluation of value and gradient, and all that follows from it."""
        trial = state.x + state.step * state.direction
        value, gradient = value_and_grad(trial)
        finite = jnp.isfinite(value) & jnp.isfinite(gradient).all()
        value = jnp.where(finite, value, jnp.inf)
        slope = jnp.where(finite, gradient @ state.direction, jnp.nan)
        start_slope = state.gradient @ state.direction

        advice = advance(
            state.bracket, state.step, value, slope, state.value, start_slope, wolfe=self.line_search == "wolfe"
        )
        # A search that ends without the Wolfe conditions still hands on its best point, if that is better by more
        # than noise: else one failed search after the other would creep along the floor.
        least = jnp.maximum(limits.ftol, WORTHWHILE) * jnp.abs(state.value)
        salvage = advice.failed & (state.value - advice.bracket.value_low > least)
        salvage_trial = salvage & advice.is_low
        took = state.fresh | advice.accept | salvage
        dead = ~took & advice.failed
        # The memory is empty, or has been filled since the loss last fell: no other direction is left to try.
        hopeless = dead & (state.memory.kept <= state.progress.flat)

        low = state.x + advice.bracket.step_low * state.direction
        x = jnp.where(state.fresh | advice.accept | salvage_trial, trial, jnp.where(salvage, low, state.x))
        gradient_low = jnp.where(advice.is_low, gradient, state.gradient_low)
        new_value = jnp.where(
            state.fresh | advice.accept, value, jnp.where(salvage, advice.bracket.value_low, state.value)
        )
        new_gradient = jnp.where(
            state.fresh | advice.accept, gradient, jnp.where(salvage, gradient_low, state.gradient)
        )
        step_taken = jnp.where(advice.accept, state.step, advice.bracket.step_low)
        distance = step_taken * jnp.max(jnp.abs(state.direction), initial=0.0)
        endless = advice.endless & (distance > ENDLESS * jnp.maximum(jnp.max(jnp.abs(state.x), initial=0.0), 1.0))

        progress = record(
            state.progress,
            limits,
            x=x,
            previous=state.value,
            value=new_value,
            gradient=new_gradient,
            step=step_taken,
            took_step=took & ~state.fresh,
            evaluated_start=state.fresh,
            finite=finite,
            trial=(trial, value),
            dead=hopeless,
            unbounded=endless & ~state.fresh,
            search_failed=advice.failed & ~state.fresh,
            memory_restarted=dead & ~hopeless,
            pairs=state.memory.kept,
            pair_skipped=took & ~state.fresh & ~curves_upward(x - state.x, new_gradient - state.gradient),
        )

        def next_search(memory):
            memory = jax.lax.cond(
                took & ~state.fresh,
                lambda m: remember(m, x - state.x, new_gradient - state.gradient),
                lambda m: m,
                memory,
            )
            direction = quasi_newton_direction(memory, new_gradient, self.scaling)
            downhill = jnp.isfinite(direction).all() & (direction @ new_gradient < 0)
            restart = dead | ~downhill
            memory = jax.tree.map(
                lambda old, new: jnp.where(restart, new, old), memory, empty_memory(self.memory_size, x)
            )
            direction = jnp.where(restart, -new_gradient, direction)
            schedule = self.initial_step
            first = schedule(progress.iterations) if callable(schedule) else schedule
            norm = jnp.linalg.norm(new_gradient)
            first = jnp.where(memory.kept == 0, first / jnp.maximum(norm, 1.0), first)
            bracket = open_bracket(new_value, direction @ new_gradient)
            return memory, direction, jnp.asarray(first, x.dtype), bracket, jnp.zeros_like(x)

        def same_search(memory):
            return memory, state.direction, advice.next_step, advice.bracket, gradient_low

        memory, direction, step, bracket, gradient_low = jax.lax.cond(
            took | dead, next_search, same_search, state.memory
        )
        return LBFGSState(
            x=x,
            value=new_value,
            gradient=new_gradient,
            direction=direction,
            step=step,
            bracket=bracket,
            gradient_low=gradient_low,
            memory=memory,
            fresh=jnp.asarray(False),
            progress=progress,
        )
