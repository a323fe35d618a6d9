"""The package's optimiser and its nearest neighbours, each as `solver(problem, goal) -> Run` with its own defaults."""

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import scipy.optimize
from jax.flatten_util import ravel_pytree
from jaxtyping import PyTree
from optax_recipe import StepClock, line_search_trials

from neuralode_lbfgs.compiling import Compiled
from neuralode_lbfgs.optimise import Iteration, Minimiser
from neuralode_lbfgs.optimise.minimise import strong

from .problem import Finished, Goal, Problem, Run, Watch

CHUNK_EVALS = 50  # between two meshes
RECIPE_ITERATIONS = 200  # of the usual recipe, whose loss is then the target where no minimum is known


class UntilMet:
    """A callback of `Minimiser.run` that ends it, as Ctrl-C would, with the first row that meets the goal."""

    def __init__(self, goal: Goal):
        self.goal, self.row, self.time = goal, None, 0.0

    def __call__(self, history: list[Iteration]) -> None:
        self.row = next((row for row in history if self.goal.met(row.loss)), None)
        if self.row is not None:
            self.time = time.perf_counter() - (history[-1].seconds - self.row.seconds)
            raise KeyboardInterrupt


def ours(problem: Problem, goal: Goal, own_solve: bool = True) -> Run:
    """`Minimiser` with its default options, and neural ODEs solved as in `fit`: on a mesh, chosen anew between chunks.

    Choosing the first mesh counts as compiling, which is most of it. The goal has to be met on the mesh and, when the
    clock has stopped, by the problem's own solve.
    """
    mesh = problem.on_mesh if own_solve else None
    began = time.perf_counter()
    data = problem.data if mesh is None else mesh.data(problem.start)
    mesh_s = time.perf_counter() - began
    minimiser = Minimiser(problem.value if mesh is None else mesh.value, problem.start)
    met = UntilMet(goal)
    found = minimiser.run(
        problem.start, *data, max_iter=goal.max_evaluations, max_evals=goal.max_evaluations,
        time_limit=goal.seconds, callback=met, chunk_evals=CHUNK_EVALS,
        between=None if mesh is None else lambda best, args: mesh.data(best),
    )  # fmt: skip
    row, ended = met.row, met.time or time.perf_counter()
    evaluations, run_s = (found.evaluations, found.run_s) if row is None else (row.evaluations, row.seconds)
    loss = found.loss if mesh is None else float(jax.jit(problem.value)(found.params, *problem.data))
    reached = bool(goal.met(loss)) and (row is not None or mesh is None)  # the best point need not be an iterate
    stopped = "target" if row is not None else found.reason.name.lower()
    return Run(reached, evaluations, loss, mesh_s + found.compile_s, run_s, ended, stopped)


def ours_adaptive(problem: Problem, goal: Goal) -> Run:
    """`Minimiser` on the loss that its neighbours are given."""
    return ours(problem, goal, own_solve=False)


def recipe_steps(problem: Problem, clock: StepClock) -> Iterator[tuple[float, int]]:
    """`optax.lbfgs` as it is found in most scripts: the value after each iteration, and what it evaluated."""
    optimizer = optax.lbfgs()
    params, opt_state = problem.start, optimizer.init(problem.start)

    @eqx.filter_jit
    def make_step(params, opt_state, data):
        clock.traced()

        def value_fn(params):
            return problem.value(params, *data)

        value, grad = jax.value_and_grad(value_fn)(params)
        updates, opt_state = optimizer.update(grad, opt_state, params, value=value, grad=grad, value_fn=value_fn)
        return optax.apply_updates(params, updates), opt_state

    while True:
        params, opt_state = clock(make_step, params, opt_state, problem.data)
        yield float(optax.tree_utils.tree_get(opt_state, "value")), 1 + line_search_trials(opt_state)


def usual_recipe(problem: Problem, goal: Goal) -> Run:
    """A jitted step in a Python loop; docs/optax_recipe.md says what is usual about it."""
    clock, watch = StepClock(), Watch(goal)
    with suppress(Finished):
        for value, evaluations in recipe_steps(problem, clock):
            watch.saw(value, evaluations)
    return watch.run(clock.compile_s, compiled_while_watching=True)


