"""How much weight decay: what the data say, not a setting.

MacKay, "A practical Bayesian framework for backpropagation networks", Neural Computation 4 (1992), with the
Gauss-Newton Hessian of Foresee & Hagan, "Gauss-Newton approximation to Bayesian learning" (ICNN 1997).
For a loss  mean r^2 + sum_g decay_g |w_g|^2  over n residuals, with gamma_g well-determined weights in group g
and gamma well-determined numbers in all:

    noise variance s^2 = sum r^2 / (n - gamma),      decay_g = gamma_g s^2 / (n |w_g|^2).
"""

from collections.abc import Callable
from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, PyTree

MOST_ENTRIES = 40_000_000  # of the Jacobian, weights x residuals: a third of a gigabyte in float64
LEAST_DECAY, MOST_DECAY = 1e-12, 1e-1


@dataclass(frozen=True)
class Evidence:
    """What the data say: noise (standard deviation, order one), decay per group, well-determined numbers."""

    noise: float
    decay: np.ndarray
    determined: float


def _is_group(node: object) -> bool:
    return isinstance(node, eqx.nn.Linear)


def weight_groups(model: PyTree) -> list[PyTree]:
    """The networks of a model: its MLPs, and linear layers outside of them.

    Only these are decayed: a physical constant has its value, not a pull to zero.
    """
    nodes = [node for node in jax.tree.leaves(model, is_leaf=_is_group) if _is_group(node)]
    return [eqx.filter(node, eqx.is_inexact_array) for node in nodes]


def squared_weights(model: PyTree) -> Float[Array, " groups"]:
    """The sum of squared weights and biases of each group; at least one group, which may be empty."""
    sums = [sum((jnp.sum(leaf**2) for leaf in jax.tree.leaves(group)), jnp.zeros(())) for group in weight_groups(model)]
    return jnp.stack(sums) if sums else jnp.zeros(1)


class EvidenceEstimate:
    """The update of the decay at a fit; compiled once.

    Args:
        residuals: `residuals(free, *args)`, an array whose sum of squares is the mean square of the data.
        model_of: takes the model out of `free`.
    """

    def __init__(self, residuals: Callable, model_of: Callable[[PyTree], PyTree]):
        self._model_of = model_of

        def normal_matrix(free, *args):
            vector, unravel = ravel_pytree(free)
            r, jvp = jax.linearize(lambda x: residuals(unravel(x), *args).ravel(), vector)
            rows = jax.vmap(jvp)(jnp.eye(vector.size, dtype=vector.dtype))
            return rows @ rows.T, r @ r

        self._normal_matrix = jax.jit(normal_matrix)
        self._mean_square = jax.jit(lambda free, *args: jnp.sum(residuals(free, *args) ** 2))
        self._residuals = residuals

    def __call__(self, free: PyTree, *args: PyTree, decay: np.ndarray, observed: int) -> Evidence:
        """The evidence at the present parameters, which should be near the minimum for `decay`.

        Args:
            free: what is trained.
            decay: per group, as in the loss.
            observed: how many independent numbers were observed, n.
        """
        number_of = _group_numbers(free, self._model_of)
        sums = np.maximum(np.asarray(squared_weights(self._model_of(free))), 1e-12)
        entries = number_of.size * jax.eval_shape(self._residuals, free, *args).size
        if entries > MOST_ENTRIES:
            # Too much data to ask every weight; so much data determine nearly all of them.
            well, mean_square = np.ones(number_of.size), float(self._mean_square(free, *args))
        else:
            matrix, mean_square = self._normal_matrix(free, *args)
            ridge = np.where(number_of >= 0, np.maximum(decay, LEAST_DECAY)[number_of], 0.0)
            inverse = np.linalg.pinv(np.asarray(matrix, np.float64) + np.diag(ridge), hermitian=True)
            well, mean_square = np.clip(1 - ridge * np.diag(inverse), 0.0, 1.0), float(mean_square)
        determined = np.array([well[number_of == g].sum() for g in range(sums.size)])
        all_determined = float(determined.sum() + (number_of < 0).sum())
        variance = mean_square * observed / max(observed - all_determined, 0.1 * observed)
        new = np.clip(determined * variance / (observed * sums), LEAST_DECAY, MOST_DECAY)
        return Evidence(float(np.sqrt(variance)), new, all_determined)


def _group_numbers(free: PyTree, model_of: Callable[[PyTree], PyTree]) -> np.ndarray:
    """For each number of the free vector its group, or -1."""
    numbered = jax.tree.map(lambda leaf: np.full(leaf.shape, -1.0), free)
    groups = len(weight_groups(model_of(free)))
    for g in range(groups):
        gradient = jax.grad(lambda f, g=g: squared_weights(model_of(f))[g])(
            jax.tree.map(lambda leaf: jnp.ones_like(leaf), free)
        )
        numbered = jax.tree.map(lambda n, d, g=g: np.where(np.asarray(d) != 0, float(g), n), numbered, gradient)
    return np.asarray(ravel_pytree(numbered)[0]).astype(int)
