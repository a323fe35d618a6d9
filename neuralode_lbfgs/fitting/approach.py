"""The way to a model that is fitted with an implicit solver: stages that do without it.

Derivative matching solves nothing. Shooting and polish solve short pieces, which an explicit solver can do where a
model is stiff only mildly; each takes a hundredth of the time of the adaptive implicit solve and its gradient.
"""

from collections.abc import Callable

import numpy as np

from .course import Course
from .record import Stage
from .running import ended, run_stages
from .stages import MESH_PASSES, newton_pays

MOST_STEPS_A_PIECE = 32  # of an explicit solver between two rows, on the average; beyond, it is the wrong one


def approach(course: Course, callback: Callable | None, notes: list[str]) -> list[Stage]:
    """Run the stages before the full horizon, of those that were asked for, as far as they suit the data."""
    asked = course.options.stages or ("matching", "shooting", "polish")
    names = [name for name in ("matching", "shooting", "polish") if name in asked]
    if course.slopes is None:
        names = [name for name in names if name != "matching"]
        notes.append("derivative matching was left out: no trajectory shows every state often enough.")
    stages = []
    for name in names:
        if name != "matching" and not (newton_pays(course) and _can_be_explicit(course)):
            notes.append(f"{name} was left out: the model is too large or too stiff for it.")
            continue
        (reached,) = run_stages((name,), course, None, callback, notes)
        stages.append(reached.stage)
        if ended([reached]):
            break
    return stages


def _can_be_explicit(course: Course) -> bool:
    """Whether the mesh of the present model has few steps between rows."""
    x = course.solver.numbers(course.parameters.model)
    for _ in range(MESH_PASSES):
        cuts = course.cut()
        ends = course.solver.derivatives(cuts, x, cuts.guess)
        if not np.isfinite(ends.states).all():
            return False
        if course.mesher.refine_pieces(cuts, ends.errors):
            break
    rows = sum(trajectory.ts.size for trajectory in course.data)
    return sum(int(count.sum()) for count in course.mesher.counts) <= MOST_STEPS_A_PIECE * rows
