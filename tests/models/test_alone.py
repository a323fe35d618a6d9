"""A solve by itself: compiled once, and the same within other programs; what it cannot be asked for."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neuralode_lbfgs import LinearInputs, MLPVectorField, NeuralODE, predict_many
from neuralode_lbfgs.models import neural_ode

TS, Y0 = np.linspace(0.0, 2.0, 6), np.array([1.0, -0.5])
DRIVEN = NeuralODE(MLPVectorField(2, 3, 1, input_size=1, key=jax.random.key(1)))


@pytest.fixture(scope="module")
def model():
    return NeuralODE(MLPVectorField(2, 3, 1, key=jax.random.key(0)))


class Squared(eqx.Module):
    def __call__(self, t, y, args):
        return y**2


def test_it_is_compiled_once_for_each_shape(model):
    first, before = model(TS, Y0), neural_ode._solved.compiles
    again = model(TS, 2 * Y0)
    other = eqx.tree_at(lambda m: m.vector_field.mlp.layers[0].bias, model, jnp.ones(3))(TS, Y0)
    assert neural_ode._solved.compiles == before
    assert not np.allclose(first, again) and not np.allclose(first, other)


def test_it_is_the_same_within_other_programs(model):
    alone = model(TS, Y0)
    np.testing.assert_allclose(eqx.filter_jit(model)(TS, Y0), alone, atol=1e-14)
    np.testing.assert_allclose(jax.vmap(model, (None, 0))(TS, Y0[None])[0], alone, atol=1e-14)
    slope = jax.jacrev(lambda y: model(TS, y)[-1])(Y0)
    step = 1e-4 * np.eye(2)
    by_values = np.stack([(model(TS, Y0 + s)[-1] - model(TS, Y0 - s)[-1]) / 2e-4 for s in step], axis=1)
    np.testing.assert_allclose(slope, by_values, atol=1e-4)
    assert eqx.filter_grad(lambda m: m(TS, Y0).sum())(model).vector_field.mlp.layers[0].bias.shape == (3,)


def test_what_a_plain_function_reads_may_change():
    rate = [1.0]
    model = NeuralODE(lambda t, y, args: -rate[0] * y)
    first = model(TS, np.ones(1))
    rate[0] = 2.0
    np.testing.assert_allclose(model(TS, np.ones(1))[-1], np.exp(-4.0), rtol=1e-3)
    np.testing.assert_allclose(first[-1], np.exp(-2.0), rtol=1e-3)


@pytest.mark.parametrize(
    ("ts", "y0", "told"),
    [
        ([0.0, np.nan], Y0, r"ts must hold finite numbers; ts\[1\] is nan"),
        (TS, [1.0, np.inf], r"y0 must hold finite numbers; y0\[1\] is inf"),
        ([], Y0, "at least one time"),
        ([0.0, 2.0, 1.0], Y0, "must increase, or decrease"),
        (TS, [1.0, 2.0, 3.0], r"y0 must have shape \(2,\); it has shape \(3,\)"),
    ],
)
def test_numbers_that_are_none_of_a_solve(ts, y0, told, model):
    with pytest.raises(ValueError, match=told):
        model(np.array(ts), np.array(y0))


def test_a_solve_that_fails_says_where():
    with pytest.raises(RuntimeError, match=r"the solve stops before t = 1\.2: .*\(max_steps = 65536\)"):
        NeuralODE(Squared())(TS, np.ones(1))
    assert np.isinf(NeuralODE(Squared())(TS, np.ones(1), throw=False)[-1])


def test_a_driven_model_says_how_it_is_called():
    given = LinearInputs(TS, np.ones((6, 1)))
    assert DRIVEN(TS, Y0, given).shape == (6, 2)
    with pytest.raises(TypeError, match=r"driven by inputs, and none are given: model\(ts, y0, nl\.LinearInputs"):
        DRIVEN(TS, Y0)
    with pytest.raises(TypeError, match="driven by inputs, and none are given"):
        predict_many(DRIVEN, TS, [Y0])
