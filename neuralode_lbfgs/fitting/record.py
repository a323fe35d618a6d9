"""What a stage tells while it runs, and what is kept of it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ..optimise import Iteration, Minimum, StopReason
from .gauss_newton import GaussNewtonFit


class Progressed(NamedTuple):
    """What a callback is told between compiled chunks."""

    stage: str
    iteration: int
    evaluations: int
    loss: float
    seconds: float
    run: str = ""
    """Which of several fits, such as `2 of 5`."""


@dataclass(frozen=True)
class Stage:
    """One stage as it went: its name, why it was done, why it stopped, its iterations, and trials that diverged."""

    name: str
    why: str
    reason: StopReason
    history: tuple[Iteration, ...]
    note: str = ""
    rejected: int = 0


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

    def watch(self, history: Sequence[Iteration]) -> None:
        """Tell the callback how the present minimisation goes."""
        if self.callback is not None and history:
            row = history[-1]
            seconds = time.perf_counter() - self.started
            iteration, evaluations = self.iterations + row.iteration, self.evaluations + row.evaluations
            self.callback(Progressed(self.stage, iteration, evaluations, row.loss, seconds))

    def add(self, ended: Minimum | GaussNewtonFit) -> None:
        """A minimisation that has ended: its iterations follow those before it."""
        for row in ended.history:
            self.rows.append(
                row._replace(
                    iteration=row.iteration + self.iterations,
                    evaluations=row.evaluations + self.evaluations,
                    seconds=row.seconds + self.run_s,
                )
            )
        self.iterations += ended.history[-1].iteration if ended.history else 0
        self.evaluations += ended.evaluations
        self.compile_s += ended.compile_s
        self.run_s += ended.run_s
        self.rejected += ended.rejected
