"""Systems that the data do not show fully: what hidden states begin as, fits, and predictions of new trajectories."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import neuralode_lbfgs as nl
from neuralode_lbfgs.fitting import estimate_starts, predict
from neuralode_lbfgs.fitting.hidden import hidden_size, state_curves
from neuralode_lbfgs.fitting.start_prior import StartPrior

TS = np.linspace(0.0, 6.0, 40)
STARTS = {"a": (1.0, 0.0), "b": (-0.5, 1.5), "c": (0.3, -2.0), "new": (-1.0, 0.8)}


def swing(x0, v0):
    """Position and velocity of x'' = -4 x - 0.4 x', exactly."""
    decay, w = 0.2, np.sqrt(3.96)
    b = (v0 + decay * x0) / w
    x = np.exp(-decay * TS) * (x0 * np.cos(w * TS) + b * np.sin(w * TS))
    v = np.exp(-decay * TS) * ((b * w - decay * x0) * np.cos(w * TS) - (x0 * w + decay * b) * np.sin(w * TS))
    return np.stack([x, v], axis=1)


def trajectories(ids, columns=lambda ys: ys[:, :1]):
    return nl.Trajectories(tuple(nl.Trajectory(name, TS, columns(swing(*STARTS[name]))) for name in ids))


TRAIN, TEST = ("a", "b", "c"), ("new",)


def network(states=2):
    return nl.NeuralODE(nl.MLPVectorField(states, width_size=4, depth=1, key=jax.random.key(0)))


def second_order():
    return nl.NeuralODE(nl.SecondOrderField(1, width_size=4, depth=1, key=jax.random.key(0)))


def scaled_error(predicted, data):
    ys = np.concatenate([run.ys for run in data])
    return np.sqrt(np.mean((np.concatenate([run.ys for run in predicted]) - ys) ** 2)) / np.std(ys)


def test_velocities_begin_as_slopes_up_to_the_first_row():
    data = trajectories(TRAIN)
    states, curves = state_curves(second_order(), data, None)
    assert states.state_size == 2
    assert np.isnan(states[0].ys[:, 1]).all()
    for name, curve in zip(TRAIN, curves, strict=True):
        v = swing(*STARTS[name])[:, 1]
        np.testing.assert_allclose(curve.states(TS)[:, 1], v, atol=5e-3)
        np.testing.assert_allclose(curve.rates(TS)[:, 1], -4 * swing(*STARTS[name])[:, 0] - 0.4 * v, atol=0.15)


def test_hidden_states_begin_as_what_completes_the_observed_ones():
    """Of one position: the velocity, up to what is linear in the position; of order one, and not position again."""
    data = trajectories(TRAIN)
    _, curves = state_curves(network(), data, None)
    hidden = np.concatenate([curve.states(TS)[:, 1] for curve in curves])
    both = np.concatenate([swing(*STARTS[name]) for name in TRAIN])
    explained = np.linalg.lstsq(np.column_stack([both, np.ones(len(both))]), hidden, rcond=None)[1]
    assert explained < 1e-3 * np.sum(hidden**2)
    assert np.std(hidden) == pytest.approx(1.0, abs=0.05)
    assert abs(np.corrcoef(hidden, both[:, 0])[0, 1]) < 1e-2


@pytest.fixture(
    scope="module", params=[pytest.param(network, marks=pytest.mark.slow), second_order], ids=["hidden", "second order"]
)
def result(request):
    return nl.fit(request.param(), trajectories(TRAIN), max_evals=300)


def test_position_alone_predicts_a_new_trajectory(result):
    assert result.hidden == hidden_size(result.model, result.data) == 1
    assert result.stages[0].name == "matching"
    test = trajectories(TEST)
    assert scaled_error(result.predict(test), test) < 0.03
    assert scaled_error(result.predict_held_out(test), test) < 0.03
    assert scaled_error(result.predict(trajectories(TRAIN), start="fitted"), trajectories(TRAIN)) < 0.02
    # The first rows alone say where it goes, not the later ones.
    cut = test.with_trajectories([nl.Trajectory("new", TS, np.where(np.arange(40)[:, None] < 20, test[0].ys, np.nan))])
    assert scaled_error(result.predict(cut), test) < 0.03
    assert result.predict(test).state_size == 1


