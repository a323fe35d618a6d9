"""Free numbers of a model that follow from fewer: a fit in a subspace, by the same compiled programs.

The subspace is that of a polynomial in the data's own origin, of some of its terms alone, with nothing of a network.
"""

from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, Float

from ..models import Mesh, NeuralODE, shifted_monomials, trainable
from .evidence import WeightGroups
from .pieces import Cut, Ends, PieceSolver

FAR = 5.0  # standard deviations from zero: beyond, the powers of a variable are too much alike there


class Subspace(PieceSolver):
    """x = basis @ c, of which c is fitted, without a decay.

    Args:
        solver: of x.
        basis: of full column rank.
    """

    basis: Float[np.ndarray, "free fewer"]
    groups: WeightGroups

    def __init__(self, solver: PieceSolver, basis: np.ndarray):
        vars(self).update(vars(solver))
        self.basis, self._inverse = basis, np.linalg.pinv(basis)
        self.groups = WeightGroups(np.full(basis.shape[1], -1), 1)

    def _arguments(self, cuts: Cut, x: np.ndarray, nodes: np.ndarray):
        return super()._arguments(cuts, self.basis @ x, nodes)

    def derivatives_in_parts(self, cuts: Cut, x: np.ndarray, nodes: np.ndarray, most: int) -> Iterator[Ends]:
        for ends in super().derivatives_in_parts(cuts, x, nodes, most):
            yield ends._replace(of_x=ends.of_x @ self.basis)

    def numbers(self, model: NeuralODE) -> np.ndarray:
        return self._inverse @ super().numbers(model)

    def model(self, x: Array | np.ndarray) -> Any:
        return super().model(self.basis @ np.asarray(x, np.float64))

    def solve(self, x: Array | np.ndarray, mesh: Mesh, starts: Array | np.ndarray) -> Array:
        return super().solve(self.basis @ np.asarray(x, np.float64), mesh, starts)


def basis_of_terms(model: Any, origin: np.ndarray) -> Float[np.ndarray, "free terms"]:
    """What each term of the polynomial of a model is among its free numbers: all terms of the first value, and so on.

    Terms are products of states and inputs in units of their standard deviations.

    Args:
        origin: from where they are counted, so far below their means, `(variables,)`.
    """
    free, _ = trainable(model)
    leaves, structure = jax.tree.flatten(free)
    ends = np.cumsum([leaf.size for leaf in leaves])
    numbers = [np.arange(end - leaf.size, end).reshape(leaf.shape) for leaf, end in zip(leaves, ends, strict=True)]
    powers = jax.tree.unflatten(structure, numbers).vector_field.polynomial.coefficients
    columns = shifted_monomials(origin, len(powers))
    of_values = np.concatenate([powers[0].bias[:, None], *(power.weight for power in powers)], axis=1)
    basis = np.zeros((int(ends[-1]), of_values.size))
    for i, of_value in enumerate(of_values):
        basis[of_value, i * len(columns) : (i + 1) * len(columns)] = columns
    return basis


def zero_of(model: Any) -> Float[np.ndarray, " variables"]:
    """How far below its mean each state and input is zero, in standard deviations.

    Nothing for a logarithm, whose zero is that of a unit.
    """
    c = jax.tree.map(np.asarray, model.coordinates)
    below = np.concatenate([c.centre / c.scale, c.input_centre / c.input_scale])
    below[[number for number, _ in c.transform.log]] = 0.0
    return below


def usual_origin(model: Any) -> Float[np.ndarray, " variables"]:
    """The zero of each state and input, but the mean of one that is far from zero."""
    below = zero_of(model)
    return np.where(np.abs(below) <= FAR, below, 0.0)
