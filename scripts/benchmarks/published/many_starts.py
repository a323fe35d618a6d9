"""A hybrid of three species from a hundred starts, as one program.

Who eats whom is known, how fast is not; a network stands for births and deaths. All rates and the noise of each species
are estimated by maximum likelihood, as in the work behind optax issue 1304.
"""

import time
from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

import neuralode_lbfgs as nl
from neuralode_lbfgs.fitting.losses import Parameters, residuals
from neuralode_lbfgs.fitting.matching import collect_slopes, matching_loss
from neuralode_lbfgs.fitting.mesh import Mesher
from neuralode_lbfgs.fitting.preparing import prepared
from neuralode_lbfgs.fitting.smoothing import smooth_all
from neuralode_lbfgs.models import Tableau, Transform, trainable
from neuralode_lbfgs.optimise import Minimum, minimise_many

from .case import Case, Outcome, mean_square, root_mean_square, solved
from .truth import accurate

START, TS = (2.0, 2.0, 1.0), np.linspace(0, 10, 81)
LINEAR = np.array([-0.8, -1.2, 2.5])
RATES = np.array([0.3, 0.5, 0.05, 1.0, 0.4, 0.05, 1.2, 0.4, 0.1])  # 13, 12, 11, 23, 21, 22, 32, 31, 33
RATE_BOX = (0.05, 2.0)  # in which rates begin, evenly in their logarithms
NOISE = 0.05  # of each state's mean
STARTS = 100
HIDDEN = 5
MATCHING_EVALS, FULL_EVALS, FTOL = 200, 1000, 1e-6


def interactions(u, a):
    """The terms that are known but for their rates."""
    return [
        a[0] * u[0] * u[2] + a[1] * u[0] * u[1] - a[2] * u[0] ** 2,
        a[3] * u[1] * u[2] - a[4] * u[1] * u[0] - a[5] * u[1] ** 2,
        -a[6] * u[2] * u[1] - a[7] * u[2] * u[0] - a[8] * u[2] ** 2,
    ]


class Species(eqx.Module):
    """u' = network(u) + interactions(u, exp(log_rates))."""

    network: eqx.nn.MLP
    log_rates: Float[Array, " 9"]

    def __init__(self, key):
        for_network, for_rates = jax.random.split(key)
        network = eqx.nn.MLP(3, 3, HIDDEN, 1, activation=jnp.tanh, key=for_network)
        last = lambda mlp: (mlp.layers[-1].weight, mlp.layers[-1].bias)  # noqa: E731
        self.network = eqx.tree_at(last, network, replace_fn=jnp.zeros_like)
        low, high = np.log(RATE_BOX)
        self.log_rates = jax.random.uniform(for_rates, (9,), minval=low, maxval=high)

    def __call__(self, t, u: Float[Array, " 3"], args) -> Float[Array, " 3"]:
        return self.network(u) + jnp.stack(interactions(u, jnp.exp(self.log_rates)))


def truth() -> np.ndarray:
    return accurate(lambda t, u: LINEAR * u + np.array(interactions(u, RATES)), START, TS)


def measured(seed: int) -> nl.Trajectories:
    states = truth()
    noise = NOISE * states.mean(axis=0) * np.random.default_rng(seed).normal(size=states.shape)
    return nl.from_arrays(TS, states + noise, names=["u1", "u2", "u3"])


def model(seed: int) -> nl.NeuralODE:
    return nl.NeuralODE(Species(jax.random.key(seed)), state_size=3)


def many(case: Case, seed: int) -> Outcome:
    """Slopes first, then whole trajectories, each from all starts side by side."""
    data = case.data(seed)
    began = time.perf_counter()
    curves = smooth_all(data)
    first = prepared(model(0), data, curves, Transform())
    models = [replace(first, vector_field=model(number).vector_field) for number in range(STARTS)]
    fixed = trainable(first)[1]
    coordinates, tableau, dtype = first.coordinates, Tableau(first.solver), jnp.result_type(float)
    slopes = collect_slopes(data, curves, jax.tree.map(np.asarray, coordinates), dtype)

    matched = minimise_many(
        lambda free, slopes: matching_loss(fixed, free, slopes, jnp.zeros(1)),
        [trainable(model)[0] for model in models], slopes, max_evals=MATCHING_EVALS, ftol=1e-4,
    )  # fmt: skip
    starts = jnp.asarray(coordinates.states_in(jnp.asarray([START])), dtype)
    mesher = Mesher(data, jax.tree.map(np.asarray, coordinates), tableau, dtype)
    best = min(matched, key=lambda minimum: minimum.loss)
    mesher.refine(eqx.combine(best.params, fixed), starts)
    batch, _ = mesher.batch(dtype)

    def surprise(params, batch):
        """The negative logarithm of the likelihood a time, noise in units of each state's scale."""
        free, log_noise = params
        squares = 3 * jnp.sum(residuals(Parameters(eqx.combine(free, fixed), starts), batch, tableau) ** 2, (0, 1))
        return jnp.sum(squares / (2 * jnp.exp(2 * log_noise)) + log_noise)

    log_noise = jnp.log(jnp.full(3, 0.3))  # of scale: before a fit nobody knows it
    found = minimise_many(
        surprise, [(minimum.params, log_noise) for minimum in matched], batch, max_evals=FULL_EVALS, ftol=FTOL,
    )  # fmt: skip
    total_s = time.perf_counter() - began
    return summary(data, fixed, found, total_s)


def summary(data: nl.Trajectories, fixed, found: list[Minimum], total_s: float) -> Outcome:
    """Over all starts: residuals and errors of the free run in units of the noise, judged by a tight solve."""
    states = truth()
    noise = data[0].ys - states
    sd = np.sqrt(np.mean(noise**2, axis=0))
    errors, fits = [], []
    for minimum in found:
        run = solved(eqx.combine(minimum.params[0], fixed), TS, np.array([START]))[0]
        fits.append(np.nan_to_num(root_mean_square((run - data[0].ys) / sd), nan=np.inf))
        errors.append(np.nan_to_num(root_mean_square((run - states) / sd), nan=np.inf))
    losses = [minimum.loss for minimum in found]
    return Outcome(
        loss=float(np.median(losses)),
        evaluations=sum(minimum.evaluations for minimum in found),
        to_target=None,
        figures={
            "lowest loss": min(losses),
            "highest loss": max(losses),
            "starts": len(found),
            "starts at the noise": sum(fit <= 1.05 for fit in fits),
            "error / noise, median": float(np.median(errors)),
            "error / noise, of the best": errors[int(np.argmin(losses))],
            "seconds a start": total_s / len(found),
        },
        compile_s=sum(minimum.compile_s for minimum in found),
        total_s=total_s,
        stopped="",
    )


CASES = (
    Case(
        name="many_starts",
        heading=f"three species, {STARTS} starts",
        published="4.2 to 59.5 minutes a start, median 8.4",
        target=0.0,
        data=measured,
        model=model,
        loss=mean_square,
        ours=many,
        wants={"total_s": 600.0},
    ),
)
