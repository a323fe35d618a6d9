"""Stiff problems: an explicit solver that is the wrong one says so, and an implicit one finds the parameters."""

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

import neuralode_lbfgs as nl
from neuralode_lbfgs.fitting.stiffness import steps_along


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


@pytest.mark.parametrize(
    ("split", "into", "steps"),
    [(20, 5, 20.7), (20, 300, 316), (1000, 5, 250), (0, 1, 16)],
    ids=["spikes", "very short steps in places", "short steps everywhere", "rows alone"],
)
def test_steps_are_counted_along_the_whole_path_and_not_in_spikes_alone(split, into, steps):
    counts = np.where(np.arange(1000) < split, into, 1)
    assert steps_along(counts, np.full(1000, 0.02), usual=16.0) == pytest.approx(steps, rel=0.03)


class Binding(eqx.Module):
    """A substrate that an enzyme binds a thousand times faster than it turns it over."""

    binding: jax.Array
    release: jax.Array
    turnover: jax.Array

    def __call__(self, t, y, args):
        substrate, complex_ = y
        bound = self.binding * (0.1 - complex_) * substrate - self.release * complex_
        return jnp.stack([-bound, bound - self.turnover * complex_])


TRUTH = (1000.0, 100.0, 1.0)


def begun_at(factors, solver):
    return nl.NeuralODE(
        Binding(*(jnp.array(a * b) for a, b in zip(TRUTH, factors, strict=True))), solver=solver, state_size=2
    )


@pytest.fixture(scope="module")
def bound():
    """Log-spaced, with noise."""
    ts = np.concatenate([[0.0], np.geomspace(1e-4, 1e2, 50)])
    field = Binding(*map(jnp.array, TRUTH))
    rate = lambda t, y: np.asarray(field(t, jnp.asarray(y), None))  # noqa: E731
    ys = solve_ivp(rate, (0, 100), [1.0, 0.0], "Radau", ts, rtol=1e-8, atol=1e-11).y.T
    return nl.from_arrays(ts, ys + 0.02 * ys.std(axis=0) * np.random.default_rng(0).standard_normal(ys.shape))


def ends_of(result):
    return np.array([float(one.end) / true for one, true in zip(result.parameters, TRUTH, strict=True)])


@pytest.mark.parametrize("factors", [(1.0, 1.0, 1.0), (0.4, 2.5, 0.5)])
def test_stiff_equations_are_found_from_where_they_begin(bound, factors):
    """Their slopes drown in the noise, times the fast rates: matching leads to negative ones, from the truth too."""
    result = nl.fit(begun_at(factors, diffrax.Kvaerno5()), bound, time_scale="log")
    np.testing.assert_allclose(ends_of(result), 1.0, rtol=0.03)
    assert [(stage.name, stage.kept) for stage in result.stages] == [("matching", False), ("polish", True)]
    assert "the model as it was given comes nearer" in result.stages[0].why
    assert type(result.model.solver) is diffrax.Kvaerno5


def test_equations_that_no_stage_brings_nearer_stay_as_they_were_given(bound):
    """Explicit steps cannot follow them."""
    result = nl.fit(begun_at((1.0, 1.0, 1.0), None), bound, time_scale="log", max_evals=30)
    np.testing.assert_allclose(ends_of(result), 1.0)
    assert "no stage came nearer to the data than the model as it was given, which was kept." in result.notes
    assert not any(stage.kept for stage in result.stages)
    (note,) = notes_of(result)
    assert "--solver Kvaerno5" in note


def test_hidden_states_of_a_stiff_system():
    """A state that is pulled to the cosine by one that nobody sees."""

    class Two(eqx.Module):
        rate: jax.Array

        def __call__(self, t, y, args):
            seen, hidden = y
            return jnp.stack([hidden - seen, -1e4 * (hidden - self.rate * jnp.cos(t))])

    ts = np.linspace(0, 6, 40)
    ys = 0.5 * 2.0 * (np.cos(ts) + np.sin(ts))  # the slow solution, to a part in ten thousand
    data = nl.from_arrays(ts, ys[:, None])
    result = nl.fit(nl.NeuralODE(Two(jnp.array(1.0)), solver=diffrax.Kvaerno5(), state_size=2), data)
    assert float(result.model.vector_field.rate) == pytest.approx(2.0, rel=1e-3)
