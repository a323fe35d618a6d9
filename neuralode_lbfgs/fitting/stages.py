"""The stages of a fit: each is a loss, a minimisation, and a word on why it is done."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ..data.trajectories import Trajectories
from ..models import Coordinates, NeuralODE, Tableau, trainable
from ..optimise import LBFGS, Iteration, Minimiser, Minimum, Optax, StopReason
from .batch import Batch, Segments, make_batch
from .evidence import Evidence, EvidenceEstimate, squared_weights
from .gauss_newton import GaussNewtonFit, gauss_newton
from .losses import Parameters, Weighting, residuals, split_parameters, trajectory_loss
from .matching import Slopes, matching_loss, slope_residuals
from .mesh import Mesher
from .options import FitOptions

ROUNDS = 8  # of minimising and asking the evidence again; it settles in three to six
SETTLED = 0.3  # change of the logarithm of the decay below which it has settled
FIRST_DECAY = 1e-2  # a strong pull first: from a smooth field the evidence lets go where the data insist
FEW = 40.0  # observations; below about this number the evidence is sure of itself too soon (see `cautious`)
MATCHING_EVALS, ROUND_EVALS, REFINE_EVALS = 2000, 200, 100
MATCHING_STEPS = 60  # of Gauss-Newton: a start for the next stage, no more
SLOPE_ERROR = 0.02  # of a smoothing spline, in units of a typical slope
MOST_FOR_NEWTON = 1500  # weights: beyond, solving the normal equations costs more than L-BFGS's iterations
MESH_TOLERANCE = {"float64": 1e-6, "float32": 1e-4}
MOST_STEPS = 2_000_000


class Progressed(NamedTuple):
    """What a callback is told between compiled chunks."""

    stage: str
    iteration: int
    evaluations: int
    loss: float
    seconds: float


@dataclass(frozen=True)
class Stage:
    """One stage as it went: its name, why it was done, why it stopped, and its iterations."""

    name: str
    why: str
    reason: StopReason
    history: tuple[Iteration, ...]
    note: str = ""


@dataclass
class Record:
    """The history of one stage over several minimisations, with running counts, and what it cost."""

    stage: str
    callback: Callable[[Progressed], None] | None = None
    rows: list[Iteration] = field(default_factory=list)
    iterations: int = 0
    evaluations: int = 0
    compile_s: float = 0.0
    run_s: float = 0.0
    failed_searches: int = 0
    rejected: int = 0
    started: float = field(default_factory=time.perf_counter)

    def watch(self, history: list[Iteration]) -> None:
        """Tell the callback how the present minimisation goes."""
        if self.callback is not None and history:
            row = history[-1]
            seconds = time.perf_counter() - self.started
            self.callback(
                Progressed(
                    self.stage, self.iterations + row.iteration, self.evaluations + row.evaluations, row.loss, seconds
                )
            )

    def add_steps(self, fit: GaussNewtonFit) -> None:
        """The iterations of a Gauss-Newton fit."""
        self.watch(fit.history)
        self.rows += fit.history
        self.iterations += len(fit.history)
        self.evaluations += fit.evaluations
        self.compile_s += fit.compile_s
        self.run_s += fit.run_s

    def add(self, minimum: Minimum) -> None:
        for row in minimum.history:
            self.rows.append(
                row._replace(
                    iteration=row.iteration + self.iterations,
                    evaluations=row.evaluations + self.evaluations,
                    seconds=row.seconds + self.run_s,
                )
            )
        self.iterations += minimum.iterations
        self.evaluations += minimum.evaluations
        self.compile_s += minimum.compile_s
        self.run_s += minimum.run_s
        self.failed_searches += minimum.failed_searches
        self.rejected += minimum.rejected


def cautious(evidence: Evidence, observed: int) -> np.ndarray:
    """The decay to use: the evidence's, and more of it where observations are few.

    The Laplace approximation behind the evidence holds for many observations. With few it counts
    chance as knowledge: on thinned real series of 20 to 100 numbers, two to four times the decay
    predicted left-out rows better, and above a few hundred numbers it made no difference.
    """
    return evidence.decay * (1 + FEW / observed)


def settled(new: np.ndarray, old: np.ndarray) -> bool:
    return bool(np.all(np.abs(np.log(new / old)) < SETTLED))


def match_derivatives(
    model: NeuralODE, slopes: Slopes, observed: int, options: FitOptions, record: Record
) -> tuple[NeuralODE, Evidence, StopReason]:
    """Regress the vector field on the slopes of smooth curves; no ODE is solved.

    Plain regression, so that Gauss-Newton with the decay asked anew at every step is cheap and goes to the
    bottom (Foresee & Hagan 1997). Models with too many weights for its Jacobian take L-BFGS.
    """
    free, fixed = trainable(model)
    estimate = EvidenceEstimate(
        lambda f, point: slope_residuals(eqx.combine(f, fixed), point), lambda f: f, free, by_row=True
    )
    decay = np.full(estimate.group_count, FIRST_DECAY if options.weight_decay is None else options.weight_decay)

    def from_slopes(evidence: Evidence) -> np.ndarray:
        # What a spline says of slopes is never exact, and its errors are no noise that averages out.
        return cautious(evidence, observed) * max(1.0, (SLOPE_ERROR / evidence.noise) ** 2)

    choose = None if options.weight_decay is not None else from_slopes
    if estimate.affordable(slopes) and estimate.groups.size <= MOST_FOR_NEWTON:
        fit = gauss_newton(estimate, estimate.flatten(free), (slopes,), decay, observed, choose, MATCHING_STEPS)
        record.add_steps(fit)
        free = estimate.unflatten(jnp.asarray(fit.x, jnp.result_type(float)))
        return eqx.combine(free, fixed), fit.evidence, fit.reason
    minimiser = Minimiser(lambda f, s, d: matching_loss(eqx.combine(f, fixed), s, d), free)
    limits = {"max_evals": MATCHING_EVALS, "ftol": 1e-5, "callback": record.watch}
    evidence, minimum = None, None
    for _ in range(ROUNDS):
        minimum = minimiser.run(free, slopes, jnp.asarray(decay), **limits)
        record.add(minimum)
        free = minimum.params
        evidence = estimate(free, slopes, decay=decay, observed=observed)
        old, decay = decay, decay if choose is None else choose(evidence)
        if minimum.reason is StopReason.INTERRUPTED or settled(decay, old):
            break
    assert evidence is not None
    assert minimum is not None
    return eqx.combine(free, fixed), evidence, minimum.reason


@dataclass(frozen=True)
class FullFit:
    """What the full-horizon stage returns; `mean_square` is the data's part of the loss."""

    parameters: Parameters
    evidence: Evidence
    reason: StopReason
    loss: float
    initial_loss: float
    mean_square: float


