"""Rate laws that saturate: products of powers of states and inputs and of Hill functions of them.

r(x) = x^n / (K^n + x^n) rises to one, 1 - r(x) falls to zero: Michaelis & Menten's kinetics and Monod's growth (n = 1),
Holling's functional responses of type II (n = 1) and III (n = 2), activation and repression of genes (Hill, "The
possible effects of the aggregation of the molecules of haemoglobin", Journal of Physiology 40 (1910)), and, where K is
far beyond the data, the powers x^n, as of outflows by Torricelli's law (n = 1/2). All that is needs only few terms
here, and many of a polynomial.
"""

from functools import lru_cache
from itertools import combinations_with_replacement
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .coordinates import Constant, Coordinates
from .polynomial import linear_of_zeros

POWER, RISING, FALLING = range(3)
LEAST = 1e-6  # of a typical value: no logarithm of less is taken
STEPS = -2.0, 3.0  # of Hill exponents
FAR = 5.0  # standard deviations from zero, beyond which what does not saturate is counted from its mean


class Factor(NamedTuple):
    """Of a term: the number of a state or input, and which function of it."""

    variable: int
    kind: int


class Kinetics(eqx.Module):
    """Rates in units of `rate_scale`, of states and inputs of order one; none until they are fitted.

    They take the place of the network of an `MLPVectorField`.

    Args:
        coordinates: of the states and inputs; those of the vector field.
        out_size: how many rates.
        typical: of each state and input that may saturate a value at which it half does, in standard deviations; zero
            of those that may not.
        degree: factors of a term, at most. Hill functions are multiplied with others alone: of other variables.
        steps: of all Hill exponents, as in `hill_exponent`.
    """

    called: ClassVar[str] = "rate laws"

    powers: eqx.nn.Linear  # of products of powers of them, the constant among them
    saturating: eqx.nn.Linear  # of products with Hill functions
    half: Float[Array, " saturating"]  # ln K of each variable that may saturate, over its typical value
    exponent: Float[Array, " saturating"]  # as in `hill_exponent`
    coordinates: Coordinates
    typical: Constant
    variables: tuple[int, ...] = eqx.field(static=True)  # those that may saturate, by their numbers
    degree: int = eqx.field(static=True)

    def __init__(self, coordinates: Coordinates, out_size: int, typical: np.ndarray, degree: int, steps: float = 0.0):
        self.variables = tuple(np.flatnonzero(typical > 0).tolist())
        self.coordinates, self.typical, self.degree = coordinates, Constant(jnp.asarray(typical)), degree
        self.powers, self.saturating = (linear_of_zeros(len(some), out_size, bias=False) for some in self._products)
        self.half, self.exponent = (jnp.asarray(np.full(len(self.variables), value)) for value in (0.0, steps))

    @property
    def _products(self) -> tuple[list[tuple[Factor, ...]], list[tuple[Factor, ...]]]:
        """Of powers alone, and of Hill functions and others."""
        return _in_two(np.shape(self.typical.value)[0], self.variables, self.degree)

    @property
    def terms(self) -> list[tuple[int, tuple[Factor, ...]]]:
        """Of each of the first numbers that are trained, which rate its term is of, and the factors of that."""
        return [
            (rate, one)
            for layer, some in zip((self.powers, self.saturating), self._products, strict=True)
            for rate in range(layer.weight.shape[0])
            for one in some
        ]

    @property
    def kinds(self) -> tuple[np.ndarray, np.ndarray]:
        """Of each term, how many factors it has, a Hill function counting twice, and which rate it is of."""
        return np.array([_size(one) for _, one in self.terms]), np.array([rate for rate, _ in self.terms])

    @property
    def sizes(self) -> np.ndarray:
        """How many factors each function of one rate has, as in `values`, a Hill function counting twice."""
        return np.array([_size(one) for some in self._products for one in some])

    def numbers_of(self, rate: int, functions: np.ndarray) -> np.ndarray:
        """Which terms some of the functions of a rate are, which are in the order of `values`."""
        return np.flatnonzero(self.kinds[1] == rate)[functions]

    def with_shapes(self, terms: np.ndarray) -> np.ndarray:
        """These terms, and then the half-saturations of what they are made of, and the exponents but one."""
        every = self.terms
        bent = {factor.variable for term in terms for factor in every[term][1] if factor.kind != POWER}
        is_bent = np.array([variable in bent for variable in self.variables])
        is_free = is_bent & (np.asarray(self.exponent) != 0)
        half = len(every) + np.arange(len(self.variables))
        return np.concatenate([terms, half[is_bent], half[is_free] + len(self.variables)])

    def __call__(self, seen: Float[Array, " variables"]) -> Float[Array, " values"]:
        of_powers, of_products = self.values(seen, self.half, self.exponent)
        return self.powers.weight @ of_powers + self.saturating.weight @ of_products

    def values(self, seen: Any, half: Any, exponent: Any) -> tuple[Any, Any]:
        """Of the products of powers `(..., products)`, and of those with Hill functions.

        Args:
            seen: states and inputs of order one, `(..., variables)`.
            half, exponent: as of the law.
        """
        xp: Any = jnp if isinstance(seen, jax.Array) else np
        bent = np.array(self.variables, int)
        x = seen + zero_of_kinetics(self.coordinates, bent)
        logarithm = xp.log(xp.maximum(x[..., bent] / xp.asarray(self.typical.value)[bent], LEAST))
        falling = (1 - xp.tanh(hill_exponent(exponent) * (logarithm - half) / 2)) / 2
        functions = xp.concatenate([xp.ones_like(x[..., :1]), x, 1 - falling, falling], axis=-1)
        of_powers, of_products = (xp.prod(functions[..., self._numbers(some)], axis=-1) for some in self._products)
        return of_powers, of_products

    def _numbers(self, some: list[tuple[Factor, ...]]) -> np.ndarray:
        """Of the factors of products, which of all functions they are; one of those that are missing."""
        size, place = np.shape(self.typical.value)[0], {variable: i for i, variable in enumerate(self.variables)}

        def number(factor: Factor) -> int:
            if factor.kind == POWER:
                return 1 + factor.variable
            return 1 + size + place[factor.variable] + (len(place) if factor.kind == FALLING else 0)

        return np.array([[*map(number, one), *[0] * (self.degree - len(one))] for one in some])


