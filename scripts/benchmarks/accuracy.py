"""How far the numbers of a fit on a mesh can be trusted."""

from collections.abc import Callable

import jax
import numpy as np
from jax.flatten_util import ravel_pytree

from neuralode_lbfgs.optimise import Minimiser

from .problem import Problem
from .solvers import CHUNK_EVALS

EVALUATIONS = 200
DIRECTIONS = 8
STEPS = (1e-2, 1e-3, 1e-4)  # of the differences, in units of the parameters' norm: long ones truncate, short ones round


def mesh_accuracy(problem: Problem) -> dict[str, float]:
    """The error of the gradient at the start; after a fit of 200 evaluations its loss, and that of a tight solve.

    Returns:
        gradient_error: of derivatives along random directions, the largest, in units of the
            gradient's norm, against central differences of fourth order with the best of several steps.
        loss: of the best point on the mesh that it was found on.
        tight_loss: of that point through an adaptive solver of eighth order with tolerances of 1e-10.
    """
    mesh = problem.on_mesh
    assert mesh is not None
    data = mesh.data(problem.start)
    x, unravel = ravel_pytree(problem.start)
    value = lambda x, *data: mesh.value(unravel(x), *data)  # noqa: E731
    gradient = np.asarray(jax.jit(jax.grad(value))(x, *data))
    loss_at, rng, errors = jax.jit(value), np.random.default_rng(0), []
    for _ in range(DIRECTIONS):
        direction = rng.normal(size=x.size)
        direction /= np.linalg.norm(direction)
        along = lambda k, d=direction: float(loss_at(x + k * d, *data))  # noqa: E731
        differences = [_slope(along, step * float(np.linalg.norm(x))) for step in STEPS]
        errors.append(min(abs(difference - gradient @ direction) for difference in differences))
    found = Minimiser(mesh.value, problem.start).run(
        problem.start, *data, max_evals=EVALUATIONS, chunk_evals=CHUNK_EVALS,
        between=lambda best, args: mesh.data(best),
    )  # fmt: skip
    tight = jax.jit(mesh.tight)(found.params, *problem.data)
    return {
        "gradient_error": float(max(errors) / np.linalg.norm(gradient)),
        "loss": found.loss,
        "tight_loss": float(tight),
    }


def _slope(along: Callable[[float], float], step: float) -> float:
    """The derivative at zero by central differences of fourth order."""
    return (8 * (along(step) - along(-step)) - (along(2 * step) - along(-2 * step))) / (12 * step)
