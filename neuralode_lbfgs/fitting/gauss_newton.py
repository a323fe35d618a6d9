"""Damped Gauss-Newton with the weight decay asked anew at every step.

Levenberg-Marquardt in Nielsen's form (Madsen, Nielsen & Tingleff, Methods for Non-Linear Least Squares
Problems, 2004, algorithm 3.16) on  r^T r + sum decay w^2.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from threadpoolctl import threadpool_limits

from ..optimise import Iteration, StopReason
from .evidence import Evidence, Gram, WeightGroups
from .journal import Loop
from .standing import Standing, standing_of

STEADY = 0.1  # change of the logarithm of the decay below which it is steady
NEAR = 0.03  # relative decrease of a step below which a minimum is thought near
MOST_DAMPING, LEAST_DAMPING = 1e8, 1e-13
MOST_FALL, MOST_RISE = 10.0, 2.0  # of the decay, in one step
LITTLE = 0.01  # of the loss: a decay rises further in one step where it takes no more than that
ROUNDING = 1e-14  # of the value: a promised decrease below is none
AS_PROMISED, LEAST_FACTOR = 0.9, 0.2  # of the promised decrease, and what is left of the damping then
LEAST_HOLD = 1e-9  # damping below which it holds back nothing that matters


class Point(NamedTuple):
    """What is fitted: the free numbers of the model, and states that are fitted with it (there may be none)."""

    x: np.ndarray
    states: np.ndarray

    def moved(self, by: "Point") -> "Point":
        return Point(self.x + by.x, self.states + by.states)


class Step(NamedTuple):
    """A step, the decrease that the linear problem promises for it, and what it cost."""

    change: Point
    promised: float
    evaluations: int = 0


@runtime_checkable
class Linearised(Protocol):
    """The problem with its residuals replaced by their tangent at a point."""

    @property
    def matrix(self) -> np.ndarray | Gram:
        """J^T J of the model's free numbers, the states eliminated; or J J^T."""
        ...

    @property
    def gradient(self) -> np.ndarray:
        """J^T r of the model's free numbers."""
        ...

    @property
    def finite(self) -> bool:
        """Whether every derivative is a number."""
        ...

    def step(self, ridge: np.ndarray, damping: float) -> Step:
        """The damped step; raises `LinAlgError` where the matrix is not positive definite."""
        ...


@runtime_checkable
class LeastSquares(Protocol):
    """A sum of squares that is the mean square of the data. `linearised` is asked only where `value` was last."""

    groups: WeightGroups
    observed: int
    others: int  # how many numbers besides the model's are fitted to the observations
    noise: float | None  # standard deviation of the observations, order one, where it is known

    def value(self, point: Point) -> float: ...

    def linearised(self, point: Point) -> Linearised: ...


@dataclass(frozen=True)
class GaussNewtonFit:
    """Where it ended, the evidence there, and what it cost; one Jacobian counts as one evaluation."""

    point: Point
    mean_square: float
    initial_mean_square: float
    evidence: Evidence
    reason: StopReason
    history: list[Iteration]
    evaluations: int
    compile_s: float
    run_s: float
    rejected: int = 0  # trials that diverged


@dataclass
class Damping:
    """How much of the largest diagonal entry is added; Nielsen's rule of raising and lowering it, but that it falls
    fivefold where a step went as promised, which takes two thirds of the steps down from where it begins."""

    value: float = 1e-3
    growth: float = 2.0

    def lower(self, gain: float) -> None:
        factor = LEAST_FACTOR if gain > AS_PROMISED else max(1 / 3, 1 - (2 * gain - 1) ** 3)
        self.value = max(self.value * factor, LEAST_DAMPING)
        self.growth = 2.0

    def raise_(self) -> None:
        self.value = max(self.value * self.growth, LEAST_DAMPING)
        self.growth *= 2


