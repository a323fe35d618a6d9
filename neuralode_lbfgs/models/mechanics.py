"""Equations of motion: masses that depend on positions, a potential, friction, and inputs as forces.

Lagrange's equations (Goldstein, Poole & Safko, "Classical Mechanics", 3rd edition, section 1.4) of the kinetic energy
w^T M(x) w / 2 and the potential energy V(x) of positions x and velocities w = dx/dt:

    M(x) dw/dt = d/dx (w^T M(x) w / 2 - V(x)) - (dM/dt) w + forces.

M and V are sums of products of a few functions of each position, its sine and cosine if it is an angle, else its
powers: what rigid bodies on joints and slides have. Accelerations of such machines are quotients, of which polynomials
need many terms.
"""

from itertools import combinations, combinations_with_replacement, product
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from .coordinates import Constant, Coordinates

SLOW = 0.01  # of a typical velocity: below, dry friction falls
FLAT = 1e-6  # radians in a unit of x, as which a length is taken: its sine is straight, and its cosine a parabola
FAR = 5.0  # standard deviations from zero, beyond which a length or an input is counted from its mean

# Functions of one position: s = sin x or x, c = 2 (1 - cos x) or x^2, and of the potential s c and c^2, which are
# harmonics of the angle, or third and fourth powers.
STRAIGHT, BENT, THIRD, FOURTH = range(4)
SIMPLE, HARMONICS = (STRAIGHT, BENT), (THIRD, FOURTH)


class Origin(NamedTuple):
    """From where states and inputs are counted, and what there is between them and numbers of order one.

    Args:
        turn: radians in a unit of x of each position that is an angle, 0 of the others.
        below: what is added to each position of order one, so that it is zero where the data's own is.
        below_inputs: the same of inputs.
        typical: size of dx/dtau, in which velocities are counted.
        per_velocity: of each position, dx/dtau in that unit of a velocity in the data's own.
    """

    turn: Any
    below: Any
    below_inputs: Any
    typical: Any
    per_velocity: Any


