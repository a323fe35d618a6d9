"""The plots of a run, drawn into its folder."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..data import Trajectories
from ..fitting.hidden import hidden_size
from ..models import NeuralODE
from ..outputs import plots
from ..outputs.evaluate import rows_of
from .source import Source


def draw(
    folder: Path,
    source: Source,
    model: Any,
    curves: Trajectories,
    history: Sequence[dict[str, Any]],
    band: tuple[Trajectories, Trajectories] | None = None,
) -> list[str]:
    """Draw trajectories, residuals, the phase portrait if there is a plane, and the history if there is one.

    Args:
        curves: predictions of every row of the data, and of times in between.
        band: of an ensemble around them, lower and upper end.

    Returns:
        The names of the plots.
    """
    held = {"train": source.train, "until": source.until}
    drawn: dict[str, Any] = {
        "trajectories": plots.trajectories(source.data, curves, band=band, **held),
        "residuals": plots.residuals(source.data, rows_of(source.data, curves), **held),
    }
    if source.data.state_size >= 2:
        drawn["phase_portrait"] = plots.phase_portrait(source.data, curves, field=_field(source, model), **held)
    if history:
        drawn["history"] = plots.history(history)
    for name, axes in drawn.items():
        plots.save(axes, folder / name)
    return list(drawn)


def _field(source: Source, model: Any):
    """The field at states of shape `(points, states)`; None if it depends on more than the observed states."""
    if not isinstance(model, NeuralODE) or source.data.input_size or hidden_size(model, source.data):
        return None
    time = float(source.train[0].ts[0])
    c = model.coordinates

    def rate(y):  # as it is solved: confined, where states are kept positive
        return c.rates_out(model.rate(jnp.asarray(c.times_in(time)), c.states_in(y), None), y, time)

    def field(points: np.ndarray) -> np.ndarray:
        return np.asarray(jax.jit(jax.vmap(rate))(points))

    return field
