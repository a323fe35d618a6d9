"""A published fit: model, data and loss as published, how it is fitted here, and what is kept of a fit."""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

import neuralode_lbfgs as nl
from neuralode_lbfgs.fitting.record import Progressed
from neuralode_lbfgs.models import trainable

from ..problem import Problem

TIGHT = 1e-9  # of the solve in which a fitted model is judged, eighth order
MAX_STEPS = 4096  # a trial of a peer that needs more is no model of these data; its loss is infinite there
NO_SOLVE = ("matching",)  # stages that solve no ODE over any span
SURELY = 0.98  # times the target, where a fit on a mesh is ended: a tight solve finds another loss
NOT_THE_LOSS = (*NO_SOLVE, "shooting")  # stages whose history is of another loss

Loss = Callable[[Callable, Float[Array, " times"], Float[Array, "trajectories times states"]], Float[Array, ""]]
Figures = Mapping[str, float]


@dataclass(frozen=True)
class Outcome:
    """One fit.

    Args:
        loss: as published, of the model in the end, under a tight solve where it is ours.
        evaluations: of a loss that solves an ODE over any span, pieces of shooting and Jacobians among them.
        to_target: how many of them until the loss was at the case's target; None if it never was.
        figures: errors against the truth or on held-out data, by what they are.
        compile_s, total_s: seconds of tracing and compiling, and from building the problem to the end.
    """

    loss: float
    evaluations: int
    to_target: int | None
    figures: Figures
    compile_s: float
    total_s: float
    stopped: str

    def row(self) -> dict[str, Any]:
        """As JSON takes it, which knows no numbers of NumPy."""
        return {**asdict(self), "figures": {what: float(value) for what, value in self.figures.items()}}


@dataclass(frozen=True)
class Case:
    """A published fit.

    Args:
        heading: what it is, for a reader.
        published: what was published of it, in words.
        target: the loss, by the published definition, that counts as reached.
        data, model: of a seed; the model is unscaled, as its author would write it.
        loss: `loss(model, ts, ys)` as published, of stacked trajectories.
        options: of `fit`.
        figures: `figures(case, seed, model, result)`, the errors that are shown beside the loss.
        ours: `ours(case, seed) -> Outcome`; by default one `fit` with the options.
        peers: which of `peers.PEERS` are run.
        wants: what the figures should be at most; `loss` and `to_target` may be among them.
        scale: of the data, the published loss in units of that of a `fit`, where one is a multiple of the other; then
            the fit ends at the target, and the loss in the end is judged.
    """

    name: str
    heading: str
    published: str
    target: float
    data: Callable[[int], nl.Trajectories]
    model: Callable[[int], nl.NeuralODE]
    loss: Loss
    options: Mapping[str, Any] = field(default_factory=dict)
    figures: Callable[["Case", int, nl.NeuralODE, nl.FitResult], Figures] = lambda case, seed, model, result: {}
    ours: "Callable[[Case, int], Outcome] | None" = None
    peers: tuple[str, ...] = ()
    wants: Figures = field(default_factory=dict)
    scale: Callable[[nl.Trajectories], float] | None = None

    def fit(self, seed: int) -> Outcome:
        return fitted(self, seed) if self.ours is None else self.ours(self, seed)


def mean_square(model: Callable, ts: Array, ys: Array) -> Array:
    """The mean of squared errors over trajectories, times and states, from the first rows."""
    return jnp.mean((runs(model, ts, ys) - ys) ** 2)


def runs(model: Callable, ts: Array, ys: Array) -> Array:
    """All trajectories from their first rows."""
    return jax.vmap(lambda y0: model(ts, y0, throw=False))(ys[:, 0])


def stacked(data: nl.Trajectories) -> tuple[np.ndarray, np.ndarray]:
    """Times `(times,)` and states `(trajectories, times, states)`; of windows, times from their begin."""
    return data[0].ts - data[0].ts[0], np.stack([trajectory.ys for trajectory in data])


def tight(model: nl.NeuralODE) -> nl.NeuralODE:
    """The same model under a solve whose errors do not count."""
    return nl.NeuralODE(
        model.vector_field, solver=diffrax.Dopri8(), rtol=TIGHT, atol=TIGHT, coordinates=model.coordinates
    )


def loss_of(case: Case, model: nl.NeuralODE, data: nl.Trajectories) -> float:
    """The published loss of a model."""
    return float(eqx.filter_jit(case.loss)(tight(model), *map(jnp.asarray, stacked(data))))


def solved(model: nl.NeuralODE, ts: np.ndarray, y0s: np.ndarray) -> np.ndarray:
    """States `(starts, times, states)` from starts `(starts, states)`."""
    return np.asarray(_solved(tight(model), jnp.asarray(ts), jnp.asarray(y0s)))


@eqx.filter_jit
def _solved(model: nl.NeuralODE, ts: Array, y0s: Array) -> Array:
    return jax.vmap(lambda y0: model(ts, y0, throw=False))(y0s)


def root_mean_square(errors: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(errors))))


def evaluations_of(result: nl.FitResult) -> int:
    """Evaluations of a loss that solves an ODE, of all stages."""
    free = sum(stage.history[-1].evaluations for stage in result.stages if stage.name in NO_SOLVE and stage.history)
    return result.evaluations - free


def until(target: float, scale: float) -> Callable[[Progressed], None]:
    """A callback that ends a fit, as Ctrl-C would, when `scale` times its loss is below the target."""

    def callback(progressed: Progressed) -> None:
        if progressed.stage not in NOT_THE_LOSS and progressed.loss * scale <= SURELY * target:
            raise KeyboardInterrupt

    return callback


def fitted(case: Case, seed: int) -> Outcome:
    """One `fit` with the case's options, to its end or, where the case has a scale, to the target."""
    data, model = case.data(seed), case.model(seed)
    began = time.perf_counter()
    callback = None if case.scale is None else until(case.target, case.scale(data))
    result = nl.fit(model, data, callback=callback, **case.options)
    total_s = time.perf_counter() - began
    loss, evaluations = loss_of(case, result.model, data), evaluations_of(result)
    return Outcome(
        loss=loss,
        evaluations=evaluations,
        to_target=evaluations if case.scale is not None and loss <= case.target else None,
        figures=case.figures(case, seed, result.model, result),
        compile_s=result.compile_s,
        total_s=total_s,
        stopped=result.stop_reason.name.lower(),
    )


def as_problem(case: Case, seed: int) -> Problem:
    """The case for a solver of its own: the published loss through an adaptive solve, as the peers do it."""
    data, model = case.data(seed), case.model(seed)
    start, fixed = trainable(nl.NeuralODE(model.vector_field, max_steps=MAX_STEPS, state_size=data.state_size))

    def value(params, ts, ys):
        return case.loss(eqx.combine(params, fixed), ts, ys)

    return Problem(case.name, start, value, tuple(map(jnp.asarray, stacked(data))))
