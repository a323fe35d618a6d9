"""The phase portrait by what is in it, and its field against one whose orbits are circles."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from neuralode_lbfgs.data.trajectories import Trajectories, Trajectory
from neuralode_lbfgs.outputs import plots

NAN = float("nan")


def waves(states=2, times=21, **names):
    ts = np.linspace(0.0, 20.0, times)
    ys = np.stack([np.sin(ts + i) * 10.0**i for i in range(states)], axis=-1)
    return Trajectories((Trajectory("a", ts, ys),), **names)


def lines(panel: Any, label: str) -> list[Any]:
    return [line for line in panel.lines if line.get_label() == label]


def legend_texts(panel: Any) -> list[str]:
    (legend,) = panel.figure.legends
    return [text.get_text() for text in legend.get_texts()]


def test_phase_portrait_draws_two_states_against_each_other():
    data = waves(states=3, units={"y0": "m", "y2": "Pa"})
    axes = plots.phase_portrait(data, waves(states=3, times=100), states=(2, 0), until=15.0)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("y2 [Pa]", "y0 [m]")
    (curve,) = lines(axes, "predicted")
    assert np.array_equal(curve.get_xdata(), waves(states=3, times=100)[0].ys[:, 2])
    assert lines(axes, "observed")[0].get_xdata().size == 16
    assert legend_texts(axes) == ["observed", "predicted", "held out"]


def test_the_field_has_arrows_of_one_length_whatever_the_units():
    ts = np.linspace(0.0, 2 * np.pi, 40)
    data = Trajectories((Trajectory("a", ts, np.stack([1e6 * np.cos(ts), np.sin(ts), np.full(40, 7.0)], axis=-1)),))
    asked = []

    def field(points):
        asked.append(points)
        return np.stack([-1e6 * points[:, 1], points[:, 0] / 1e6, points[:, 2]], axis=-1)

    axes = plots.phase_portrait(data, field=field)
    arrows: Any = axes.collections[0]
    width, height = np.ptp(axes.get_xlim()), np.ptp(axes.get_ylim())
    assert np.hypot(arrows.U / width, arrows.V / height) == pytest.approx(np.ones(arrows.N))
    # They turn around the origin: at right angles to the radius, in units in which the orbit is a circle.
    x, y = arrows.XY.T
    assert arrows.U / 1e6 * (x / 1e6) + arrows.V * y == pytest.approx(np.zeros(arrows.N), abs=1e-9)
    away = np.hypot(x / 1e6, y) > 0.01
    assert away.sum() >= 440
    assert np.all((x / 1e6 * arrows.V - y * arrows.U / 1e6)[away] > 0)
    assert len(asked) == 1
    assert np.allclose(asked[0][:, 2], 7.0)
    assert "field" in legend_texts(axes)


def test_the_field_is_left_out_where_it_is_not_finite_or_does_not_move():
    def half(points):
        return np.where(points[:, :1] > 0, np.ones_like(points), NAN)

    arrows: Any = plots.phase_portrait(waves(), field=half).collections[0]
    assert arrows.XY[:, 0].min() > 0
    assert not plots.phase_portrait(waves(), field=np.zeros_like).collections
    assert not plots.phase_portrait(waves(), field=lambda points: points * NAN).collections


def test_of_many_trajectories_some_are_drawn_within_the_limits_of_all():
    (wave,) = waves()
    many = Trajectories(tuple(Trajectory(f"run {k}", wave.ts, wave.ys * (1 + k)) for k in range(30)))
    train, _ = many.split(ids=[f"run {k}" for k in range(5, 30)])
    axes = plots.phase_portrait(many, many, train=train)
    assert len(lines(axes, "predicted")) == 20
    assert len(lines(axes, "observed")) == 5
    assert axes.get_xlim()[1] >= 30 * wave.ys[:, 0].max()
    (legend,) = axes.figure.legends
    assert legend.get_title().get_text() == "20 of 30 trajectories"
    with pytest.raises(ValueError, match="max_trajectories must be at least one; it is 0"):
        plots.phase_portrait(many, max_trajectories=0)


def test_values_that_were_left_out_are_crossed_where_the_other_state_is_known():
    data = waves()
    gone = np.full((21, 2), NAN)
    gone[4, 0], gone[6], gone[8, 1] = 0.5, (0.1, 0.2), 1e3
    ys = np.where(np.isnan(gone), data[0].ys, NAN)
    data, left_out = (data.with_trajectories([replace(data[0], ys=one)]) for one in (ys, gone))
    axes = plots.phase_portrait(data, data, until=15.0, left_out=left_out)
    (crosses,) = lines(axes, "left out")
    assert crosses.get_xydata().tolist() == [[0.5, ys[4, 1]], [0.1, 0.2], [ys[8, 0], axes.get_ylim()[1]]]
    assert legend_texts(axes) == ["observed", "predicted", "held out", "left out of the fit; at the edge: beyond"]
    figure: Any = axes.figure
    figure.draw_without_rendering()
    legend = figure.legends[0].get_window_extent()
    assert figure.bbox.x0 <= legend.x0 and legend.x1 <= figure.bbox.x1  # in two rows


def test_phase_portrait_says_what_is_wrong():
    for states in ((0, 0), (0, 2), (-1, 0)):
        with pytest.raises(ValueError, match="two different indices below 2"):
            plots.phase_portrait(waves(), states=states)
    with pytest.raises(ValueError, match=r"the field must answer points .* it answered \(441,\)"):
        plots.phase_portrait(waves(), field=lambda points: points[:, 0])


def test_phase_portrait_in_the_callers_axes():
    mine = Figure().subplots()
    assert plots.phase_portrait(waves(), waves(), axes=mine) is mine
    assert mine.get_legend() is not None
