"""The full horizon by L-BFGS: every trajectory solved over its whole length on a frozen mesh."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial

from ..data.trajectories import Trajectories
from ..optimise import LBFGS, Minimiser, Optax, StopReason
from .batch import Batch
from .evidence import Evidence, EvidenceEstimate, weight_groups
from .journal import Journal
from .losses import Parameters, split_parameters, trajectory_loss, trajectory_residuals
from .mesh import Mesher
from .options import FitOptions
from .programs import Programs
from .record import Record, seconds_left
from .weights import observation_weights

ROUNDS = 8  # of minimising and asking the evidence again; it settles in three to six
SETTLED = 0.3  # change of the logarithm of the decay below which it has settled
ROUND_EVALS, REFINE_EVALS = 200, 100
ROUND_FTOL = 1e-4  # of a round that is not the last


def settled(new: np.ndarray, old: np.ndarray) -> bool:
    return bool(np.all(np.abs(np.log(new / old)) < SETTLED))


@dataclass(frozen=True)
class FullFit:
    """What the full-horizon stage returns; `mean_square` is the data's part of the loss, as is `initial_loss`."""

    evidence: Evidence
    reason: StopReason
    initial_loss: float
    mean_square: float


class FullHorizon:
    """Solve every trajectory over its whole length, and fit the observations.

    Rounds: minimise, choose the mesh anew for the present model, ask the evidence for the decay.
    When the decay has settled, minimise to the end.

    Args:
        data: what was measured.
        parameters: where to begin; after `run` the best so far, also if it was interrupted.
        mesher: chooses the steps.
        options: limits, and the weight decay if it is given.
        optimizer: what minimises.
        train_starts: whether initial states are fitted.
        record: of this stage.
        observe: what is seen of a state, as in `residuals`.
        journal: where each minimisation is kept.
        programs: of other fits.
    """

    data: Trajectories
    parameters: Parameters
    mesher: Mesher
    options: FitOptions
    record: Record
    time_limit: float | None
    journal: Journal
    noise: float | None
    dtype: np.dtype
    free: Any
    fixed: Any
    minimiser: Minimiser
    estimate: EvidenceEstimate

    def __init__(
        self,
        data: Trajectories,
        parameters: Parameters,
        mesher: Mesher,
        options: FitOptions,
        optimizer: LBFGS | Optax,
        *,
        train_starts: bool,
        record: Record,
        time_limit: float | None,
        observe: Callable | None = None,
        journal: Journal | None = None,
        programs: Programs,
    ):
        self.data, self.parameters, self.mesher, self.options, self.record = data, parameters, mesher, options, record
        self.time_limit, self.journal = time_limit, journal or Journal()
        self.noise = observation_weights(data, mesher.coordinates.scale).noise
        self.dtype, tableau = parameters.starts.dtype, mesher.tableau
        free, fixed = split_parameters(parameters, train_starts=train_starts)
        self.free, self.fixed = free, fixed
        of_all = fixed, tableau, observe
        self.minimiser = programs.shared(
            "full", free, fixed, lambda: Minimiser(Partial(trajectory_loss, *of_all), free, optimizer)
        )
        self.estimate = programs.shared(
            "evidence", free, fixed, lambda: EvidenceEstimate(Partial(trajectory_residuals, *of_all), free)
        )

    def remeshed(self, free: Any) -> Batch:
        """The data on a mesh that suits the present model."""
        parameters = eqx.combine(free, self.fixed)
        self.mesher.refine(parameters.model, parameters.starts)
        return self.mesher.batch(self.dtype)[0]

    def run(self, decay: np.ndarray, *, brief: bool) -> FullFit:
        """Fit, from the given decay.

        Args:
            decay: per group of weights.
            brief: one round at this decay, for a stage that follows.
        """
        options, record, observed = self.options, self.record, self.data.observed
        free, batch = self.free, self.remeshed(self.free)
        initial_loss = mean_square = self.estimate.mean_square(free, batch)
        evidence = Evidence(float(np.sqrt(initial_loss)), decay, 0.0)
        keep_decay = brief or options.weight_decay is not None or not weight_groups(free.model)
        stochastic = isinstance(self.minimiser.optimizer, Optax)
        last, reason = keep_decay, StopReason.RUNNING
        for round_number in range(ROUNDS):
            last = last or round_number == ROUNDS - 1
            left = options.max_evals // (2 if brief else 1) - record.evaluations
            to_the_end = last and not brief
            loop = self.journal.loop("full", also=self.mesher.kept)
            if loop.saved is not None:
                self.mesher.restore(loop.saved)
                batch = self.mesher.batch(self.dtype)[0]
            minimum = self.minimiser.run(
                free,
                batch,
                jnp.asarray(decay, self.dtype),
                max_iter=max(options.max_iter - record.iterations, 1),
                max_evals=left if to_the_end or (stochastic and round_number) else min(ROUND_EVALS, left),
                gtol=options.gtol,
                ftol=options.ftol if to_the_end else max(ROUND_FTOL, options.ftol),
                time_limit=seconds_left(self.time_limit, record.run_s),
                chunk_evals=REFINE_EVALS,
                between=lambda best, args: (self.remeshed(best), args[1]),
                callback=record.watch,
                **loop.of(self.minimiser, free),
            )
            record.add(minimum)
            record.failed_searches += minimum.failed_searches
            reason = minimum.reason
            if not np.isfinite(minimum.loss):
                break
            free = minimum.params
            self.parameters = eqx.combine(free, self.fixed)
            batch = self.remeshed(free)
            mean_square = self.estimate.mean_square(free, batch)
            spent = record.evaluations >= options.max_evals or record.iterations >= options.max_iter
            stop = reason.cut_short or spent
            if not keep_decay and reason is not StopReason.INTERRUPTED:
                evidence = self.estimate(free, batch, decay=decay, observed=observed, noise=self.noise)
            if last or stop:
                break
            last, decay = settled(evidence.decay, decay), evidence.decay
        return FullFit(evidence, reason, initial_loss, mean_square)
