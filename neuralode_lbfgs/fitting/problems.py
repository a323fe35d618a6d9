"""The least-squares problems of a course: whole trajectories, and pieces of them."""

from collections.abc import Callable

import numpy as np

from ..models import count_trained
from ..optimise import StopReason
from .course import Course
from .dual import FEWEST_WEIGHTS, most_residuals
from .evidence import MOST_ENTRIES
from .gauss_newton import Point, gauss_newton
from .innovations import Filter
from .pieces import Cut
from .polish import WholeTrajectories
from .shooting import Shooting

LITTLE = 10.0  # observations, as which a jump between pieces counts where it is to matter little
NONE_LEFT = 1e6  # where there is to be none
PIECES_STEPS = 12
MESH_PASSES = 2
MOST_WORK = 5e9  # multiplications for J^T J: about half a second a step


def in_pieces(course: Course, states: np.ndarray | None = None) -> Shooting:
    """The least-squares problem of pieces between rows, whose jumps count little.

    Where noise moves the system, that of each row as predicted from those before it.

    Args:
        states: at the nodes, for the gains of these predictions; by default what was observed.
    """
    if course.process is None:
        problem = with_states(course)
        problem.continuity = LITTLE
        return problem
    cuts = course.cut()
    of_start = course.solver.derivatives(cuts, course.point.x, cuts.as_measured if states is None else states).of_start
    filtered = Filter.of(cuts, of_start, course.process)
    problem = Shooting(course.solver, cuts, course.data.observed, course.observe, None, filtered)
    problem.continuity = NONE_LEFT
    return problem


def with_states(course: Course) -> Shooting:
    """The problem of data and jumps, with the states at all nodes as unknowns."""
    given = None if course.train_starts or course.process is not None else course.point.states
    return Shooting(course.solver, course.cut(), course.data.observed, course.observe, given, course.process)


def settled_in(problem: Shooting, course: Course) -> Point:
    """Where pieces suit the data best."""
    begun = course.point._replace(states=problem.cuts.guess)
    fit = gauss_newton(problem, begun, course.decay, choose=None, max_steps=PIECES_STEPS)
    course.uncounted.append(fit.evaluations)
    if fit.reason is StopReason.INTERRUPTED:
        raise KeyboardInterrupt
    return fit.point


def matrix_of_pieces(course: Course) -> np.ndarray:
    """J^T J of the numbers of the model, of pieces that suit the data best."""
    problem = in_pieces(course)
    point = settled_in(problem, course)
    problem.value(point)
    return problem.linearised(point).matrix


def suited(course: Course) -> None:
    """Choose steps for the present model, run freely."""
    point = course.point
    suit_mesh(course, point.x, lambda cuts: whole_trajectories(course, cuts).nodes(point))


def suit_mesh(course: Course, x: np.ndarray, nodes: Callable[[Cut], np.ndarray]) -> None:
    """Choose steps for the model of the free numbers `x`, whose pieces begin at `nodes(cuts)`."""
    for _ in range(MESH_PASSES):
        cuts = course.cut()
        if course.mesher.refine_pieces(cuts, course.solver.errors(cuts, x, nodes(cuts))):
            break


def whole_trajectories(course: Course, cuts: Cut) -> WholeTrajectories:
    """The least-squares problem of the course on these pieces."""
    return WholeTrajectories(
        course.data, course.mesher, course.solver, cuts, train_starts=course.train_starts, observe=course.observe
    )


def newton_pays(course: Course) -> bool:
    """Whether the model is small enough for its Jacobian of all observations."""
    numbers = sum(run.ts.size for run in course.data) * course.data.state_size
    return numbers <= most_numbers(count_trained(course.parameters.model))


def most_numbers(weights: int) -> int:
    """How many numbers, times by states, Gauss-Newton can be given for a model of so many weights."""
    if weights > FEWEST_WEIGHTS:
        return most_residuals(weights)
    return int(min(MOST_ENTRIES / (2 * weights), MOST_WORK / weights**2))
