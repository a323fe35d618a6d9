"""One measurement in a process of its own: `python -m benchmarks.pair PROBLEM SOLVER --target LOSS` prints JSON."""

import argparse
import json
import sys
import time

PROCESS_BEGAN = time.perf_counter()  # but for the interpreter's own beginning
# ruff: noqa: E402
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import jax

from neuralode_lbfgs.data.errors import did_you_mean

from . import peers, solvers
from .accuracy import mesh_accuracy
from .bare import bare_evaluation
from .neural import IRREGULAR, LEARNED
from .problem import Goal, Problem, Run
from .problems import FUNCTIONS, function_problem
from .starts import many_starts


@dataclass(frozen=True)
class Solver:
    """A solver, its heading in a table, the modules that it needs, and whether it can fit neural ODEs alone."""

    run: Callable[[Problem, Goal], Run]
    heading: str
    needs: tuple[str, ...] = ()
    odes_only: bool = False


SOLVERS = {
    "ours": Solver(solvers.ours, "ours"),
    "ours_adaptive": Solver(solvers.ours_adaptive, "adaptive", odes_only=True),
    "usual_recipe": Solver(solvers.usual_recipe, "usual"),
    "optax_loop": Solver(solvers.optax_loop, "optax"),
    "scipy": Solver(solvers.scipy_lbfgsb, "SciPy"),
    "scipy_same_memory": Solver(solvers.scipy_same_memory, "SciPy 50"),
    "optimistix_lbfgs": Solver(peers.optimistix, "optx L", ("optimistix",)),
    "optimistix_bfgs": Solver(peers.optimistix_bfgs, "optx BFGS", ("optimistix",)),
    "jaxopt": Solver(peers.jaxopt, "jaxopt", ("jaxopt",)),
    "torch": Solver(peers.torch, "torch", ("torch", "torchdiffeq"), odes_only=True),
}
PROBLEMS: dict[str, Callable[[str], Problem]] = {**dict.fromkeys(FUNCTIONS, function_problem), **LEARNED}
ODES = tuple(name for name in LEARNED if name != "regression_network")
BUILDERS = {**PROBLEMS, **IRREGULAR}


def check(kind: str, names: Iterable[str], known: Iterable[str]) -> None:
    """Raises ValueError for a name that is not known."""
    for name in names:
        if name not in known:
            raise ValueError(f"there is no {kind} {name!r}{did_you_mean(name, known)}; there are {', '.join(known)}.")


def measure(problem: str, solver: str, target: float | None = None) -> dict[str, Any]:
    """One row: what a solver needed on a problem.

    Args:
        target: the loss to reach where no minimum is known.

    Returns:
        Times in seconds; `total_s` from building the problem to meeting the goal, `from_start_s` from the start of the
        process, but for simulating the data; None if it was not met.
    """
    check("problem", [problem], BUILDERS)
    check("solver", [solver], SOLVERS)
    if problem not in FUNCTIONS and target is None:
        raise ValueError(f"no minimum of {problem} is known; give the loss to reach as target.")
    began = time.perf_counter()
    built = BUILDERS[problem](problem)
    run = SOLVERS[solver].run(built, Goal.of(built.minima if target is None else (target,)))
    return {
        "problem": problem,
        "solver": solver,
        "reached": run.reached,
        "evaluations": run.evaluations,
        "compile_s": run.compile_s,
        "run_s": run.run_s,
        "total_s": run.ended - began if run.reached else None,
        "from_start_s": run.ended - PROCESS_BEGAN - built.simulated_s if run.reached else None,
        "loss": run.loss,
        "stopped": run.stopped,
    }


def measure_bare(problem: Problem, own_solve: bool = False) -> dict[str, float]:
    """See `bare_evaluation`; with the solve of the problem, or with the package's own."""
    if not own_solve:
        return bare_evaluation(problem.value, problem.start, problem.data)
    assert problem.on_mesh is not None
    return bare_evaluation(problem.on_mesh.value, problem.start, problem.on_mesh.data(problem.start))


OTHERS: dict[str, Callable[[Problem], dict[str, float]]] = {
    "target": lambda problem: {"target": solvers.recipe_target(problem)},
    "bare": measure_bare,
    "bare_mesh": lambda problem: measure_bare(problem, own_solve=True),
    "accuracy": mesh_accuracy,
    "starts": many_starts,
}
"""What else can be asked of a problem; "target" is the loss to reach where no minimum is known."""


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("problem", choices=BUILDERS)
    parser.add_argument("what", choices=[*SOLVERS, *OTHERS])
    parser.add_argument("--target", type=float)
    arguments = parser.parse_args(argv)
    with jax.enable_x64(True):
        if arguments.what in OTHERS:
            found = OTHERS[arguments.what](BUILDERS[arguments.problem](arguments.problem))
        else:
            found = measure(arguments.problem, arguments.what, arguments.target)
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
