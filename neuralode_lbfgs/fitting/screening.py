"""Many starts brought a little way, to see which of them are hopeless before any is fitted to the end.

Where derivative matching or multiple shooting come first, each start goes through these, in programs that are compiled
once for all, and is judged by the whole trajectories that it then predicts: those held out inside the training data,
if there are any. Where the full horizon comes first, all starts run side by side as one compiled program, a few
evaluations each: from random weights it is a lottery.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial

from ..models import NeuralODE
from ..optimise import Minimum, StopReason, minimise_many
from .attempts import before_the_whole
from .beginning import Begun, begin
from .journal import Journal
from .losses import split_parameters, trajectory_loss
from .outcome import as_result
from .programs import same
from .record import Record, Stage
from .result import FitResult
from .running import Watcher, whole_loss
from .staged import Fitted
from .stages import WHY
from .task import Task

EVALS = 50  # of each start side by side: where its line search leads is clear by then
TIME_TO_SCREEN = 0.4  # of the time limit


@dataclass(frozen=True)
class Screening:
    """Where the starts were when the hopeless were culled.

    Args:
        errors: root mean square errors in standard deviations, of those that were come to.
        stage: what the starts had gone through, as far as each needed it.
        evaluations, compile_s, run_s: what it cost.
        result: the best so far if a person stopped it, else None.
    """

    errors: tuple[float, ...]
    stage: str
    evaluations: int
    compile_s: float
    run_s: float
    result: FitResult | None = None

    @classmethod
    def of(
        cls, errors: Sequence[float], stage: str, spent: Sequence[Record | Minimum], result: FitResult | None
    ) -> "Screening":
        """With the cost of what was spent."""
        return cls(
            tuple(float(error) if np.isfinite(error) else np.inf for error in errors),
            stage,
            sum(one.evaluations for one in spent),
            sum(one.compile_s for one in spent),
            sum(one.run_s for one in spent),
            result,
        )


def screened(models: Sequence[NeuralODE], task: Task, watch: Callable[[int], Watcher]) -> Screening | None:
    """Bring every start a little way; None where nothing could be learned from that.

    Args:
        models: the starts.
        watch: the callback for the start of a number.
    """
    limit = task.options.time_limit
    limit = None if limit is None else TIME_TO_SCREEN * limit / len(models)
    task = replace(task, options=replace(task.options, time_limit=limit), journal=Journal())
    first = begin(models[0], task, [])
    if first.names[0] == "full":
        return _side_by_side(models, first, task)
    if "full" not in first.names:
        return None
    errors: list[float] = []
    spent: list[Record] = []
    gone: list[str] = []
    best = result = None
    try:
        for number, model in enumerate(models):
            begun = first if number == 0 else begin(model, task, [])
            begun.course.time_limit = limit
            course, reached = before_the_whole(begun.names, begun.course, begun.held_out, watch(number))
            gone = max(gone, [one.stage.name for one in reached], key=len)
            error = reached[-1].error if begun.held_out is not None else whole_loss(course) ** 0.5
            errors.append(float(error) if np.isfinite(error) else np.inf)
            spent += course.spent
            if best is None or errors[-1] < min(errors[:-1]):
                best = course, [one.stage for one in reached]
            if reached[-1].stage.reason is StopReason.INTERRUPTED:
                raise KeyboardInterrupt
    except KeyboardInterrupt:
        if best is None:
            raise
        course, stages = best
        result = as_result(task, Fitted(course, stages, course.spent, StopReason.INTERRUPTED), [])
    return Screening.of(errors, " and ".join(gone), spent, result)


def _side_by_side(models: Sequence[NeuralODE], first: Begun, task: Task) -> Screening | None:
    """The full horizon from every start, as lanes of one program, on a mesh that suits them all."""
    course = first.course
    others = [begin(model, task, []).course for model in models[1:]]
    parts = [split_parameters(one.parameters, train_starts=course.train_starts) for one in [course, *others]]
    fixed = parts[0][1]
    if not all(same(fixed, other) for _, other in parts):
        return None
    for one in [course, *others]:
        course.mesher.refine(one.parameters.model, one.parameters.starts)
    batch, _ = course.mesher.batch(course.parameters.starts.dtype)
    observe = None if course.observe is None else course.observe.of
    found = minimise_many(
        Partial(trajectory_loss, fixed, course.mesher.tableau, observe),
        [free for free, _ in parts],
        batch,
        jnp.asarray(course.decay),
        optimizer=task.optimizer,
        lanes=len(models),
        max_evals=EVALS,
    )
    errors, result = [float(one.loss) ** 0.5 for one in found], None
    if any(one.reason is StopReason.INTERRUPTED for one in found):
        best, record = found[int(np.argmin(np.nan_to_num(errors, nan=np.inf)))], Record("full")
        course.parameters = eqx.combine(best.params, fixed)
        record.add(best)
        stage = Stage("full", WHY["full"], StopReason.INTERRUPTED, tuple(record.rows))
        result = as_result(task, Fitted(course, [stage], [record], StopReason.INTERRUPTED), [])
    return Screening.of(errors, f"{EVALS} evaluations", found, result)
