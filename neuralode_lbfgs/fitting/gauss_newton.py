"""Damped Gauss-Newton with the weight decay asked anew at every step.

Levenberg-Marquardt in Nielsen's form (Madsen, Nielsen & Tingleff, Methods for Non-Linear Least Squares
Problems, 2004, algorithm 3.16) on  r^T r + sum decay w^2.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.linalg
from threadpoolctl import threadpool_limits

from ..optimise import Iteration, StopReason
from .evidence import Evidence, EvidenceEstimate

FLAT = 1e-5  # relative decrease that counts as none
PATIENCE = 4
NEAR = 0.03  # relative decrease of a step below which a minimum is thought near


@dataclass(frozen=True)
class GaussNewtonFit:
    """Where it ended, the evidence there, and what it cost; one Jacobian counts as one evaluation."""

    x: np.ndarray
    evidence: Evidence
    reason: StopReason
    history: list[Iteration]
    evaluations: int
    compile_s: float
    run_s: float


# Threads of small factorisations wait for each other: on a busy machine 50 times slower than one.
@threadpool_limits.wrap(limits=1, user_api="blas")
def gauss_newton(
    estimate: EvidenceEstimate,
    x: np.ndarray,
    args: Sequence[Any],
    decay: np.ndarray,
    observed: int,
    choose: Callable[[Evidence], np.ndarray] | None,
    max_steps: int,
) -> GaussNewtonFit:
    """Minimise from `x`.

    Args:
        estimate: residuals and their Jacobian.
        args: the data, for the residuals.
        decay: at the start, per group.
        observed: the number of independent observations.
        choose: the decay that follows from the evidence; None keeps it as it is.
        max_steps: Jacobians at most.
    """
    started = time.perf_counter()
    normal = estimate.normal(x, *args)
    estimate.mean_square(x, *args)
    compile_s = time.perf_counter() - started
    started = time.perf_counter()
    evidence = estimate.evidence(x, normal, normal.mean_square, decay, observed)
    history, evaluations, flat, damping, growth = [], 1, 0, 1e-3, 2.0
    reason = StopReason.MAX_ITER
    if not np.isfinite(normal.mean_square):
        return GaussNewtonFit(x, evidence, StopReason.NONFINITE_START, [], 1, compile_s, 0.0)
    try:
        for step_number in range(1, max_steps + 1):
            ridge = estimate.ridge(decay)
            value = normal.mean_square + np.sum(ridge * x**2)
            gradient = normal.gradient + ridge * x
            scale = np.diag(normal.matrix).max()
            while True:
                matrix = normal.matrix + np.diag(ridge + damping * scale)
                step = -scipy.linalg.solve(matrix, gradient, assume_a="pos")
                new_mean_square = estimate.mean_square(x + step, *args)
                evaluations += 1
                new_value = new_mean_square + np.sum(ridge * (x + step) ** 2)
                predicted = step @ (damping * scale * step - gradient)
                gain = (value - new_value) / predicted if np.isfinite(new_value) and predicted > 0 else -1.0
                if gain > 0:
                    damping *= max(1 / 3, 1 - (2 * gain - 1) ** 3)
                    damping, growth = max(damping, 1e-13), 2.0
                    break
                damping, growth = damping * growth, growth * 2
                if damping > 1e8:
                    break
            if gain <= 0:
                reason = StopReason.SEARCH_FAILED
                break
            x = x + step
            history.append(
                Iteration(
                    step_number, evaluations, float(new_value), float(np.abs(gradient).max()),
                    float(np.linalg.norm(step)), time.perf_counter() - started,
                )
            )  # fmt: skip
            normal = estimate.normal(x, *args)
            evaluations += 1
            evidence = estimate.evidence(x, normal, normal.mean_square, decay, observed)
            new_decay = decay if choose is None else choose(evidence)
            steady = np.all(np.abs(np.log(new_decay / decay)) < 0.1)
            flat = flat + 1 if steady and value - new_value <= FLAT * value else 0
            # The evidence speaks of minima: far from one its decay would smother a network that has just
            # begun to learn. So it is followed once the steps gain little, and never in leaps.
            if value - new_value <= NEAR * value:
                decay = np.clip(new_decay, decay / 3, decay * 2)
            if flat >= PATIENCE:
                reason = StopReason.DECREASE
                break
    except KeyboardInterrupt:
        reason = StopReason.INTERRUPTED
    except np.linalg.LinAlgError:
        reason = StopReason.SEARCH_FAILED
    return GaussNewtonFit(x, evidence, reason, history, evaluations, compile_s, time.perf_counter() - started)