def test_a_short_warm_up_is_held_by_what_is_usual(result):
    """One row says nothing of the hidden state: it is the mean of the fitted starts."""
    test, coordinates = trajectories(TEST), result.model.coordinates
    prior = StartPrior.of(coordinates, result.starts.values(), 0.01)
    start = estimate_starts(result.model, test, warmup=1, prior=prior)["new"][1]
    assert start[0] == pytest.approx(test[0].ys[0, 0], abs=1e-3)
    np.testing.assert_allclose(coordinates.states_in(start)[1], prior.mean[1], atol=1e-2)
    with pytest.raises(ValueError, match=r"no row gives the hidden states.*warmup"):
        predict(result.model, test)


class Rotation(eqx.Module):
    """x' = v, v' = -k x - c v."""

    stiffness: jax.Array
    damping: jax.Array

    def __call__(self, t, y, args):
        return jnp.array([y[1], -self.stiffness * y[0] - self.damping * y[1]])


@pytest.mark.slow
def test_observe_may_be_any_function_of_the_state():
    """A position is seen through a sensor that bends, the velocity not at all."""
    bent = lambda ys: np.tanh(ys[:, :1])  # noqa: E731
    data, test = trajectories(TRAIN, bent), trajectories(TEST, bent)
    model = nl.NeuralODE(Rotation(jnp.array(3.0), jnp.array(0.1)), state_size=2)
    result = nl.fit(model, data, observe=lambda y: jnp.tanh(y[:1]), max_evals=300)
    assert result.model.vector_field.stiffness == pytest.approx(4.0, abs=0.02)
    assert result.model.vector_field.damping == pytest.approx(0.4, abs=0.02)
    np.testing.assert_allclose(result.starts["b"], STARTS["b"], atol=0.02)
    assert scaled_error(result.predict(test), test) < 0.01


class Epidemic(eqx.Module):
    """Who is ill is counted, who is susceptible is not."""

    infection: jax.Array

    def __call__(self, t, y, args):
        ill, susceptible = y
        new = self.infection * ill * susceptible
        return jnp.stack([new - 0.3 * ill, -new])


def test_rows_that_hardly_tell_of_a_hidden_state_do_not_make_its_curve():
    """When nobody is ill any more, noise would have any number of susceptible."""
    ts = np.linspace(0, 60, 61)
    field = Epidemic(jnp.array(0.8))
    ys = nl.simulate(field, key=jax.random.key(0), y0=[0.01, 0.99], ts=ts)[0].ys
    noise = 0.02 * ys[:, 0].std() * np.random.default_rng(0).standard_normal(ts.size)
    data = nl.from_arrays(ts, ys[:, :1] + noise[:, None])
    _, (curve,) = state_curves(nl.NeuralODE(field, state_size=2), data, None)
    guess = curve.states(ts)[:, 1]
    assert np.nanmax(np.abs(guess - ys[:, 1])) < 10.0
    result = nl.fit(nl.NeuralODE(Epidemic(jnp.array(1.5)), state_size=2), data)
    assert float(result.model.vector_field.infection) == pytest.approx(0.8, rel=0.03)


def test_what_cannot_be_is_said_in_a_sentence():
    data = trajectories(TRAIN)
    with pytest.raises(ValueError, match=r"observe returns shape \(2,\), but the data have 1 columns"):
        nl.fit(network(), data, observe=lambda y: y)
    with pytest.raises(ValueError, match="observe cannot be called on a state of shape"):
        nl.fit(network(), data, observe=lambda y, t: y)
    with pytest.raises(ValueError, match="no loss of your own"):
        nl.fit(network(), data, loss=lambda model, ts, ys: 0.0)
    with pytest.raises(ValueError, match="the field is of 2 positions, but the data have 1 columns"):
        nl.fit(nl.NeuralODE(nl.SecondOrderField(2, key=jax.random.key(0))), data)
