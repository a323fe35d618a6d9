"""Test functions with known minima: Moré, Garbow and Hillstrom, ACM TOMS 7 (1981), 17-41, and a quadratic.

Each is the sum of squares of residuals; the number is that of section 3 of the paper, from which the standard starts
and the values of f* are taken. The paper prints six digits of those that are not zero. The digits beyond, and the
points where it prints none, are from Newton's method in double precision; a test checks both against the paper. The
local minimum of the trigonometric function is not in the paper, but all descent from its standard start ends there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .problem import Problem

BARD = np.array([0.14, 0.18, 0.22, 0.25, 0.29, 0.32, 0.35, 0.39, 0.37, 0.58, 0.73, 0.96, 1.34, 2.10, 4.39])
GAUSSIAN = np.array([0.0009, 0.0044, 0.0175, 0.0540, 0.1295, 0.2420, 0.3521, 0.3989])
GAUSSIAN = np.concatenate([GAUSSIAN, GAUSSIAN[-2::-1]])
KOWALIK_Y = np.array([0.1957, 0.1947, 0.1735, 0.1600, 0.0844, 0.0627, 0.0456, 0.0342, 0.0323, 0.0235, 0.0246])
KOWALIK_U = np.array([4, 2, 1, 0.5, 0.25, 0.167, 0.125, 0.1, 0.0833, 0.0714, 0.0625])


def rosenbrock(x):
    return jnp.concatenate([10 * (x[1::2] - x[::2] ** 2), 1 - x[::2]])


def freudenstein_roth(x):
    a, b = x
    return jnp.stack([-13 + a + ((5 - b) * b - 2) * b, -29 + a + ((b + 1) * b - 14) * b])


def powell_badly_scaled(x):
    return jnp.stack([1e4 * x[0] * x[1] - 1, jnp.exp(-x[0]) + jnp.exp(-x[1]) - 1.0001])


def brown_badly_scaled(x):
    return jnp.stack([x[0] - 1e6, x[1] - 2e-6, x[0] * x[1] - 2])


def beale(x):
    return np.array([1.5, 2.25, 2.625]) - x[0] * (1 - x[1] ** np.arange(1, 4))


def helical_valley(x):
    theta = jnp.arctan(x[1] / x[0]) / (2 * jnp.pi) + jnp.where(x[0] < 0, 0.5, 0.0)
    return jnp.stack([10 * (x[2] - 10 * theta), 10 * (jnp.hypot(x[0], x[1]) - 1), x[2]])


def bard(x):
    u = np.arange(1.0, 16)
    return BARD - (x[0] + u / ((16 - u) * x[1] + np.minimum(u, 16 - u) * x[2]))


def gaussian(x):
    return x[0] * jnp.exp(-x[1] * ((8 - np.arange(1, 16)) / 2 - x[2]) ** 2 / 2) - GAUSSIAN


def gulf(x):
    # The paper's "y_i m i x_2" is a misprint of y_i - x_2, without which f is not zero at its own solution.
    t = np.arange(1, 100) / 100
    return jnp.exp(-(jnp.abs(25 + (-50 * np.log(t)) ** (2 / 3) - x[1]) ** x[2]) / x[0]) - t


def box_3d(x):
    t = np.arange(1, 11) / 10
    return jnp.exp(-t * x[0]) - jnp.exp(-t * x[1]) - x[2] * (np.exp(-t) - np.exp(-10 * t))


def powell_singular(x):
    a, b, c, d = x
    return jnp.stack([a + 10 * b, 5**0.5 * (c - d), (b - 2 * c) ** 2, 10**0.5 * (a - d) ** 2])


def wood(x):
    a, b, c, d = x
    return jnp.stack([10 * (b - a**2), 1 - a, 90**0.5 * (d - c**2), 1 - c, 10**0.5 * (b + d - 2), (b - d) / 10**0.5])


def kowalik_osborne(x):
    u = KOWALIK_U
    return KOWALIK_Y - x[0] * (u**2 + u * x[1]) / (u**2 + u * x[2] + x[3])


def brown_dennis(x):
    t = np.arange(1, 21) / 5
    return (x[0] + t * x[1] - np.exp(t)) ** 2 + (x[2] + x[3] * np.sin(t) - np.cos(t)) ** 2


def biggs_exp6(x):
    t = np.arange(1, 14) / 10
    model = x[2] * jnp.exp(-t * x[0]) - x[3] * jnp.exp(-t * x[1]) + x[5] * jnp.exp(-t * x[4])
    return model - (np.exp(-t) - 5 * np.exp(-10 * t) + 3 * np.exp(-4 * t))


def watson(x):
    powers = (np.arange(1, 30) / 29)[:, None] ** np.arange(x.size)
    slope = powers[:, :-1] @ (np.arange(1, x.size) * x[1:])
    return jnp.concatenate([slope - (powers @ x) ** 2 - 1, x[:1], x[1:2] - x[:1] ** 2 - 1])


def variably_dimensioned(x):
    weighted = jnp.sum(np.arange(1, x.size + 1) * (x - 1))
    return jnp.concatenate([x - 1, jnp.stack([weighted, weighted**2])])


def trigonometric(x):
    i = np.arange(1, x.size + 1)
    return x.size - jnp.sum(jnp.cos(x)) + i * (1 - jnp.cos(x)) - jnp.sin(x)


def broyden_tridiagonal(x):
    left, right = jnp.pad(x[:-1], (1, 0)), jnp.pad(x[1:], (0, 1))
    return (3 - 2 * x) * x - left - 2 * right + 1


def ill_conditioned_quadratic(x):
    """Half a quadratic form of condition 1e4 about (1, ..., 1), its axes reflected so that none is a coordinate's."""
    normal = np.cos(np.arange(x.size))
    z = (x - 1) - 2 * normal * (normal @ (x - 1)) / (normal @ normal)
    return np.sqrt(np.logspace(0, 4, x.size) / 2) * z


