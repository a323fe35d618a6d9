"""Figures over time: what was observed with what is predicted, and what is left between them."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from neuralode_lbfgs.data.same_columns import with_states_of
from neuralode_lbfgs.data.trajectories import Trajectories
from neuralode_lbfgs.outputs.held_out import held_out, held_out_from
from neuralode_lbfgs.outputs.limits import BEYOND, of_crosses, residual_limits, with_left_out
from neuralode_lbfgs.outputs.metrics import differences
from neuralode_lbfgs.outputs.plots import layout, panels, style


def trajectories(
    data: Trajectories,
    predictions: Trajectories | None = None,
    *,
    band: tuple[Trajectories, Trajectories] | None = None,
    train: Trajectories | None = None,
    until: float | None = None,
    left_out: Trajectories | None = None,
    max_trajectories: int = 6,
    axes: np.ndarray | Sequence[Axes] | Axes | None = None,
) -> np.ndarray:
    """Draw observations and predicted curves against time, a panel for each trajectory and state.

    Observations with a standard deviation have bars of one of it on each side. What was held out
    has hollow marks on shaded ground. The panels of a state share their limits, unless most runs
    would be lines beside a few that go far; they follow the observations: a prediction that diverges leaves the panel.

    Args:
        data: what was observed, training and test rows together.
        predictions: curves under the ids of `data`, on times of their own (dense ones make smooth
            curves); an id that has none is drawn without a curve.
        band: lower and upper ends of the band in which most members of an ensemble lie (10 to 90 %), of the ids and
            times of the predictions.
        train: the training data: ids and rows of `data` that it lacks were held out.
        until: the last time that was trained on: rows after it were held out.
        left_out: values of `data` that were left out of the fit, under its ids and times, NaN for all others: they are
            crossed; those far off stand at the edge of their panel.
        max_trajectories: how many trajectories to draw; up to half of them are held-out ones.
        axes: panels to draw in, as many as trajectories drawn times states; by default a new figure.

    Returns:
        The panels, shape `(trajectories drawn, states)`; their figure is `axes[0, 0].figure`.

    Raises:
        ValueError: if `axes` has another number of panels, the predictions lack a
            state, or `max_trajectories` is less than one.
    """
    states = data.state_size
    if predictions is not None:
        predictions = with_states_of(data, predictions, "the prediction")
    runs = panels.shown(data, train, max_trajectories)
    curves = [predictions[run.id] if predictions is not None and run.id in predictions else None for run in runs]
    grid = layout.grid(len(runs), states) if axes is None else layout.given(axes, len(runs), states)
    times = panels.time_limits([*zip(runs, curves, strict=True)])
    gone = [left_out[run.id] for run in runs] if left_out is not None else []
    widened = [panels.values_limits(runs, curves, gone, j, apart=bool(grid.left.all())) for j in range(states)]
    values, beyond = [limits for limits, _ in widened], any(off for _, off in widened)
    kinds, shaded, crossed = set[bool](), False, False
    for (k, j), _ in np.ndenumerate(grid.panels):
        run, curve = runs[k], curves[k]
        panel = layout.frame(grid, (k, j), data, times[k], values[j][k], same_times=len(set(times)) == 1)
        start = held_out_from(run, train, until)
        whole = start == -np.inf
        shaded |= panels.shade(panel, start)
        if grid.top[k, j] and (len(data) > 1 or whole):
            panel.set_title(f"{run.id} (held out)" if whole else run.id, fontsize=style.NORMAL)
        number = run.ts.size * grid.columns
        if curve is not None:
            if band is not None:
                low, high = (end[run.id].ys[:, j] for end in band)
                panel.fill_between(curve.ts, low, high, color=style.BAND, linewidth=0, zorder=1.2, label="band")
            mark = "x" if curve.ts.size == 1 else None  # a line of one point would not be seen
            panel.plot(curve.ts, curve.ys[:, j], label="predicted", marker=mark, **style.prediction(number))
        sd = None if run.sd is None else run.sd[:, j]
        kinds |= panels.mark(panel, run.ts, run.ys[:, j], held_out(run, train, until), sd, number=number)
        if gone:
            crossed |= panels.cross_out(panel, gone[k].ts, gone[k].ys[:, j])
    drawn = any(curve is not None for curve in curves)
    label = "10 to 90 % of members" if band is not None and drawn else ""
    crosses = of_crosses(beyond) if crossed else ""
    listed = style.entries(kinds, shaded=shaded, predicted=drawn, band=label, gone=crosses)
    layout.finish(grid, listed, title=panels.how_many(runs, data))
    return grid.panels


def residuals(
    data: Trajectories,
    predictions: Trajectories,
    *,
    train: Trajectories | None = None,
    until: float | None = None,
    left_out: Trajectories | None = None,
    axes: np.ndarray | Sequence[Axes] | Axes | None = None,
) -> np.ndarray:
    """Draw observed minus predicted against time, a panel for each state with all trajectories in it.

    Structure over time is what the model has missed; noise alone has none. What was held out has
    hollow marks, and the span after `until` is shaded. Where a prediction is off by more than the range of the data the
    mark stands at the edge.

    Args:
        data: what was observed, training and test rows together.
        predictions: a trajectory for each id of `data`, at the same times.
        train: the training data: ids and rows of `data` that it lacks were held out.
        until: the last time that was trained on: rows after it were held out.
        left_out: values of `data` that were left out of the fit, under its ids and times, NaN for all others: they are
            crossed; those far off stand at the edge of their panel.
        axes: panels to draw in, one for each state; by default a new figure.

    Returns:
        The panels, shape `(states,)`; their figure is `axes[0].figure`.

    Raises:
        ValueError: if a trajectory of `data` has no prediction, times or states differ, or `axes`
            has another number of panels.
    """
    states = data.state_size
    ts = np.concatenate([run.ts for run in data])
    held = np.concatenate([held_out(run, train, until) for run in data])
    left = differences(data, predictions)
    gone = np.full_like(left, np.nan) if left_out is None else differences(left_out, predictions)
    # Trajectories that were cut at different times have no span in common to shade.
    starts = {held_out_from(run, train, until) for run in data}
    start = starts.pop() if len(starts) == 1 else until
    grid = layout.grid(1, states) if axes is None else layout.given(axes, 1, states)
    times = panels.time_limits([(run, None) for run in data], shared=True)[0]
    kinds, shaded, crossed, beyond, off = set[bool](), False, False, False, False
    for j in range(states):
        most, out = residual_limits([run.ys[:, j] for run in data], left[:, j])
        values, far = with_left_out((-1.1 * most, 1.1 * most), [gone[:, j]])
        beyond, off = beyond or out, off or far
        panel = layout.frame(grid, (0, j), data, times, values, same_times=True)
        shaded |= panels.shade(panel, start)
        panel.axhline(0.0, color=style.FAINT, linewidth=0.8, zorder=1, label="zero")
        kinds |= panels.mark(panel, ts, np.clip(left[:, j], -most, most), held, number=ts.size * grid.columns)
        crossed |= panels.cross_out(panel, ts, gone[:, j])
    observed = "observed minus predicted" + (BEYOND if beyond else "")
    crosses = of_crosses(off) if crossed else ""
    listed = style.entries(kinds, shaded=shaded, predicted=False, observed=observed, gone=crosses)
    layout.finish(grid, listed)
    return grid.panels[0]
