"""Positions and velocities: the one is the rate of the other, in every unit."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import neuralode_lbfgs as nl
from neuralode_lbfgs.models import with_coordinates

COORDINATES = nl.Coordinates(
    np.array([1.0, -2.0, 0.5, 3.0]), np.array([3.0, 0.25, 40.0, 2.0]), np.array([0.5, 0.6, 0.7, 0.8]),
    np.asarray(7.0), np.asarray(8.0), np.array([9.0]), np.array([10.0]),
)  # fmt: skip


@pytest.fixture(scope="module")
def model():
    field = nl.SecondOrderField(2, width_size=4, depth=1, input_size=1, key=jax.random.key(0))
    return with_coordinates(nl.NeuralODE(field), COORDINATES)


def test_positions_move_at_the_velocities_whatever_the_scales(model):
    y = jnp.array([0.3, -1.0, 12.0, -4.0])
    rate = model.vector_field(0.0, y, jnp.array([2.0]))
    np.testing.assert_allclose(rate[:2], y[2:], rtol=1e-12)
    # The network drives the velocities, and sees the input.
    assert not np.allclose(rate[2:], model.vector_field(0.0, y, jnp.array([5.0]))[2:])


def test_a_solve_in_the_units_of_the_data_has_velocities_that_are_slopes(model):
    ts = jnp.linspace(0.0, 1.0, 201)
    ys = np.asarray(model(ts, jnp.array([0.3, -1.0, 2.0, -1.0]), nl.LinearInputs(ts, jnp.ones((201, 1)))))
    slopes = np.gradient(ys[:, :2], ts, axis=0)
    np.testing.assert_allclose(slopes[1:-1], ys[1:-1, 2:], atol=1e-3 * np.abs(ys[:, 2:]).max())


def test_there_is_a_position():
    with pytest.raises(ValueError, match="position_size must be at least 1"):
        nl.SecondOrderField(0, key=jax.random.key(0))
