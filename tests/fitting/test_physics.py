"""Known physics: parameters are recovered, stay frozen or within bounds in every stage, and are reported."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import neuralode_lbfgs as nl

DAMPING, STIFFNESS = 0.25, 5.0  # of the system
SHORT = ["matching", "polish"]  # stages that are enough here


class Pendulum(eqx.Module):
    """Its stiffness is known or not; friction is a number and a network of the rate."""

    damping: jax.Array
    stiffness: jax.Array
    network: eqx.nn.MLP | None = None
    mass: float = 1.0

    def __call__(self, t, y, args):
        angle, rate = y
        friction = self.damping * rate if self.network is None else self.network(rate)
        return jnp.stack([rate, -(friction + self.stiffness * jnp.sin(angle)) / self.mass])


@pytest.fixture(scope="module")
def data():
    return nl.simulate("pendulum_damped", num_trajectories=2, num=60, t1=6.0, key=jax.random.key(0))


def fitted(data, field, **keywords):
    return nl.fit(nl.NeuralODE(field, state_size=2), data, **keywords)


def test_friction_is_recovered_beside_a_frozen_stiffness(data):
    start = Pendulum(jnp.array(0.9), jnp.array(STIFFNESS))
    result = fitted(data, start, freeze=["stiffness"], bounds={"damping": (0.0, 1.0)})
    field = result.model.vector_field
    assert type(field) is Pendulum
    assert float(field.damping) == pytest.approx(DAMPING, rel=1e-3)
    assert float(field.stiffness) == STIFFNESS
    assert result.trained == 1
    damping, stiffness = result.parameters
    assert (damping.name, float(damping.start), damping.moved, damping.remark) == ("damping", 0.9, True, None)
    assert (stiffness.moved, stiffness.remark) == (False, "stiffness did not move: it is frozen.")
    assert "stiffness did not move: it is frozen." in result.summary().splitlines()


def noisy(data, noise):
    rng = np.random.default_rng(1)
    runs = [nl.Trajectory(run.id, run.ts, run.ys + noise * rng.normal(size=run.ys.shape)) for run in data]
    return data.with_trajectories(runs)


def test_parameters_are_as_far_off_as_their_standard_deviations_say(data):
    result = fitted(noisy(data, 0.03), Pendulum(jnp.array(0.3), jnp.array(4.0)), stages=SHORT)
    damping, stiffness = result.parameters
    for one, truth in ((damping, DAMPING), (stiffness, STIFFNESS)):
        assert one.sd is not None
        assert not one.undetermined
        assert abs(one.end - truth) < 3 * one.sd < 0.05 * truth
    assert "sd" in result.summary()


def test_parameters_that_stand_for_each_other_are_told(data):
    """Of damping, stiffness and mass the motion knows the ratios alone."""

    class Heavy(eqx.Module):
        damping: jax.Array
        stiffness: jax.Array
        mass: jax.Array

        def __call__(self, t, y, args):
            return jnp.stack([y[1], -(self.damping * y[1] + self.stiffness * jnp.sin(y[0])) / self.mass])

    start = Heavy(jnp.array(0.3), jnp.array(4.0), jnp.array(0.9))
    told = "the data hardly determine damping, stiffness and mass"
    assert any(told in one.finding for one in fitted(noisy(data, 0.03), start, stages=SHORT).diagnose())


@pytest.mark.slow
def test_friction_as_a_network_is_recovered_over_the_rates_that_were_seen(data):
    network = eqx.nn.MLP("scalar", "scalar", 6, 1, jnp.tanh, key=jax.random.key(1))
    start = Pendulum(jnp.array(0.0), jnp.array(STIFFNESS), network)
    field = fitted(data, start, freeze=["stiffness"], stages=SHORT).model.vector_field
    assert float(field.stiffness) == STIFFNESS
    seen = np.concatenate([one.ys[:, 1] for one in data])
    rates = np.linspace(seen.min(), seen.max(), 50)
    truth = DAMPING * rates
    assert np.abs(jax.vmap(field.network)(rates) - truth).max() < 0.05 * np.abs(truth).max()


def test_a_parameter_that_is_drawn_beyond_its_bound_ends_at_it(data):
    start = Pendulum(jnp.array(0.05), jnp.array(1.0))
    result = fitted(data, start, bounds={"damping": (None, 0.1), "stiffness": (0.0, None)}, stages=SHORT)
    field = result.model.vector_field
    assert 0.099 < float(field.damping) < 0.1
    assert 4 < float(field.stiffness) < 7  # as good as it can be with too little damping
    assert "ended at its bound 0.1" in str(result.parameters[0].remark)


@pytest.mark.parametrize(
    "optimizer", [None, pytest.param(optax.adam(1e-2), marks=pytest.mark.slow)], ids=["lbfgs", "adam"]
)
def test_every_stage_keeps_what_is_frozen_bit_for_bit(data, optimizer):
    """Of a network, too; with L-BFGS and Gauss-Newton in all four stages, and with another optimiser."""
    network = eqx.nn.MLP("scalar", "scalar", 4, 1, jnp.tanh, key=jax.random.key(1))
    start = Pendulum(jnp.array(0.3), jnp.array(1.0), network)
    stages = ("matching", "shooting", "full", "polish") if optimizer is None else ("matching", "full")
    result = fitted(
        data, start, freeze=["network.layers.0"], bounds={"stiffness": (0.5, 1.5)}, stages=stages, max_iter=6,
        initial_states="estimate", optimizer=optimizer,
    )  # fmt: skip
    assert [stage.name for stage in result.stages] == list(stages)
    after = result.model.vector_field
    for one, other in ((network.layers[0].weight, after.network.layers[0].weight),
                       (network.layers[0].bias, after.network.layers[0].bias)):  # fmt: skip
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(network.layers[1].weight, after.network.layers[1].weight)
    assert 0.5 < float(after.stiffness) < 1.5
    damping = result.parameters[0]
    assert not damping.moved and "the data say nothing of it" in str(damping.remark)


def test_parameters_of_any_size_are_recovered(data):
    """In other units: a mass of 1e-6 makes forces tiny."""
    start = Pendulum(jnp.array(0.9e-6), jnp.array(2e-6), mass=1e-6)
    field = fitted(data, start, stages=SHORT).model.vector_field
    assert float(field.damping) == pytest.approx(DAMPING * 1e-6, rel=1e-3)
    assert float(field.stiffness) == pytest.approx(STIFFNESS * 1e-6, rel=1e-3)


def test_a_start_on_a_bound_is_moved_and_said(data):
    result = fitted(data, Pendulum(jnp.array(0.0), jnp.array(4.0)), bounds={"damping": (0.0, 1.0)}, stages=SHORT)
    assert "damping starts on a bound, from where it could not move: it was moved inside by 0.01." in result.notes
    assert float(result.model.vector_field.damping) == pytest.approx(DAMPING, rel=1e-3)
    assert float(result.parameters[0].start) == 0.0


def test_a_module_and_a_loss_of_ones_own(data):
    class Decay(eqx.Module):
        rate: jax.Array
        offset: jax.Array

        def __call__(self, ts, y0):
            return (y0 - self.offset) * jnp.exp(-self.rate * (ts - ts[0]))[:, None] + self.offset

    ts = np.linspace(0, 2, 20)
    decay = nl.Trajectories((nl.Trajectory("a", ts, np.exp(-1.5 * ts)[:, None] + 0.5),))

    def loss_fn(model, ts, ys):
        return jnp.mean((model(ts, ys[0]) - ys) ** 2) + 0.0 * model.rate  # it sees the module as it was written

    start = Decay(jnp.array(0.5), jnp.array(0.5))
    result = nl.fit(start, decay, loss=loss_fn, freeze=["offset"], bounds={"rate": (0, 1)})
    assert float(result.model.offset) == 0.5
    assert 0.99 < float(result.model.rate) < 1
    assert [one.name for one in result.parameters] == ["rate", "offset"]


@pytest.mark.parametrize(
    "keywords,message",
    [
        ({"freeze": ["frition"]}, r"freeze: there is no parameter 'frition'"),
        ({"freeze": ["dampin"]}, r"did you mean 'damping'\?\); there are damping, mass, stiffness"),
        ({"freeze": ["damping", "stiffness"]}, "nothing to train"),
        ({"bounds": {"damping": (1, 2)}}, "'damping' starts at 0.9, outside of its bounds 1 to 2"),
        ({"bounds": {"mass": (0, 2)}}, "'mass' is a constant, and only arrays are trained"),
        ({"bounds": {"damping": (0, 2)}, "freeze": ["damping"]}, "'damping' is frozen and has bounds"),
    ],
)
def test_what_cannot_be_frozen_or_bounded(data, keywords, message):
    with pytest.raises(ValueError, match=message):
        fitted(data, Pendulum(jnp.array(0.9), jnp.array(5.0)), **keywords)
