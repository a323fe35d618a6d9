"""Stiff problems: an explicit solver that is the wrong one says so, and an implicit one is fitted from matching on."""

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import neuralode_lbfgs as nl


class Pulled(eqx.Module):
    """y' = -pull (y - amplitude cos t): for a strong pull y follows the cosine, and explicit steps must be short."""

    amplitude: jax.Array
    pull: float

    def __call__(self, t, y, args):
        return -self.pull * (y - self.amplitude * jnp.cos(t))


def pulled(pull):
    ts = np.linspace(0, 6, 60)
    # The slow solution, which remains when the transient has died.
    ys = 2.0 * pull * (pull * np.cos(ts) + np.sin(ts)) / (pull**2 + 1)
    return nl.Trajectories((nl.Trajectory("a", ts, ys[:, None]),))


def notes_of(result):
    return [note for note in result.notes if "stiff" in note]


def test_an_explicit_solver_on_a_stiff_model_is_said_to_be_the_wrong_one():
    result = nl.fit(nl.NeuralODE(Pulled(jnp.array(1.0), 3000.0), state_size=1), pulled(3000.0))
    assert float(result.model.vector_field.amplitude) == pytest.approx(2.0, rel=1e-3)
    (note,) = notes_of(result)
    assert "Tsit5" in note and "--solver Kvaerno5" in note


def test_a_model_that_is_not_stiff_is_not_said_to_be():
    assert not notes_of(nl.fit(nl.NeuralODE(Pulled(jnp.array(1.0), 3.0), state_size=1), pulled(3.0)))


def test_an_implicit_solver_begins_with_matching():
    data = nl.simulate("van_der_pol", num=60, t1=8.0, key=jax.random.key(0))
    field = nl.MLPVectorField(2, width_size=8, depth=1, key=jax.random.key(0))
    result = nl.fit(nl.NeuralODE(field, solver=diffrax.Kvaerno3(), rtol=1e-4, atol=1e-4), data, max_evals=30)
    assert [stage.name for stage in result.stages] == ["matching", "full"]
    assert result.initial_loss < 0.1  # from a random start it is about one
    assert result.loss < 0.5 * result.initial_loss
    assert result.iterations == sum(stage.history[-1].iteration for stage in result.stages)
