"""Standard deviations: what they say is heard by every stage, and what has none is as it was."""

from dataclasses import replace

import diffrax
import jax.numpy as jnp
import numpy as np
import pytest

from neuralode_lbfgs.data import Trajectories, Trajectory
from neuralode_lbfgs.fitting.batch import Shape, lane_lengths, make_batch
from neuralode_lbfgs.fitting.evidence import WeightGroups
from neuralode_lbfgs.fitting.matching import collect_slopes
from neuralode_lbfgs.fitting.pieces import cut
from neuralode_lbfgs.fitting.scaling import find_coordinates
from neuralode_lbfgs.fitting.smoothing import smooth_all
from neuralode_lbfgs.fitting.start_estimates import estimate_starts
from neuralode_lbfgs.fitting.weights import observation_weights
from neuralode_lbfgs.models import Tableau

TS = np.linspace(0, 4, 25)
WORTHLESS = [3, 11, 12, 20]


def clean(sd: float | None = 0.01):
    """Two smooth states with a little noise."""
    ys = np.stack([np.exp(-TS), 3 * np.cos(TS)], axis=1) + 0.01 * np.random.default_rng(0).normal(size=(25, 2))
    return Trajectories((Trajectory("a", TS, ys, None if sd is None else np.full(ys.shape, sd)),))


def spoilt(sd=1e4):
    """The same with rows that are far off, and say so."""
    run = clean()[0]
    ys, sds = run.ys.copy(), np.full(run.ys.shape, 0.01)
    ys[WORTHLESS] += [40.0, -70.0]
    sds[WORTHLESS] = sd
    return Trajectories((replace(run, ys=ys, sd=sds),))


def test_weights_are_relative_and_their_level_is_the_noise():
    scale = np.array([2.0, 5.0])
    run = clean()[0]
    sd = np.broadcast_to([0.1, 1.0], run.ys.shape).copy()
    ys = run.ys.copy()
    ys[4, 1] = np.nan
    weights = observation_weights(Trajectories((replace(run, ys=ys, sd=sd),)), scale)
    assert weights.each[0][4, 1] == 0
    assert weights.each[0].sum() == pytest.approx(49)
    assert weights.each[0][0, 0] / weights.each[0][0, 1] == pytest.approx((20 / 5) ** 2)
    # An observation of weight w has the standard deviation noise / sqrt(w).
    np.testing.assert_allclose(weights.noise / np.sqrt(weights.each[0][0]), sd[0] / scale)


def test_equal_standard_deviations_change_no_weight():
    data = clean(0.3)
    without = observation_weights(clean(None), np.ones(2))
    weights = observation_weights(data, np.ones(2))
    np.testing.assert_allclose(weights.each[0], without.each[0], rtol=1e-14)
    assert (without.noise, weights.noise) == (None, pytest.approx(0.3))
    one, other = clean()[0], replace(clean(None)[0], id="b")
    with pytest.raises(ValueError, match=r"^trajectory 'b' has no standard deviations, but others have; give them to"):
        observation_weights(Trajectories((one, other)), np.ones(2))


def test_scales_and_curves_are_those_of_what_is_certain():
    for data in (spoilt(), clean(None)):
        curves = smooth_all(data)
        coordinates = find_coordinates(data, curves)
        np.testing.assert_allclose(coordinates.centre, np.nanmean(clean()[0].ys, axis=0), atol=0.3)
        np.testing.assert_allclose(coordinates.scale, np.nanstd(clean()[0].ys, axis=0), rtol=0.3)
        np.testing.assert_allclose(curves[0].states(TS)[:, 1], 3 * np.cos(TS), atol=0.05)
        np.testing.assert_allclose(curves[0].rates(TS[2:-2])[:, 1], -3 * np.sin(TS[2:-2]), atol=0.3)


