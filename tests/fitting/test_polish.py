"""Whole trajectories by Gauss-Newton."""

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import neuralode_lbfgs as nl
from neuralode_lbfgs.fitting.mesh import Mesher
from neuralode_lbfgs.models import Coordinates, Tableau


class OnCubes(eqx.Module):
    """A network that sees the cubes of the states, as in the documentation of DiffEqFlux."""

    mlp: eqx.nn.MLP

    def __init__(self, key):
        self.mlp = eqx.nn.MLP(2, 2, width_size=16, depth=1, activation=jnp.tanh, key=key)

    def __call__(self, t, y, args):
        return self.mlp(y**3)


def test_weights_that_come_to_differ_in_size_do_not_hold_it_up():
    # dy/dt is linear in the cubes: weights of the first layer shrink while those of the last grow.
    data = nl.simulate("spiral_cubic", num=30, t1=5.0, key=jax.random.key(0))
    result = nl.fit(nl.NeuralODE(OnCubes(jax.random.key(0)), state_size=2), data)
    assert result.stop_reason is nl.StopReason.DECREASE
    assert result.loss < 2e-5
    assert result.evaluations < 340  # 276; where all weights are held back alike, 414


def test_steps_that_end_in_no_number_ask_for_more_of_them():
    data = nl.simulate("spiral_linear", num=5, t1=1.0, key=jax.random.key(0))
    mesher = Mesher(data, Coordinates.identity(2), Tableau(diffrax.Tsit5()), np.float64)
    before = mesher.counts[0].copy()
    # XLA's maximum of NaNs alone may be minus infinity.
    assert not mesher._adjust([np.array([np.nan, -np.inf, np.inf, 1.0])])
    assert (mesher.counts[0][:3] == 8 * before[:3]).all()
