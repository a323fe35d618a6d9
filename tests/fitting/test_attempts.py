"""How much shooting is held back at first."""

import numpy as np
import pytest

import neuralode_lbfgs as nl
from neuralode_lbfgs.fitting.attempts import HELD_BY, SMOOTH, first_smooth


@pytest.mark.parametrize("rows", [10, HELD_BY // 2])
def test_little_data_are_held_back_by_the_same(rows):
    assert first_smooth(nl.from_arrays(np.arange(rows, dtype=float), np.zeros((rows, 2)))) == SMOOTH[0]


def test_ten_times_the_data_are_held_back_by_a_tenth():
    rows = 10 * HELD_BY
    data = nl.from_arrays(np.arange(rows, dtype=float), np.zeros((rows, 1)))
    assert first_smooth(data) == pytest.approx(SMOOTH[0] / 10)
