"""Free numbers of a model that follow from fewer: a fit in a subspace.

The subspace is that of a polynomial in the data's own origin, of some of its terms alone, with nothing of a network. Of
few data it is fitted by the programs that are compiled already; of many by those of a model without a network, whose
derivatives take a half to a tenth of the time.
"""

from collections.abc import Iterator
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..models import Mesh, NeuralODE, shifted_monomials, trainable
from .evidence import WeightGroups
from .pieces import Cut, Ends, PieceSolver

FAR = 5.0  # standard deviations from zero: beyond, the powers of a variable are too much alike there


class Subspace(PieceSolver):
    """x = basis @ c, of which c is fitted, without a decay.

    Args:
        whole: of x.
        basis: of full column rank.
        alone: of a model without the network, and the basis of its free numbers; None for the programs of the whole.
    """

    basis: Float[np.ndarray, "free fewer"]  # of what is solved
    groups: WeightGroups

    def __init__(self, whole: PieceSolver, basis: np.ndarray, alone: tuple[PieceSolver, np.ndarray] | None = None):
        solver, self.basis = (whole, basis) if alone is None else alone
        vars(self).update(vars(solver))
        self._whole, self._of_whole, self._inverse = whole, basis, np.linalg.pinv(basis)
        self.groups = WeightGroups(np.full(basis.shape[1], -1), 1)

    def _arguments(self, cuts: Cut, x: np.ndarray, nodes: np.ndarray):
        return super()._arguments(cuts, self.basis @ x, nodes)

    def derivatives_in_parts(self, cuts: Cut, x: np.ndarray, nodes: np.ndarray, most: int) -> Iterator[Ends]:
        for ends in super().derivatives_in_parts(cuts, x, nodes, most):
            yield ends._replace(of_x=ends.of_x @ self.basis)

    def numbers(self, model: NeuralODE) -> np.ndarray:
        return self._inverse @ self._whole.numbers(model)

    def model(self, x: Array | np.ndarray) -> Any:
        return self._whole.model(self._of_whole @ np.asarray(x, np.float64))

    def solve(self, x: Array | np.ndarray, mesh: Mesh, starts: Array | np.ndarray) -> Array:
        return super().solve(self.basis @ np.asarray(x, np.float64), mesh, starts)


class Silent(eqx.Module):
    """In place of a network of which nothing is left: zeros, of no numbers."""

    in_size: int = eqx.field(static=True)
    out_size: int = eqx.field(static=True)

    def __call__(self, x: Float[Array, " variables"]) -> Float[Array, " values"]:
        return jnp.zeros(self.out_size, x.dtype)


def without_network(model: NeuralODE) -> NeuralODE:
    """The polynomial beside the network of a model, alone."""
    mlp = model.vector_field.mlp
    return eqx.tree_at(lambda one: one.vector_field.mlp, model, Silent(mlp.in_size, mlp.out_size))


def basis_of_terms(model: Any, origin: np.ndarray, terms: np.ndarray) -> Float[np.ndarray, "free terms"]:
    """What terms of the polynomial of a model are among its free numbers.

    Terms are products of states and inputs in units of their standard deviations.

    Args:
        origin: from where they are counted, so far below their means, `(variables,)`.
        terms: by their numbers: all terms of the first value, then those of the second, and so on.
    """
    free, _ = trainable(model)
    leaves, structure = jax.tree.flatten(free)
    ends = np.cumsum([leaf.size for leaf in leaves])
    if model.vector_field.is_law:
        return np.eye(int(ends[-1]))[:, model.vector_field.mlp.with_shapes(terms)]
    numbers = [np.arange(end - leaf.size, end).reshape(leaf.shape) for leaf, end in zip(leaves, ends, strict=True)]
    powers = jax.tree.unflatten(structure, numbers).vector_field.polynomial.coefficients
    columns = shifted_monomials(origin, len(powers))
    of_values = np.concatenate([powers[0].bias[:, None], *(power.weight for power in powers)], axis=1)
    basis = np.zeros((int(ends[-1]), len(terms)))
    for column, (value, monomial) in enumerate(zip(*np.divmod(terms, len(columns)), strict=True)):
        basis[of_values[value], column] = columns[:, monomial]
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
