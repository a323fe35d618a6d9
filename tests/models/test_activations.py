"""Models and results can be pickled, whatever activation of JAX is named."""

import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import neuralode_lbfgs as nl
from neuralode_lbfgs.models.activations import ACTIVATIONS, plain_function

TS = np.linspace(0.0, 1.0, 3)


@pytest.mark.parametrize("activation", [jnp.tanh, jnp.sin, jax.nn.softplus, jax.nn.silu, jax.nn.relu, jax.nn.gelu])
def test_a_model_is_pickled_and_does_the_same(activation):
    model = nl.NeuralODE(nl.MLPVectorField(2, 3, 1, activation=activation, key=jax.random.key(0)))
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again(TS, np.ones(2)), model(TS, np.ones(2)))


def test_the_plain_functions_are_those_of_jax():
    x = jnp.linspace(-2.0, 2.0, 9)
    for name, function in ACTIVATIONS.items():
        of_jax = getattr(jnp if name in ("tanh", "sin") else jax.nn, name)
        np.testing.assert_array_equal(function(x), of_jax(x))
        assert plain_function(of_jax) is function
    assert plain_function(jnp.cos) is jnp.cos


def test_a_result_is_pickled():
    data = nl.from_arrays(TS, np.stack([np.sin(TS), np.cos(TS)], axis=1))
    model = nl.NeuralODE(nl.MLPVectorField(2, 3, 1, key=jax.random.key(0)))
    result = nl.fit(model, data, stages=["matching"])
    again = pickle.loads(pickle.dumps(result))
    assert again.summary() == result.summary()
    np.testing.assert_array_equal(again.predict(data)[0].ys, result.predict(data)[0].ys)
