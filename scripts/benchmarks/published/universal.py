"""Universal differential equations: predators and prey whose meetings a network learns.

Rackauckas et al., "Universal differential equations for scientific machine learning" (2020), folder LotkaVolterra of
its repository. There: 200 steps of Adam, then BFGS; every evaluation of the loss counted.
"""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

import neuralode_lbfgs as nl

from .case import Case, Figures, Outcome, evaluations_of, loss_of, root_mean_square, runs, solved, stacked, until
from .networks import Chain, bell
from .truth import accurate, lotka_volterra

DATA = Path(__file__).parent / "data"
START = (0.44249296, 4.6280594)
DECAY = 1e-3  # times the mean squared weight, where the published loss has it
DECAY_OF_EACH = DECAY / 87  # weights
WINDOW = 12  # rows of scenario 2 from one y to the next
EXPLAINED = 1e-3  # of the variance is left
SHARP = 0.02  # where squares stand for absolute values, how wide their bottom is
GROWTH, DEATH = 1.3, 1.8


class PredatorsAndPrey(eqx.Module):
    """x' = growth x + network_1, y' = -death y + network_2; a float is known, an array is learned."""

    network: Chain
    growth: float | Array
    death: float | Array

    def __call__(self, t, y: Float[Array, " 2"], args) -> Float[Array, " 2"]:
        learned = self.network(y)
        return jnp.stack([self.growth * y[0] + learned[0], -self.death * y[1] + learned[1]])


def model(seed: int, *, unknown: tuple[str, ...] = (), last: Callable = bell) -> nl.NeuralODE:
    """A 2-5-5-5-2 network; unknown rates begin anywhere in [0, 1], as published."""
    for_network, for_growth, for_death = jax.random.split(jax.random.key(seed), 3)
    network = Chain((2, 5, 5, 5, 2), (bell, bell, last), key=for_network)
    growth = jax.random.uniform(for_growth) if "growth" in unknown else GROWTH
    death = jax.random.uniform(for_death) if "death" in unknown else DEATH
    return nl.NeuralODE(PredatorsAndPrey(network, growth, death), state_size=2)


def table(name: str) -> nl.Trajectories:
    return nl.read_csv(DATA / f"{name}.csv", time="t", states=["x", "y"])


def equally_certain(data: nl.Trajectories) -> nl.Trajectories:
    """The same with one standard deviation for both states: `fit` then weighs them alike, as a plain sum of squares."""
    ts, ys = data[0].ts, data[0].ys
    return nl.from_arrays(ts, ys, sd=np.full_like(ys, 0.01), names=data.state_names)


def variance(data: nl.Trajectories) -> float:
    """Of both states together."""
    return float(np.var(np.concatenate([trajectory.ys for trajectory in data]), axis=0).sum())


def sum_of_squares(model: Callable, ts: Array, ys: Array) -> Array:
    return jnp.sum((runs(model, ts, ys) - ys) ** 2)


def mean_squared_weight(model) -> Array:
    weights = jax.tree.leaves(eqx.filter(model.vector_field.network, eqx.is_inexact_array))
    return jnp.mean(jnp.concatenate([leaf.ravel() for leaf in weights]) ** 2)


# Scenario 1: both states at 31 times, both rates known.


def against_the_truth(case: Case, seed: int, model: nl.NeuralODE, result: nl.FitResult) -> Figures:
    """Errors of the fitted trajectory, in units of the noise of the data."""
    (data,) = result.data
    truth = accurate(lotka_volterra, START, data.ts)
    (start,) = result.starts.values()
    found = solved(model, data.ts, start[None])[0]
    return {"error / noise": root_mean_square(found - truth) / root_mean_square(data.ys - truth)}


def scenario_1(noise: str, target: float, evaluations: int) -> tuple[Case, Case]:
    heading = f"UDE scenario 1, noise {100 * float(noise):g} %"
    common = {
        "published": f"{target:g} after {evaluations} evaluations",
        "target": target,
        "model": model,
        "loss": sum_of_squares,
        "figures": against_the_truth,
    }
    as_published = Case(
        name=f"scenario_1_{noise}",
        heading=f"{heading}: the published loss",
        data=lambda seed: equally_certain(table(f"scenario_1_noise_{noise}")),
        # That loss alone: no decay, the start fixed to the first row.
        options={"weight_decay": 0.0, "initial_states": "data"},
        peers=("optax_lbfgs", "scipy", "adam", "torchdiffeq"),
        wants={"to_target": 200},
        scale=lambda data: data[0].ts.size * variance(data),
        **common,
    )
    default = Case(
        name=f"scenario_1_{noise}_default",
        heading=f"{heading}: default fit",
        data=lambda seed: table(f"scenario_1_noise_{noise}"),
        wants={"error / noise": 0.5},
        **common,
    )
    return as_published, default