class Descent(NamedTuple):
    """A point with a lower value, or None where no damping gave one."""

    point: Point | None
    mean_square: float
    value: float
    evaluations: int
    rejected: int
    promised: float  # by the first step that was tried


def _descend(
    problem: LeastSquares, linear: Linearised, point: Point, value: float, ridge: np.ndarray, damping: Damping
) -> Descent:
    """Raise the damping until a step lowers the value."""
    evaluations = rejected = 0
    promised = np.inf
    while damping.value < MOST_DAMPING:
        try:
            step = linear.step(ridge, damping.value)
        except (np.linalg.LinAlgError, ValueError):  # not positive definite, or squares that overflow
            damping.raise_()
            continue
        promised = promised if np.isfinite(promised) else step.promised
        if step.promised <= ROUNDING * value:
            break
        new = point.moved(step.change)
        mean_square = problem.value(new)
        evaluations += 1 + step.evaluations
        new_value = mean_square + float(np.sum(ridge * new.x**2))
        gain = (value - new_value) / step.promised if step.promised > 0 else -1.0
        if np.isfinite(new_value) and gain > 0:
            damping.lower(gain)
            return Descent(new, mean_square, new_value, evaluations, rejected, promised)
        rejected += not np.isfinite(new_value)
        damping.raise_()
    return Descent(None, np.nan, np.nan, evaluations, rejected, promised)


