"""How far the numbers of a fit on a mesh can be trusted."""

import jax
import numpy as np
from jax.flatten_util import ravel_pytree

from neuralode_lbfgs.optimise import Minimiser

from .problem import Problem
from .solvers import CHUNK_EVALS

EVALUATIONS = 200
DIRECTIONS, STEP = 8, 1e-3  # of the differences, in units of the parameters' norm


def mesh_accuracy(problem: Problem) -> dict[str, float]:
    """After a fit of 200 evaluations: the error of its gradient, its loss, and the loss of a tight solve.

    Returns:
        gradient_error: of derivatives along random directions, the largest, in units of the gradient's norm, against
            central differences of fourth order.
        loss: of the best point on the mesh that it was found on.
        tight_loss: of that point through an adaptive solver of eighth order with tolerances of 1e-10.
    """
    mesh = problem.on_mesh
    assert mesh is not None
    found = Minimiser(mesh.value, problem.start).run(
        problem.start, *mesh.data(problem.start), max_evals=EVALUATIONS, chunk_evals=CHUNK_EVALS,
        between=lambda best, args: mesh.data(best),
    )  # fmt: skip
    data = mesh.data(found.params)
    x, unravel = ravel_pytree(found.params)
    value_and_grad = jax.jit(jax.value_and_grad(lambda x, *data: mesh.value(unravel(x), *data)))
    gradient = np.asarray(value_and_grad(x, *data)[1])
    rng, errors = np.random.default_rng(0), []
    for _ in range(DIRECTIONS):
        direction = rng.normal(size=x.size)
        direction *= STEP * np.linalg.norm(x) / np.linalg.norm(direction)
        near, far = (
            value_and_grad(x + k * direction, *data)[0] - value_and_grad(x - k * direction, *data)[0] for k in (1, 2)
        )
        difference = (8 * near - far) / 12
        errors.append(abs(difference - gradient @ direction) / np.linalg.norm(gradient) / np.linalg.norm(direction))
    tight = jax.jit(mesh.tight)(found.params, *problem.data)
    return {"gradient_error": float(max(errors)), "loss": found.loss, "tight_loss": float(tight)}
