"""Networks to fit, for which no minimum is known: a curve, and neural ODEs through one and the same solve."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from neuralode_lbfgs import MLPVectorField, NeuralODE
from neuralode_lbfgs.models.trainable import trainable
from neuralode_lbfgs.systems import simulate

from .problem import Problem

TRAJECTORIES, POINTS = 16, 100
MAX_STEPS = 4096  # a trial that needs more is no model of these data; the loss is infinite there


def regression_network(name: str) -> Problem:
    """A 1-16-1 tanh network on 64 points of y = sin(2 x) with noise of 0.1: 49 weights."""
    x = np.linspace(-2.0, 2.0, 64)
    y = np.sin(2 * x) + 0.1 * np.random.default_rng(0).normal(size=x.size)
    network = eqx.nn.MLP(1, 1, width_size=16, depth=1, activation=jnp.tanh, key=jax.random.key(0))
    start, fixed = eqx.partition(network, eqx.is_inexact_array)

    def value(params, x, y):
        return jnp.mean((jax.vmap(eqx.combine(params, fixed))(x[:, None])[:, 0] - y) ** 2)

    return Problem(name, start, value, (jnp.asarray(x), jnp.asarray(y)))


def neural_ode(name: str, system: str, t1: float) -> Problem:
    """A 2-16-2 tanh network as vector field: 82 weights, the mean squared error of 16 trajectories of 100 points.

    Every solver works with this loss, solved adaptively by `NeuralODE` (Tsit5, tolerances 1e-6). The package's own
    `fit` would choose a mesh instead; here the optimisers are compared, not what they are given.
    """
    data = simulate(system, num_trajectories=TRAJECTORIES, num=POINTS, t1=t1, key=jax.random.key(0))
    field = MLPVectorField(2, width_size=16, depth=1, key=jax.random.key(0))
    start, fixed = trainable(NeuralODE(field, rtol=1e-6, atol=1e-6, max_steps=MAX_STEPS))

    def value(params, ts, ys):
        model = eqx.combine(params, fixed)
        return jnp.mean((jax.vmap(lambda y0: model(ts, y0, throw=False))(ys[:, 0]) - ys) ** 2)

    ys = np.stack([trajectory.ys for trajectory in data])
    return Problem(name, start, value, (jnp.asarray(data[0].ts), jnp.asarray(ys)), is_ode=True)


LEARNED: dict[str, Callable[[str], Problem]] = {
    "regression_network": regression_network,
    # Spans of one turn, of two for the linear spiral: from a random network the whole of more is often not found.
    "spiral": lambda name: neural_ode(name, "spiral_linear", 10.0),
    "van_der_pol": lambda name: neural_ode(name, "van_der_pol", 7.0),
    "lotka_volterra": lambda name: neural_ode(name, "lotka_volterra", 5.0),
}
"""Every network to fit by its name."""
