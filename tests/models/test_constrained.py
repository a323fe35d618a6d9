"""Parameters that are frozen or bounded: there and back, and never outside."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from neuralode_lbfgs.models import Constant, NeuralODE, constant, constrained, leaf_names, plain, trainable
from neuralode_lbfgs.models.constrained import inside

INF = np.inf


class Field(eqx.Module):
    """Numbers of every kind beside a network."""

    network: eqx.nn.MLP
    rates: jax.Array
    friction: jax.Array
    known: Constant
    mass: float = 2.0

    def __call__(self, t, y, args):
        return self.network(y) - self.friction * y * self.known.value - self.rates[:2] / self.mass


@pytest.fixture(scope="module")
def field():
    network = eqx.nn.MLP(2, 2, 3, 1, key=jax.random.key(0))
    return Field(network, jnp.array([0.04, 3e7, 1e4]), jnp.array(0.3), constant(np.array([1.0, 2.0])))


def held(field):
    ones = {"rates": np.ones(3), "friction": np.ones(())}
    return constrained(field, {"network.layers.0.weight"}, {"rates": (0.0, INF), "friction": (0.0, 1.0)}, ones)


def test_names_are_paths_and_constants_are_leaves_as_a_whole(field):
    assert [name for name in leaf_names(field) if not name.startswith("network")] == [
        "rates", "friction", "known", "mass",
    ]  # fmt: skip
    assert "network.layers.0.weight" in leaf_names(field)


def test_plain_gives_back_what_was_constrained(field):
    back = plain(NeuralODE(held(field), state_size=2)).vector_field
    assert jax.tree.structure(back) == jax.tree.structure(field)
    for (name, one), other in zip(leaf_names(field).items(), leaf_names(back).values(), strict=True):
        if eqx.is_array(one):
            np.testing.assert_allclose(one, other, rtol=1e-12, err_msg=name)
    np.testing.assert_array_equal(back.network.layers[0].weight, field.network.layers[0].weight)
    assert constrained(field, (), {}, {}) is field


def test_what_is_frozen_or_constant_is_not_trained(field):
    numbers = ravel_pytree(trainable(field)[0])[0]
    free, fixed = trainable(held(field))
    vector, unravel = ravel_pytree(free)
    assert vector.size == numbers.size - field.network.layers[0].weight.size
    moved = plain(eqx.combine(unravel(vector + 100.0), fixed))
    np.testing.assert_array_equal(moved.network.layers[0].weight, field.network.layers[0].weight)
    np.testing.assert_array_equal(moved.known.value, field.known.value)
    np.testing.assert_array_equal(moved.network.layers[1].weight, field.network.layers[1].weight + 100.0)
    assert 0.3 < moved.friction < 1.0
    assert (moved.rates > field.rates).all()


def test_the_rate_is_that_of_the_plain_field(field):
    y = jnp.array([0.3, -0.2])
    one, other = (NeuralODE(f, state_size=2).rate(jnp.zeros(()), y, None) for f in (field, held(field)))
    np.testing.assert_allclose(one, other, rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("bounds", [(0.0, 1.0), (0.1, INF), (-INF, -0.3), (0.0, INF), (-INF, 0.0), (-1e-3, 1e9)])
def test_every_number_maps_strictly_inside(bounds, dtype):
    raw = np.array([-1e30, -800.0, -40.0, -1.0, 0.0, 1.0, 40.0, 800.0], dtype)
    values = np.asarray(inside(raw, bounds, np.ones(8, dtype)), np.float64)
    assert (values > bounds[0]).all() and (values < bounds[1]).all()
    assert values.dtype == np.float64 and (np.diff(values) * (1 if np.isfinite(bounds[0]) else -1) >= 0).all()
