"""Smoothing splines against dense equations, SciPy's, and the truth."""

import time

import jax
import numpy as np
import pytest
from scipy.interpolate import make_smoothing_spline

import neuralode_lbfgs as nl
from neuralode_lbfgs.fitting.smoothing import curve_through, smooth_all
from neuralode_lbfgs.fitting.smoothness import Bands, smoothed


def times(count, seed=0):
    """Uneven, on average one apart."""
    gaps = np.random.default_rng(seed).uniform(0.2, 1.8, count - 1)
    return np.concatenate([[0.0], np.cumsum(gaps)]) * (count - 1) / gaps.sum()


def curve(ts, ys):
    found = curve_through(ts, ys)
    assert found is not None
    return found


def smoother(ts, lam):
    """The dense matrix that maps observations to the values of the spline, column by column from SciPy's."""
    columns = [make_smoothing_spline(ts, unit, lam=lam)(ts) for unit in np.eye(ts.size)]
    return np.stack(columns, axis=1)


@pytest.mark.parametrize("lam", [1e-3, 1.0, 1e3])
def test_criterion_and_residuals_are_those_of_the_dense_smoother(lam):
    ts, ys = times(12), np.random.default_rng(1).normal(size=12)
    left = np.eye(12) - smoother(ts, lam)
    bands = Bands(ts)
    np.testing.assert_allclose(bands.residuals(bands.factor(lam), lam, ys), left @ ys, rtol=1e-6, atol=1e-8)
    expected = 12 * np.sum((left @ ys) ** 2) / np.trace(left) ** 2
    np.testing.assert_allclose(bands.criterion(lam, ys), expected, rtol=1e-5)


def test_no_smoothness_on_a_fine_grid_is_better():
    ts = times(40, seed=2)
    ys = np.sin(ts / 3) + 0.2 * np.random.default_rng(3).normal(size=40)
    bands, values = Bands(ts), smoothed(ts, ys)
    best = min(bands.criterion(lam, ys) for lam in 10.0 ** np.arange(-6, 8, 0.01))
    found = min(
        10.0 ** np.arange(-6, 8, 0.01),
        key=lambda lam: np.abs(make_smoothing_spline(ts, ys, lam=lam)(ts) - values).max(),
    )
    assert bands.criterion(found, ys) <= best * 1.001


def test_a_dense_noisy_series_is_not_left_rough():
    ts = times(2000)
    truth, slope = np.sin(ts / 160), np.cos(ts / 160) / 160
    ys = truth + 0.1 * np.random.default_rng(4).normal(size=ts.size)
    found = curve(ts, ys)
    rough = make_smoothing_spline(ts, ys)

    def error(spline):
        return np.sqrt(np.mean((spline(ts, 1) - slope) ** 2)) * 160

    assert error(found) < 0.05 < 0.1 < error(rough)


@pytest.mark.parametrize("count", [6, 7, 50, 3000])
def test_clean_values_are_kept(count):
    ts = times(count)
    ys = np.sin(6 * ts / ts[-1])
    np.testing.assert_allclose(curve(ts, ys)(ts), ys, atol=1e-3 if count < 20 else 1e-6)


@pytest.mark.parametrize("units", [(1e-9, 1e9), (1e9, 1e-9), (1.0, 1.0)])
def test_units_do_not_matter(units):
    ts = times(60)
    ys = 5.0 + np.sin(ts / 5) + 0.1 * np.random.default_rng(5).normal(size=60)
    time_unit, unit = units
    found = curve(time_unit * ts, unit * ys)
    np.testing.assert_allclose(found(time_unit * ts) / unit, curve(ts, ys)(ts), rtol=1e-9)
    np.testing.assert_allclose(found(time_unit * ts, 1) * time_unit / unit, curve(ts, ys)(ts, 1), atol=1e-7)


def test_pure_noise_becomes_nearly_a_line():
    ts, ys = times(500), np.random.default_rng(6).normal(size=500)
    assert np.std(curve(ts, ys)(ts)) < 0.15


def test_a_hundred_thousand_rows_take_seconds():
    ts = times(100_000)
    ys = np.sin(ts / 100) + 0.1 * np.random.default_rng(7).normal(size=ts.size)
    began = time.process_time()
    found = curve(ts, ys)
    assert time.process_time() - began < 20
    assert np.sqrt(np.mean((found(ts) - np.sin(ts / 100)) ** 2)) < 0.03


def test_few_rows_an_oscillation_are_joined_by_lines():
    """A smoothing spline goes through their middle, where a fit that began there would end."""
    data = nl.simulate(
        "lotka_volterra", num_trajectories=40, t1=10.0, num=6, start_box=((0.5, 2.0), (0.5, 2.0)), noise=0.02,
        relative_noise=True, key=jax.random.key(1),
    )  # fmt: skip
    for run, curve in zip(data, smooth_all(data), strict=True):
        np.testing.assert_allclose(curve.states(run.ts), run.ys, rtol=1e-12)
    dense = nl.simulate("lotka_volterra", num_trajectories=2, t1=10.0, num=60, noise=0.02, key=jax.random.key(1))
    assert not np.allclose(smooth_all(dense)[0].states(dense[0].ts), dense[0].ys, rtol=1e-6)
