"""Noticing that an explicit solver is the wrong one."""

import numpy as np

from ..models import is_explicit
from .course import Course
from .mesh import MOST_PER_INTERVAL

# Steps of an explicit solver while a typical state moves by one standard deviation, in units of what its order and the
# tolerance of a mesh ask for. What follows the motion takes up to about two; beyond, steps are short because longer
# ones would be unstable.
MANY_STEPS = 6.0


def stiffness_note(course: Course) -> list[str]:
    """A sentence where the mesh of the fitted model has very many steps; intervals of one step say nothing."""
    solver = course.parameters.model.solver
    if not is_explicit(solver):
        return []
    taus = [course.mesher.coordinates.times_in(trajectory.ts) for trajectory in course.data]
    widths = np.concatenate([np.diff(tau) for tau in taus])
    counts = np.concatenate([*course.mesher.counts, np.zeros(0, int)])
    if not (counts > 1).any():
        return []
    at_most = int((counts >= MOST_PER_INTERVAL).sum())
    usual = course.mesher.tolerance ** (-1 / course.mesher.tableau.order)
    steps = steps_along(counts, widths, usual)
    if steps < MANY_STEPS * usual and not at_most:
        return []
    name = type(solver).__name__
    where = f", and more than {MOST_PER_INTERVAL} between two rows {at_most} times" if at_most else ""
    return [
        f"the model is stiff, or nearly: {name} takes {steps:.0f} steps while a state typically moves by one standard "
        f"deviation{where}; an implicit solver takes few: --solver Kvaerno5."
    ]


def steps_along(counts: np.ndarray, widths: np.ndarray, usual: float) -> float:
    """Steps while a state typically moves by one standard deviation, along all of the path.

    Where a state bursts it moves far, and its intervals may be the only ones that are split. An interval of one step
    might do with less, and counts by what it is usual to take.

    Args:
        counts: steps of each interval between rows.
        widths: of these intervals, in the time in which a state typically moves by one standard deviation.
    """
    return float(np.where(counts > 1, counts, np.minimum(usual * widths, 1.0)).sum() / max(widths.sum(), 1e-300))
