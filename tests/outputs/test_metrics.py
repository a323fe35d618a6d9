"""Errors against numbers worked out by hand, and against plain NumPy on random data."""

import json

import numpy as np
import pytest

from neuralode_lbfgs.data.trajectories import Trajectories, Trajectory
from neuralode_lbfgs.outputs import metrics
from neuralode_lbfgs.outputs.run_folder import without_nan

NAN = float("nan")


def one(ys, ts=None, names=("x", "y"), id="a"):
    ys = np.array(ys, dtype=float)
    ts = np.arange(len(ys), dtype=float) if ts is None else np.array(ts, dtype=float)
    return Trajectories((Trajectory(id, ts, ys),), state_names=names)


def test_rmse_counts_observed_entries_only():
    observed = np.array([[1.0, NAN], [NAN, NAN], [3.0, NAN]])
    predicted = np.array([[4.0, 0.0], [99.0, 0.0], [7.0, 0.0]])
    result = metrics.rmse(observed, predicted)
    assert result[0] == pytest.approx(np.sqrt((9 + 16) / 2))
    assert np.isnan(result[1])


def test_rmse_is_not_finite_where_an_observed_entry_is_predicted_as_not_finite():
    predicted = np.array([[1.0, NAN, np.inf], [NAN, 1.0, 1.0]])
    observed = np.array([[1.0, 1.0, 1.0], [NAN, 1.0, 1.0]])
    result = metrics.rmse(observed, predicted)
    assert result[0] == 0
    assert not np.isfinite(result[1:]).any()


def test_rmse_of_huge_predictions_does_not_overflow():
    assert metrics.rmse(np.zeros((2, 1)), np.full((2, 1), 1e200))[0] == pytest.approx(1e200)
    assert metrics.rmse(np.full((1, 1), -1.5e308), np.full((1, 1), 1.5e308))[0] == np.inf


@pytest.mark.parametrize("shape", [(3,), (2, 2), (3, 1)])
def test_rmse_refuses_shapes_that_differ(shape):
    with pytest.raises(ValueError, match=r"must both have shape \(times, states\); they have shapes \(3, 2\) and"):
        metrics.rmse(np.zeros((3, 2)), np.zeros(shape))


def test_scale_is_the_standard_deviation_of_what_was_observed():
    data = Trajectories(
        (
            Trajectory("a", np.arange(2.0), np.array([[1.0, NAN], [3.0, 10.0]])),
            Trajectory("b", np.arange(2.0), np.array([[5.0, 30.0], [NAN, NAN]])),
        )
    )
    assert metrics.state_scale(data) == pytest.approx([np.std([1, 3, 5]), 10.0])


def test_scale_of_a_constant_or_unobserved_state_is_one():
    # The mean of three 0.1 is not 0.1: the deviation of this column is 1e-17, not zero.
    data = one([[0.1, NAN, 0.0, 0.3], [0.1, NAN, 0.0, 0.3], [0.1, NAN, 0.0, 0.1 + 0.2]], names=("x", "y", "z", "w"))
    assert np.std(data[0].ys[:, 0]) > 0
    assert np.ptp(data[0].ys[:, 3]) > 0
    assert metrics.state_scale(data).tolist() == [1.0, 1.0, 1.0, 1.0]


def test_scale_keeps_a_small_true_variation():
    assert metrics.state_scale(one([[1e-9], [3e-9]], names=("x",)))[0] == pytest.approx(1e-9)
    assert metrics.state_scale(one([[1e6], [1e6 + 2e-3]], names=("x",)))[0] == pytest.approx(1e-3, rel=1e-6)


def test_errors_pool_trajectories_and_divide_by_the_scale():
    data = Trajectories(
        (
            Trajectory("a", np.arange(2.0), np.array([[0.0, 0.0], [0.0, NAN]])),
            Trajectory("b", np.arange(1.0), np.array([[0.0, 0.0]])),
        ),
        state_names=("x", "y"),
    )
    predictions = Trajectories(  # in another order, and with one more
        (
            Trajectory("b", np.arange(1.0), np.array([[2.0, 30.0]])),
            Trajectory("c", np.arange(1.0), np.array([[9.0, 9.0]])),
            Trajectory("a", np.arange(2.0), np.array([[1.0, 40.0], [2.0, 7.0]])),
        )
    )
    result = metrics.errors(data, predictions, np.array([1.0, 10.0]))
    assert result["rmse"] == pytest.approx({"x": np.sqrt(9 / 3), "y": np.sqrt(2500 / 2)})
    assert result["scaled_rmse"] == pytest.approx(np.sqrt((9 + 25) / 5))
    assert metrics.pooled_rmse(data, predictions) == pytest.approx(np.sqrt((9 + 2500) / 5))


