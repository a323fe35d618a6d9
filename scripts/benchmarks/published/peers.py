"""Peers of a published fit: solvers on the same loss and start, and programs in environments of their own."""

import json
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from .. import solvers
from ..problem import Goal, Problem, Run
from .case import Case, Outcome, as_problem, stacked
from .networks import Chain
from .standard import cubes

MAX_EVALUATIONS, MAX_SECONDS = 2000, 60.0  # of a peer that does not meet the target
RATE = 1e-2  # of Adam
HERE = Path(__file__).parent


def adam(problem: Problem, goal: Goal) -> Run:
    """Adam alone, in a compiled loop; each step evaluates once."""
    optimizer = optax.adam(RATE)

    def init(value_fn, params):
        return (params, optimizer.init(params)), 0

    def step(value_fn, state):
        params, opt_state = state
        value, grad = jax.value_and_grad(value_fn)(params)
        updates, opt_state = optimizer.update(grad, opt_state, params)
        return (optax.apply_updates(params, updates), opt_state), value, 1

    return solvers.compiled_run(problem, goal, init, step)


def in_jax(solver: Callable[[Problem, Goal], Run]) -> Callable[[Case, int, str], dict[str, Any]]:
    """A solver of the package's other benchmarks, on the published loss through an adaptive solve."""

    def run(case: Case, seed: int, python: str) -> dict[str, Any]:
        began = time.perf_counter()
        goal = Goal(np.array([-np.inf]), np.array([case.target]), MAX_EVALUATIONS, MAX_SECONDS)
        found = solver(as_problem(case, seed), goal)
        return Outcome(
            loss=found.loss, evaluations=found.evaluations, to_target=found.evaluations if found.reached else None,
            figures={}, compile_s=found.compile_s, total_s=found.ended - began, stopped=found.stopped,
        ).row()  # fmt: skip

    return run


def in_program(name: str) -> Callable[[Case, int, str], dict[str, Any]]:
    """A program beside this file, run by the Python of its own environment; it prints JSON."""

    def run(case: Case, seed: int, python: str) -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "case.npz"
            np.savez(path, **described(case, seed))
            command = [python, str(HERE / f"{name}.py"), str(path)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(next(reversed(done.stderr.strip().splitlines()), "no message"))
        return json.loads(done.stdout.strip().splitlines()[-1])

    return run


def described(case: Case, seed: int) -> dict[str, Any]:
    """Data, limits and, of a network that is written layer by layer, its first weights, for a program without JAX."""
    ts, ys = stacked(case.data(seed))
    known: dict[str, Any] = {
        "ts": ts, "ys": ys, "target": case.target, "max_evaluations": MAX_EVALUATIONS, "max_seconds": MAX_SECONDS,
        "sum": case.loss.__name__ == "sum_of_squares", "seed": seed,
    }  # fmt: skip
    field = case.model(seed).vector_field
    network = getattr(field, "network", None)
    if isinstance(network, Chain):
        known["linear"] = np.array([getattr(field, "growth", 0.0), -getattr(field, "death", 0.0)])
        known["cubed"] = getattr(field, "features", None) is cubes
        known["bell"] = network.activations[0] is not jnp.tanh
        for number, layer in enumerate(network.layers):
            known[f"weight_{number}"], known[f"bias_{number}"] = np.asarray(layer.weight), np.asarray(layer.bias)
    return known


@dataclass(frozen=True)
class Peer:
    """A peer, its heading in a table, and the module its environment has to have; None for what we have ourselves."""

    run: Callable[[Case, int, str], dict[str, Any]]
    heading: str
    needs: str | None = None


PEERS = {
    "optax_lbfgs": Peer(in_jax(solvers.usual_recipe), "usual optax recipe"),
    "scipy": Peer(in_jax(solvers.scipy_lbfgsb), "SciPy L-BFGS-B"),
    "adam": Peer(in_jax(adam), "Adam alone"),
    "torchdiffeq": Peer(in_program("program_torchdiffeq"), "torchdiffeq", "torchdiffeq"),
    "diffrax_tutorial": Peer(in_program("program_diffrax"), "the tutorial", "diffrax"),
    "catalax": Peer(in_program("program_catalax"), "Catalax", "catalax"),
}
