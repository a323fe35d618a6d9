"""Figures over time by what is in them: panels, labels, marks, lines and shaded spans; never by their pixels."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import same_color
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from neuralode_lbfgs.data.clock import Clock
from neuralode_lbfgs.data.trajectories import Trajectories, Trajectory
from neuralode_lbfgs.outputs import plots
from neuralode_lbfgs.outputs.limits import value_limits
from neuralode_lbfgs.outputs.plots.style import SHADE, axis_labels

NAN = float("nan")


def waves(runs=1, states=2, times=21, end=20.0, **names):
    ts = np.linspace(0.0, end, times)
    every = [
        Trajectory(f"run {k}", ts, np.stack([np.sin(ts + k + i) * 10.0**i for i in range(states)], axis=-1))
        for k in range(runs)
    ]
    return Trajectories(tuple(every), **names)


HARE_LYNX = {
    "state_names": ("hare", "lynx"),
    "time_name": "year",
    "units": {"hare": "thousands", "lynx": "thousands", "year": "a"},
}


def lines(panel: Any, label: str) -> list[Any]:
    return [line for line in panel.lines if line.get_label() == label]


def shaded(panel: Any) -> list[tuple[float, float]]:
    """The spans of a panel that are shaded, as (left, right)."""
    found: list[Any] = [patch for patch in panel.patches if same_color(patch.get_facecolor(), SHADE)]
    assert all(isinstance(patch, Rectangle) for patch in found)
    return [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in found]


def legend_texts(panel: Any) -> list[str]:
    (legend,) = panel.figure.legends
    return [text.get_text() for text in legend.get_texts()]


def test_one_panel_for_each_state_with_units_on_the_axes():
    axes = plots.trajectories(waves(**HARE_LYNX))
    assert axes.shape == (1, 2)
    assert [panel.get_ylabel() for panel in axes[0]] == ["hare [thousands]", "lynx [thousands]"]
    assert axes[0, -1].get_xlabel() == "year [a]"
    assert all(panel.get_title() == "" for panel in axes.flat)


def test_a_band_lies_around_the_prediction_and_is_in_the_legend():
    data = waves(runs=2)
    low, high = (data.with_trajectories([replace(run, ys=run.ys + off) for run in data]) for off in (-1, 1))
    axes = plots.trajectories(data, data, band=(low, high))
    (band,) = axes[1, 0].collections
    (vertices,) = [path.vertices for path in band.get_paths()]
    assert vertices[:, 1].min() == pytest.approx(low[1].ys[:, 0].min())
    assert vertices[:, 1].max() == pytest.approx(high[1].ys[:, 0].max())
    assert "10 to 90 % of members" in legend_texts(axes[0, 0])
    assert "10 to 90 % of members" not in legend_texts(plots.trajectories(data, data)[0, 0])


def test_observations_are_marks_and_predictions_are_lines():
    data, dense = waves(), waves(times=200)
    axes = plots.trajectories(data, dense)
    (marks,), (curve,) = lines(axes[0, 1], "observed"), lines(axes[0, 1], "predicted")
    assert (marks.get_linestyle(), marks.get_marker()) == ("None", "o")
    assert (curve.get_linestyle(), curve.get_marker()) == ("-", "None")
    assert np.array_equal(marks.get_ydata(), data[0].ys[:, 1])
    assert np.array_equal(curve.get_xdata(), dense[0].ts)
    assert legend_texts(axes[0, 0]) == ["observed", "predicted"]


def test_rows_after_until_are_hollow_on_shaded_ground():
    axes = plots.trajectories(waves(), waves(times=200), until=15.0)
    for panel in axes.flat:
        (span,) = shaded(panel)
        assert span == pytest.approx((15.0, panel.get_xlim()[1]))
        (late,), (early,) = lines(panel, "held out"), lines(panel, "observed")
        assert late.get_xdata().min() > 15.0 >= early.get_xdata().max()
        assert same_color(late.get_markerfacecolor(), "white")
    assert legend_texts(axes[0, 0]) == ["observed", "predicted", "held out"]


def test_held_out_rows_follow_from_the_training_data():
    data = waves()
    train, _ = data.split(until=12.0)
    assert shaded(plots.trajectories(data, train=train)[0, 0])[0][0] == 12.0
    every_other = data.with_trajectories([data[0].at(slice(0, None, 2))])
    (panel, _) = plots.trajectories(data, train=every_other)[0]
    assert lines(panel, "held out")[0].get_xdata().tolist() == data[0].ts[1::2].tolist()
    assert shaded(panel) == []


def test_until_after_the_last_time_shades_nothing():
    axes = plots.trajectories(waves(), until=20.0)
    assert shaded(axes[0, 0]) == []
    assert legend_texts(axes[0, 0]) == ["observed"]


def test_held_out_trajectories_are_marked_and_shaded():
    data = waves(runs=3)
    train, _ = data.split(ids=["run 1"])
    axes = plots.trajectories(data, train=train)
    assert axes.shape == (3, 2)
    assert [panel.get_title() for panel in axes[:, 0]] == ["run 0", "run 1 (held out)", "run 2"]
    assert shaded(axes[1, 0]) == [pytest.approx(axes[1, 0].get_xlim())]
    assert shaded(axes[0, 0]) == shaded(axes[2, 1]) == []
    assert lines(axes[1, 1], "observed") == []


def test_more_trajectories_than_panels_show_some_of_both_kinds():
    data = waves(runs=12)
    train, _ = data.split(ids=[f"run {k}" for k in range(8, 12)])
    axes = plots.trajectories(data, train=train)
    shown = [panel.get_title() for panel in axes[:, 0]]
    assert shown == ["run 0", "run 1", "run 2", *(f"run {k} (held out)" for k in (8, 9, 10))]
    assert axes[0, 0].figure.legends[0].get_title().get_text() == "6 of 12 trajectories"
    assert plots.trajectories(data, max_trajectories=2).shape == (2, 2)
    assert plots.trajectories(data, train=train, max_trajectories=1)[0, 0].get_title() == "run 0"


@pytest.mark.parametrize("runs, states, rows, columns", [(6, 2, 6, 2), (3, 5, 5, 3), (1, 5, 5, 1), (1, 14, 5, 3)])
def test_the_longer_side_of_the_grid_runs_down_the_page(runs, states, rows, columns):
    axes = plots.trajectories(waves(runs=runs, states=states, times=5))
    assert axes.shape == (runs, states)
    places = {(panel.get_subplotspec().rowspan.start, panel.get_subplotspec().colspan.start) for panel in axes.flat}
    assert len(places) == runs * states
    assert (max(row for row, _ in places) + 1, max(column for _, column in places) + 1) == (rows, columns)
    assert len(axes[0, 0].figure.axes) == runs * states  # no empty panel is left over
    assert all(any(panel.get_ylabel() == name for panel in axes.flat) for name in waves(states=states).state_names)
    bottom = {}
    for panel in axes.flat:
        spec = panel.get_subplotspec()
        bottom[spec.colspan.start] = max(
            bottom.get(spec.colspan.start, (-1, "")), (spec.rowspan.start, panel.get_xlabel())
        )
    assert [label for _, label in bottom.values()] == ["t"] * columns


def test_panels_of_one_state_share_their_limits():
    axes = plots.trajectories(waves(runs=3))
    assert len({panel.get_ylim() for panel in axes[:, 0]}) == len({panel.get_ylim() for panel in axes[:, 1]}) == 1
    assert axes[0, 0].get_ylim() != axes[0, 1].get_ylim()


def test_a_prediction_that_diverges_leaves_the_panel_and_does_not_flatten_the_data():
    data = waves()
    ys = data[0].ys.copy()
    ys[10:] = 1e12
    ys[15:] = NAN
    low, high = plots.trajectories(data, data.with_trajectories([Trajectory("run 0", data[0].ts, ys)]))[0, 0].get_ylim()
    assert high - low < 1.5 * np.ptp(data[0].ys[:, 0])


def test_a_run_that_goes_far_does_not_flatten_the_others():
    data = waves(runs=4)
    far = replace(data[1], ys=data[1].ys * [20.0, 1.0])
    axes = plots.trajectories(data.with_trajectories([data[0], far, data[2], data[3]]))
    low, high = axes[0, 0].get_ylim()
    assert high - low < 3
    assert np.ptp(axes[1, 0].get_ylim()) > 40  # and is seen itself
    assert len({panel.get_ylim() for panel in axes[:, 1]}) == 1
    side_by_side = waves(runs=2, states=3)  # where only the first of a row has numbers, all have its limits
    far = replace(side_by_side[1], ys=20 * side_by_side[1].ys)
    axes = plots.trajectories(side_by_side.with_trajectories([side_by_side[0], far]))
    assert axes[0, 0].get_ylim() == axes[1, 0].get_ylim()


@pytest.mark.parametrize(
    ("clock", "end", "ticks"),
    [
        (Clock("2024-01-15T00:00", "min"), 2880.0, ["2024-01-15", "2024-01-16", "2024-01-17"]),
        (Clock("2024-01-15", "d"), 100.0, ["2024-02-01", "2024-03-01", "2024-04-01"]),
        (Clock("2024-01-15T06:00Z", "h"), 12.0, [f"2024-01-15\n{hour:02}:00" for hour in (6, 9, 12, 15, 18)]),
        (Clock("2024-01-15T06:00:00+01:00", "s"), 0.4, [f"2024-01-15\n06:00:00.{tenth}00" for tenth in range(5)]),
        (Clock(), 12.0, ["0", "2", "4", "6", "8", "10", "12"]),
        (Clock("9999-12-30", "d"), 12.0, ["0", "2", "4", "6", "8", "10", "12"]),  # no date is that late
    ],
)
def test_timestamps_have_dates_on_their_axis(clock, end, ticks):
    ts = np.linspace(0.0, end, 21)
    data = Trajectories((Trajectory("a", ts, np.sin(ts)[:, None]),), ("x",), clock=clock)
    panel = plots.trajectories(data)[0, 0]
    panel.figure.canvas.draw()
    low, high = panel.get_xlim()
    shown = [one.get_text() for one in panel.get_xticklabels() if low <= one.get_position()[0] <= high]
    assert shown == ticks
    dated = clock.dated and "9999" not in clock.origin
    assert panel.get_xlabel() == ("t" if dated else data.label("t"))


def test_limits_of_constant_and_missing_values_have_an_extent():
    for value in (0.0, 3.0, -1e6):
        limits = value_limits([np.full(4, value)], [])
        assert limits is not None
        assert limits[0] < value < limits[1]
    assert value_limits([np.full(3, NAN)], [np.array([NAN])]) is None
    assert value_limits([np.full(3, NAN)], [np.array([1.0, 2.0])]) == pytest.approx((0.94, 2.06))


def test_many_observations_are_small_and_under_the_curve():
    few, many = (plots.trajectories(waves(times=n), waves(times=n))[0, 0] for n in (21, 500))
    assert lines(many, "observed")[0].get_markersize() < lines(few, "observed")[0].get_markersize()
    assert lines(many, "observed")[0].get_zorder() < lines(many, "predicted")[0].get_zorder()
    assert lines(few, "observed")[0].get_zorder() > lines(few, "predicted")[0].get_zorder()


def test_standard_deviations_are_bars():
    ys, sd = np.array([[1.0], [NAN], [3.0]]), np.array([[0.5], [NAN], [0.25]])
    (panel,) = plots.trajectories(Trajectories((Trajectory("a", np.arange(3.0), ys, sd=sd),)))[0]
    (bars,) = panel.collections
    assert [segment[:, 1].tolist() for segment in bars.get_segments()] == [[0.5, 1.5], [2.75, 3.25]]


def test_trajectories_at_different_times_have_time_axes_of_their_own():
    data = waves(times=41).windows(9)
    axes = plots.trajectories(data)
    assert len({panel.get_xlim() for panel in axes[:, 0]}) == 5


def test_a_state_that_is_never_observed_and_a_single_row_are_drawn():
    data = Trajectories((Trajectory("a", np.array([2.0]), np.array([[1.0, NAN]])),))
    axes = plots.trajectories(data, data.with_trajectories([Trajectory("a", np.array([2.0]), np.array([[1.0, 2.0]]))]))
    assert lines(axes[0, 1], "observed") == []
    assert lines(axes[0, 1], "predicted")[0].get_marker() == "x"
    axes[0, 0].figure.draw_without_rendering()


def test_a_trajectory_without_a_prediction_is_drawn_without_a_curve():
    axes = plots.trajectories(waves(runs=2), waves(runs=1))
    assert [len(lines(panel, "predicted")) for panel in axes[:, 0]] == [1, 0]


def test_the_callers_axes_are_drawn_in_and_returned():
    figure = Figure()
    mine = figure.subplots(1, 2)
    axes = plots.trajectories(waves(), waves(), axes=mine)
    assert axes.ravel().tolist() == mine.tolist()
    assert figure.legends == []
    assert [text.get_text() for text in mine[-1].get_legend().get_texts()] == ["observed", "predicted"]
    alone = Figure().subplots()
    assert plots.trajectories(waves(states=1), axes=alone)[0, 0] is alone


def test_what_cannot_be_drawn_is_said():
    with pytest.raises(ValueError, match="axes holds 3 panels, but 1 trajectories of 2 states need 2"):
        plots.trajectories(waves(), axes=Figure().subplots(1, 3))
    with pytest.raises(ValueError, match="the prediction has no column"):
        plots.trajectories(replace(waves(), state_names=("x", "v")), replace(waves(), state_names=("a", "b")))
    with pytest.raises(ValueError, match="max_trajectories must be at least one"):
        plots.trajectories(waves(), max_trajectories=0)


def test_labels_that_do_not_fit_are_all_broken_before_their_units():
    assert axis_labels(["x [m]", "y [m]"], 1.0) == ["x [m]", "y [m]"]
    assert axis_labels(["x [m]", "y [thousands of pelts]"], 1.4) == ["x\n[m]", "y\n[thousands of pelts]"]
    assert axis_labels(["x [individuals per 0.5 ml]"], 1.1) == ["x\n[individuals per\n0.5 ml]"]


def test_the_legend_and_labels_do_not_cover_the_panels():
    axes = plots.trajectories(waves(runs=3, **HARE_LYNX), waves(runs=3, times=100), until=15.0)
    figure = axes[0, 0].figure
    figure.draw_without_rendering()
    legend = figure.legends[0].get_window_extent()
    boxes = [panel.get_tightbbox() for panel in axes.flat]
    assert not any(legend.overlaps(box) for box in boxes)
    assert not any(one.overlaps(other) for i, one in enumerate(boxes) for other in boxes[:i])


def test_residuals_are_observed_minus_predicted_around_a_zero_line():
    data = waves(**HARE_LYNX)
    shift = data.with_trajectories([Trajectory("run 0", data[0].ts, data[0].ys - [0.5, -2.0])])
    axes = plots.residuals(data, shift, until=15.0)
    assert axes.shape == (2,)
    assert lines(axes[0], "observed")[0].get_ydata() == pytest.approx(np.full(16, 0.5))
    assert lines(axes[1], "held out")[0].get_ydata() == pytest.approx(np.full(5, -2.0))
    for panel in axes:
        assert lines(panel, "zero")[0].get_ydata() == [0.0, 0.0]
        assert shaded(panel)[0][0] == 15.0
        low, high = panel.get_ylim()
        assert low == -high
    assert axes[1].get_ylabel() == "lynx [thousands]"
    assert legend_texts(axes[0]) == ["observed minus predicted", "held out"]


def test_residuals_of_many_trajectories_mark_the_held_out_ones():
    data = waves(runs=3)
    train, _ = data.split(ids=["run 2"])
    panel = plots.residuals(data, data, train=train)[0]
    assert lines(panel, "observed")[0].get_xdata().size == 42
    assert lines(panel, "held out")[0].get_xdata().size == 21
    assert shaded(panel) == []


def test_residuals_need_predictions_at_the_data():
    with pytest.raises(ValueError, match="predict at the times of the data"):
        plots.residuals(waves(), waves(times=50))


def test_residuals_of_a_prediction_that_runs_away_stand_at_the_edge():
    data = waves(states=1)
    off = np.full((21, 1), 0.1)
    off[-3:] = 1e4
    run, span = data[0], np.ptp(data[0].ys)
    panel = plots.residuals(data, data.with_trajectories([replace(run, ys=run.ys + off)]))[0]
    assert panel.get_ylim()[1] == pytest.approx(1.1 * span)
    assert lines(panel, "observed")[0].get_ydata() == pytest.approx(np.maximum(-off[:, 0], -span))
    assert legend_texts(panel) == ["observed minus predicted; at the edge: beyond"]


def test_residuals_of_values_that_were_left_out_are_crossed():
    data = waves(states=1)
    gone = np.full((21, 1), np.nan)
    gone[[5, 7]] = data[0].ys[[5, 7]] + [[0.25], [50.0]]
    shift = data.with_trajectories([replace(data[0], ys=data[0].ys - 0.2)])
    panel = plots.residuals(data, shift, left_out=data.with_trajectories([replace(data[0], ys=gone)]))[0]
    (crosses,) = lines(panel, "left out")
    assert crosses.get_ydata() == pytest.approx([0.45, panel.get_ylim()[1]])
    assert "left out of the fit; at the edge: beyond" in legend_texts(panel)


def test_values_that_were_left_out_are_crossed_and_in_the_legend():
    data = waves(runs=2, states=1)
    (first, other), none = data, np.full((21, 1), np.nan)
    near, far, middle = none.copy(), none.copy(), float(np.mean(first.ys))
    near[5] = middle + 1.2 * np.ptp(first.ys)
    far[7] = middle + 50 * np.ptp(first.ys)
    gone = data.with_trajectories([replace(first, ys=near), replace(other, ys=none)])
    axes = plots.trajectories(data, data, left_out=gone)
    (cross,) = lines(axes[0, 0], "left out")
    assert cross.get_marker() == "x"
    assert cross.get_xydata().tolist() == [[first.ts[5], near[5, 0]]]
    assert axes[0, 0].get_ylim()[1] > near[5, 0] and not lines(axes[1, 0], "left out")
    assert "left out of the fit" in legend_texts(axes[0, 0])
    gone = data.with_trajectories([replace(first, ys=none), replace(other, ys=far)])
    axes = plots.trajectories(data, data, left_out=gone)
    (cross,) = lines(axes[1, 0], "left out")
    assert cross.get_ydata()[0] == axes[1, 0].get_ylim()[1] == plots.trajectories(data, data)[1, 0].get_ylim()[1]
    assert "left out of the fit; at the edge: beyond" in legend_texts(axes[0, 0])
    assert not any("left out" in text for text in legend_texts(plots.trajectories(data, data)[0, 0]))
