"""The evidence's decay and the Gauss-Newton fit, on regressions with known answers."""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from neuralode_lbfgs.fitting import evidence
from neuralode_lbfgs.fitting.evidence import EvidenceEstimate, WeightGroups, _inverse, squared_weights
from neuralode_lbfgs.fitting.gauss_newton import Point, gauss_newton
from neuralode_lbfgs.fitting.matching import NormalEquations
from neuralode_lbfgs.models import MLPVectorField
from neuralode_lbfgs.optimise import StopReason

NOISE = 0.1


@pytest.fixture(scope="module")
def regression():
    """A straight line with known noise, seen by a network of a hundred weights."""
    random = np.random.default_rng(0)
    x = np.linspace(-1.5, 1.5, 60)
    y = 0.8 * x + NOISE * random.normal(size=x.size)
    network = MLPVectorField(1, width_size=8, depth=2, key=jax.random.key(0)).mlp

    def residuals(mlp, x, y):
        return (jax.vmap(mlp)(x[:, None])[:, 0] - y) / np.sqrt(x.size)

    free, fixed = eqx.partition(network, eqx.is_inexact_array)
    return Line(lambda f: residuals(eqx.combine(f, fixed), jnp.asarray(x), jnp.asarray(y)), free)


class Line:
    """The regression as a least-squares problem, with JAX's own Jacobian."""

    others, observed, noise = 0, 60, None

    def __init__(self, residuals, free):
        vector, unravel = ravel_pytree(free)
        self.groups, self.start = WeightGroups.of(free), Point(np.asarray(vector), np.zeros((0, 0)))
        self.residuals = jax.jit(lambda x: residuals(unravel(x)))
        self.jacobian = jax.jit(jax.jacfwd(lambda x: residuals(unravel(x))))

    def value(self, point):
        return float(jnp.sum(self.residuals(point.x) ** 2))

    def linearised(self, point):
        jacobian, r = np.asarray(self.jacobian(point.x)), np.asarray(self.residuals(point.x))
        return NormalEquations(point, jacobian.T @ jacobian, jacobian.T @ r)


def test_gauss_newton_finds_the_noise_and_few_determined_weights(regression):
    fit = gauss_newton(regression, regression.start, np.array([1e-2]), choose=lambda e: e.decay, max_steps=100)
    assert fit.reason in (StopReason.DECREASE, StopReason.STEPS)
    assert fit.evidence.noise == pytest.approx(NOISE, rel=0.2)
    assert fit.evidence.determined < 12  # a line needs two; the network has over a hundred weights
    assert fit.mean_square < fit.initial_mean_square


def test_a_decay_that_takes_more_than_the_residuals_falls_before_the_valley_ends(regression):
    choose = lambda e: e.decay  # noqa: E731
    steps = []
    for eager in (False, True):
        fit = gauss_newton(regression, regression.start, np.array([3e-2]), choose=choose, max_steps=60, eager=eager)
        assert fit.evidence.noise == pytest.approx(NOISE, rel=0.2)
        assert fit.evidence.determined < 12
        steps.append(next(row.iteration for row in fit.history if row.loss < NOISE**2))
    assert steps[1] < steps[0]


def test_fixed_decay_descends_monotonically(regression):
    fit = gauss_newton(regression, regression.start, np.array([1e-3]), choose=None, max_steps=30)
    losses = [row.loss for row in fit.history]
    assert all(later <= earlier for earlier, later in itertools.pairwise(losses))


def test_a_start_that_is_not_finite_is_returned_with_its_reason(regression):
    start = Point(np.full_like(regression.start.x, np.nan), regression.start.states)
    fit = gauss_newton(regression, start, np.array([1e-3]), choose=None, max_steps=30)
    assert fit.reason is StopReason.NONFINITE_START
    assert not fit.history


def test_ctrl_c_keeps_the_best_point(regression):
    def interrupt(history):
        if len(history) == 3:
            raise KeyboardInterrupt

    fit = gauss_newton(regression, regression.start, np.array([1e-3]), choose=None, max_steps=30, watch=interrupt)
    assert fit.reason is StopReason.INTERRUPTED
    assert fit.mean_square < fit.initial_mean_square


def test_physics_is_not_decayed():
    assert squared_weights({"gravity": jnp.array([9.81])}).sum() == 0


@pytest.mark.parametrize("least", [0.3, -1e-9], ids=["positive definite", "an eigenvalue below zero"])
def test_the_diagonal_of_an_inverse(least):
    vectors = np.linalg.qr(np.random.default_rng(0).normal(size=(4, 4)))[0]
    matrix = vectors @ np.diag([least, 1.0, 2.0, 3.0]) @ vectors.T
    np.testing.assert_allclose(np.diag(_inverse(matrix)), np.diag(np.linalg.inv(matrix)), rtol=1e-6)


def test_an_inverse_of_decays_that_lie_far_apart():
    """Two numbers that cannot be told from each other, beside one that was given up."""
    matrix = np.array([[1e-13, 1e-13, 0.0], [1e-13, 1e-13, 0.0], [0.0, 0.0, 1e6]])
    assert np.diag(_inverse(matrix))[2] == pytest.approx(1e-6)
    assert np.isfinite(_inverse(matrix)).all()


def test_a_network_too_large_for_its_evidence_keeps_its_decay(regression, monkeypatch):
    """Were every weight taken for well determined, the decay would smother it."""
    free = eqx.filter(MLPVectorField(1, width_size=8, depth=2, key=jax.random.key(0)).mlp, eqx.is_inexact_array)
    estimate = EvidenceEstimate(lambda free: regression.residuals(ravel_pytree(free)[0]), free)
    decay = np.array([1e-5])
    known = estimate(free, decay=decay, observed=60)
    monkeypatch.setattr(evidence, "MOST_ENTRIES", 60)
    unknown = estimate(free, decay=decay, observed=60)
    assert known.decay != decay
    assert unknown.decay == decay
    assert unknown.noise == pytest.approx(regression.value(regression.start) ** 0.5)


def test_squares_that_overflow_leave_the_decay(regression):
    """Of a model that runs away, sensitivities are finite numbers whose squares are not."""
    x, decay = regression.start.x, np.full(regression.groups.count, 1e-3)
    found = regression.groups.evidence(x, np.full((x.size, x.size), np.inf), 1.0, decay, 60)
    np.testing.assert_array_equal(found.decay, decay)
