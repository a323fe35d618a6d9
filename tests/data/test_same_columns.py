"""Data beside those of a fit: columns by their names, in the units of the fit."""

import numpy as np
import pytest

import neuralode_lbfgs as nl
from neuralode_lbfgs.data.same_columns import with_columns_of

TS = np.linspace(0.0, 5.0, 11)
X, V, U = np.sin(TS), np.cos(TS), np.arange(11.0)
KNOWN = nl.from_frame({"t": TS, "x [m]": X, "v": V})
DRIVEN = nl.from_frame({"t": TS, "x": X, "v": V, "u": U}, inputs=["u"])


def test_columns_are_found_by_name():
    found = with_columns_of(KNOWN, nl.from_frame({"t": TS, "v": V, "w": U, "x": X}))
    assert found.state_names == ("x", "v")
    np.testing.assert_array_equal(found[0].ys, KNOWN[0].ys)
    found = with_columns_of(DRIVEN, nl.from_frame({"t": TS, "u": U, "v": V, "x": X}, states=["u", "x", "v"]))
    np.testing.assert_array_equal(found[0].ys, DRIVEN[0].ys)
    np.testing.assert_array_equal(found[0].inputs, U[:, None])
    found = with_columns_of(KNOWN, DRIVEN)
    assert found[0].inputs is None and found.input_names == ()
    assert with_columns_of(KNOWN, KNOWN) is KNOWN


def test_columns_without_names_go_by_their_places():
    arrays = nl.from_arrays(TS, np.stack([V, X], 1))
    np.testing.assert_array_equal(with_columns_of(KNOWN, arrays)[0].ys, arrays[0].ys)
    np.testing.assert_array_equal(with_columns_of(arrays, KNOWN)[0].ys, KNOWN[0].ys)


@pytest.mark.parametrize(
    ("known", "data", "told"),
    [
        (KNOWN, {"t": TS, "v": V}, "this data set has no column 'x'; it has 'v'."),
        (KNOWN, {"t": TS, "a": X, "b": V}, "this data set has no column 'x'; it has 'a', 'b'."),
        (KNOWN, {"t": TS, "x [cm]": X, "v": V}, "column 'x' is in cm, but the model was trained on m; convert it"),
        (KNOWN, {"t": TS, "y0": V, "y1": V, "y2": V}, "has 3 states .'y0', 'y1', 'y2'., and 2 are asked for"),
        (DRIVEN, {"t": TS, "x": X, "v": V}, "has no inputs, but the model is driven by 'u'; name the columns"),
    ],
)
def test_what_is_not_there_is_told_of(known, data, told):
    with pytest.raises(nl.DataError, match=told):
        with_columns_of(known, nl.from_frame(data))


def test_arrays_are_no_trajectories():
    with pytest.raises(TypeError, match="data is of type ndarray; give the Trajectories of read_csv"):
        with_columns_of(KNOWN, TS)


def test_a_prediction_and_its_errors_find_states_by_name():
    turned = nl.from_frame({"t": TS, "v": V, "x": X})
    scale = nl.metrics.state_scale(KNOWN)
    assert nl.metrics.errors(KNOWN, turned, scale)["scaled_rmse"] == 0.0
