"""The neural ODE of diffrax' documentation: 256 deformed oscillations, a network of width 64."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

import neuralode_lbfgs as nl

from .case import Case, mean_square

TRAJECTORIES, TIMES = 256, 100
SEED = 5678  # as published, of the data
# A fit of data as large as these begins with a part of them; when that is fitted so many times better than the target,
# all of them are at it.
MARGIN = 8


class Func(eqx.Module):
    """scale * tanh(mlp(y)), as published."""

    out_scale: Float[Array, ""]
    mlp: eqx.nn.MLP

    def __init__(self, key):
        self.out_scale = jnp.array(1.0)
        self.mlp = eqx.nn.MLP(2, 2, 64, 2, activation=jax.nn.softplus, final_activation=jnp.tanh, key=key)

    def __call__(self, t, y, args):
        return self.out_scale * self.mlp(y)


def oscillator(t, y, args):
    x = y / (1 + y)
    return jnp.stack([x[1], -x[0]])


def oscillations(seed: int) -> nl.Trajectories:
    """From the published starts, drawn in single precision as there; the same for every seed."""
    keys = jax.random.split(jax.random.split(jax.random.PRNGKey(SEED), 3)[0], TRAJECTORIES)
    starts = jax.vmap(lambda key: jax.random.uniform(key, (2,), jnp.float32, -0.6, 1))(keys)
    return nl.simulate(oscillator, y0=starts, num_trajectories=TRAJECTORIES, t1=10.0, num=TIMES, key=jax.random.key(0))


def scale(data: nl.Trajectories) -> float:
    """The published loss in units of that of a `fit`: the variance of the states, both about alike."""
    return MARGIN * float(np.mean(np.var(np.concatenate([run.ys for run in data]), axis=0)))


CASES = (
    Case(
        name="tutorial",
        heading="diffrax, neural ODE",
        published="2.0e-3 on the last batch",
        target=1e-5,
        data=oscillations,
        model=lambda seed: nl.NeuralODE(Func(jax.random.key(seed)), state_size=2),
        loss=mean_square,
        peers=("diffrax_tutorial",),
        wants={"loss": 1e-5},
        scale=scale,
    ),
)
