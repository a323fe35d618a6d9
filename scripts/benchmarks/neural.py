"""Networks to fit, for which no minimum is known: a curve, and neural ODEs through one and the same solve."""

import time
from collections.abc import Callable
from dataclasses import replace

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from neuralode_lbfgs import MLPVectorField, NeuralODE, Trajectories
from neuralode_lbfgs.fitting.losses import Parameters, residuals
from neuralode_lbfgs.fitting.mesh import Mesher
from neuralode_lbfgs.models import Tableau
from neuralode_lbfgs.models.trainable import trainable
from neuralode_lbfgs.systems import SYSTEMS, System, VanDerPol, simulate

from .problem import OnMesh, Problem

POINTS = 100
TIGHT = 1e-10
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


def network(seed: int) -> NeuralODE:
    """A 2-16-2 tanh network as vector field: 82 weights."""
    field = MLPVectorField(2, width_size=16, depth=1, key=jax.random.key(seed))
    return NeuralODE(field, rtol=1e-6, atol=1e-6, max_steps=MAX_STEPS)


def neural_ode(
    name: str, system: System | str, t1: float, *, trajectories: int = 16, random_times: bool = False, seed: int = 0
) -> Problem:
    """The mean squared error of `network` on trajectories of 100 points.

    It is solved adaptively by `NeuralODE` (Tsit5, tolerances 1e-6), or on the package's mesh.
    """
    began = time.perf_counter()
    data = simulate(
        system, num_trajectories=trajectories, num=POINTS, t1=t1, random_times=random_times, key=jax.random.key(seed),
    )  # fmt: skip
    simulated_s = time.perf_counter() - began
    model = network(seed)
    start, fixed = trainable(model)

    def mean_square(model, ts, ys):
        solve = jax.vmap(lambda ts, y0: model(ts, y0, throw=False), in_axes=(0 if random_times else None, 0))
        return jnp.mean((solve(ts, ys[:, 0]) - ys) ** 2)

    def value(params, ts, ys):
        return mean_square(eqx.combine(params, fixed), ts, ys)

    def tight(params, ts, ys):
        field = eqx.combine(params, fixed).vector_field
        return mean_square(NeuralODE(field, solver=diffrax.Dopri8(), rtol=TIGHT, atol=TIGHT), ts, ys)

    ts = np.stack([trajectory.ts for trajectory in data]) if random_times else data[0].ts
    ys = np.stack([trajectory.ys for trajectory in data])
    mesh = OnMesh(*on_mesh(model, data), tight)
    return Problem(name, start, value, (jnp.asarray(ts), jnp.asarray(ys)), on_mesh=mesh, simulated_s=simulated_s)


def on_mesh(model: NeuralODE, data: Trajectories) -> tuple[Callable, Callable]:
    """The mean squared error as the package's own `fit` solves it, and its data; runs begin at their first rows."""
    fixed = trainable(model)[1]
    starts = np.stack([trajectory.ys[0] for trajectory in data])
    tableau = Tableau(model.solver)
    mesher = Mesher(data, model.coordinates, tableau, starts.dtype)

    def value(params, batch, starts):
        return jnp.sum(residuals(Parameters(eqx.combine(params, fixed), starts), batch, tableau) ** 2)

    def batch(params):
        mesher.refine(eqx.combine(params, fixed), jnp.asarray(starts))
        return mesher.batch(starts.dtype)[0], starts

    return value, batch


LEARNED: dict[str, Callable[[str], Problem]] = {
    "regression_network": regression_network,
    # Spans of one turn, of two for the linear spiral: from a random network the whole of more is often not found.
    "spiral": lambda name: neural_ode(name, "spiral_linear", 10.0),
    "van_der_pol": lambda name: neural_ode(name, "van_der_pol", 7.0),
    "lotka_volterra": lambda name: neural_ode(name, "lotka_volterra", 5.0),
}
"""Every network to fit by its name."""

RELAXATION = replace(SYSTEMS["van_der_pol"], vector_field=VanDerPol(4.0))
IRREGULAR = {
    "van_der_pol_irregular": lambda name: neural_ode(name, RELAXATION, 10.0, trajectories=4, random_times=True)
}
"""What asks most of a mesh: slow stretches and jumps over a whole cycle, each trajectory at times of its own."""
