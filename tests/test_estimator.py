"""The estimator by itself, and inside scikit-learn's own tools where these are installed."""

from typing import Any

import numpy as np
import pytest

import neuralode_lbfgs as nl

# The cheapest fit that there is.
SMALL: dict[str, Any] = {"width_size": 4, "depth": 1, "weight_decay": 1e-4, "fit_options": {"stages": ["matching"]}}


def decays():
    """Rows of two decaying trajectories, the second not in the order of time: times and runs, and states."""
    ts = np.linspace(0.0, 2.0, 13)
    times = np.concatenate([ts, ts[::-1]])
    runs = np.repeat([3.0, 7.0], 13)
    starts = np.where(runs[:, None] == 3, [1.0, 2.0], [2.0, 0.5])
    return np.column_stack([times, runs]), starts * np.exp(-times[:, None] * [1.0, 0.5])


@pytest.fixture(scope="module")
def fitted():
    X, y = decays()  # noqa: N806
    return nl.NeuralODERegressor(trajectory=1, **SMALL).fit(X, y)


def test_predictions_are_of_the_rows_in_their_order(fitted):
    X, y = decays()  # noqa: N806
    assert fitted.n_features_in_ == 2
    assert fitted.score(X, y) > 0.95
    order = np.random.default_rng(0).permutation(len(X))
    np.testing.assert_allclose(fitted.predict(X[order]), fitted.predict(X)[order], rtol=1e-5)
    twice = fitted.predict(X[[4, 4, 0]])
    np.testing.assert_array_equal(twice[0], twice[1])
    start = fitted.result_.starts["3.0"]
    np.testing.assert_allclose(twice[2], start, rtol=1e-6)


def test_the_score_is_that_of_scikit_learn_by_its_formula(fitted):
    X, y = decays()  # noqa: N806
    p = fitted.predict(X)
    by_hand = 1 - ((y - p) ** 2).sum(axis=0) / ((y - y.mean(axis=0)) ** 2).sum(axis=0)
    assert fitted.score(X, y) == pytest.approx(by_hand.mean(), rel=1e-12)
    some = y.copy()
    some[3, 0] = np.nan  # was not observed
    assert fitted.score(X, some) == pytest.approx(by_hand.mean(), abs=0.01)
    assert fitted.score(X, y, sample_weight=np.ones(len(y))) == pytest.approx(by_hand.mean(), rel=1e-12)


def test_what_cannot_be_predicted_is_said(fitted):
    with pytest.raises(ValueError, match=r"trajectory '9\.0' was not in fit"):
        fitted.predict([[0.0, 9.0]])
    with pytest.raises(ValueError, match=r"X must have shape \(rows, 2\)"):
        fitted.predict([[0.0]])
    with pytest.raises(ValueError, match="call fit first"):
        nl.NeuralODERegressor().predict([[0.0]])
    with pytest.raises(ValueError, match="there is no parameter 'width'"):
        nl.NeuralODERegressor().set_params(width=3)
    with pytest.raises(ValueError, match="the first column of X holds the times"):
        nl.NeuralODERegressor(trajectory=0).fit([[0.0, 1.0]], [1.0])
    with pytest.raises(ValueError, match=r"X must have shape \(rows, features\)"):
        nl.NeuralODERegressor().fit([0.0, 1.0], [1.0, 2.0])


def test_one_driven_state_is_a_vector():
    ts = np.linspace(0.0, 3.0, 16)
    u = np.sin(2 * ts)
    y = np.exp(-ts) + 0.1 * u
    model = nl.NeuralODERegressor(**SMALL).fit(np.column_stack([ts, u]), y)
    assert model.result_.data.input_size == 1
    few = np.column_stack([ts, u])[::5]
    assert model.predict(few).shape == (4,)
    # Between the rows that are asked for it is driven by the inputs of the training rows.
    np.testing.assert_allclose(model.predict(few), model.predict(np.column_stack([ts, u]))[::5], rtol=1e-4)


def test_parameters():
    model = nl.NeuralODERegressor(width_size=8, trajectory=1)
    assert model.get_params()["width_size"] == 8
    assert model.set_params(depth=3) is model
    assert repr(model) == "NeuralODERegressor(trajectory=1, width_size=8, depth=3)"


def test_inside_scikit_learn():
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    from sklearn.base import clone, is_regressor
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.metrics import r2_score
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, StandardScaler
    from sklearn.utils.validation import check_is_fitted

    ts = np.linspace(0.0, 2.0, 24)
    y = np.exp(-ts[:, None] * [1.0, 0.5])
    model = nl.NeuralODERegressor(**SMALL)
    again = clone(model)
    assert again.get_params() == model.get_params()
    assert is_regressor(model)
    steps = make_pipeline(FunctionTransformer(), TransformedTargetRegressor(again, transformer=StandardScaler()))
    grid = {"transformedtargetregressor__regressor__weight_decay": [1e-4, 1e-2]}
    continuation = [(np.arange(18), np.arange(18, 24))]
    search = GridSearchCV(steps, grid, cv=continuation, error_score=np.nan)
    search.fit(ts[:, None], y)
    check_is_fitted(search.best_estimator_)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert float(search.best_score_) > -10  # a continuation, of a fit by slopes alone
    assert search.score(ts[:, None], y) == pytest.approx(r2_score(y, search.predict(ts[:, None])), rel=1e-9)
    assert r2_score(y, search.predict(ts[:, None])) > 0.9