def recipe_target(problem: Problem) -> float:
    """The best loss of the usual recipe's first iterations."""
    return min(value for value, _ in itertools.islice(recipe_steps(problem, StepClock()), RECIPE_ITERATIONS))


def compiled_run(problem: Problem, goal: Goal, init: Callable, step: Callable) -> Run:
    """A solver as one compiled loop that ends at the goal.

    Args:
        init: `init(value_fn, params) -> (state, evaluations)`.
        step: `step(value_fn, state) -> (state, value, evaluations)`, evaluations those of this step.
    """

    def program(params: PyTree, data: tuple) -> tuple:
        def value_fn(params):
            return problem.value(params, *data)

        state, spent = init(value_fn, params)
        arrays, static = eqx.partition(state, eqx.is_array)
        first = strong((arrays, jnp.asarray(jnp.inf), jnp.asarray(False), jnp.asarray(spent)))

        def body(carry):
            state, value, spent = step(value_fn, eqx.combine(carry[0], static))
            new = (
                eqx.filter(state, eqx.is_array),
                jnp.fmin(carry[1], value),
                carry[2] | goal.met(value),
                carry[3] + spent,
            )
            return jax.tree.map(lambda leaf, old: jnp.asarray(leaf, old.dtype), new, carry)

        return jax.lax.while_loop(lambda carry: ~carry[2] & (carry[3] < goal.max_evaluations), body, first)[1:]

    compiled = Compiled(program)
    run = compiled.program(problem.start, problem.data)
    began = time.perf_counter()
    best, met, evaluations = jax.device_get(run(problem.start, problem.data))
    ended = time.perf_counter()
    stopped = "target" if met else "evaluations"
    return Run(bool(met), int(evaluations), float(best), compiled.seconds, ended - began, ended, stopped)


def optax_loop(problem: Problem, goal: Goal) -> Run:
    """`optax.lbfgs` in a compiled loop, with value and gradient taken from the search before."""
    optimizer = optax.lbfgs()

    def init(value_fn, params):
        return (params, optimizer.init(params)), 0

    def step(value_fn, state):
        params, opt_state = state
        known = jnp.isfinite(jnp.asarray(optax.tree_utils.tree_get(opt_state, "value")))
        value, grad = optax.value_and_grad_from_state(value_fn)(params, state=opt_state)
        updates, opt_state = optimizer.update(grad, opt_state, params, value=value, grad=grad, value_fn=value_fn)
        trials = jnp.asarray(optax.tree_utils.tree_get(opt_state, "num_linesearch_steps"))
        value = optax.tree_utils.tree_get(opt_state, "value")
        return (optax.apply_updates(params, updates), opt_state), value, trials + jnp.where(known, 0, 1)

    return compiled_run(problem, goal, init, step)


def scipy_lbfgsb(problem: Problem, goal: Goal, memory: int = 10) -> Run:
    """SciPy's L-BFGS-B on a compiled value and gradient; 10 is its default memory.

    Its own tolerances are zero: like its neighbours it goes on to the goal, to a limit, or until it finds no step.
    """
    x, unravel = ravel_pytree(problem.start)
    both = Compiled(jax.value_and_grad(lambda x, *data: problem.value(unravel(x), *data)))
    program = both.program(x, *problem.data)
    watch = Watch(goal)

    def fun(point: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = program(jnp.asarray(point), *problem.data)
        watch.saw(float(value))
        return float(value), np.asarray(gradient)

    options: Any = {"maxcor": memory, "ftol": 0, "gtol": 0, "maxfun": 10**9, "maxiter": 10**9}
    stopped = ""
    with suppress(Finished):
        stopped = str(scipy.optimize.minimize(fun, np.asarray(x), jac=True, method="L-BFGS-B", options=options).message)
    return watch.run(both.seconds, stopped)


def scipy_same_memory(problem: Problem, goal: Goal) -> Run:
    """SciPy with the 50 pairs that the package keeps by default."""
    return scipy_lbfgsb(problem, goal, memory=50)
