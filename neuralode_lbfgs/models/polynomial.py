"""A polynomial of several variables, each coefficient of which is learned."""

import math
from itertools import combinations_with_replacement, product

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


def monomials(size: int, degree: int) -> int:
    """How many there are of so many variables up to a degree, but for the constant."""
    return math.comb(size + degree, degree) - 1


def all_monomials(size: int, degree: int) -> list[tuple[int, ...]]:
    """Each by the numbers of its factors, in the order of a `Polynomial`: a constant, the variables, their products."""
    return [one for power in range(degree + 1) for one in combinations_with_replacement(range(size), power)]


def shifted_monomials(shift: np.ndarray, degree: int) -> np.ndarray:
    """The monomials of x + shift by those of x, a column each, in the order of `all_monomials`."""
    order = {factors: i for i, factors in enumerate(all_monomials(len(shift), degree))}
    columns = np.zeros((len(order), len(order)))
    for factors, column in order.items():
        for chosen in product((False, True), repeat=len(factors)):
            of_x = tuple(f for f, is_x in zip(factors, chosen, strict=True) if is_x)
            constants = [shift[f] for f, is_x in zip(factors, chosen, strict=True) if not is_x]
            columns[order[of_x], column] += np.prod(constants)
    return columns


class Polynomial(eqx.Module):
    """p(x) = b + A_1 x + A_2 (x x) + ..., of all monomials up to a degree; zero until it is fitted.

    Args:
        in_size, out_size: how many variables and values.
        degree: at least 1.
    """

    coefficients: tuple[eqx.nn.Linear, ...]  # of each power; a fit decays each on its own
    factors: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] = eqx.field(static=True)

    def __init__(self, in_size: int, out_size: int, degree: int):
        self.factors = tuple(_factors(in_size, power) for power in range(2, degree + 1))
        sizes = [in_size, *(len(of_x) for _, of_x in self.factors)]
        self.coefficients = tuple(linear_of_zeros(size, out_size, bias=power == 0) for power, size in enumerate(sizes))

    @property
    def degree(self) -> int:
        return len(self.coefficients)

    @property
    def in_size(self) -> int:
        return self.coefficients[0].weight.shape[1]

    def __call__(self, x: Float[Array, " variables"]) -> Float[Array, " values"]:
        """The values at one point."""
        products = x
        value = self.coefficients[0](x)
        for (of_lower, of_x), power in zip(self.factors, self.coefficients[1:], strict=True):
            products = products[np.array(of_lower)] * x[np.array(of_x)]
            value = value + power(products)
        return value


def _factors(size: int, power: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Each monomial of a power as one of the power below times a variable, by their numbers."""
    lower = {monomial: i for i, monomial in enumerate(combinations_with_replacement(range(size), power - 1))}
    products = list(combinations_with_replacement(range(size), power))
    return tuple(lower[factors[:-1]] for factors in products), tuple(factors[-1] for factors in products)


def linear_of_zeros(in_size: int, out_size: int, *, bias: bool) -> eqx.nn.Linear:
    """A layer whose numbers are all zero, without anything compiled for that."""
    layer = eqx.filter_eval_shape(eqx.nn.Linear, in_size, out_size, use_bias=bias, key=np.zeros(2, np.uint32))
    zeros = [jnp.asarray(np.zeros(shape)) for shape in [(out_size, in_size), (out_size,)][: 1 + bias]]
    return eqx.tree_at(lambda one: [one.weight, one.bias][: 1 + bias], layer, zeros)
