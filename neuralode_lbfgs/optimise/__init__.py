"""Minimisation of expensive differentiable functions. Knows nothing of ODEs."""

from .first_order import Optax
from .lbfgs import LBFGS
from .many import minimise_many
from .minimise import Iteration, Minimiser, Minimum, free_vector, minimise
from .stopping import StopReason

__all__ = [
    "LBFGS",
    "Iteration",
    "Minimiser",
    "Minimum",
    "Optax",
    "StopReason",
    "free_vector",
    "minimise",
    "minimise_many",
]
