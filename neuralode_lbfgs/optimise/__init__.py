"""Minimisation of expensive differentiable functions. Knows nothing of ODEs."""

from .first_order import Optax
from .lbfgs import LBFGS
from .many import minimise_many
from .minimise import Minimiser, free_vector, minimise
from .minimum import Iteration, Minimum, Paused
from .slope_check import Slope, slope_check
from .stopping import StopReason

__all__ = [
    "LBFGS",
    "Iteration",
    "Minimiser",
    "Minimum",
    "Optax",
    "Paused",
    "Slope",
    "StopReason",
    "free_vector",
    "minimise",
    "minimise_many",
    "slope_check",
]
