"""How much weight decay: what the data say, not a setting.

MacKay, "A practical Bayesian framework for backpropagation networks", Neural Computation 4 (1992), with the
Gauss-Newton Hessian of Foresee & Hagan, "Gauss-Newton approximation to Bayesian learning" (ICNN 1997).
For a loss  mean r^2 + sum_g decay_g |w_g|^2  over n residuals, with gamma_g well-determined weights in group g
and gamma well-determined numbers in all:

    noise variance s^2 = sum r^2 / (n - gamma),      decay_g = gamma_g s^2 / (n |w_g|^2),

with two precautions for few observations, below.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import scipy.linalg
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float
from threadpoolctl import threadpool_limits

from ..compiling import Compiled
from ..models import Split, is_constant, trainable

MOST_ENTRIES = 40_000_000  # of the Jacobian, weights x residuals: a third of a gigabyte in float64
LEAST_DECAY, MOST_DECAY, GIVEN_UP = 1e-12, 1e-1, 1e6  # the last where there are other groups to do without one
NOTHING = 1e-30  # squared weights of a group that has been given up: its decay is the most that there is, and stays
LOOSE = 1e-9  # of the largest diagonal entry of J^T J: what holds numbers that nothing else does, in J J^T
# Few observations make the evidence sure of itself too soon: a network can go through all of them, the noise it
# then sees is zero, and so is the decay. The first says that before any data the noise was seen so many times at
# so much of a standard deviation. The second raises the decay further, where the Laplace approximation counts
# chance as knowledge. On thinned real series of 20 to 100 numbers both predicted left-out rows better; above a
# few hundred numbers neither makes a difference.
PRIOR_COUNT, PRIOR_NOISE = 5.0, 0.05
FEW = 40.0


@dataclass(frozen=True)
class Evidence:
    """What the data say: noise (standard deviation, order one), decay per group, well-determined numbers."""

    noise: float
    decay: np.ndarray
    determined: float


def _is_group(node: object) -> bool:
    return isinstance(node, eqx.nn.MLP | eqx.nn.Linear)


def is_node(node: object) -> bool:
    return is_constant(node) or _is_group(node)


def trained_weights(node: Any) -> list[Array]:
    """The numbers of a network that are trained; none for any other node."""
    return jax.tree.leaves(eqx.filter(node, eqx.is_inexact_array)) if _is_group(node) else []


def weight_groups(model: Any) -> list[list[Array]]:
    """The weights of each network of a model that is trained: its MLPs, and linear layers outside of them.

    Only these are decayed: a physical constant has its value, not a pull to zero, and so has what is bounded.
    """
    groups = [trained_weights(node) for node in jax.tree.leaves(model, is_leaf=is_node)]
    return [group for group in groups if group]


def same_decay(model: Any, decay: float) -> np.ndarray:
    """One decay for each group of weights; at least one, which may be of none."""
    return np.full(max(len(weight_groups(model)), 1), decay)


def squared_weights(model: Any) -> Float[Array, " groups"]:
    """The sum of squared weights and biases of each group; at least one group, which may be empty."""
    sums = [sum((jnp.sum(leaf**2) for leaf in group), jnp.zeros(())) for group in weight_groups(model)]
    return jnp.stack(sums) if sums else jnp.zeros(1)


def has_physics(model: Any) -> bool:
    """Whether a model has trained numbers that are no weights, and so have a value."""
    return bool((WeightGroups.of(trainable(model)[0]).numbers < 0).any())


@dataclass(frozen=True)
class WeightGroups:
    """Which numbers of a free vector are weights, and of which group; -1 for those that are not decayed."""

    numbers: np.ndarray
    count: int

    @classmethod
    def of(cls, free: Any) -> "WeightGroups":
        """The groups of what is trained; there is at least one, which may be empty."""
        numbers = _group_numbers(free)
        return cls(numbers, max(int(numbers.max(initial=-1)) + 1, 1))

    def ridge(self, decay: np.ndarray) -> np.ndarray:
        """The decay of each number of the free vector; zero for what is not a network's weight."""
        return np.where(self.numbers >= 0, np.maximum(decay, LEAST_DECAY)[self.numbers], 0.0)

    def squares(self, x: np.ndarray) -> np.ndarray:
        """The sum of squared weights of each group, of the free vector."""
        return np.array([np.sum(x[self.numbers == g] ** 2) for g in range(self.count)])

    @np.errstate(over="ignore", invalid="ignore")
    def evidence(
        self,
        x: np.ndarray,
        matrix: "np.ndarray | Gram | None",
        mean_square: float,
        decay: np.ndarray,
        observed: int,
        others: int = 0,
        noise: float | None = None,
    ) -> Evidence:
        """The update at a minimum.

        Args:
            x: the free vector.
            matrix: J^T J of it, or J J^T; None where there is none, and the decay stays.
            mean_square: of the residuals.
            decay: per group, at which `x` is a minimum.
            observed: how many independent numbers were observed, n.
            others: how many numbers besides `x` were fitted to them.
            noise: what a person knows of the noise (standard deviation, order one). It counts as if it had been
                seen as often as there are observations.
        """
        if matrix is None:  # to count every weight as well determined would smother a large network
            return Evidence(float(np.sqrt(mean_square)), decay, 0.0)
        if isinstance(matrix, Gram):
            determined = matrix.determined(decay)
        else:
            ridge = self.ridge(decay)
            # Numbers without a ridge that nothing determines (a start that is never seen) need a trace of one.
            trace = 1e-14 * max(np.trace(matrix) / len(ridge), 1e-300)
            well = np.clip(1 - ridge * np.diag(_inverse(matrix + np.diag(ridge + trace))), 0.0, 1.0)
            determined = np.array([well[self.numbers == g].sum() for g in range(self.count)])
        sums = self.squares(x)
        in_all = float(determined.sum() + (self.numbers < 0).sum()) + others
        prior_count, prior_noise = (PRIOR_COUNT, PRIOR_NOISE) if noise is None else (observed, noise)
        free_observations = max(observed - in_all + prior_count, 0.1 * observed)
        variance = (mean_square * observed + prior_count * prior_noise**2) / free_observations
        asked = (1 + FEW / observed) * determined * variance / (observed * np.maximum(sums, NOTHING))
        if not (np.isfinite(asked).all() and np.isfinite(in_all)):  # of a model so far off that its squares overflow
            return Evidence(float(np.sqrt(mean_square)), decay, 0.0)
        found = float(np.sqrt(mean_square * observed / max(observed - in_all, 0.1 * observed)))
        return Evidence(found, np.clip(asked, LEAST_DECAY, MOST_DECAY if self.count == 1 else GIVEN_UP), in_all)


