"""What fitted runs do between their rows; on arrays made by hand."""

from dataclasses import replace

import numpy as np
import pytest

from neuralode_lbfgs import Trajectories, Trajectory
from neuralode_lbfgs.fitting.between_rows import between_rows
from neuralode_lbfgs.fitting.diagnosis import View
from neuralode_lbfgs.fitting.diagnosis.between import strays_between

TS = np.array([0.0, 7.0, 8.0, 9.0, 10.0])
FINE = np.linspace(0, 10, 41)
SEEN = np.array([0.3, 1.4, 1.2, 1.0, 0.9])[:, None]
CURVE = np.interp(FINE, TS, SEEN[:, 0])[:, None]


def runs(ys, ts=TS):
    return Trajectories((Trajectory("B", ts, ys),), ("E. coli",))


VIEW = View(train=runs(SEEN), fitted=runs(SEEN), between=runs(CURVE, FINE))


@pytest.mark.parametrize(("size", "told"), [(-1.2, "comes to -0."), (2.0, "comes to 2."), (-0.3, ""), (0.4, "")])
def test_curves_that_leave_the_range_of_the_data_between_rows_are_told(size, told):
    hump = size * np.exp(-((FINE[:, None] - 3.5) ** 2) / 2)
    found = strays_between(replace(VIEW, between=runs(CURVE + hump, FINE)))
    assert (found is None) == (told == "")
    if found is not None:
        assert f"E. coli of 'B' {told}" in found.finding and "between t = 0 and 7" in found.finding
        assert ("--positive 'E. coli'" in found.advice) == (size < 0)


def test_what_noise_moves_is_led_elsewhere_anyway():
    far = replace(VIEW, between=runs(CURVE + 9, FINE))
    assert strays_between(far) is not None
    assert strays_between(replace(far, in_pieces=True)) is None


def test_predictions_of_more_times_are_used_and_else_times_between_rows_asked_for():
    data, curves = runs(SEEN), runs(np.zeros((51, 1)), np.linspace(0, 12.5, 51))  # the last rows are held out
    inside = between_rows(lambda asked: asked, data, curves)
    assert inside is not None and inside["B"].ts[-1] == 10
    middles = between_rows(lambda asked: asked, data, data)
    assert middles is not None and middles["B"].ts.tolist() == [1.25, 3.75, 6.25, 8.75]
