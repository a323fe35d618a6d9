"""How much weight decay: what the data say, not a setting.

MacKay, "A practical Bayesian framework for backpropagation networks", Neural Computation 4 (1992), with the
Gauss-Newton Hessian of Foresee & Hagan, "Gauss-Newton approximation to Bayesian learning" (ICNN 1997).
For a loss  mean r^2 + sum_g decay_g |w_g|^2  over n residuals, with gamma_g well-determined weights in group g
and gamma well-determined numbers in all:

    noise variance s^2 = sum r^2 / (n - gamma),      decay_g = gamma_g s^2 / (n |w_g|^2).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, PyTree
from threadpoolctl import threadpool_limits

MOST_ENTRIES = 40_000_000  # of the Jacobian, weights x residuals: a third of a gigabyte in float64
LEAST_DECAY, MOST_DECAY = 1e-12, 1e-1


@dataclass(frozen=True)
class Evidence:
    """What the data say: noise (standard deviation, order one), decay per group, well-determined numbers."""

    noise: float
    decay: np.ndarray
    determined: float


def _is_group(node: object) -> bool:
    return isinstance(node, eqx.nn.MLP | eqx.nn.Linear)


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


class Normal(NamedTuple):
    """Residuals r and their Jacobian J at a point: J^T J, J^T r, and r^T r (the mean square of the data)."""

    matrix: np.ndarray
    gradient: np.ndarray
    mean_square: float


class EvidenceEstimate:
    """The update of the decay at a fit; compiled once.

    Args:
        residuals: `residuals(free, *args)`, an array whose sum of squares is the mean square of the data.
        model_of: takes the model out of `free`.
        free: an example of what is trained.
        by_row: `residuals` is that of one row of the data, and is mapped over the leading axis of `args`. Its
            Jacobian then costs a backward pass a row instead of a forward pass a weight.
    """

    def __init__(
        self, residuals: Callable, model_of: Callable[[PyTree], PyTree], free: PyTree, *, by_row: bool = False
    ):
        self.groups = _group_numbers(free, model_of)
        self.group_count = max(len(weight_groups(model_of(free))), 1)
        self.flatten = lambda free: np.asarray(ravel_pytree(free)[0], np.float64)
        vector, self.unflatten = ravel_pytree(free)
        self._dtype = vector.dtype

        def flat_residuals(x, *args):
            return residuals(self.unflatten(x), *args).ravel()

        def all_residuals(x, *args):
            if not by_row:
                return flat_residuals(x, *args)
            return jax.vmap(lambda *row: flat_residuals(x, *row))(*args).ravel()

        def normal(x, *args):
            if by_row:
                r = all_residuals(x, *args)
                rows = jax.vmap(lambda *row: jax.jacrev(flat_residuals)(x, *row))(*args)
                transposed = rows.reshape(r.size, x.size).T
            else:
                r, jvp = jax.linearize(lambda x: all_residuals(x, *args), x)
                transposed = jax.vmap(jvp)(jnp.eye(x.size, dtype=x.dtype))
            return transposed @ transposed.T, transposed @ r, r @ r

        self._residuals = all_residuals
        self._normal = jax.jit(normal)
        self._mean_square = jax.jit(lambda x, *args: jnp.sum(all_residuals(x, *args) ** 2))

    def affordable(self, *args: PyTree) -> bool:
        """Whether the Jacobian fits into memory."""
        x = jax.ShapeDtypeStruct((self.groups.size,), self._dtype)
        return self.groups.size * jax.eval_shape(self._residuals, x, *args).size <= MOST_ENTRIES

    def mean_square(self, x: np.ndarray, *args: PyTree) -> float:
        return float(self._mean_square(jnp.asarray(x, self._dtype), *args))

    def normal(self, x: np.ndarray, *args: PyTree) -> Normal:
        matrix, gradient, mean_square = self._normal(jnp.asarray(x, self._dtype), *args)
        return Normal(np.asarray(matrix, np.float64), np.asarray(gradient, np.float64), float(mean_square))

    def ridge(self, decay: np.ndarray) -> np.ndarray:
        """The decay of each number of the free vector; zero for what is not a network's weight."""
        return np.where(self.groups >= 0, np.maximum(decay, LEAST_DECAY)[self.groups], 0.0)

    def evidence(self, x: np.ndarray, normal: Normal | None, mean_square: float, decay: np.ndarray, observed: int):
        """MacKay's update at `x`; without the Jacobian every weight counts as well determined."""
        if normal is None:
            well = np.ones(self.groups.size)
        else:
            ridge = self.ridge(decay)
            # Numbers without a ridge that nothing determines (a start that is never seen) need a trace of one.
            trace = 1e-14 * max(np.trace(normal.matrix) / len(ridge), 1e-300)
            inverse = np.linalg.inv(normal.matrix + np.diag(ridge + trace))
            well = np.clip(1 - ridge * np.diag(inverse), 0.0, 1.0)
        determined = np.array([well[self.groups == g].sum() for g in range(self.group_count)])
        sums = np.array([np.sum(x[self.groups == g] ** 2) for g in range(self.group_count)])
        in_all = float(determined.sum() + (self.groups < 0).sum())
        variance = mean_square * observed / max(observed - in_all, 0.1 * observed)
        new = determined * variance / (observed * np.maximum(sums, 1e-12))
        return Evidence(float(np.sqrt(variance)), np.clip(new, LEAST_DECAY, MOST_DECAY), in_all)

    @threadpool_limits.wrap(limits=1, user_api="blas")
    def __call__(self, free: PyTree, *args: PyTree, decay: np.ndarray, observed: int) -> Evidence:
        """The evidence at the present parameters, which should be near the minimum for `decay`.

        Args:
            free: what is trained.
            decay: per group, as in the loss.
            observed: how many independent numbers were observed, n.
        """
        x = self.flatten(free)
        normal = self.normal(x, *args) if self.affordable(*args) else None
        mean_square = self.mean_square(x, *args) if normal is None else normal.mean_square
        return self.evidence(x, normal, mean_square, decay, observed)


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