class Gram(NamedTuple):
    """J J^T, for models of more weights than there are residuals.

    Args:
        of_groups: of the weights of each group.
        undecayed: of all other numbers, over the next to nothing that holds them.
    """

    of_groups: tuple[np.ndarray, ...]
    undecayed: np.ndarray

    def determined(self, decay: np.ndarray) -> np.ndarray:
        """Per group, the trace of (1 + J D^-1 J^T)^-1 J_g D_g^-1 J_g^T: the same number as from J^T J."""
        shares = [product / max(one, LEAST_DECAY) for product, one in zip(self.of_groups, decay, strict=True)]
        inverse = _inverse(np.eye(len(self.undecayed)) + self.undecayed + sum(shares))
        inverse = inverse + np.triu(inverse, 1).T
        return np.array([np.sum(inverse * share) for share in shares])


def squares_of(model: Any) -> np.ndarray:
    """`squared_weights` in NumPy, shape `(groups,)`: operations on JAX arrays outside a compiled program compile one
    each."""
    free, fixed = trainable(model)
    return WeightGroups.of(free).squares(np.asarray(Split(free, fixed).vector, np.float64))


class EvidenceEstimate:
    """The evidence of a loss given by its residuals; compiled once.

    Args:
        residuals: `residuals(free, *args)`, an array whose sum of squares is the mean square of the data.
        free: an example of what is trained.
    """

    groups: WeightGroups

    def __init__(self, residuals: Callable, free: Any):
        self.groups = WeightGroups.of(free)
        self._normal, self._mean_square = (Compiled(function, residuals, free) for function in (_normal, _mean_square))
        self._residuals = residuals

    def affordable(self, free: Any, *args: Any) -> bool:
        """Whether the Jacobian fits into memory."""
        return self.groups.numbers.size * jax.eval_shape(self._residuals, free, *args).size <= MOST_ENTRIES

    def mean_square(self, free: Any, *args: Any) -> float:
        return float(self._mean_square(ravel_pytree(free)[0], *args))

    @threadpool_limits.wrap(limits=1, user_api="blas")
    def __call__(self, free: Any, *args: Any, decay: np.ndarray, observed: int, noise: float | None = None) -> Evidence:
        """The evidence at the present parameters, which should be near the minimum for `decay`."""
        x = ravel_pytree(free)[0]
        affordable = self.affordable(free, *args)
        matrix, mean_square = self._normal(x, *args) if affordable else (None, self._mean_square(x, *args))
        matrix = None if matrix is None else np.asarray(matrix, np.float64)
        return self.groups.evidence(np.asarray(x, np.float64), matrix, float(mean_square), decay, observed, noise=noise)


def _residuals(residuals: Callable, free: Any, x: Array, *args: Any) -> Array:
    return residuals(ravel_pytree(free)[1](x), *args).ravel()


def _mean_square(residuals: Callable, free: Any, x: Array, *args: Any) -> Array:
    return jnp.sum(_residuals(residuals, free, x, *args) ** 2)


def _normal(residuals: Callable, free: Any, x: Array, *args: Any) -> tuple[Array, Array]:
    r, jvp = jax.linearize(lambda x: _residuals(residuals, free, x, *args), x)
    transposed = jax.vmap(jvp)(jnp.eye(x.size, dtype=x.dtype))
    return transposed @ transposed.T, r @ r


def _inverse(matrix: np.ndarray) -> np.ndarray:
    """The upper half of it, by Cholesky, a third of the work of `inv`; of rows of size one, since decays lie up to
    eighteen powers of ten apart. The pseudoinverse where rounding has made an eigenvalue negative."""
    if not np.isfinite(matrix).all():
        return np.full_like(matrix, np.nan)
    size = 1 / np.sqrt(np.maximum(np.diag(matrix), 1e-300))
    scaled = matrix * size[:, None] * size
    potrf, potri = scipy.linalg.get_lapack_funcs(("potrf", "potri"), (scaled,))
    factor, failed = potrf(scaled)
    inverse = np.linalg.pinv(np.nan_to_num(scaled), hermitian=True) if failed else potri(factor)[0]
    return np.triu(inverse * size[:, None] * size)


def _group_numbers(free: Any) -> np.ndarray:
    """For each number of the free vector its group, or -1."""
    group = itertools.count()

    def numbered(node):
        number = next(group) if trained_weights(node) else -1
        return [np.full(leaf.size, number) for leaf in jax.tree.leaves(node)]

    parts = [part for node in jax.tree.leaves(free, is_leaf=is_node) for part in numbered(node)]
    return np.concatenate([*parts, np.zeros(0, int)])