def test_a_curve_heeds_moderate_standard_deviations():
    rng = np.random.default_rng(2)
    sd = np.where(rng.random(200) < 0.5, 0.02, 0.15)
    ts = np.linspace(0, 6, 200)
    ys = np.sin(ts) + sd * rng.normal(size=200)
    error = {}
    for name, given in (("told", sd[:, None]), ("untold", None)):
        run = Trajectory("a", ts, ys[:, None], given)
        error[name] = np.sqrt(np.mean((smooth_all(Trajectories((run,)))[0].states(ts)[:, 0] - np.sin(ts)) ** 2))
    assert error["told"] < 0.6 * error["untold"]


def test_mesh_pieces_and_slopes_count_alike():
    data, certain = spoilt(), np.delete(np.arange(25), WORTHLESS)
    curves = smooth_all(data)
    coordinates = find_coordinates(data, curves)
    tableau = Tableau(diffrax.Tsit5())
    counts = [np.full(24, 2)]
    batch, places = make_batch(data, coordinates, tableau, counts, Shape.fitting(lane_lengths(counts)), np.float64)
    (lane, rows), pieces = places[0], cut(data, curves, coordinates, tableau, counts)
    for squares in (np.asarray(batch.weights)[lane, rows], pieces.weights[pieces.rows[0]] ** 2):
        assert squares.sum() == pytest.approx(1)
        assert squares[WORTHLESS].max() < 1e-10
        np.testing.assert_allclose(squares[certain, 1], squares[0, 1])
    slopes = collect_slopes(data, curves, coordinates, np.float64)
    assert slopes is not None
    weight = np.asarray(slopes.weight)
    assert np.sum(weight**2) == pytest.approx(1)
    assert weight[3 * 11 : 3 * 12 + 1].max() < 1e-3 * weight[0].min()


def test_slopes_of_a_hidden_state_weigh_as_those_of_the_others():
    data = clean(sd=0.01)
    curves = smooth_all(data)
    coordinates = find_coordinates(data, curves)
    (run,) = data
    hidden = run.ys * [1.0, np.nan], np.stack([np.where(TS < 2, 0.01, 1.0), np.full(TS.size, np.nan)], axis=1)
    data = data.with_trajectories([replace(run, ys=hidden[0], sd=hidden[1])])
    slopes = collect_slopes(data, curves, coordinates, np.float64)
    assert slopes is not None
    weight = np.asarray(slopes.weight)
    np.testing.assert_allclose(weight[:, 1], weight[:, 0])
    assert weight[0, 0] > 50 * weight[-1, 0]


def test_a_known_noise_keeps_the_evidence_from_believing_a_perfect_fit():
    """Twelve numbers gone through exactly: without knowledge of the noise there seems to be none."""
    groups = WeightGroups(np.zeros(8, int), 1)
    x, decay = np.full(8, 0.5), np.array([1e-6])
    matrix = np.eye(8)
    unknown = groups.evidence(x, matrix, 1e-12, decay, 12)
    known = groups.evidence(x, matrix, 1e-12, decay, 12, noise=0.3)
    assert known.decay[0] > 10 * unknown.decay[0]
    # Where the residuals are as large as the noise, knowing it or not is the same, for many observations.
    found = [groups.evidence(x, matrix, 0.09, decay, 10_000, noise=noise).decay[0] for noise in (None, 0.3)]
    assert found[0] == pytest.approx(found[1], rel=0.01)


def test_starts_are_estimated_from_what_is_certain():
    def model(ts, y0):
        return y0 * jnp.exp(ts[0] - ts)[:, None]

    ys = np.exp(-TS)[:, None].copy()
    ys[:3] += 5
    sd = np.full(ys.shape, 0.1)
    sd[:3] = 1e3
    run = Trajectory("a", TS, ys)
    trusting = estimate_starts(model, Trajectories((run,)))["a"][1]
    knowing = estimate_starts(model, Trajectories((replace(run, sd=sd),)))["a"][1]
    assert trusting[0] > 1.5
    assert knowing[0] == pytest.approx(1, abs=0.05)
