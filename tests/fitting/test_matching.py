"""Stages with little between them: what derivative matching hands on, and the polish that follows at once."""

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import neuralode_lbfgs as nl
from neuralode_lbfgs.fitting.beginning import begin
from neuralode_lbfgs.fitting.evidence import Evidence
from neuralode_lbfgs.fitting.matching import SlopeRegression
from neuralode_lbfgs.fitting.options import FitOptions
from neuralode_lbfgs.fitting.running import run_stages
from neuralode_lbfgs.fitting.stages import smothered
from neuralode_lbfgs.fitting.task import Task


class Meetings(eqx.Module):
    """Predators and prey; what their meetings do is learned, from states in the data's own units."""

    network: eqx.nn.MLP

    def __call__(self, t, y, args):
        return jnp.array([1.3, -1.8]) * y + self.network(y)


@pytest.fixture(scope="module")
def data():
    return nl.simulate("lotka_volterra", y0=(0.44, 4.6), num=31, t1=3.0, noise=0.005, key=jax.random.key(0))


def model(seed):
    network = eqx.nn.MLP(2, 2, 5, 2, activation=lambda x: jnp.exp(-(x**2)), key=jax.random.key(seed))
    return nl.NeuralODE(Meetings(network), state_size=2)


@pytest.mark.slow
def test_decay_does_not_smother_a_network_beside_known_physics(data):
    result = nl.fit(model(0), data, stages=["matching"])
    # The known terms leave 0.04 to 0.12 of the mean square slope, with a network of zeros.
    assert result.stages[0].history[-1].loss < 0.01
    assert result.loss < 0.1


def test_a_given_decay_is_not_that_of_a_matching_that_other_stages_follow(data):
    """It is that of whole trajectories; of matching alone it is the decay after all."""

    def matched(decay, *names):
        options = FitOptions(stages=("matching", *names), weight_decay=decay)
        course = begin(model(0), Task(data, options, nl.LBFGS()), []).course
        run_stages(("matching",), course, None, None)
        assert decay is None or np.all(course.decay == decay)
        return course.spent[0].rows[-1].loss

    assert matched(0.0, "polish") == matched(None)
    assert matched(0.0) < 0.5 * matched(None)


@pytest.mark.parametrize(("determined", "expected"), [(1.9, True), (2.0, True), (9.5, False)])
def test_a_network_that_has_become_a_constant_is_smothered(data, determined, expected):
    """Of its output biases one number a state is well determined then."""
    course = begin(model(0), Task(data, FitOptions(), nl.LBFGS()), []).course
    assert course.slopes is not None
    problem = SlopeRegression(course.parameters.model, course.slopes, data.observed)
    assert smothered(problem, Evidence(0.1, course.decay, determined)) is expected


def test_polish_right_after_matching_keeps_the_decay_and_suits_its_mesh(data):
    result = nl.fit(
        model(0), data, stages=["matching", "polish"], weight_decay=0.0, initial_states="data", max_evals=15
    )
    assert result.stages[1].history[-1].loss == pytest.approx(result.loss, rel=1e-4)  # on a mesh for that model
    c = result.model.coordinates
    exact = nl.NeuralODE(result.model.vector_field, solver=diffrax.Dopri8(), rtol=1e-9, atol=1e-9, coordinates=c)
    (run,) = data
    errors = (np.asarray(exact(run.ts, run.ys[0])) - run.ys) / np.asarray(c.scale)
    assert np.mean(errors**2) == pytest.approx(result.loss, rel=0.02)
