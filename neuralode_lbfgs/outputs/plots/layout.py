"""Where panels lie on the page: a grid of trajectories and states, and which labels each panel carries."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neuralode_lbfgs.data.trajectories import Trajectories
from neuralode_lbfgs.outputs.plots.dates import with_dates
from neuralode_lbfgs.outputs.plots.style import HEIGHT, WIDTH, axis_labels, dress, legend, new_figure

STACK = 6  # panels that a page holds one above the other
BESIDE = 0.6  # inches that numbers and label of the axis of values take


@dataclass(frozen=True)
class Grid:
    """Panels for trajectories and states, shape `(runs, states)`, and what stands at the edge of the page.

    Args:
        figure: the figure of ours that they are in, or None for the caller's axes.
        panels: the axes.
        left: which panels begin a row in which every panel has the same state.
        bottom: which panels end a column.
        top: which panels begin a column in which every panel has the same trajectory.
        columns: how many panels share the width of the page; one where they are the caller's.
        inches: the height of a panel without its title; 100 where it is the caller's.
    """

    figure: Figure | None
    panels: np.ndarray
    left: np.ndarray
    bottom: np.ndarray
    top: np.ndarray
    columns: int
    inches: float


def grid(runs: int, states: int) -> Grid:
    """A new figure with a panel for each trajectory and state.

    The longer of the two runs down the page. One trajectory's states fill columns of at most six.
    """
    columns = min(runs, states) if runs > 1 else math.ceil(states / STACK)
    rows = math.ceil(runs * states / columns)
    titles = 0.25 if runs > 1 and runs >= states else 0.0  # above every row of panels
    room = (HEIGHT - 0.6) / rows - 0.12 - titles  # what legend, axis label, gaps and titles leave of a page
    inches = max(0.9, min({1: 2.4, 2: 1.8}.get(rows, 1.25), room))
    figure = new_figure(max(WIDTH, 2.3 * columns), (inches + 0.12 + titles) * rows + 0.6)
    page = figure.subplots(rows, columns, squeeze=False)
    row, column = np.indices(page.shape)
    # Panels are counted along the page where trajectories run down it, else down its columns.
    turn = (lambda a: a.ravel()) if 1 < runs >= states else (lambda a: a.T.ravel())
    panels, row, column = (turn(a)[: runs * states].reshape(runs, states) for a in (page, row, column))
    for surplus in turn(page)[runs * states :]:
        surplus.remove()
    for panel in panels.flat:
        dress(panel)
    states_down = states > runs > 1
    every = np.ones_like(row, dtype=bool)
    bottom = row == rows - 1
    bottom[-1, -1] = True  # the last column may be shorter
    left, top = (column == 0, row == 0) if states_down else (every, every)
    return Grid(figure, panels, left, bottom, top, columns, inches)


def given(axes: np.ndarray | Sequence[Axes] | Axes, runs: int, states: int) -> Grid:
    """The caller's axes, each with all its labels.

    Raises:
        ValueError: if their number is not `runs * states`.
    """
    flat = np.atleast_1d(np.array(axes, dtype=object)).ravel()
    if flat.size != runs * states:
        raise ValueError(
            f"axes holds {flat.size} panels, but {runs} trajectories of {states} states need {runs * states}."
        )
    every = np.ones((runs, states), dtype=bool)
    return Grid(None, flat.reshape(runs, states), every, every, every, 1, 100.0)


def frame(
    grid: Grid,
    place: tuple[int, int],
    data: Trajectories,
    times: tuple[float, float],
    values: tuple[float, float] | None,
    *,
    same_times: bool,
) -> Axes:
    """Set the limits of the panel at a place of the grid, and the labels that its neighbours do not give.

    Args:
        grid: the grid.
        place: trajectory and state, as indices.
        data: gives the labels of time and states, with units.
        times: limits of the time axis.
        values: limits of the axis of values, or None to leave them.
        same_times: whether every panel has these limits of the time axis.
    """
    panel = grid.panels[place]
    panel.set_xlim(*times)
    if values is not None:
        panel.set_ylim(*values)
    across = 100.0 if grid.figure is None else grid.figure.get_figwidth() / grid.columns - BESIDE
    label = data.time_name if with_dates(panel, data.clock, across) else data.label(data.time_name)
    if grid.bottom[place]:
        panel.set_xlabel(*axis_labels([label], across))
    if grid.left[place]:
        panel.set_ylabel(axis_labels([data.label(name) for name in data.state_names], grid.inches)[place[1]])
    panel.tick_params(labelbottom=bool(grid.bottom[place]) or not same_times, labelleft=bool(grid.left[place]))
    return panel


def finish(grid: Grid, listed: Sequence[tuple[Any, str]], *, title: str | None = None) -> None:
    """Put the legend on a drawn grid and line up its labels."""
    legend(listed, figure=grid.figure, axes=grid.panels[0, -1], title=title)
    if grid.figure is not None:
        grid.figure.align_ylabels()