# Scenario 2: x at 61 times, y at every twelfth; the death rate unknown; five windows from one y to the next.


def windows(name: str) -> nl.Trajectories:
    """Five windows with x at every row, and y at the first and the last."""
    (whole,) = table(name)
    ys = np.stack([whole.ys[i : i + WINDOW + 1] for i in range(0, whole.ts.size - 1, WINDOW)])
    ys[:, 1:-1, 1] = np.nan
    return nl.from_arrays(whole.ts[: WINDOW + 1], ys, names=["x", "y"], sd=np.full_like(ys, 0.01))


def window_loss(model: Callable, ts: Array, ys: Array) -> Array:
    """Of one window, without decay."""
    found = model(ts, ys[0], throw=False)
    return jnp.sum((found[:, 0] - ys[:, 0]) ** 2) + jnp.abs(found[-1, 1] - ys[-1, 1])


def scenario_2_loss(model: Callable, ts: Array, ys: Array) -> Array:
    return jnp.sum(jax.vmap(lambda ys: window_loss(model, ts, ys))(ys)) + DECAY * mean_squared_weight(model)


def in_squares(data: nl.Trajectories) -> tuple[nl.Trajectories, float]:
    """The windows so weighed that squares stand for the absolute values of y, and the unit of the loss of a `fit`.

    |r| is at most r^2 / SHARP^2 + SHARP^2 / 4 (Hunter & Lange, A Tutorial on MM Algorithms, 2004, section 2.2).
    """
    ts, ys = stacked(data)
    sd = np.ones_like(ys)
    sd[..., 1] = SHARP
    weights = np.where(np.isfinite(ys), np.nanstd(ys, axis=(0, 1)) / sd, 0.0) ** 2
    return nl.from_arrays(ts, ys, names=data.state_names, sd=sd), float(weights.sum())


def fitted_to_windows(case: Case, seed: int) -> Outcome:
    """A fit until it explains the data, then Gauss-Newton on squares that lie above the published loss."""
    data, model = case.data(seed), case.model(seed)
    weighed, unit = in_squares(data)
    surely = case.target - len(data) * SHARP**2 / 4
    began = time.perf_counter()
    first = nl.fit(model, data, initial_states="data", callback=until(EXPLAINED, 1.0))
    second = nl.fit(
        first.model, weighed, initial_states="data", stages=("polish",), weight_decay=DECAY_OF_EACH / unit,
        callback=until(surely, unit),
    )  # fmt: skip
    total_s = time.perf_counter() - began
    loss, evaluations = loss_of(case, second.model, data), evaluations_of(first) + second.evaluations
    return Outcome(
        loss=loss,
        evaluations=evaluations,
        to_target=evaluations if loss <= case.target else None,
        figures={"death rate": float(second.model.vector_field.death)},
        compile_s=first.compile_s + second.compile_s,
        total_s=total_s,
        stopped=second.stop_reason.name.lower(),
    )


def scenario_2(noise: str, target: float, evaluations: int) -> Case:
    return Case(
        name=f"scenario_2_{noise}",
        heading=f"UDE scenario 2, noise {100 * float(noise):g} %",
        published=f"{target:g} after {evaluations} evaluations",
        target=target,
        data=lambda seed: windows(f"scenario_2_noise_{noise}"),
        model=partial(model, unknown=("death",)),
        loss=scenario_2_loss,
        ours=fitted_to_windows,
        peers=("optax_lbfgs", "scipy", "adam"),
        wants={"to_target": evaluations / 5},
    )


# Hudson Bay: hares and lynx over their maxima, 1900 to 1920; both rates unknown.


def hudson_loss(model: Callable, ts: Array, ys: Array) -> Array:
    return sum_of_squares(model, ts, ys) / ts.size + DECAY * mean_squared_weight(model)


# What `fit` minimises is then the published loss in units of the data's variance, but for the decay of the two rates.
HUDSON_DECAY = DECAY_OF_EACH / variance(table("hudson_bay"))
HUDSON = Case(
    name="hudson_bay",
    heading="UDE, hares and lynx",
    published="3.579e-3 after 460 evaluations, and 600 of shooting",
    target=3.579e-3,
    data=lambda seed: equally_certain(table("hudson_bay")),
    model=partial(model, unknown=("growth", "death"), last=jnp.tanh),
    loss=hudson_loss,
    options={"stages": ("matching", "shooting", "polish"), "weight_decay": HUDSON_DECAY, "initial_states": "data"},
    peers=("optax_lbfgs", "scipy", "adam"),
    wants={"to_target": 300},
    scale=variance,
)

CASES = (
    *scenario_1("0.005", 9.941e-4, 1097),
    *scenario_1("0.05", 7.079e-2, 382),
    scenario_2("0.005", 1.2195e-2, 2996),
    scenario_2("0.01", 3.328e-2, 762),
    HUDSON,
)
