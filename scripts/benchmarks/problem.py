"""What a solver is given, when it is done, and what it hands back."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jaxtyping import PyTree

TOLERANCE = 1e-8  # f - f* <= TOLERANCE max(1, |f*|)
MAX_EVALUATIONS = 5000
MAX_SECONDS = 120.0  # of running, not of compiling


@dataclass(frozen=True)
class OnMesh:
    """The same loss through the package's own solve: `value(params, *data(params))`, the steps chosen for params.

    `tight(params, *problem.data)` is the loss with all that a solver can give.
    """

    value: Callable[..., jax.Array]
    data: Callable[[PyTree], tuple]
    tight: Callable[..., jax.Array]


@dataclass(frozen=True)
class Problem:
    """Minimise `value(params, *data)` from `start`, a pytree of floating-point arrays.

    `minima` are published values of f*, the lowest first. Where none is known it is empty, and the target is what
    the usual recipe reaches. Fits of neural ODEs have `on_mesh`; their start is a `NeuralODE`. `simulated_s` are the
    seconds that went into making up the data, which is no part of a fit.
    """

    name: str
    start: PyTree
    value: Callable[..., jax.Array]
    data: tuple[jax.Array, ...] = ()
    minima: tuple[float, ...] = ()
    on_mesh: OnMesh | None = None
    simulated_s: float = 0.0


@dataclass(frozen=True)
class Goal:
    """The values that count as solved: below the lowest f*, or next to a local minimum, each with the tolerance."""

    lows: np.ndarray
    highs: np.ndarray
    max_evaluations: int = MAX_EVALUATIONS
    seconds: float = MAX_SECONDS

    @classmethod
    def of(cls, minima: tuple[float, ...], max_evaluations: int = MAX_EVALUATIONS) -> "Goal":
        """The goal for values of f*, the lowest first. Far above a local minimum and between two nothing is solved."""
        best = np.asarray(minima, np.float64)
        margin = TOLERANCE * np.maximum(1.0, np.abs(best))
        lows = np.where(np.arange(best.size) == 0, -np.inf, best - margin)
        return cls(lows, best + margin, max_evaluations)

    def met(self, value: Any) -> Any:
        """Whether a value is solved; of a NumPy number or, in a compiled program, of a traced one."""
        return ((value >= self.lows) & (value <= self.highs)).any()


@dataclass(frozen=True)
class Run:
    """What one solver did to one problem.

    `evaluations`, `run_s` and `ended` (of `time.perf_counter`) are those at the goal if it was met, else of the whole
    run; `compile_s` includes tracing; `loss` is the best when the solver stopped, `stopped` why it did.
    """

    reached: bool
    evaluations: int
    loss: float
    compile_s: float
    run_s: float
    ended: float
    stopped: str


class Finished(Exception):  # noqa: N818 - it is how a solver without a stopping rule of ours is stopped, no error
    """The goal is met or a limit is reached."""


class Watch:
    """Counts the evaluations of a solver that calls the host, and ends it with `Finished`."""

    def __init__(self, goal: Goal):
        self.goal, self.began, self.ended = goal, time.perf_counter(), 0.0
        self.evaluations, self.best, self.reached, self.stopped = 0, float("inf"), False, ""

    def saw(self, value: float, evaluations: int = 1) -> None:
        """Count evaluations, of which the last, or the best of a search, had this value."""
        self.evaluations += evaluations
        self.best = float(np.fmin(self.best, value))
        self.reached = bool(self.goal.met(np.float64(value)))
        reasons = {
            "target": self.reached,
            "evaluations": self.evaluations >= self.goal.max_evaluations,
            "seconds": time.perf_counter() - self.began > self.goal.seconds,
        }
        self.stopped = next((reason for reason, so in reasons.items() if so), "")
        if self.stopped:
            raise Finished

    def run(self, compile_s: float, stopped: str = "", compiled_while_watching: bool = False) -> Run:
        """The record; `stopped` is the solver's own reason, if it was not stopped from here."""
        ended = time.perf_counter()
        run_s = ended - self.began - (compile_s if compiled_while_watching else 0.0)
        return Run(self.reached, self.evaluations, self.best, compile_s, run_s, ended, self.stopped or stopped)
