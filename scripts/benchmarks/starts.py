"""Many starts of one fit: as one program, and one after another."""

import statistics
import time

import numpy as np

from neuralode_lbfgs.models.trainable import trainable
from neuralode_lbfgs.optimise import Minimiser, Minimum, minimise_many

from .neural import network
from .problem import Problem

NUMBER = 64
LIMITS = {"max_evals": 150, "ftol": 1e-6}
REPEATS = 3


def many_starts(problem: Problem) -> dict[str, float]:
    """The same fits from other random weights in both ways, in turn; all on the mesh of the first.

    Returns:
        many_s, sequential_s: seconds of running, compiling excluded, medians of several.
        many_loss, sequential_loss: the median over the starts.
        many_evaluations, sequential_evaluations: of all starts together.
    """
    mesh = problem.on_mesh
    assert mesh is not None
    starts = [trainable(network(seed))[0] for seed in range(NUMBER)]
    data = mesh.data(starts[0])
    minimiser = Minimiser(mesh.value, starts[0])
    minimiser.run(starts[0], *data, max_evals=1)  # compiles

    def one_after_another() -> list[Minimum]:
        return [minimiser.run(start, *data, **LIMITS) for start in starts]

    def as_one_program() -> list[Minimum]:
        return minimise_many(mesh.value, starts, *data, **LIMITS)

    found: dict[str, float] = {}
    seconds: dict[str, list[float]] = {"many": [], "sequential": []}
    for _ in range(REPEATS):
        for way, fit in (("many", as_one_program), ("sequential", one_after_another)):
            began = time.perf_counter()
            minima = fit()
            seconds[way].append(time.perf_counter() - began - sum(minimum.compile_s for minimum in minima))
            found[f"{way}_loss"] = float(np.median([minimum.loss for minimum in minima]))
            found[f"{way}_evaluations"] = sum(minimum.evaluations for minimum in minima)
    return {f"{way}_s": statistics.median(several) for way, several in seconds.items()} | found
