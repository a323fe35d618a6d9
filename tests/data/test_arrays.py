"""Arrays of times of every kind, and what of arrays and names cannot be right."""

import numpy as np
import pytest

from neuralode_lbfgs.data import DataError, Trajectories, from_arrays, from_frame

YS = np.arange(22.0).reshape(11, 2) ** 1.5
STACKED = np.stack([YS, YS])


@pytest.mark.parametrize(("unit", "of_clock"), [("h", "h"), ("m", "min"), ("D", "d"), ("s", "s"), ("Y", "d")])
def test_times_of_every_unit_are_read(unit, of_clock):
    data = from_arrays(np.datetime64("2024", unit) + np.arange(11), YS)
    assert data.clock.unit == of_clock and data.clock.origin.startswith("2024-01-01")
    assert data[0].ts[:2].tolist() == ([0.0, 366.0] if unit == "Y" else [0.0, 1.0])


def test_spans_of_time_are_seconds_as_in_frames():
    spans = np.arange(11) * np.timedelta64(1500, "ms")
    for data in (from_arrays(spans, YS), from_arrays(spans, STACKED)):
        assert data.label("t") == "t [s]"
        assert data[0].ts.tolist() == (1.5 * np.arange(11)).tolist()
    padded = spans.copy()
    padded[-1] = np.timedelta64("NaT")
    assert from_arrays(padded, STACKED)[0].ts.size == 10


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"sd": 0.1}, r"sd must have shape \(11, 2\), .*; one number for all rows of a state is noise="),
        ({"units": {"q": "m"}}, "units: the arrays has no column 'q'; it has 't', 'y0', 'y1'"),
        ({"ys": STACKED, "ids": ["a", "a"]}, "ids has 'a' twice; stacked runs need ids that differ"),
    ],
)
def test_what_cannot_be_right(given, told):
    with pytest.raises(DataError, match=told):
        from_arrays(**{"ts": np.arange(11), "ys": YS, **given})


def test_a_unit_of_no_column_of_a_frame():
    with pytest.raises(DataError, match="has no column 'z'"):
        from_frame({"t": np.arange(3.0), "x": np.arange(3.0)}, units={"z": "m"})


def test_a_slice_is_some_of_the_runs():
    data = from_arrays(np.arange(11), STACKED, ids=["a", "b"], names=["x", "v"])
    some = data[1:]
    assert isinstance(some, Trajectories)
    assert (some.ids, some.state_names) == (("b",), ("x", "v"))
