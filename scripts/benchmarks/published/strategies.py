"""The training strategies of PEtab.jl: one noisy run of Lotka-Volterra, half of it to train on, half to forecast."""

import jax
import numpy as np

import neuralode_lbfgs as nl

from .case import Case, Figures, mean_square, root_mean_square, solved
from .networks import Chain, NetworkField
from .truth import accurate, lotka_volterra
from .universal import START

NOISE = 0.1
TS = np.arange(123) * 0.1
TRAINED = 62  # rows, to t = 6.1


def measured(seed: int) -> np.ndarray:
    """All rows; the noise is another for each seed."""
    return accurate(lotka_volterra, START, TS) + NOISE * np.random.default_rng(seed).normal(size=(TS.size, 2))


def model(seed: int) -> nl.NeuralODE:
    """A 2-5-5-2 network with swish: 57 weights."""
    network = Chain((2, 5, 5, 2), (jax.nn.swish, jax.nn.swish), key=jax.random.key(seed))
    return nl.NeuralODE(NetworkField(network), state_size=2)


def halves(case: Case, seed: int, model: nl.NeuralODE, result: nl.FitResult) -> Figures:
    """Residuals of both halves in units of the noise there, from the fitted start, and the error of the forecast."""
    (start,) = result.starts.values()
    found, ys, truth = solved(model, TS, start[None])[0], measured(seed), accurate(lotka_volterra, START, TS)
    trained, forecast = slice(TRAINED), slice(TRAINED, None)
    in_noise = lambda errors, rows: root_mean_square(errors[rows]) / root_mean_square((ys - truth)[rows])  # noqa: E731
    return {
        "residual / noise": in_noise(found - ys, trained),
        "forecast / noise": in_noise(found - ys, forecast),
        "forecast error / noise": in_noise(found - truth, forecast),
    }


CASES = (
    Case(
        name="petab_strategies",
        heading="PEtab.jl, Lotka-Volterra, noise 0.1",
        published="multiple shooting with growing windows is best, then shooting; Adam alone is worst",
        target=NOISE**2,
        data=lambda seed: nl.from_arrays(TS[:TRAINED], measured(seed)[:TRAINED], names=["prey", "predator"]),
        model=model,
        loss=mean_square,
        figures=halves,
        peers=("optax_lbfgs", "scipy", "adam"),
        wants={"residual / noise": 1.0},
    ),
)
