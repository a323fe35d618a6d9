"""The plots of a run, drawn into its folder."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..data import Trajectories
from ..outputs import plots
from ..outputs.plots import warm_up

__all__ = ["draw", "warm_up"]


def draw(
    folder: Path,
    data: Trajectories,
    curves: Trajectories,
    history: Sequence[dict[str, Any]],
    train: Trajectories,
    until: float | None,
    field: np.ndarray | None = None,
    band: tuple[Trajectories, Trajectories] | None = None,
    left_out: Trajectories | None = None,
) -> list[str]:
    """Draw trajectories, residuals, the phase portrait if there is a plane, and the history if there is one.

    Args:
        curves: predictions of every row of the data, and of times in between.
        train: what was trained on.
        until: the last time that was trained on, if the split is by time.
        field: its rates where the arrows of the phase portrait stand, if it is known there.
        band: of an ensemble around the curves, lower and upper end.
        left_out: values of the data that were left out of the fit, NaN for all others.

    Returns:
        The names of the plots.
    """
    held: dict[str, Any] = {"train": train, "until": until, "left_out": left_out}
    drawn: dict[str, Any] = {
        "trajectories": plots.trajectories(data, curves, band=band, **held),
        "residuals": plots.residuals(data, curves.rows_of(data), **held),
    }
    if data.state_size >= 2:
        arrows = None if field is None else lambda _: field
        drawn["phase_portrait"] = plots.phase_portrait(data, curves, field=arrows, **held)
    if history:
        drawn["history"] = plots.history(history)
    for name, axes in drawn.items():
        plots.save(axes, folder / name)
    return list(drawn)
