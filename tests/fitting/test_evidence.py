"""The evidence's decay and the Gauss-Newton fit, on regressions with known answers."""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neuralode_lbfgs.fitting.evidence import EvidenceEstimate, squared_weights
from neuralode_lbfgs.fitting.gauss_newton import gauss_newton
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
    estimate = EvidenceEstimate(lambda f, x, y: residuals(eqx.combine(f, fixed), x, y), lambda f: f, free)
    return estimate, free, (jnp.asarray(x), jnp.asarray(y))


def test_gauss_newton_finds_the_noise_and_few_determined_weights(regression):
    estimate, free, args = regression
    fit = gauss_newton(estimate, estimate.flatten(free), args, np.array([1e-2]), 60, lambda e: e.decay, 100)
    assert fit.reason in (StopReason.DECREASE, StopReason.MAX_ITER)
    assert fit.evidence.noise == pytest.approx(NOISE, rel=0.2)
    assert fit.evidence.determined < 12  # a line needs two; the network has over a hundred weights
    losses = [row.loss for row in fit.history]
    assert losses[-1] < losses[0]


def test_fixed_decay_descends_monotonically(regression):
    estimate, free, args = regression
    fit = gauss_newton(estimate, estimate.flatten(free), args, np.array([1e-3]), 60, None, 30)
    losses = [row.loss for row in fit.history]
    assert all(later <= earlier for earlier, later in itertools.pairwise(losses))


def test_the_normal_matrix_is_that_of_central_differences(regression):
    estimate, free, args = regression
    x = estimate.flatten(free)
    normal = estimate.normal(x, *args)
    direction = np.random.default_rng(1).normal(size=x.size)
    step = 1e-5
    difference = (
        estimate.mean_square(x + step * direction, *args) - estimate.mean_square(x - step * direction, *args)
    ) / (2 * step)
    assert 2 * normal.gradient @ direction == pytest.approx(difference, rel=1e-6)


def test_physics_is_not_decayed():
    assert squared_weights({"gravity": jnp.array([9.81])}).sum() == 0
