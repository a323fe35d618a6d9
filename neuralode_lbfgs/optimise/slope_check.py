"""Is the gradient that of the loss? One slope by autodiff against a central difference, before a fit.

A model that solves an ODE at loose tolerances, or has a gradient of its own making, can hand the line search slopes
that its values do not have. Searches then fail for no visible reason.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from .minimise import Minimiser, free_vector
from .progress import Limits

MOVED = 1e-3  # of the loss, by the probe: far above rounding, so near that the loss is a parabola
FARTHEST = 1e-2  # of the size of the parameters


class Slope(NamedTuple):
    """The derivative of the loss along its gradient: as autodiff has it, and as values have it."""

    autodiff: float
    difference: float
    evaluations: int

    @property
    def error(self) -> float:
        """How far they are apart, relative to the larger; zero where both vanish, NaN where one is not finite."""
        larger = max(abs(self.autodiff), abs(self.difference))
        return abs(self.autodiff - self.difference) / larger if larger > 0 else 0.0


def slope_check(minimiser: Minimiser, params: Any, *args: Any) -> Slope:
    """The slope at `params` both ways; three evaluations of the program that the fit will use."""
    vector = free_vector(params)[0]
    args = jax.tree.map(jnp.asarray, args)
    one = Limits.of(vector.dtype, chunk_evals=1)

    def evaluated(x: np.ndarray) -> Any:
        state = minimiser.init(jnp.asarray(x, vector.dtype))
        return minimiser.chunk.program(state, one, args)(state, one, args)

    x = np.asarray(vector, np.float64)
    here = evaluated(x)
    gradient = np.asarray(here.gradient, np.float64)
    norm = float(np.linalg.norm(gradient))
    if norm == 0 or not np.isfinite(norm):
        return Slope(norm, norm, 1)
    size = max(float(np.linalg.norm(x)), 1.0)
    probe = min(MOVED * abs(float(here.value)) / norm, FARTHEST * size) or FARTHEST * size
    ahead, behind = (float(evaluated(x + sign * probe * gradient / norm).value) for sign in (1, -1))
    return Slope(norm, (ahead - behind) / (2 * probe), 3)
