"""What a minimisation returns, and the history of how it came about."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from .progress import Progress
from .stopping import StopReason


class Iteration(NamedTuple):
    """One row of the history; `evaluations` and `seconds` count from the start of the minimisation.

    Of L-BFGS: how many curvature pairs its direction was formed from, how many were skipped so far because the loss
    did not curve upward along them, and how often it has begun anew from the steepest descent.
    """

    iteration: int
    evaluations: int
    loss: float
    gradient_norm: float
    step_size: float
    seconds: float
    pairs: int = 0
    skipped: int = 0
    restarts: int = 0


@dataclass(frozen=True)
class Minimum:
    """What a minimisation returns.

    `params` is the best point that was evaluated, `loss` its value, `state` what is needed to go
    on. `compile_s` includes tracing.
    """

    params: Any
    loss: float
    reason: StopReason
    history: tuple[Iteration, ...]
    iterations: int
    evaluations: int
    failed_searches: int
    rejected: int
    compile_s: float
    run_s: float
    state: Any = field(repr=False)


class Paused(NamedTuple):
    """A run between two chunks, or at its end: all that `Minimiser.run` needs to go on to the same bits.

    `loss` is the best value so far, which the state of a run whose loss has just changed no longer knows;
    `restarted_at` is the iteration of that change. Of a run that has ended `state.progress` is enough.
    """

    state: Any
    history: Sequence[Iteration]
    reason: StopReason
    loss: float
    restarted_at: int
    compile_s: float
    run_s: float


def iterations_of(progress: Progress, began: float, ended: float) -> list[Iteration]:
    """The history of a chunk that ran between two seconds.

    They are shared out evenly over its iterations: the host cannot look inside.
    """
    rows = np.asarray(progress.rows)[: int(progress.row_count)]
    clock = np.linspace(began, ended, len(rows) + 1)[1:]
    return [_iteration(row, float(second)) for row, second in zip(rows, clock, strict=True)]


def _iteration(row: np.ndarray, second: float) -> Iteration:
    """A row of the buffer: see `Progress`."""
    iteration, evaluations, loss, gradient_norm, step_size, pairs, skipped, restarts = map(float, row)
    counts = int(pairs), int(skipped), int(restarts)
    return Iteration(int(iteration), int(evaluations), loss, gradient_norm, step_size, second, *counts)
