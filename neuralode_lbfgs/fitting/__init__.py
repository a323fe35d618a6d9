"""Fitting: model, data, loss, stages, result.

Lazy, so that the command line reads the options of a fit without importing JAX.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .fit import fit
    from .journal import Journal
    from .many_starts import predict_many
    from .options import FitOptions
    from .prediction import predict
    from .record import Progressed, Stage
    from .result import FitResult
    from .start_estimates import estimate_starts

_HOMES = {
    "FitOptions": "options",
    "FitResult": "result",
    "Journal": "journal",
    "Progressed": "record",
    "Stage": "record",
    "estimate_starts": "start_estimates",
    "fit": "fit",
    "predict": "prediction",
    "predict_many": "many_starts",
}

__all__ = [
    "FitOptions",
    "FitResult",
    "Journal",
    "Progressed",
    "Stage",
    "estimate_starts",
    "fit",
    "predict",
    "predict_many",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
