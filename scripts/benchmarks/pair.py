"""One measurement in a process of its own: `python -m benchmarks.pair PROBLEM SOLVER --target LOSS` prints JSON."""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import jax

from neuralode_lbfgs.data.errors import did_you_mean

from . import peers, solvers
from .bare import bare_evaluation
from .neural import LEARNED
from .problem import Goal, Problem, Run
from .problems import FUNCTIONS, function_problem


@dataclass(frozen=True)
class Solver:
    """A solver, its heading in a table, the modules that it needs, and whether it can fit neural ODEs alone."""

    run: Callable[[Problem, Goal], Run]
    heading: str
    needs: tuple[str, ...] = ()
    odes_only: bool = False


SOLVERS = {
    "ours": Solver(solvers.ours, "ours"),
    "usual_recipe": Solver(solvers.usual_recipe, "usual"),
    "optax_loop": Solver(solvers.optax_loop, "optax loop"),
    "scipy": Solver(solvers.scipy_lbfgsb, "SciPy"),
    "scipy_same_memory": Solver(solvers.scipy_same_memory, "SciPy, 50"),
    "optimistix_lbfgs": Solver(peers.optimistix, "optx LBFGS", ("optimistix",)),
    "optimistix_bfgs": Solver(peers.optimistix_bfgs, "optx BFGS", ("optimistix",)),
    "jaxopt": Solver(peers.jaxopt, "jaxopt", ("jaxopt",)),
    "torch": Solver(peers.torch, "torch", ("torch", "torchdiffeq"), odes_only=True),
}
PROBLEMS: dict[str, Callable[[str], Problem]] = {**dict.fromkeys(FUNCTIONS, function_problem), **LEARNED}
ODES = tuple(name for name in LEARNED if name != "regression_network")


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
        Times in seconds; `total_s` from building the problem to meeting the goal, None if it was not met.
    """
    check("problem", [problem], PROBLEMS)
    check("solver", [solver], SOLVERS)
    if problem in LEARNED and target is None:
        raise ValueError(f"no minimum of {problem} is known; give the loss to reach as target.")
    began = time.perf_counter()
    built = PROBLEMS[problem](problem)
    run = SOLVERS[solver].run(built, Goal.of(built.minima if target is None else (target,)))
    return {
        "problem": problem,
        "solver": solver,
        "reached": run.reached,
        "evaluations": run.evaluations,
        "compile_s": run.compile_s,
        "run_s": run.run_s,
        "total_s": run.ended - began if run.reached else None,
        "loss": run.loss,
        "stopped": run.stopped,
    }


def find_target(problem: str) -> dict[str, float]:
    """The loss to reach where no minimum is known."""
    return {"target": solvers.recipe_target(PROBLEMS[problem](problem))}


def measure_bare(problem: str) -> dict[str, float]:
    """See `bare_evaluation`."""
    return bare_evaluation(PROBLEMS[problem](problem))


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("problem", choices=PROBLEMS)
    parser.add_argument("what", choices=[*SOLVERS, "target", "bare"])
    parser.add_argument("--target", type=float)
    arguments = parser.parse_args(argv)
    others = {"target": find_target, "bare": measure_bare}
    with jax.enable_x64(True):
        if arguments.what in others:
            found = others[arguments.what](arguments.problem)
        else:
            found = measure(arguments.problem, arguments.what, arguments.target)
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