class FullHorizon:
    """Solve every trajectory over its whole length on a frozen mesh, and fit the observations.

    Rounds: minimise, choose the mesh anew for the present model, ask the evidence for the decay.
    When the decay has settled, minimise to the end.
    """

    def __init__(
        self,
        data: Trajectories,
        coordinates: Coordinates,
        parameters: Parameters,
        options: FitOptions,
        optimizer: LBFGS | Optax,
        *,
        train_starts: bool,
        record: Record,
    ):
        self.data, self.coordinates, self.options, self.record = data, coordinates, options, record
        self.tableau = Tableau(parameters.model.solver)
        self.segments = Segments.whole(data)
        self.dtype = parameters.starts.dtype
        self.mesher = Mesher(data, coordinates, self.tableau, MESH_TOLERANCE[self.dtype.name], MOST_STEPS)
        self.free, self.fixed = split_parameters(parameters, train_starts=train_starts)
        value_fn, fixed = trajectory_loss(self.tableau), self.fixed
        self.minimiser = Minimiser(
            lambda free, batch, weighting: value_fn(free, fixed, batch, weighting), self.free, optimizer
        )
        self.estimate = EvidenceEstimate(
            lambda free, batch: residuals(eqx.combine(free, fixed), batch, self.tableau)[0],
            lambda free: free.model,
            self.free,
        )
        self._mean_square = jax.jit(
            lambda free, batch: jnp.sum(residuals(eqx.combine(free, fixed), batch, self.tableau)[0] ** 2)
        )

    def remeshed(self, free: Any) -> Batch:
        """The data on a mesh that suits the present model."""
        parameters = eqx.combine(free, self.fixed)
        self.mesher.refine(parameters.model, parameters.starts, self.segments, whole=True)
        mesher = self.mesher
        return make_batch(
            self.data, self.coordinates, self.tableau, mesher.counts, mesher.shape, self.segments,
            whole=True, dtype=self.dtype,
        )[0]  # fmt: skip

    def run(self, decay: np.ndarray) -> FullFit:
        """Fit, from the given decay."""
        options, record, observed = self.options, self.record, self.data.observed
        fixed_decay = options.weight_decay is not None or not squared_weights(self.free.model).any()
        if options.weight_decay is not None:
            decay = np.full_like(decay, options.weight_decay)
        free, batch = self.free, self.remeshed(self.free)
        initial_loss = float(self._mean_square(free, batch))
        evidence = Evidence(float(np.sqrt(initial_loss)), decay, 0.0)
        stochastic = isinstance(self.minimiser.optimizer, Optax)
        last, reason = fixed_decay, StopReason.RUNNING
        for round_number in range(ROUNDS):
            last = last or round_number == ROUNDS - 1
            weighting = Weighting(jnp.asarray(decay, self.dtype), jnp.asarray(1.0, self.dtype))
            left = options.max_evals - record.evaluations
            minimum = self.minimiser.run(
                free,
                batch,
                weighting,
                max_iter=max(options.max_iter - record.iterations, 1),
                max_evals=left if last or (stochastic and round_number) else min(ROUND_EVALS, left),
                gtol=options.gtol,
                ftol=options.ftol if last else max(1e-4, options.ftol),
                time_limit=None if options.time_limit is None else max(options.time_limit - record.run_s, 1e-3),
                chunk_evals=REFINE_EVALS,
                between=lambda best, args: (self.remeshed(best), args[1]),
                callback=record.watch,
            )
            record.add(minimum)
            reason = minimum.reason
            if not np.isfinite(minimum.loss):
                break
            free = minimum.params
            batch = self.remeshed(free)
            spent = record.evaluations >= options.max_evals or record.iterations >= options.max_iter
            stop = minimum.reason in (StopReason.INTERRUPTED, StopReason.TIME_LIMIT) or spent
            if not fixed_decay and minimum.reason is not StopReason.INTERRUPTED:
                evidence = self.estimate(free, batch, decay=decay, observed=observed)
            if last or stop:
                break
            new = cautious(evidence, observed)
            last, decay = settled(new, decay), new
        mean_square = float(self._mean_square(free, batch))
        total = mean_square + float(np.sum(decay * np.asarray(squared_weights(free.model))))
        return FullFit(eqx.combine(free, self.fixed), evidence, reason, total, initial_loss, mean_square)
