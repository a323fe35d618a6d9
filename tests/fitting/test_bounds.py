"""Bounds as they are typed."""

import pytest

from neuralode_lbfgs import FitOptions
from neuralode_lbfgs.fitting.bounds import bounds_as_words, ranges_of
from neuralode_lbfgs.fitting.options import with_keywords

INF = float("inf")


def test_words_and_pairs_say_the_same():
    words = bounds_as_words({"friction": (0.0, 1), "k.0": (None, -2.5), "rate": (1e-300, None)})
    assert words == ("friction=0.0:1.0", "k.0=:-2.5", "rate=1e-300:")
    assert ranges_of(words) == {"friction": (0.0, 1.0), "k.0": (-INF, -2.5), "rate": (1e-300, INF)}


@pytest.mark.parametrize(
    "bounds,message",
    [
        (["friction"], "not friction"),
        (["friction=1"], "not friction=1"),
        (["friction=a:1"], "NAME=LOW:HIGH"),
        (["=0:1"], "NAME=LOW:HIGH"),
        (["friction=nan:1"], "NAME=LOW:HIGH"),
        (["friction=1:0"], "the lower bound of 'friction' must be below the upper one; they are 1:0"),
        (["k=0:1", "k=0:"], "'k' has bounds twice"),
        ({"k": 3.0}, "the bounds of 'k' must be a pair of numbers"),
        ({"k": (1, 2, 3)}, "pair of numbers"),
    ],
)
def test_bounds_that_are_none(bounds, message):
    with pytest.raises(ValueError, match=message):
        with_keywords(FitOptions(), {"bounds": bounds})


def test_options_take_what_python_writes():
    options = with_keywords(FitOptions(), {"freeze": ["friction"], "bounds": {"k": (0, None)}})
    assert (options.freeze, options.bounds) == (("friction",), ("k=0.0:",))
