"""Saved figures: both files whole, the same bytes again, and nothing left behind."""

import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from neuralode_lbfgs.data.trajectories import Trajectories, Trajectory
from neuralode_lbfgs.outputs import plots

TS = np.linspace(0.0, 6.0, 21)
WAVES = Trajectories((Trajectory("a", TS, np.stack([np.sin(TS), np.cos(TS)], axis=-1)),))


def test_save_writes_both_files_and_leaves_nothing_else(tmp_path):
    axes = plots.trajectories(WAVES, WAVES, until=4.0)
    png, svg = plots.save(axes, tmp_path / "hare.v2")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hare.v2.png", "hare.v2.svg"] == [png.name, svg.name]
    assert png.read_bytes().startswith(b"\x89PNG")
    width, height = (int.from_bytes(png.read_bytes()[i : i + 4], "big") for i in (16, 20))
    assert (width, height) == tuple(np.floor(axes[0, 0].figure.get_size_inches() * 150 + 1e-9))
    assert "date" not in svg.read_text().lower()
    assert axes[0, 0].figure.get_layout_engine() is not None


def test_the_same_figure_gives_the_same_svg(tmp_path):
    for name in "ab":
        plots.save(plots.phase_portrait(WAVES, WAVES, until=4.0, field=lambda points: -points), tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_a_line_of_very_many_points_is_a_picture_in_the_svg(tmp_path):
    ts = np.linspace(0.0, 60.0, 6000)
    long = Trajectories((Trajectory("a", ts, np.stack([np.sin(ts), np.cos(ts)], axis=-1)),))
    for name, data in (("few", WAVES), ("many", long)):
        axes = plots.residuals(data, data)
        plots.save(axes, tmp_path / name)
        assert not any(line.get_rasterized() for line in axes[0].lines)  # the figure is as it was
    assert "<image" not in (tmp_path / "few.svg").read_text()
    assert "<image" in (tmp_path / "many.svg").read_text()
    assert (tmp_path / "many.svg").stat().st_size < 200_000


def test_save_takes_figures_axes_and_parts_of_figures(tmp_path):
    figure = Figure(figsize=(1, 1))
    part = figure.add_subfigure(figure.add_gridspec(1, 2)[0]).subplots()
    for drawn in (figure, part, [part]):
        plots.save(drawn, str(tmp_path / "small"))
    with pytest.raises(ValueError, match="nothing to save"):
        plots.save(np.array([], dtype=object), tmp_path / "none")


def test_a_failure_keeps_the_old_file(tmp_path, monkeypatch):
    figure = Figure(figsize=(1, 1))
    plots.save(figure, tmp_path / "kept")
    before = (tmp_path / "kept.png").read_bytes()

    def fail(_, file):
        file.write(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr(FigureCanvasAgg, "print_png", fail)
    with pytest.raises(OSError, match="no space left"):
        plots.save(figure, tmp_path / "kept")
    assert (tmp_path / "kept.png").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept.png", "kept.svg"]


def test_drawing_and_saving_leave_global_settings_alone(tmp_path):
    before = dict(matplotlib.rcParams)
    plots.save(plots.residuals(WAVES, WAVES), tmp_path / "residuals")
    assert dict(matplotlib.rcParams) == before
