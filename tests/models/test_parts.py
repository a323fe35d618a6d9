"""Coordinates, inputs, vector fields, and what is trained."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neuralode_lbfgs.models import (
    Coordinates,
    LinearInputs,
    MLPVectorField,
    NeuralODE,
    SteppedInputs,
    is_constant,
    trainable,
    with_coordinates,
)

COORDINATES = Coordinates(
    np.array([38.0, -2.0]), np.array([30.0, 0.5]), np.array([2.0, 3.0]), np.asarray(5.0), np.asarray(1.7),
    np.array([1.0]), np.array([4.0]),
)  # fmt: skip


def test_coordinates_there_and_back():
    ys = np.random.default_rng(0).normal(size=(3, 4, 2)) * 100
    ts = np.linspace(-3, 9, 4)
    c = COORDINATES
    np.testing.assert_allclose(c.states_out(c.states_in(ys)), ys, rtol=1e-13)
    np.testing.assert_allclose(c.times_out(c.times_in(ts)), ts, rtol=1e-13)
    np.testing.assert_allclose(c.rates_out(c.rates_in(ys)), ys, rtol=1e-13)
    np.testing.assert_allclose(c.states_in(c.centre + c.scale), np.ones(2))
    # dz/dtau by the chain rule: one unit of y in one unit of time.
    np.testing.assert_allclose(c.rates_in(np.ones(2)), 1.7 / np.array([30.0, 0.5]))
    identity = Coordinates.identity(2, 1)
    for there in (identity.states_in, identity.states_out, identity.rates_in, identity.rates_out):
        np.testing.assert_array_equal(there(ys), ys)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_linear_inputs_are_those_of_interp(n):
    rng = np.random.default_rng(n)
    ts, us = np.sort(rng.uniform(0, 10, n)), rng.normal(size=(n, 3))
    times = np.concatenate([np.linspace(-1, 11, 50), ts])
    expected = np.stack([np.interp(times, ts, us[:, j]) for j in range(3)], axis=-1)
    np.testing.assert_allclose(jax.vmap(LinearInputs(ts, us).evaluate)(times), expected, atol=1e-13)


def test_linear_inputs_have_kinks_where_their_slopes_change():
    ts = np.array([0.0, 0.1, 0.3, 0.7, 1.1, 2.0])
    lines = np.stack([0.1 + 0.3 * ts, np.array([1.0, 1.0, 1.0, 3.0, 5.0, 5.0])], axis=1)  # one of them straight on
    kinks = np.asarray(LinearInputs(ts, lines).kinks)
    assert kinks[kinks <= ts[-1]].tolist() == [0.0, 0.3, 1.1, 2.0]  # it stays as it is before and after all rows
    both = SteppedInputs(ts, np.stack([lines[:, 1], [0, 0, 1, 1, 1, 1]], axis=1), (False, True))
    kinks = np.asarray(both.kinks)
    assert kinks[kinks <= ts[-1]].tolist() == [1.1]  # there is a jump at the other one
    alone = LinearInputs(ts[:1], lines[:1])
    assert alone.kinks > ts[0]


class Hybrid(eqx.Module):
    """A network beside a known rate, with leaves of every kind."""

    network: MLPVectorField
    log_rate: jax.Array
    known: float
    steps: jax.Array
    key: jax.Array

    def __call__(self, t, y, args):
        return self.network(t, y) - jnp.exp(self.log_rate) * self.known


def hybrid():
    network = MLPVectorField(2, 3, 1, key=jax.random.key(0))
    return NeuralODE(Hybrid(network, jnp.full(2, -3.0), 0.5, jnp.arange(2), jax.random.key(1)), state_size=2)


def coordinates_of(model):
    return [node for node in jax.tree.leaves(model, is_leaf=is_constant) if is_constant(node)]


def test_all_coordinates_of_a_model_are_replaced():
    """Those of the solve and those inside a network that is part of a larger field."""
    model = with_coordinates(hybrid(), COORDINATES)
    found = coordinates_of(model)
    assert len(found) == 2
    for node in found:
        np.testing.assert_array_equal(node.centre, COORDINATES.centre)
        assert node.time_scale == 1.7


def test_trained_are_floating_point_arrays_outside_the_coordinates():
    model = with_coordinates(hybrid(), COORDINATES)
    free, fixed = trainable(model)
    assert not any(eqx.is_array(leaf) for node in coordinates_of(free) for leaf in jax.tree.leaves(node))
    field = model.vector_field
    expected = [*(p for layer in field.network.mlp.layers for p in (layer.weight, layer.bias))]
    expected.append(field.log_rate)
    for leaf, wanted in zip(jax.tree.leaves(free), expected, strict=True):
        assert leaf is wanted
    assert fixed.vector_field.known == 0.5
    assert fixed.vector_field.steps is field.steps
    assert eqx.tree_equal(eqx.combine(free, fixed), model)


@pytest.mark.parametrize(
    "sizes, words",
    [
        ({"state_size": 0}, "state_size must be at least 1; it is 0"),
        ({"state_size": 2, "width_size": 0}, "width_size must be at least 1; it is 0"),
        ({"state_size": 2, "depth": -1}, "depth must be at least 0; it is -1"),
        ({"state_size": 2, "input_size": -1}, "input_size must be at least 0; it is -1"),
    ],
)
def test_impossible_sizes_are_refused(sizes, words):
    with pytest.raises(ValueError, match=words):
        MLPVectorField(**sizes, key=jax.random.key(0))


def test_the_network_sees_states_inputs_and_time():
    field = MLPVectorField(2, 5, 2, input_size=3, time_dependent=True, key=jax.random.key(0))
    y, u = jnp.ones(2), jnp.ones(3)
    assert field(0.0, y, u).shape == (2,)
    assert not np.allclose(field(0.0, y, u), field(9.0, y, u))
    assert not np.allclose(field(0.0, y, u), field(0.0, y, 2 * u))
    steady = MLPVectorField(2, 5, 2, key=jax.random.key(0))
    np.testing.assert_array_equal(steady(0.0, y), steady(9.0, y))


def test_the_initial_field_is_gentle_and_repeatable():
    """Weights of the last layer are small, so that a first solve stays near the data; the same key, the same field."""
    a, b = (MLPVectorField(3, 16, 2, key=jax.random.key(4)) for _ in range(2))
    assert eqx.tree_equal(a, b)
    zs = np.random.default_rng(0).normal(size=(200, 3))
    assert float(jnp.abs(jax.vmap(lambda z: a(0.0, z))(zs)).max()) < 1.0
