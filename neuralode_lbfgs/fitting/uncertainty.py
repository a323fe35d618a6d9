"""How well the data determine physical parameters.

To second order about the best fit (Seber & Wild, Nonlinear Regression, section 5.1), with all other numbers at their
best for each value: the starts that were fitted, and the weights of a network beside known equations, of which the
decay is a prior.
"""

import numpy as np

from ..models import leaf_names, plain
from .beside import ROUNDING
from .constraints import parameters_of, physical_names
from .course import Course
from .dual import FEWEST_WEIGHTS
from .polish import Sensitivities
from .problems import matrix_of_pieces, newton_pays, whole_trajectories
from .tangent import inverse


def noise_of(course: Course) -> float:
    """The standard deviation of what parts observations from the true model, order one; NaN where it is not known.

    Of data without noise that is the error of the solver, which follows them to more digits than it knows.
    """
    return np.nan if course.noise is None else max(course.noise, ROUNDING)


def sds_of_physics(course: Course) -> dict[str, np.ndarray]:
    """Standard deviations of the trained physical parameters by their names, in the units in which they were written.

    Half of the way from one standard deviation below to one above in the coordinates of the fit, where bounds are far.
    None where there are no such parameters, nothing is known of the noise, or the equations are too many.
    """
    point, groups, noise = course.point, course.solver.groups, noise_of(course)
    physical = groups.numbers < 0
    if not physical.any() or np.isnan(noise) or point.x.size > FEWEST_WEIGHTS or not newton_pays(course):
        return {}
    matrix = _matrix(course) + np.diag(groups.ridge(course.decay))
    if not np.isfinite(matrix).all():
        return {}
    step = np.where(physical, noise * np.sqrt(np.diag(inverse(matrix)) / course.data.observed), 0.0)
    ends = []
    for sign in (1, -1):
        module = parameters_of(plain(course.solver.model(point.x + sign * step)))
        leaves = leaf_names(module)
        ends.append({name: np.asarray(leaves[name], np.float64) for name in physical_names(module)})
    above, below = ends
    return {name: np.asarray(np.abs(above[name] - below[name]) / 2) for name in above}


def _matrix(course: Course) -> np.ndarray:
    """J^T J of the free numbers, the starts eliminated; of pieces, where noise moves the system from row to row."""
    if course.process is not None:
        return matrix_of_pieces(course)
    problem = whole_trajectories(course, course.cut())
    problem.value(course.point)
    linear = problem.linearised(course.point)
    assert isinstance(linear, Sensitivities)
    return linear.matrix
