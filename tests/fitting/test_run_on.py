"""Models that are run on beyond their data."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import neuralode_lbfgs as nl
from neuralode_lbfgs.fitting.run_on import MANY_TIMES, beyond, rows_of, run_on
from neuralode_lbfgs.models import sampled_inputs, with_coordinates

TS = np.linspace(0.0, 2.0, 21)


class Pushed(eqx.Module):
    """y' = growth y + u."""

    growth: jax.Array

    def __call__(self, t, y, args):
        return self.growth * y + args


def model_of(growth):
    one = np.ones(1)
    plain = nl.Coordinates(0 * one, one, one, np.asarray(0.0), np.asarray(1.0), 0 * one, one)
    return with_coordinates(nl.NeuralODE(Pushed(jnp.array(growth)), state_size=1), plain)


def pushed(hold=(False,)):
    us = (np.arange(TS.size) < 10.0)[:, None] if hold[0] else np.cos(TS)[:, None]
    return nl.Trajectories((nl.Trajectory("a", TS, np.zeros((TS.size, 1)), None, us * 1.0, hold),), ("y",), ("u",))


@pytest.mark.parametrize("hold", [(False,), (True,)])
def test_inputs_are_given_once_more(hold):
    """From the end, at later times, as the solution of the doubled record is."""
    model, data = model_of(-1.0), pushed(hold)
    continued = run_on(model, data, {"a": np.array([1.0])})
    assert continued is not None
    np.testing.assert_allclose(continued[0].ts, TS + 2.0)
    u = data[0].inputs
    assert u is not None
    first = model(TS, jnp.array([1.0]), sampled_inputs(TS, u, hold))
    then = model(TS, first[-1], sampled_inputs(TS, u, hold))
    np.testing.assert_allclose(continued[0].ys, then, rtol=1e-5)


def test_a_driven_model_that_runs_away():
    data = pushed()
    seen = np.array([[0.0], [1.0]])
    calm, wild = (run_on(model_of(rate), data, {"a": np.array([0.5])}) for rate in (-1.0, 2.0))
    assert calm is not None and wild is not None
    assert beyond(rows_of(calm), seen) < 1 < MANY_TIMES < beyond(rows_of(wild), seen)
    lost = run_on(model_of(np.inf), data, {"a": np.array([0.5])})
    assert lost is not None and np.isnan(lost[0].ys).all()
