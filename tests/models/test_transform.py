"""Transforms of states and time, exact rates, and states that stay positive: against the same in the data's units."""

from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neuralode_lbfgs.models import Coordinates, MLPVectorField, NeuralODE, Transform, with_coordinates

LINEAR = Coordinates(
    np.array([38.0, 1.0, -2.0]), np.array([30.0, 2.0, 0.5]), np.array([2.0, 1.0, 3.0]), np.asarray(0.3),
    np.asarray(1.7), np.zeros(0), np.zeros(0),
)  # fmt: skip
LOGARITHMS = replace(LINEAR, transform=Transform(log=((1, 0.01),), log_time=(0.5, 2.0)))
YS = np.array([[55.0, 3.0, -2.5], [-4.0, 0.02, 7.0]])
TS = np.array([0.1, 40.0])


def test_there_and_back():
    c = LOGARITHMS
    np.testing.assert_allclose(c.states_out(c.states_in(YS)), YS, rtol=1e-13)
    np.testing.assert_allclose(c.times_out(c.times_in(TS)), TS, rtol=1e-13)
    np.testing.assert_allclose(c.states_in(YS)[:, 1], (np.log(YS[:, 1] / 0.01) - 1.0) / 2.0)
    np.testing.assert_allclose(c.times_in(TS), (np.log((TS + 0.5) / 2.0) - 0.3) / 1.7)
    np.testing.assert_allclose(c.rates_out(c.rates_in(YS, YS, TS[:, None]), YS, TS[:, None]), YS, rtol=1e-13)
    assert isinstance(c.states_in(YS), np.ndarray)  # no program is compiled for an array of NumPy


def test_zeros_enter_as_the_floor_and_gaps_stay():
    zs = LOGARITHMS.states_in(np.array([[1.0, 0.0, 1.0], [1.0, np.nan, 1.0], [1.0, 0.004, np.nan]]))
    assert zs[0, 1] == zs[2, 1] == LOGARITHMS.states_in(np.array([1.0, 0.01, 1.0]))[1]
    assert np.isnan(zs[1, 1]) and np.isnan(zs[2, 2])
    gradient = jax.grad(lambda z: jnp.sum(LOGARITHMS.states_out(z)[1]))(jnp.array([1e4, 1.0, 1e4]))
    assert np.isfinite(gradient).all()  # the other states would overflow as exponentials


def test_rates_follow_the_chain_rule():
    """dz/dtau of a moving state, by forward mode."""
    c, velocity = LOGARITHMS, jnp.array([1.0, -0.4, 2.0])
    y, t = jnp.asarray(YS[0]), 40.0

    def moved(tau):
        return c.states_in(y + velocity * (c.times_out(tau) - t))

    expected = jax.jvp(moved, (jnp.asarray(c.times_in(t)),), (jnp.ones(()),))[1]
    np.testing.assert_allclose(c.rates_in(velocity, y, t), expected, rtol=1e-12)


class Field(eqx.Module):
    """Known physics, in the data's units and with their time."""

    decay: jax.Array

    def __call__(self, t, y, args):
        return jnp.stack([y[2] - 0.1 * y[0], -self.decay * y[1] + 0.01 * t, -y[0] / 50])


def test_known_physics_is_the_same_in_any_coordinates():
    ts = np.array([0.1, 0.5, 2.0, 9.0])
    answers = [
        NeuralODE(Field(jnp.array(0.2)), rtol=1e-10, atol=1e-10, coordinates=c)(ts, YS[0]) for c in (LINEAR, LOGARITHMS)
    ]
    np.testing.assert_allclose(*answers, rtol=1e-7)


@pytest.mark.parametrize("coordinates", [LINEAR, LOGARITHMS], ids=["linear", "logarithms"])
def test_a_rate_is_exactly_another_state(coordinates):
    field = MLPVectorField(3, 4, 1, rates={1: 0, 0: 2}, key=jax.random.key(0))
    assert field.mlp.out_size == 1
    model = with_coordinates(NeuralODE(field), coordinates)
    c = coordinates
    for y, t in zip(YS, TS, strict=True):
        dy_dt = model.vector_field(t, jnp.asarray(y))
        assert dy_dt[1] == y[0] and dy_dt[0] == y[2]
        z, tau = jnp.asarray(c.states_in(y)), jnp.asarray(c.times_in(t))
        np.testing.assert_allclose(model.rate(tau, z, None), c.rates_in(dy_dt, y, t), rtol=1e-12)
    # What is learned is what a network of that one output says.
    parts = field.mlp(jnp.asarray(LINEAR.states_in(YS[0])))
    learned = with_coordinates(NeuralODE(field), LINEAR).rate(jnp.zeros(()), jnp.asarray(LINEAR.states_in(YS[0])), None)
    np.testing.assert_allclose(learned[2], 3.0 * parts[0])


@pytest.mark.parametrize(
    "rates, words",
    [
        ({0: 2}, r"rates: \{0: 2\} must be two of the states 0 to 1"),
        ({1: 1}, r"rates: \{1: 1\} must be two"),
        ({0: 1, 1: 0}, "rates gives the rate of every state"),
    ],
)
def test_impossible_rates_are_refused(rates, words):
    with pytest.raises(ValueError, match=words):
        MLPVectorField(2, rates=rates, key=jax.random.key(0))


POSITIVE = replace(LINEAR, centre=np.array([38.0, 1.0, 2.0]), transform=Transform(positive=(0, 2)))


FAR = np.linspace(0.0, 500.0, 200)
run_far = eqx.filter_jit(lambda model, y0: model(jnp.asarray(FAR), y0))  # compiled once for all cases


@pytest.mark.parametrize("push", [-1e6, -3.0, 1e6, np.inf])
def test_a_positive_state_stays_so_whatever_the_network_says(push):
    """From a zero, from a little, and from much; the other state falls as it is told."""
    field = MLPVectorField(3, 4, 1, key=jax.random.key(0))
    field = eqx.tree_at(lambda f: f.mlp.layers[-1].bias, field, jnp.array([push, -3.0, push]))
    model = with_coordinates(NeuralODE(field), POSITIVE)
    for y0 in ([0.0, 1.0, 0.0], [1e-6, 1.0, 0.01], [90.0, 1.0, 4.0]):
        ys = np.asarray(run_far(model, jnp.array(y0)))
        assert np.isfinite(ys).all()
        assert (ys[:, [0, 2]] > 0).all()
        assert ys[-1, 1] < -100.0
        if push > 0:
            assert (ys[-1, [0, 2]] > 1e3).all()
        else:
            assert (ys[-1, [0, 2]] < 1e-3).all()


def test_positive_states_that_physics_keeps_positive_are_left_alone():
    class Decay(eqx.Module):
        def __call__(self, t, y, args):
            return -y * jnp.array([1.0, 1.0, 3.0])

    ts = np.linspace(0.0, 10.0, 11)
    model = NeuralODE(Decay(), rtol=1e-10, atol=1e-13, coordinates=POSITIVE)
    expected = np.array([90.0, 1.0, 4.0]) * np.exp(-ts[:, None] * np.array([1.0, 1.0, 3.0]))
    np.testing.assert_allclose(model(ts, expected[0]), expected, atol=1e-8)