class EquationsOfMotion(eqx.Module):
    """Accelerations in units of `rate_scale`, of states and inputs of order one; none until they are fitted.

    They take the place of the network of an `MLPVectorField` whose every other state is a velocity. The constant part
    of the first inertia is one, as only ratios of masses and forces can be known.

    Args:
        coordinates: of the states; those of the vector field.
        rates: the number of each position, and of its velocity.
        turn: radians in a standard deviation of each position that is an angle, 0 of the others.
        steered: whether the directions of inputs depend on the positions, as that of a thrust.
    """

    called: ClassVar[str] = "equations of motion"

    mass: Float[Array, " masses"]  # of each entry above the diagonal and on it, of each product; but for the first
    potential: Float[Array, " potentials"]
    friction: Float[Array, "velocities velocities"]
    rubbing: Float[Array, "two velocities"]  # of one size, and that grows with the square
    forces: Float[Array, "velocities one_and_inputs"]
    steered: Float[Array, "velocities inputs functions"]  # of inputs times functions of one position; or none of them
    coordinates: Coordinates
    turn: Constant
    rates: tuple[tuple[int, int], ...] = eqx.field(static=True)

    def __init__(self, coordinates: Coordinates, rates: tuple[tuple[int, int], ...], turn: np.ndarray, steered: bool):
        n, inputs = len(rates), np.shape(coordinates.input_centre)[0]
        self.coordinates, self.rates, self.turn = coordinates, rates, Constant(jnp.asarray(turn))
        entries, of_mass, of_potential = n * (n + 1) // 2, len(products(n)), len(products(n, harmonics=True))
        self.mass, self.potential = _zeros(entries * of_mass - 1), _zeros(of_potential - 1)
        self.friction, self.rubbing = _zeros(n, n), _zeros(2, n)
        self.forces = _zeros(n, 1 + inputs)
        self.steered = _zeros(n, inputs, 2 * n if steered else 0)

    @property
    def kinds(self) -> tuple[np.ndarray, np.ndarray]:
        """Of each number, how many factors its term has, and which part of the equations it is of."""
        n, turn = len(self.rates), np.asarray(self.turn.value)

        def powers(harmonics: bool = False) -> list[int]:
            factors = lambda i, kind: 1 if kind == BENT and turn[i] > 0 else 1 + kind  # noqa: E731 - a cosine is no square
            return [sum(factors(*one) for one in factors_of) for factors_of in products(n, harmonics)]

        parts = (
            (2 + np.tile(powers(), n * (n + 1) // 2))[1:],
            np.array(powers(harmonics=True)[1:]),
            np.ones(n * n, int),
            np.repeat([1, 2], n),
            np.tile(np.arange(self.forces.shape[1]) > 0, n).astype(int),
            1 + np.tile(powers()[singles(n)], self.steered.size // (2 * n)),
        )
        return np.concatenate(parts), np.repeat(np.arange(len(parts)), [part.size for part in parts])

    def with_shapes(self, terms: np.ndarray) -> np.ndarray:
        """These terms: all numbers are such."""
        return terms

    def changed_by(self, mirror: tuple[bool, ...]) -> np.ndarray:
        """Which numbers have to be zero, if the mirror image of a motion is a motion too: that in which these positions
        have the other sign, and their velocities. Inputs may have that then or not."""
        n, turned = len(self.rates), np.array(mirror, int)

        def signs(harmonics: bool = False) -> np.ndarray:
            of_factor = lambda i, kind: turned[i] * (kind in (STRAIGHT, THIRD))  # noqa: E731
            return np.array([sum(of_factor(*one) for one in factors) for factors in products(n, harmonics)])

        of_entries = np.array([turned[i] + turned[j] for i, j in entries(n)])
        parts = (
            (of_entries[:, None] + signs()).ravel()[1:],
            signs(harmonics=True)[1:],
            (turned[:, None] + turned).ravel(),
            np.zeros(2 * n, int),
            np.pad(turned[:, None], ((0, 0), (0, self.forces.shape[1] - 1))).ravel(),
            np.zeros(self.steered.size, int),
        )
        return np.concatenate(parts) % 2 == 1

    def __call__(self, seen: Float[Array, " variables"]) -> Float[Array, " velocities"]:
        c, (at, of) = self.coordinates, numbers_of(self.rates)
        here = origin_of(c, self.rates, self.turn.value)
        scale, centre, rate_scale = jnp.asarray(c.scale), jnp.asarray(c.centre), jnp.asarray(c.rate_scale)
        x, w = seen[at] + here.below, (seen[of] * scale[of] + centre[of]) * here.per_velocity
        u = seen[scale.size :] + here.below_inputs

        functions, slopes = self._functions(x)
        n, of_mass = x.size, len(products(x.size))
        coefficients = jnp.append(1.0, self.mass).reshape(-1, of_mass)[_symmetric(n)]  # (n, n, products)
        mass = coefficients @ functions[:of_mass] + np.diag(np.arange(n) > 0)
        change = coefficients @ slopes[:of_mass]  # of M_ij with x_k
        turning = jnp.einsum("ijk,j,k->i", change, w, w) - jnp.einsum("jki,j,k->i", change, w, w) / 2
        forces = self.forces @ jnp.append(1.0, u) - self.friction @ w - self.potential @ slopes[1:]
        forces = forces - self.rubbing[0] * jnp.tanh(w / SLOW) - self.rubbing[1] * w * jnp.abs(w)
        if self.steered.size:
            forces = forces + jnp.einsum("ijk,j,k->i", self.steered, u, functions[singles(n)])
        acceleration = _solved(mass, forces - turning)
        return acceleration * here.typical / (here.per_velocity * scale[of] * rate_scale[of])

    def _functions(
        self, x: Float[Array, " positions"]
    ) -> tuple[Float[Array, " products"], Float[Array, "products positions"]]:
        """All products, and their slopes; written out, as derivatives of derivatives compile for long."""
        turn = jnp.maximum(jnp.asarray(self.turn.value), FLAT)
        s, c = jnp.sin(turn * x) / turn, (2 * jnp.sin(turn * x / 2) / turn) ** 2
        of_s, of_c = 1 - turn**2 * c / 2, 2 * s
        each = jnp.stack([s, c, s * c, c * c], axis=1).ravel()
        slope = jnp.stack([of_s, of_c, of_s * c + s * of_c, 2 * c * of_c], axis=1).ravel()
        each, slope = jnp.append(1.0, each), jnp.append(0.0, slope)
        number = lambda factors: [1 + 4 * i + kind for i, kind in factors] + [0] * (2 - len(factors))  # noqa: E731
        one, other = np.array([number(factors) for factors in products(x.size, harmonics=True)]).T
        position = np.eye(x.size + 1)[:, 1:]  # of a factor, none of the first
        of_one, of_other = (position[(factor + 3) // 4] for factor in (one, other))
        slopes = (slope[one] * each[other])[:, None] * of_one + (each[one] * slope[other])[:, None] * of_other
        return each[one] * each[other], slopes


def numbers_of(rates: tuple[tuple[int, int], ...]) -> tuple[np.ndarray, np.ndarray]:
    """Of the positions, and of their velocities."""
    at, of = zip(*rates, strict=True)
    return np.array(at), np.array(of)


def origin_of(c: Coordinates, rates: tuple[tuple[int, int], ...], turn: Array | np.ndarray) -> Origin:
    """As it follows from coordinates; in NumPy of those in NumPy."""
    xp: Any = jnp if isinstance(c.scale, jax.Array) else np
    at, _ = numbers_of(rates)
    scale, turn = xp.asarray(c.scale)[at], xp.asarray(turn)
    below, of_inputs = xp.asarray(c.centre)[at] / scale, xp.asarray(c.input_centre) / xp.asarray(c.input_scale)
    typical = xp.sqrt(xp.mean(xp.asarray(c.rate_scale)[at] ** 2))
    return Origin(
        turn,
        xp.where((turn > 0) | (abs(below) <= FAR), below, 0.0),
        xp.where(abs(of_inputs) <= FAR, of_inputs, 0.0),
        typical,
        xp.asarray(c.time_scale) / scale / typical,
    )


def products(size: int, harmonics: bool = False) -> list[tuple[tuple[int, int], ...]]:
    """Of functions of so many positions: one, those of each position, and of each two of them; each by its factors, the
    number of a position and what it is of it. The harmonics of each, too, if they are wanted."""
    factors = [[(i, kind) for kind in SIMPLE] for i in range(size)]
    single = [(one,) for of_one in factors for one in of_one]
    pairs = [(one, other) for first, second in combinations(factors, 2) for one, other in product(first, second)]
    more = [((i, kind),) for i in range(size) for kind in HARMONICS] if harmonics else []
    return [(), *single, *pairs, *more]


def singles(size: int) -> slice:
    """Which of the `products` are of one position alone."""
    return slice(1, 1 + len(SIMPLE) * size)


def entries(size: int) -> list[tuple[int, int]]:
    """Of a symmetric matrix, each above the diagonal and on it, in the order of `EquationsOfMotion.mass`."""
    return list(combinations_with_replacement(range(size), 2))


def _symmetric(size: int) -> Int[np.ndarray, "size size"]:
    """Of each entry of a symmetric matrix, which of those that are numbers it is."""
    number = {entry: i for i, entry in enumerate(entries(size))}
    return np.array([[number[min(i, j), max(i, j)] for j in range(size)] for i in range(size)])


def _zeros(*shape: int) -> Array:
    return jnp.asarray(np.zeros(shape))


def _solved(matrix: Float[Array, "n n"], right: Float[Array, " n"]) -> Float[Array, " n"]:
    """Of a small symmetric matrix: written out, of two, which compiles faster and runs faster."""
    if right.size == 1:
        return right / matrix[0]
    if right.size > 2:
        return jnp.linalg.solve(matrix, right)
    (a, b), (_, d) = matrix
    return jnp.stack([d * right[0] - b * right[1], a * right[1] - b * right[0]]) / (a * d - b * b)