@lru_cache
def _in_two(
    size: int, saturating: tuple[int, ...], degree: int
) -> tuple[list[tuple[Factor, ...]], list[tuple[Factor, ...]]]:
    """`products` of powers alone, and with Hill functions."""
    found: tuple[list[tuple[Factor, ...]], list[tuple[Factor, ...]]] = ([], [])
    for one in products(size, saturating, degree):
        found[any(factor.kind != POWER for factor in one)].append(one)
    return found


def _size(one: tuple[Factor, ...]) -> int:
    return sum(1 + (factor.kind != POWER) for factor in one)


def hill_exponent(steps: Any) -> Any:
    """n of the number that is fitted, between a quarter and eight; 1, 2, 4 of 0, 1, 2.

    Between whole numbers log n goes along a cubic whose slope is zero there, so that it stays there until a fit begins
    elsewhere: beside all terms that there are an exponent would follow noise.
    """
    xp: Any = jnp if isinstance(steps, jax.Array) else np
    within = xp.clip(steps, *STEPS)
    whole = xp.floor(within)
    part = within - whole
    return 2.0 ** (whole + part**2 * (3 - 2 * part))


def products(size: int, saturating: tuple[int, ...], degree: int) -> list[tuple[Factor, ...]]:
    """Of so many variables, of which some saturate, up to so many factors; a Hill function of a variable is its only
    factor in a product."""
    functions = [Factor(variable, POWER) for variable in range(size)]
    functions += [Factor(variable, kind) for kind in (RISING, FALLING) for variable in saturating]

    def alone(one: tuple[Factor, ...]) -> bool:
        bent = [factor.variable for factor in one if factor.kind != POWER]
        return all(sum(factor.variable == variable for factor in one) == 1 for variable in bent)

    return [one for count in range(degree + 1) for one in combinations_with_replacement(functions, count) if alone(one)]


def zero_of_kinetics(c: Coordinates, saturating: np.ndarray) -> Any:
    """What is added to each state and input of order one, so that it is zero where the data's own is; nothing to those
    that do not saturate and are far from there."""
    xp: Any = jnp if isinstance(c.scale, jax.Array) else np
    centre = xp.concatenate([xp.asarray(c.centre), xp.asarray(c.input_centre)])
    below = centre / xp.concatenate([xp.asarray(c.scale), xp.asarray(c.input_scale)])
    return xp.where((abs(below) <= FAR) | np.isin(np.arange(len(below)), saturating), below, 0.0)
