"""Implicit steps on a mesh: of the order that they should be, stable where explicit ones are not, exactly derived."""

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
from scipy.integrate import solve_ivp

from neuralode_lbfgs.models import Mesh, solve_on_mesh, steps_of

STEPS = steps_of(diffrax.Kvaerno5())
EXPLICIT = steps_of(diffrax.Tsit5())
FAST = np.array([[-1e6, 1e6, 0.0], [1e3, -1e3 - 1.0, 0.0], [0.0, 1.0, -0.1]])  # rates over seven decades


def mesh(ts, u=None):
    """One lane with a step between times, and one of length zero behind; `u(t)` are its inputs."""
    t = np.concatenate([ts[:1], ts[:-1], ts[-1:]])
    h = np.concatenate([[0.0], np.diff(ts), [0.0]])
    start = np.where(np.arange(t.size) == 0, 0, -1)
    us = None if u is None else u(t[:, None] + STEPS.c * h[:, None])[None, ..., None]
    return Mesh(t[None], h[None], start[None], us)


def end_of(rate, ts, z0, u=None, steps=STEPS):
    return solve_on_mesh(rate, steps, mesh(ts, u), jnp.asarray(z0)[None])[0, -1]


def test_they_are_of_fifth_order_in_time_and_inputs():
    def rate(t, z, u):
        return jnp.stack([z[1] * jnp.sin(t) + 0.1 * u[0] * z[0], jnp.cos(3 * t) - z[0] ** 2 + u[0]])

    def driven(t):
        return 0.5 + 2 * t

    z0 = [1.0, 0.5]
    exact = solve_ivp(
        lambda t, z: np.asarray(rate(t, z, np.array([driven(t)]))), (0, 1), z0, method="DOP853", rtol=1e-12, atol=1e-12
    ).y[:, -1]
    errors = [np.abs(end_of(rate, np.linspace(0, 1, n + 1), z0, driven) - exact).max() for n in (8, 16)]
    assert errors[0] < 1e-6
    assert np.log2(errors[0] / errors[1]) == pytest.approx(5, abs=0.3)


def test_their_last_stage_is_an_error_that_is_no_smaller_than_the_true_one():
    zs, errors = solve_on_mesh(
        lambda t, z, u: -(z**2), STEPS, mesh(np.linspace(0, 1, 3)), jnp.ones((1, 1)), with_error=True
    )
    off = abs(float(zs[0, -1, 0]) - 0.5)
    assert 0 < off < np.abs(errors).max() < 1e-2


def test_they_are_long_where_explicit_ones_are_unstable():
    ts, z0 = np.geomspace(1e-7, 3.0, 60), [1.0, 0.5, 0.0]
    linear = lambda t, z, u: jnp.asarray(FAST) @ z  # noqa: E731
    exact = scipy.linalg.expm(FAST * (ts[-1] - ts[0])) @ z0
    np.testing.assert_allclose(end_of(linear, ts, z0), exact, rtol=1e-4)
    assert not np.abs(end_of(linear, ts, z0, steps=EXPLICIT)).max() < 1e6


def test_their_gradient_is_that_of_their_values():
    """Also behind the last row, where steps have no length."""

    def loss(x):
        return jnp.sum(end_of(lambda t, z, u: -x * z**3 * (1 + t), np.linspace(0, 2, 6), [2.0]) ** 2)

    x, little = 30.0, 1e-4
    difference = (loss(x + little) - loss(x - little)) / (2 * little)
    assert float(jax.grad(loss)(x)) == pytest.approx(float(difference), rel=1e-6)
