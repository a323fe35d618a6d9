"""Catalax' example of a neural ODE: Michaelis-Menten kinetics, 120 noiseless curves."""

from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np
from jaxtyping import Array

import neuralode_lbfgs as nl

from .case import Case, mean_square
from .truth import accurate

STARTS = Path(__file__).parent / "data" / "michaelis_menten_starts.csv"
V_MAX, K_M = 7.0, 100.0
TS = np.linspace(0, 100, 20)


def curves(seed: int) -> nl.Trajectories:
    """The 120 curves at 20 times; the same for every seed."""
    starts = np.loadtxt(STARTS, skiprows=1)
    ys = accurate(lambda t, s: -V_MAX * s / (K_M + s), starts, TS)
    return nl.from_arrays(TS, ys.T[..., None], names=["s1"])


def model(seed: int) -> nl.NeuralODE:
    """Time and the state into two layers of four, as in Catalax."""
    field = nl.MLPVectorField(1, 4, 2, time_dependent=True, activation=jax.nn.celu, key=jax.random.key(seed))
    return nl.NeuralODE(field)


def half_mean_square(model: Callable, ts: Array, ys: Array) -> Array:
    return mean_square(model, ts, ys) / 2


CASES = (
    Case(
        name="michaelis_menten",
        heading="Catalax, Michaelis-Menten",
        published="0.6003 in 26 s of training",
        target=1e-3,
        data=curves,
        model=model,
        loss=half_mean_square,
        options={"degree": 0},  # of the published size
        peers=("catalax",),
        wants={"loss": 1e-3},
    ),
)
