"""The loss under steps so fine that they no longer matter.

On the mesh of a fit the error of each step is below 1e-6. Where neighbouring trajectories part quickly such errors
grow, and what was fitted then is partly the errors themselves.
"""

import numpy as np

from .course import Course, Settled
from .gauss_newton import Point
from .mesh import MOST_STEPS
from .polish import WholeTrajectories

SETTLED = 0.01  # of the loss: a change by which halving every step no longer matters
MOST_HALVINGS = 6  # by which the errors of a solver of fifth order fall by 1e9
TRUSTED = 1.1  # times the loss on the mesh
NEGLIGIBLE = 1e-14  # of a loss: no data are known to a ten millionth of their standard deviation


def loss_on_mesh(course: Course) -> float:
    """Mean square of the residuals of whole trajectories on the present mesh."""
    model, starts = course.parameters.model, np.asarray(course.parameters.starts, np.float64)
    problem = WholeTrajectories(
        course.data, course.mesher, course.solver, course.cut(), train_starts=False, observe=course.observe
    )
    return problem.value(Point(course.solver.numbers(model), starts))


def settled_loss(course: Course) -> float:
    """The same with every step halved, and again until that changes little; the mesh of the course stays as it is.

    Not counted as evaluations, as what chooses a mesh is not: nothing is fitted.
    """
    if course.settled is None or not course.settled.is_of(course.parameters, course.mesher.counts):
        course.settled = Settled(course.parameters, course.mesher.counts, _settled_loss(course))
    return course.settled.loss


def _settled_loss(course: Course) -> float:
    finer, loss = course.apart(), course.loss
    for _ in range(MOST_HALVINGS):
        counts = [2 * count for count in finer.mesher.counts]
        if sum(count.sum() for count in counts) > MOST_STEPS:
            break
        finer.mesher.take(counts)
        before, loss = loss, loss_on_mesh(finer)
        if not abs(loss - before) > SETTLED * max(loss, NEGLIGIBLE):
            break
    return loss


def is_settled(course: Course) -> bool:
    """Whether the loss of a course is what it is under finer steps, too, or what it is there is next to nothing."""
    return settled_loss(course) <= TRUSTED * max(course.loss, NEGLIGIBLE)


def unsettled_note(on_mesh: float, loss: float) -> list[str]:
    """What to make of a loss that the steps of the fit have flattered; nothing if they have not."""
    if not loss > TRUSTED * max(on_mesh, NEGLIGIBLE):
        return []
    return [
        f"the loss on the steps of the fit is {on_mesh:.3g}, on steps fine enough {loss:.3g}: somewhere trajectories "
        "part so quickly that the solver's errors grow to that. Try a larger weight_decay or another seed."
    ]