class Minimum(NamedTuple):
    """A value f*, and where it is: None if at infinity, or at irrational numbers whose residuals vanish."""

    value: float
    at: tuple[float, ...] | None


@dataclass(frozen=True)
class SumOfSquares:
    """A test function: its residuals, the standard start, and its minima, the lowest first."""

    residuals: Callable[[Array], Array]
    start: tuple[float, ...]
    minima: tuple[Minimum, ...]

    def value(self, x: Float[Array, " n"]) -> Float[Array, ""]:
        return jnp.sum(self.residuals(x) ** 2)


def _root(*at: float) -> Minimum:
    return Minimum(0.0, at)


_NOT_ROOTS = {
    "freudenstein_roth": Minimum(48.98425367924, (11.4127789869, -0.8968052533)),
    "bard": Minimum(8.214877306579e-3, (0.0824105597, 1.133036092, 2.3436951786)),
    "bard at infinity": Minimum(17.428693333333, None),
    "gaussian": Minimum(1.1279327696e-8, (0.3989561378, 1.0000190845, 0.0)),
    "kowalik_osborne": Minimum(3.0750560384924e-4, (0.1928069346, 0.1912823287, 0.1230565069, 0.1360623307)),
    "kowalik_osborne at infinity": Minimum(1.0273430486955e-3, None),
    "brown_dennis": Minimum(85822.201626356, (-11.5944399048, 13.2036300512, -0.4034394882, 0.2367787745)),
    "biggs_exp6": Minimum(
        5.6556499255e-3, (1.711415996, 17.683198120, 1.163143662, 5.186561529, 1.711415996, 1.163143662)
    ),
    "trigonometric_20": Minimum(6.8618593e-6, None),
    "watson_9": Minimum(
        1.399760138095e-6,
        (-1.53070365e-5, 0.9997897039, 0.0147639637, 0.1463423283, 1.000821103, -2.6177311405, 4.1044031645,
         -3.1436122786, 1.052626408),
    ),
}  # fmt: skip

_TABLE: tuple[tuple[str, Callable, tuple[float, ...], tuple[Minimum, ...]], ...] = (
    ("rosenbrock", rosenbrock, (-1.2, 1), (_root(1, 1),)),  # 1
    ("freudenstein_roth", freudenstein_roth, (0.5, -2), (_root(5, 4), _NOT_ROOTS["freudenstein_roth"])),  # 2
    ("powell_badly_scaled", powell_badly_scaled, (0, 1), (_root(1.09815932969976e-5, 9.106146739866525),)),  # 3
    ("brown_badly_scaled", brown_badly_scaled, (1, 1), (_root(1e6, 2e-6),)),  # 4
    ("beale", beale, (1, 1), (_root(3, 0.5),)),  # 5
    ("helical_valley", helical_valley, (-1, 0, 0), (_root(1, 0, 0),)),  # 7
    ("bard", bard, (1, 1, 1), (_NOT_ROOTS["bard"], _NOT_ROOTS["bard at infinity"])),  # 8
    ("gaussian", gaussian, (0.4, 1, 0), (_NOT_ROOTS["gaussian"],)),  # 9
    ("gulf", gulf, (5, 2.5, 0.15), (_root(50, 25, 1.5),)),  # 11
    ("box_3d", box_3d, (0, 10, 20), (_root(1, 10, 1),)),  # 12
    ("powell_singular", powell_singular, (3, -1, 0, 1), (_root(0, 0, 0, 0),)),  # 13
    ("wood", wood, (-3, -1, -3, -1), (_root(1, 1, 1, 1),)),  # 14
    ("kowalik_osborne", kowalik_osborne, (0.25, 0.39, 0.415, 0.39),
     (_NOT_ROOTS["kowalik_osborne"], _NOT_ROOTS["kowalik_osborne at infinity"])),  # 15
    ("brown_dennis", brown_dennis, (25, 5, -5, -1), (_NOT_ROOTS["brown_dennis"],)),  # 16
    ("biggs_exp6", biggs_exp6, (1, 2, 1, 1, 1, 1), (_root(1, 10, 1, 5, 4, 3), _NOT_ROOTS["biggs_exp6"])),  # 18
    ("watson_9", watson, (0,) * 9, (_NOT_ROOTS["watson_9"],)),  # 20
    ("extended_rosenbrock_50", rosenbrock, (-1.2, 1) * 25, (_root(*(1,) * 50),)),  # 21
    ("variably_dimensioned_20", variably_dimensioned, tuple(1 - j / 20 for j in range(1, 21)),
     (_root(*(1,) * 20),)),  # 25
    ("trigonometric_20", trigonometric, (1 / 20,) * 20,
     (_root(*(0,) * 20), _NOT_ROOTS["trigonometric_20"])),  # 26
    ("broyden_tridiagonal_50", broyden_tridiagonal, (-1,) * 50, (Minimum(0.0, None),)),  # 30
    ("ill_conditioned_quadratic", ill_conditioned_quadratic, (0,) * 50, (_root(*(1,) * 50),)),
)  # fmt: skip

FUNCTIONS = {name: SumOfSquares(residuals, start, minima) for name, residuals, start, minima in _TABLE}
"""Every test function by its name."""


def function_problem(name: str) -> Problem:
    """A test function as a problem; its unknowns are one vector."""
    function = FUNCTIONS[name]
    start = jnp.asarray(function.start, jnp.result_type(float))
    return Problem(name, start, function.value, minima=tuple(minimum.value for minimum in function.minima))
