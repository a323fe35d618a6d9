"""How far neighbouring errors go together, and how far they do by chance where some runs are noisier than others.

White, "A heteroskedasticity-consistent covariance matrix estimator", Econometrica 48 (1980): of products that are zero
in the mean, the sum has the variance  sum (before * after)^2,  whatever the size of each. A run of three times the
noise has most of the squares, and few rows.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float


class Together(NamedTuple):
    """Of errors and those after them, `(pairs,)` or `(pairs, states)`.

    Args:
        correlation: of neighbours about zero.
        by_chance: its standard deviation, of white errors.
    """

    correlation: Float[np.ndarray, "*states"]
    by_chance: Float[np.ndarray, "*states"]


@np.errstate(over="ignore", invalid="ignore")  # a model in the making may be off beyond all numbers
def together(before: Float[np.ndarray, "pairs *states"], after: Float[np.ndarray, "pairs *states"]) -> Together:
    """Zero of no pairs, and of errors of nothing."""
    squares = np.maximum(np.sum(before**2 + after**2, axis=0) / 2, 1e-300)
    products = before * after
    return Together(np.sum(products, axis=0) / squares, np.sqrt(np.sum(products**2, axis=0)) / squares)
