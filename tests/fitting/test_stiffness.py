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


def fitted(pull, solver=None):
    model = nl.NeuralODE(Pulled(jnp.array(1.0), pull), solver=solver or diffrax.Tsit5(), state_size=1)
    result = nl.fit(model, pulled(pull), stages=["matching", "full"])
    assert float(result.model.vector_field.amplitude) == pytest.approx(2.0, rel=1e-3)
    return result


def pulled(pull):
    ts = np.linspace(0, 3, 20)
    # The slow solution, which remains when the transient has died.
    ys = 2.0 * pull * (pull * np.cos(ts) + np.sin(ts)) / (pull**2 + 1)
    return nl.Trajectories((nl.Trajectory("a", ts, ys[:, None]),))


def notes_of(result):
    return [note for note in result.notes if "stiff" in note]


def test_an_explicit_solver_on_a_stiff_model_is_said_to_be_the_wrong_one():
    (note,) = notes_of(fitted(1000.0))
    assert "Tsit5" in note and "--solver Kvaerno5" in note


@pytest.mark.parametrize("solver", [diffrax.Tsit5(), diffrax.Heun()])
def test_a_model_that_is_not_stiff_is_not_said_to_be(solver):
    """Nor where a solver of low order takes many steps for the sake of accuracy."""
    assert not notes_of(fitted(3.0, solver))


@pytest.mark.slow
def test_an_implicit_solver_goes_on_from_stages_that_do_without():
    """They leave next to nothing for the implicit solve, which confirms what they have found."""
    model = nl.NeuralODE(Pulled(jnp.array(1.0), 30.0), solver=diffrax.Kvaerno3(), state_size=1)
    result = nl.fit(model, pulled(30.0), max_evals=5)
    assert [stage.name for stage in result.stages] == ["matching", "shooting", "polish", "full"]
    assert result.initial_loss < 1e-6
    assert float(result.model.vector_field.amplitude) == pytest.approx(2.0, rel=1e-3)
    assert type(result.model.solver) is diffrax.Kvaerno3


@pytest.mark.slow
def test_a_model_that_is_too_stiff_for_pieces_is_only_matched():
    model = nl.NeuralODE(Pulled(jnp.array(1.0), 1e4), solver=diffrax.Kvaerno3(), state_size=1)
    result = nl.fit(model, pulled(1e4), max_evals=5)
    assert [stage.name for stage in result.stages] == ["matching", "full"]
    assert float(result.model.vector_field.amplitude) == pytest.approx(2.0, rel=1e-2)
    assert "shooting was left out: the model is too large or too stiff for it." in result.notes