def test_errors_agree_with_plain_numpy_on_random_data():
    rng = np.random.default_rng(0)
    ys, predicted = rng.normal(size=(2, 40, 3)) * [1.0, 1e-4, 1e5]
    ys[rng.random(ys.shape) < 0.2] = NAN
    data, guess = one(ys, names=("a", "b", "c")), one(predicted, names=("a", "b", "c"))
    scale = metrics.state_scale(data)
    result = metrics.errors(data, guess, scale)
    assert scale == pytest.approx(np.nanstd(ys, axis=0))
    assert [*result["rmse"].values()] == pytest.approx(np.sqrt(np.nanmean((ys - predicted) ** 2, axis=0)))
    assert result["scaled_rmse"] == pytest.approx(np.sqrt(np.nanmean(((ys - predicted) / scale) ** 2)))


@pytest.mark.parametrize(
    "observed, predicted, expected",
    [
        ([[1.0, 2.0]], [[1.0, NAN]], {"rmse": {"x": 0.0, "y": None}, "scaled_rmse": None}),
        ([[1.0, NAN]], [[1.0, NAN]], {"rmse": {"x": 0.0, "y": None}, "scaled_rmse": 0.0}),
        ([[NAN, NAN]], [[1.0, 1.0]], {"rmse": {"x": None, "y": None}, "scaled_rmse": None}),
        ([[1e308, 0.0]], [[-1e308, 0.0]], {"rmse": {"x": None, "y": 0.0}, "scaled_rmse": None}),
    ],
    ids=["diverged", "state never observed", "nothing observed", "overflow"],
)
def test_errors_are_valid_json_where_there_is_no_finite_number(observed, predicted, expected):
    result = metrics.errors(one(observed), one(predicted), np.ones(2))
    assert result == expected
    assert json.loads(json.dumps(result, allow_nan=False)) == expected


def test_predictions_must_be_at_the_data():
    data = one([[0.0, 0.0], [1.0, 1.0]])
    with pytest.raises(ValueError, match="trajectory 'a' has no prediction"):
        metrics.pooled_rmse(data, one(data[0].ys, id="b"))
    with pytest.raises(ValueError, match="'a': the predictions are at other times than the data"):
        metrics.pooled_rmse(data, one(data[0].ys, ts=[0.0, 2.0]))
    with pytest.raises(ValueError, match=r"shape \(times, states\) = \(2, 2\), the predictions \(1, 2\)"):
        metrics.pooled_rmse(data, one([[0.0, 0.0]]))
    with pytest.raises(ValueError, match=r"scale must have shape \(states,\) = \(2,\)"):
        metrics.errors(data, data, np.ones(3))


def test_times_in_single_precision_are_the_times_of_the_data():
    data = one([[0.0], [1.0]], ts=[0.1, 36420.3], names=("x",))
    assert metrics.pooled_rmse(data, one(data[0].ys, ts=data[0].ts.astype(np.float32), names=("x",))) == 0


def test_mean_baseline_by_hand():
    train = one([[1.0, 5.0], [3.0, 5.0], [NAN, 5.0]])
    test = one([[4.0, 7.0]], ts=[9.0])
    result = metrics.mean_baseline(train, test)
    assert result["train"] == {"rmse": {"x": 1.0, "y": 0.0}, "scaled_rmse": pytest.approx(np.sqrt(2 / 5))}
    assert result["test"] == {"rmse": {"x": 2.0, "y": 2.0}, "scaled_rmse": pytest.approx(2.0)}


def test_mean_baseline_is_one_on_training_data_that_vary():
    data = one(np.random.default_rng(1).normal(size=(30, 2)) * [1e3, 1e-3])
    assert metrics.mean_baseline(data, None)["train"]["scaled_rmse"] == pytest.approx(1.0)


def test_mean_baseline_without_test_data_or_training_mean():
    train = one([[1.0, NAN], [3.0, NAN]])
    assert metrics.mean_baseline(train, None)["test"] is None
    result = metrics.mean_baseline(train, one([[2.0, 1.0]]))
    assert result["test"] == {"rmse": {"x": 0.0, "y": None}, "scaled_rmse": None}
    json.dumps(result, allow_nan=False)
    with pytest.raises(ValueError, match="training data have 2 states, the test data 1"):
        metrics.mean_baseline(train, one([[2.0]], names=("x",)))


def test_linear_interpolation_skips_what_was_not_observed_and_holds_the_ends():
    train = Trajectory("a", np.array([0.0, 1.0, 4.0]), np.array([[0.0, 1.0, NAN], [NAN, 3.0, NAN], [8.0, 0.0, NAN]]))
    predicted = metrics.linear_interpolation(train, np.array([-1.0, 0.5, 2.0, 9.0]))
    assert predicted[:, 0].tolist() == [0.0, 1.0, 4.0, 8.0]
    assert predicted[:, 1].tolist() == [1.0, 2.0, 2.0, 0.0]
    assert np.isnan(predicted[:, 2]).all()


def test_numbers_that_json_has_not_are_null():
    given = {"a": [1.5, float("nan")], "b": {"c": (float("inf"), "text", 3, None)}}
    assert without_nan(given) == {"a": [1.5, None], "b": {"c": [None, "text", 3, None]}}
