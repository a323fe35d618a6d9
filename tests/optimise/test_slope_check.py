"""Slopes by autodiff against those of the values."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neuralode_lbfgs.optimise import Minimiser, slope_check


def checked(loss, x):
    return slope_check(Minimiser(loss, x), x)


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_right_gradient_agrees(scale, dtype):
    x = jnp.asarray([0.3, -2.0, 5.0], dtype)
    slope = checked(lambda x: scale * jnp.sum(jnp.cosh(x)), x)
    assert slope.autodiff == pytest.approx(scale * np.linalg.norm(np.sinh(np.asarray(x))), rel=1e-5)
    assert slope.error < 1e-3


def test_a_wrong_gradient_is_seen():
    @jax.custom_jvp
    def off(x):
        return jnp.sum(x**2)

    off.defjvp(lambda primals, tangents: (off(*primals), 3 * jnp.sum(primals[0] * tangents[0])))
    slope = checked(off, jnp.ones(3))
    assert slope.autodiff / slope.difference == pytest.approx(1.5, rel=1e-6)
    assert slope.error == pytest.approx(1 / 3, rel=1e-6)


def test_a_minimum_has_nothing_to_compare_and_a_wall_has_no_slope():
    assert checked(lambda x: jnp.sum(x**2), jnp.zeros(2)).error == 0
    assert np.isnan(checked(lambda x: jnp.sum(jnp.log(x)), -jnp.ones(2)).error)
