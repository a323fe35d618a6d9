"""Figures of data, predictions and fits.

Each function draws in the axes it is given, or makes a figure, and returns the axes it drew in. Figures
belong to no window system: `save` writes them, and a notebook shows `axes.figure`.
"""

from neuralode_lbfgs.outputs.plots.convergence import history
from neuralode_lbfgs.outputs.plots.files import save, warm_up
from neuralode_lbfgs.outputs.plots.over_time import residuals, trajectories
from neuralode_lbfgs.outputs.plots.phase import phase_portrait

__all__ = ["history", "phase_portrait", "residuals", "save", "trajectories", "warm_up"]
