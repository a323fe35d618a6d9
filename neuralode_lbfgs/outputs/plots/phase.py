"""The plane of two states: what was observed, what is predicted, and the field that drives it."""

from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from neuralode_lbfgs.data.same_columns import with_states_of
from neuralode_lbfgs.data.trajectories import Trajectories
from neuralode_lbfgs.outputs.held_out import held_out, left_out_in_plane
from neuralode_lbfgs.outputs.limits import ARROWS, of_crosses, plane_limits, plane_points
from neuralode_lbfgs.outputs.plots import panels, style


def phase_portrait(
    data: Trajectories,
    predictions: Trajectories | None = None,
    states: tuple[int, int] = (0, 1),
    *,
    field: Callable[[np.ndarray], ArrayLike] | None = None,
    train: Trajectories | None = None,
    until: float | None = None,
    left_out: Trajectories | None = None,
    max_trajectories: int = 20,
    axes: Axes | None = None,
) -> Axes:
    """Draw observations and predicted curves in the plane of two states, over the arrows of a field.

    An arrow shows the direction of the field, not its speed.

    Args:
        data: what was observed, training and test rows together.
        predictions: curves, or None; dense times make them smooth.
        states: the states on the horizontal and the vertical axis, as indices.
        field: derivatives at states, both of shape `(points, states)`, in the data's units. It is asked
            on a grid over the plane, with every other state at the mean of its observations. Where it
            answers something not finite, there is no arrow.
        train: the training data: ids and rows of `data` that it lacks were held out.
        until: the last time that was trained on: rows after it were held out.
        left_out: values of `data` that were left out of the fit, under its ids and times, NaN for all others: they are
            crossed where the other state is known; those beyond the limits stand at their edge.
        max_trajectories: how many trajectories to draw; up to half of them are held-out ones. The limits are those of
            all.
        axes: the axes to draw in; by default those of a new figure.

    Returns:
        The axes; their figure is `axes.figure`.

    Raises:
        ValueError: if `states` are not two different states of the data, `max_trajectories` is less than one, or the
            field's answer has another shape than the points it was asked at.
    """
    if predictions is not None:
        predictions = with_states_of(data, predictions, "the prediction")
    across, up = states
    if across == up or not all(0 <= state < data.state_size for state in states):
        raise ValueError(f"states must be two different indices below {data.state_size}; they are {states}.")
    figure = style.new_figure(4.8, 4.4) if axes is None else None
    if figure is not None:
        axes = figure.add_subplot()
        style.dress(axes)
    assert axes is not None  # given, or just made
    runs = panels.shown(data, train, max_trajectories)
    curves = [] if predictions is None else [predictions[run.id] for run in runs if run.id in predictions]
    limits = plane_limits(data, predictions, states)
    axes.set_xlim(*limits[0])
    axes.set_ylim(*limits[1])
    axes.set_xlabel(data.label(data.state_names[across]))
    axes.set_ylabel(data.label(data.state_names[up]))
    arrows = field is not None and _draw_field(axes, data, states, field, limits)
    number = sum(run.ts.size for run in runs) // 3  # in a plane they are less dense than along a line
    for curve in curves:
        axes.plot(curve.ys[:, across], curve.ys[:, up], label="predicted", **style.prediction(number))
    kinds = set[bool]()
    for run in runs:
        both = np.where(np.isfinite(run.ys[:, across]), run.ys[:, up], np.nan)
        kinds |= panels.mark(axes, run.ys[:, across], both, held_out(run, train, until), number=number)
    gone = np.concatenate([left_out_in_plane(run, left_out, states) for run in runs])
    crossed = panels.cross_out(axes, *gone.T)
    low, high = np.array(limits).T
    beyond = bool(((gone < low) | (gone > high)).any())
    crosses = of_crosses(beyond) if crossed else ""
    listed = style.entries(kinds, shaded=False, predicted=bool(curves), gone=crosses)
    if arrows:
        listed.append((style.arrow(), "field"))
    style.legend(listed, figure=figure, axes=axes, title=panels.how_many(runs, data))
    return axes


def _draw_field(
    axes: Axes,
    data: Trajectories,
    states: tuple[int, int],
    field: Callable[[np.ndarray], ArrayLike],
    limits: list[tuple[float, float]],
) -> bool:
    """Draw arrows of one length within the limits; whether there was an arrow to draw."""
    points = plane_points(data, limits, states)
    places, extent = points[:, list(states)], np.diff(np.array(limits), axis=1)[:, 0]
    answer = np.asarray(field(points), dtype=np.float64)
    if answer.shape != points.shape:
        raise ValueError(
            f"the field must answer points of shape (points, states) = {points.shape} in the same shape; "
            f"it answered {answer.shape}."
        )
    with np.errstate(over="ignore", invalid="ignore"):
        # In widths and heights of the plane, so that axes of very different units count alike.
        velocity = answer[:, list(states)] / extent
        speed = np.hypot(*velocity.T)
    moving = np.isfinite(speed) & (speed > 0)
    if not moving.any():
        return False
    arrows = velocity[moving] / speed[moving][:, None] * extent
    axes.quiver(
        *places[moving].T,
        *arrows.T,
        angles="xy",
        scale_units="xy",
        scale=1.5 * ARROWS,  # an arrow is two thirds as long as the way to its neighbour
        pivot="mid",
        color=style.FAINT,
        width=0.002,
        headwidth=5,
        headlength=5,
        headaxislength=4.5,
        zorder=1,
        label="field",
    )
    return True
