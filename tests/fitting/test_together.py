"""How far errors go together by chance, against draws."""

import numpy as np
import pytest

from neuralode_lbfgs.fitting.together import together


@pytest.mark.parametrize("times", [1.0, 20.0])
def test_white_errors_go_together_by_chance_as_far_as_is_said_however_large_those_of_one_run_are(times):
    """Of ten runs, of which one is so many times noisier."""
    rng, size = np.random.default_rng(0), np.repeat([times, *[1.0] * 9], 20)
    errors = size[:, None] * rng.normal(size=(200, 4000))
    pairs = np.flatnonzero(np.arange(200) % 20 != 19)
    found = together(errors[pairs], errors[pairs + 1])
    assert np.std(found.correlation / found.by_chance) == pytest.approx(1.0, abs=0.06)
    assert np.mean(found.correlation > 2.33 * found.by_chance) < 0.02
    alike = 1 / np.sqrt(pairs.size)  # by which white errors of one size do
    assert np.median(found.by_chance) == pytest.approx(alike * (1.0 if times == 1 else 3.0), rel=0.15)


def test_errors_that_are_alike_go_together_and_nothing_does_not():
    wave = np.sin(0.2 * np.arange(100))
    found = together(wave[:-1], wave[1:])
    assert found.correlation == pytest.approx(0.98, abs=0.01) and found.correlation > 5 * found.by_chance
    assert together(np.zeros(0), np.zeros(0)) == (0.0, 0.0)
    huge = np.array([1e200, -1e200, 1e200])
    assert not together(huge, huge).correlation > 0  # of which no warning tells
