"""Fitting: model, data, loss, stages, result."""

from .fit import fit
from .options import FitOptions
from .result import FitResult, predict
from .stages import Progressed, Stage

__all__ = ["FitOptions", "FitResult", "Progressed", "Stage", "fit", "predict"]
