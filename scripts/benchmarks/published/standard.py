"""Systems on which training from a random network is a lottery: a spiral, van der Pol, Lotka-Volterra."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

import neuralode_lbfgs as nl

from . import known_law
from .case import Case, Figures, mean_square, root_mean_square, solved
from .networks import Chain, NetworkField

BOX = ((0.3, 3.0), (0.3, 3.0))  # of the starts of Lotka-Volterra
NOISE = 0.05  # of each state's standard deviation


def cubes(y: Array) -> Array:
    return y**3


def sum_of_squares(model: Callable, ts: Array, ys: Array) -> Array:
    return mean_square(model, ts, ys) * ys.size


# The spiral of the DiffEqFlux documentation: u' = A u^3, the network sees u^3.


def spiral(t1: float) -> Callable[[int], nl.Trajectories]:
    return lambda seed: nl.simulate("spiral_cubic", num=30, t1=t1, key=jax.random.key(0))


def spiral_model(width: int) -> Callable[[int], nl.NeuralODE]:
    def model(seed: int) -> nl.NeuralODE:
        network = Chain((2, width, 2), (jnp.tanh,), key=jax.random.key(seed))
        return nl.NeuralODE(NetworkField(network, cubes), state_size=2)

    return model


# Van der Pol and Lotka-Volterra, each from four starts; the data, too, are others for each seed.


def van_der_pol(seed: int) -> nl.Trajectories:
    return nl.simulate("van_der_pol", num_trajectories=4, t1=20.0, num=100, key=jax.random.key(seed))


def lotka_volterra(seed: int, noise: float = NOISE) -> nl.Trajectories:
    return nl.simulate(
        "lotka_volterra", num_trajectories=4, start_box=BOX, t1=20.0, num=120, noise=noise, relative_noise=True,
        key=jax.random.key(seed),
    )  # fmt: skip


def network_model(seed: int) -> nl.NeuralODE:
    return nl.NeuralODE(nl.MLPVectorField(2, 16, 2, key=jax.random.key(seed)))


def scaled_mean_square(model: Callable, ts: Array, ys: Array) -> Array:
    """In units of each state's variance."""
    found = jax.vmap(lambda y0: model(ts, y0, throw=False))(ys[:, 0])
    return jnp.mean(((found - ys) / jnp.std(ys, axis=(0, 1))) ** 2)


def noise_and_truth(case: Case, seed: int, model: nl.NeuralODE, result: nl.FitResult) -> Figures:
    """Training residuals in units of the noise, and the error on four new starts, from the true states there; that of
    the true law with fitted rates, too."""
    data, truth = case.data(seed), lotka_volterra(seed, noise=0.0)
    sd = NOISE * np.stack([run.ys for run in truth]).std(axis=(0, 1))
    fitted = result.predict(data, start="fitted")
    residuals = np.stack([(found.ys - run.ys) / sd for found, run in zip(fitted, data, strict=True)])
    new = nl.simulate(
        "lotka_volterra", num_trajectories=4, start_box=BOX, t1=20.0, num=120, key=jax.random.key(1000 + seed)
    )
    ys = np.stack([run.ys for run in new])
    found = solved(model, new[0].ts, ys[:, 0])
    rates = known_law.fitted_rates(data, np.stack([run.ys[0] for run in truth]), sd)
    known = known_law.solved(rates[None], ys[None, :, 0], new[0].ts)[0]
    return {
        "residual / noise": root_mean_square(residuals),
        "new starts / noise": root_mean_square((found - ys) / sd),
        "new starts / noise, true law": root_mean_square((known - ys) / sd),
    }


CASES = (
    Case(
        name="spiral_1.5",
        heading="DiffEqFlux spiral, t to 1.5, width 50",
        published="sum of squares 4.895e-2 after 500 steps of Adam in 7.4 s",
        target=2.762e-2,
        data=spiral(1.5),
        model=spiral_model(50),
        loss=sum_of_squares,
        peers=("optax_lbfgs", "scipy", "adam", "torchdiffeq"),
        wants={"loss": 2.762e-2},
    ),
    Case(
        name="spiral_5",
        heading="DiffEqFlux spiral, t to 5, width 16",
        published="training on the whole is stuck; growing horizons succeed",
        target=1e-4,
        data=spiral(5.0),
        model=spiral_model(16),
        loss=mean_square,
        peers=("optax_lbfgs", "scipy", "adam", "torchdiffeq"),
        wants={"loss": 1e-4},
    ),
    Case(
        name="van_der_pol",
        heading="van der Pol, t to 20, 4 starts",
        published="",
        target=1e-4,
        data=van_der_pol,
        model=network_model,
        loss=scaled_mean_square,
        peers=("optax_lbfgs", "scipy", "adam"),
        wants={"loss": 1e-4},
    ),
    Case(
        name="lotka_volterra",
        heading="Lotka-Volterra, t to 20, 4 starts, noise 5 %",
        published="",
        target=(1.15 * NOISE) ** 2,
        data=lotka_volterra,
        model=network_model,
        loss=scaled_mean_square,
        figures=noise_and_truth,
        peers=("optax_lbfgs", "scipy", "adam"),
        wants={"residual / noise": 1.15, "new starts / noise": 0.5},
    ),
)