# Threads of small factorisations wait for each other: on a busy machine 50 times slower than one.
@threadpool_limits.wrap(limits=1, user_api="blas")
def gauss_newton(
    problem: LeastSquares,
    point: Point,
    decay: np.ndarray,
    *,
    choose: Callable[[Evidence], np.ndarray] | None,
    max_steps: int,
    ftol: float = 1e-5,
    patience: int = 4,
    damping: Damping | None = None,
    eager: bool = False,
    trial: tuple[int, float] | None = None,
    watch: Callable[[list[Iteration]], None] | None = None,
    time_limit: float | None = None,
    loop: Loop | None = None,
) -> GaussNewtonFit:
    """Minimise from `point`.

    Args:
        problem: residuals and their Jacobian.
        point: where to begin.
        decay: at the start, per group of weights.
        choose: the decay that follows from the evidence; None keeps it as it is.
        max_steps: Jacobians at most.
        ftol, patience: stop when the relative decrease stays below `ftol`, at most 0.03, so many times in a row.
        damping: of an earlier fit near here, which is changed; by default a new one.
        eager: whether the decay falls as soon as it takes more of the value than the residuals do.
        trial: steps, and the mean square above which to give up after so many.
        watch: told of the history after every step.
        time_limit: seconds, compilation not counted.
        loop: where every step is kept, and what is known of a fit that was stopped, which goes on to the same bits.
    """
    groups, observed = problem.groups, problem.observed
    damping = damping or Damping()
    before = None if loop is None else standing_of(loop.saved, *point, decay)
    if before is not None:
        point, damping.value, damping.growth = Point(before.x, before.states), before.damping, before.growth
        if before.reason is not StopReason.RUNNING:
            return GaussNewtonFit(
                point, before.mean_square, before.initial, before.evidence, before.reason, before.history,
                before.evaluations, before.compile_s, before.run_s, before.rejected,
            )  # fmt: skip
    started = time.perf_counter()
    mean_square = initial = problem.value(point)
    linear = problem.linearised(point)
    compile_s = time.perf_counter() - started
    started = time.perf_counter()
    history: list[Iteration] = []
    evaluations, rejected, flat = 2, 0, 0  # a value and a Jacobian
    reason = StopReason.STEPS
    evidence, asked = Evidence(float(np.sqrt(mean_square)), decay, 0.0), False  # whether it is that of this point
    if before is not None:
        initial, evidence, decay, flat = before.initial, before.evidence, before.decay, before.flat
        history, evaluations, rejected = before.history, before.evaluations, before.rejected
        compile_s, started = compile_s + before.compile_s, started - before.run_s
    if not (np.isfinite(mean_square) and linear.finite):
        reason, max_steps = StopReason.NONFINITE_START, 0

    def keep(reason: StopReason) -> None:
        if loop is not None:
            run_s = time.perf_counter() - started
            standing = Standing(
                *point, mean_square, initial, evidence, decay, damping.value, damping.growth, flat, evaluations,
                rejected, history, compile_s, run_s, reason,
            )  # fmt: skip
            loop.keep(reason is not StopReason.RUNNING, standing.arrays())

    def judged() -> Evidence:
        return groups.evidence(point.x, linear.matrix, mean_square, decay, observed, problem.others, problem.noise)

    try:
        for number in range(len(history) + 1, max_steps + 1):
            ridge = groups.ridge(decay)
            value = mean_square + np.sum(ridge * point.x**2)
            damping_before = damping.value
            descent = _descend(problem, linear, point, value, ridge, damping)
            evaluations, rejected = evaluations + descent.evaluations, rejected + descent.rejected
            if descent.point is None:  # at a minimum nothing is left to gain but rounding
                at_minimum = flat or descent.promised <= ROUNDING * value
                reason = StopReason.DECREASE if at_minimum else StopReason.SEARCH_FAILED
                damping.value, damping.growth = damping_before, 2.0
                break
            gradient_norm = float(np.abs(linear.gradient + ridge * point.x).max())
            new_linear = problem.linearised(descent.point)
            if not new_linear.finite:
                reason = StopReason.SEARCH_FAILED
                break
            size = float(np.sqrt(sum(np.sum((new - old) ** 2) for new, old in zip(descent.point, point, strict=True))))
            point, mean_square, new_value, linear = descent.point, descent.mean_square, descent.value, new_linear
            evaluations, asked = evaluations + 1, False
            seconds = time.perf_counter() - started
            history.append(Iteration(number, evaluations, float(new_value), gradient_norm, size, seconds))
            # The evidence speaks of minima: far from one its decay would smother a network that has just
            # begun to learn. So it is asked once the steps gain little, and never followed in leaps; before, it may
            # only let go of the model.
            flat_before, flat = flat, 0
            near, new_decay = value - new_value <= NEAR * value, decay
            if choose is not None and (near or (eager and new_value > 2 * mean_square)):
                evidence, asked = judged(), True
                new_decay = choose(evidence) if near else np.minimum(choose(evidence), decay)
            if near:
                steady = np.all(np.abs(np.log(np.maximum(new_decay, 1e-300) / np.maximum(decay, 1e-300))) < STEADY)
                # A step that went as promised may have been small only because of its damping.
                held_back = LEAST_HOLD < damping.value < damping_before / 2
                if steady and not held_back and value - new_value <= ftol * value:
                    flat = flat_before + 1
            if asked:
                taken = np.maximum(decay * groups.squares(point.x), 1e-300)
                with np.errstate(over="ignore"):  # of what takes next to nothing
                    most = decay * np.maximum(MOST_RISE, LITTLE * new_value / taken)
                decay = np.clip(new_decay, decay / MOST_FALL, most)
            if flat >= patience:
                reason = StopReason.DECREASE
                break
            if trial is not None and number == trial[0] and mean_square > trial[1]:
                break
            keep(StopReason.RUNNING)
            if time_limit is not None and seconds > time_limit:
                reason = StopReason.TIME_LIMIT
                break
            if watch is not None:
                watch(history)
    except KeyboardInterrupt:
        reason = StopReason.INTERRUPTED
    if not asked and reason is not StopReason.NONFINITE_START:
        evidence = judged()
    if not reason.cut_short:
        keep(reason)
    run_s = time.perf_counter() - started
    return GaussNewtonFit(
        point, mean_square, initial, evidence, reason, history, evaluations, compile_s, run_s, rejected
    )
