"""Libraries that need not be installed. They are imported by name, so that the rest is checked without them."""

from contextlib import suppress
from importlib import import_module

import jax
import numpy as np

from .problem import Finished, Goal, Problem, Run, Watch
from .solvers import compiled_run


def optimistix(problem: Problem, goal: Goal, method: str = "LBFGS") -> Run:
    """`optimistix.LBFGS`, backtracking (Armijo) search; each of its steps evaluates once. It ends at the goal alone."""
    solver = getattr(import_module("optimistix"), method)(rtol=1e-12, atol=1e-12)

    def init(value_fn, params):
        shape = jax.eval_shape(value_fn, params)
        state = solver.init(lambda y, args: (value_fn(y), None), params, None, {}, shape, None, frozenset())
        return (params, state), 0

    def step(value_fn, state):
        y, state = state
        y, state, _ = solver.step(lambda y, args: (value_fn(y), None), y, None, {}, state, frozenset())
        return (y, state), state.f_info.f, 1

    return compiled_run(problem, goal, init, step)


def optimistix_bfgs(problem: Problem, goal: Goal) -> Run:
    """`optimistix.BFGS`: the whole inverse Hessian in place of a memory."""
    return optimistix(problem, goal, "BFGS")


def jaxopt(problem: Problem, goal: Goal) -> Run:
    """`jaxopt.LBFGS` with its default zoom search; its state counts the evaluations."""
    library = import_module("jaxopt")

    def init(value_fn, params):
        return (params, library.LBFGS(fun=value_fn).init_state(params)), 1

    def step(value_fn, state):
        params, before = state
        params, after = library.LBFGS(fun=value_fn).update(params, before)
        return (params, after), after.value, after.num_fun_eval - before.num_fun_eval

    return compiled_run(problem, goal, init, step)


def torch(problem: Problem, goal: Goal) -> Run:
    """torchdiffeq and `torch.optim.LBFGS` with its strong-Wolfe search, from the same weights and data.

    Nothing is compiled. The 16 trajectories share the steps of one dopri5 solve, with the same tolerances.
    """
    library, odeint = import_module("torch"), import_module("torchdiffeq").odeint
    layers = []
    for layer in problem.start.vector_field.mlp.layers:
        weight, bias = (np.array(leaf, np.float64) for leaf in (layer.weight, layer.bias))
        linear = library.nn.Linear(weight.shape[1], weight.shape[0], dtype=library.float64)
        linear.weight.data, linear.bias.data = library.from_numpy(weight), library.from_numpy(bias)
        layers += [linear, library.nn.Tanh()]
    network = library.nn.Sequential(*layers[:-1])
    ts, ys = (library.from_numpy(np.array(part, np.float64)) for part in problem.data)
    optimiser = library.optim.LBFGS(
        network.parameters(), max_iter=10**9, max_eval=10**9, tolerance_grad=0, tolerance_change=0,
        line_search_fn="strong_wolfe",
    )  # fmt: skip
    watch = Watch(goal)

    def closure():
        optimiser.zero_grad()
        solved = odeint(lambda t, y: network(y), ys[:, 0], ts, rtol=1e-6, atol=1e-6, method="dopri5")
        loss = ((solved.transpose(0, 1) - ys) ** 2).mean()
        loss.backward()
        watch.saw(loss.item())
        return loss

    with suppress(Finished):
        optimiser.step(closure)
    return watch.run(0.0, "found no step")
