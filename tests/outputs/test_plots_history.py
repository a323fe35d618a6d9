"""The history by what is in it: stages, counts and losses that have no logarithm."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from neuralode_lbfgs.outputs import plots

NAN = float("nan")


def lines(panel: Any, label: str) -> list[Any]:
    return [line for line in panel.lines if line.get_label() == label]


@dataclass
class Row:
    stage: str
    evaluations: int
    loss: float
    step_size: float | None = 1.0


def loss_of(axes):
    return [line.get_ydata().tolist() for line in lines(axes[0], "loss")]


def test_history_has_three_panels_over_a_running_iteration():
    rows = [
        Row("matching", 1, 9.0, None),
        Row("matching", 4, 3.0),
        Row("horizon", 5, 7.0, NAN),
        Row("horizon", 7, 1.0, 0.5),
    ]
    axes = plots.history(rows)
    assert [panel.get_ylabel() for panel in axes] == ["loss", "step size", "evaluations"]
    assert axes[2].get_xlabel() == "iteration"
    assert axes[0].get_yscale() == axes[1].get_yscale() == "log"
    assert loss_of(axes) == [[9.0, 3.0], [7.0, 1.0]]
    assert [line.get_xdata().tolist() for line in lines(axes[0], "loss")] == [[0, 1], [2, 3]]
    assert axes[2].patches[0].get_data().values.tolist() == [1, 3, 1, 2]
    (names,) = axes[0].child_axes
    assert [text.get_text() for text in names.get_xticklabels()] == ["matching", "horizon"]
    assert names.get_xticks().tolist() == [-0.5, 1.5]
    assert all(any(np.ravel(line.get_xdata()).tolist() == [1.5, 1.5] for line in panel.lines) for panel in axes)


def test_history_takes_mappings_and_a_count_that_starts_anew():
    rows = [
        {"stage": stage, "evaluations": count, "loss": "2.5", "step_size": ""}
        for stage, count in (("a", 1), ("a", 6), ("b", 2), ("b", 3))
    ]
    axes = plots.history(rows)
    assert axes[2].patches[0].get_data().values.tolist() == [1, 5, 2, 1]
    assert loss_of(axes) == [[2.5, 2.5], [2.5, 2.5]]
    axes[0].figure.draw_without_rendering()


@pytest.mark.parametrize(
    "losses, scale",
    [
        ([2.0, 1.0, 0.0], "log"),
        ([2.0, -1.0, -3.0], "linear"),
        ([0.0, 0.0], "linear"),
        ([NAN, np.inf], "linear"),
        ([5.0], "log"),
    ],
)
def test_history_survives_losses_without_a_logarithm(losses, scale):
    axes = plots.history([Row("horizon", 1 + i, loss, 0.0) for i, loss in enumerate(losses)])
    assert axes[0].get_yscale() == scale
    axes[0].figure.draw_without_rendering()


def test_history_marks_losses_that_are_not_finite():
    axes = plots.history([Row("horizon", i, loss) for i, loss in enumerate([3.0, NAN, np.inf, 1.0])])
    assert lines(axes[0], "not finite")[0].get_xdata().tolist() == [1, 2]
    assert np.isnan(loss_of(axes)[0][1:3]).all()


def test_names_of_short_stages_do_not_cover_each_other():
    rows = [Row(f"growing {k}", 1 + i, 1.0) for i, k in enumerate([0, 1, 2, *[3] * 200])]
    axes = plots.history(rows)
    (names,) = axes[0].child_axes
    places = names.get_xticks()
    assert np.diff(places).min() > 5
    assert all(text.get_rotation() == 35.0 for text in names.get_xticklabels())


def test_history_in_the_callers_axes_or_with_nothing_to_draw():
    mine = Figure().subplots(3)
    assert plots.history([Row("a", 1, 1.0)], axes=mine).tolist() == mine.tolist()
    with pytest.raises(ValueError, match="the history is empty"):
        plots.history([])
    with pytest.raises(ValueError, match="axes holds 2 panels; a history needs 3"):
        plots.history([Row("a", 1, 1.0)], axes=Figure().subplots(2))
