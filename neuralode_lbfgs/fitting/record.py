"""What a stage tells while it runs, and what is kept of it."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..optimise import Iteration, Minimum, StopReason
from .gauss_newton import GaussNewtonFit


class Progressed(NamedTuple):
    """What a callback is told between compiled chunks.

    Args:
        stage: its name.
        iteration, evaluations: of the stage.
        loss: that the stage minimises.
        seconds: since the stage began, compilation too.
        held_out: mean squared error of held-out trajectories in standard deviations, where the last stage that saw
            them ended; None if there are none.
        evaluations_per_second: of running.
        seconds_left: of running, at most, until the limits of the stage; None if it has none.
    """

    stage: str
    iteration: int
    evaluations: int
    loss: float
    seconds: float
    held_out: float | None = None
    evaluations_per_second: float | None = None
    seconds_left: float | None = None
    run: str = ""
    """Which of several fits, such as `2 of 5`."""

    def __str__(self) -> str:
        """In words, within a terminal's width."""
        run = f"{self.run}, " if self.run else ""
        held_out = "" if self.held_out is None else f", held out {self.held_out:.3g}"
        rate = "" if self.evaluations_per_second is None else f", {self.evaluations_per_second:.3g}/s"
        left = "" if self.seconds_left is None else f", at most {self.seconds_left:.0f} s left"
        return (
            f"{run}{self.stage}: iteration {self.iteration}, loss {self.loss:.3g}{held_out}, "
            f"{self.evaluations} evaluations{rate}, {self.seconds:.1f} s{left}"
        )


def seconds_left(limit: float | None, spent: float) -> float | None:
    """Of a time limit; never quite zero, so that what comes next takes a first step."""
    return None if limit is None else max(limit - spent, 1e-3)


@dataclass(frozen=True)
class Stage:
    """One stage as it went.

    Args:
        name, why: of it, and why it was done.
        reason: why it stopped.
        history: its iterations.
        rejected: trials that diverged.
        number: among all that were run.
        kept: whether it led to where the fit has ended, or was given up for another way.
    """

    name: str
    why: str
    reason: StopReason
    history: tuple[Iteration, ...]
    note: str = ""
    rejected: int = 0
    number: int = 0
    kept: bool = True

    def __str__(self) -> str:
        """What it was and why, in a line."""
        return f"{self.name}: {self.why}"


def told(stages: Sequence[Stage]) -> list[str]:
    """A line for each stage that led to where the fit has ended, and one for all that were given up."""
    lines = [str(stage) for stage in stages if stage.kept]
    lost = Counter(stage.name for stage in stages if not stage.kept)
    names = ", ".join(name if times == 1 else f"{name} ({times} times)" for name, times in lost.items())
    return [*lines, f"also tried, and given up: {names}"] if lost else lines


@dataclass
class Record:
    """The history of one stage over several minimisations, with running counts, and what it cost.

    Args:
        held_out, max_evals, time_limit: for those who watch, see `Progressed`.
    """

    stage: str
    callback: Callable[[Progressed], None] | None = None
    held_out: float | None = None
    max_evals: int | None = None
    time_limit: float | None = None
    rows: list[Iteration] = field(default_factory=list)
    iterations: int = 0
    evaluations: int = 0
    compile_s: float = 0.0
    run_s: float = 0.0
    failed_searches: int = 0
    rejected: int = 0
    started: float = field(default_factory=time.perf_counter)
    told: Progressed | None = None

    def watch(self, history: Sequence[Iteration]) -> None:
        """Tell the callback how the present minimisation goes."""
        if self.callback is not None and history:
            row = history[-1]
            seconds = time.perf_counter() - self.started
            iteration, evaluations = self.iterations + row.iteration, self.evaluations + row.evaluations
            running = self.run_s + row.seconds
            rate = evaluations / running if running > 0 else None
            left = [] if self.time_limit is None else [self.time_limit - running]
            left += [(self.max_evals - evaluations) / rate] if rate and self.max_evals is not None else []
            self.told = Progressed(
                self.stage,
                iteration,
                evaluations,
                row.loss,
                seconds,
                self.held_out,
                rate,
                max(min(left), 0.0) if left else None,
            )
            self.callback(self.told)

    def tell_held_out(self, loss: float) -> None:
        """Tell the callback what held-out trajectories say of where the stage ended."""
        if self.callback is not None and self.told is not None:
            self.callback(self.told._replace(held_out=loss, seconds_left=None))

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


def history_rows(stages: Sequence[Stage]) -> list[dict[str, Any]]:
    """All iterations, a row each; evaluations and seconds are counted over the whole fit."""
    rows, evaluations, seconds = [], 0, 0.0
    for stage in stages:
        for row in stage.history:
            counted = row._replace(evaluations=row.evaluations + evaluations, seconds=row.seconds + seconds)
            rows.append({"stage": stage.name, **counted._asdict()})
        if stage.history:
            evaluations += stage.history[-1].evaluations
            seconds += stage.history[-1].seconds
    return rows
