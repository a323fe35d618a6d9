"""Whether derivative matching alone has led into the basin: then Gauss-Newton can go to its bottom at once.

Shooting and the full horizon bring a model near that is not. One whose free run keeps in step with the data is near:
the tangent of its residuals then leads to the bottom. One that does not may come near in a few such steps.
"""

from typing import NamedTuple

import numpy as np

from ..optimise import StopReason
from .course import Course
from .gauss_newton import Point
from .problems import whole_trajectories

# Of a state's variance that a free run leaves and smooth curves do not: one off by under half a deviation has nowhere
# fallen out of step. Of chaotic or long series, where small errors grow, matching leaves more.
NEAR = 0.2
HIGH = 0.1  # standard deviations: where a search that fails has not come to the bottom
FOLLOWED = 4.0  # times the squares that curves leave, where these have followed half of the noise
FINE = 1e-2  # standard deviations: a loss below may be lifted by the decay, and is none that smothers
EXACT = 1e-3  # standard deviations: where it does not matter how much nearer another model would come
STUCK = 9.0  # times the squares that smooth curves leave, where these tell of noise: three times the noise, about
AS_CURVES = 2.0  # times the squares that smooth curves leave; a curve that is free to bend leaves less than any model


class Basin(NamedTuple):
    """What the matched model leaves when it is run freely.

    Args:
        left: share of the variance of a state that it does not explain, of the state for which it is largest.
        beyond: what of that smooth curves explain.
        curves: mean square that these leave.
    """

    left: float
    beyond: float
    curves: float

    @property
    def near(self) -> bool:
        """Whether it keeps in step with the data."""
        return self.beyond <= NEAR

    @property
    def trial(self) -> float | None:
        """The loss that a few steps of Gauss-Newton have to reach; None if it is near already."""
        return None if self.near else self.curves + NEAR

    def why(self, model: str) -> str:
        """Why Gauss-Newton goes on from here, from the model that is called so."""
        if not self.near:
            return f"a few steps of Gauss-Newton, to see whether they lead from {model} to the data"
        return (
            f"{model}, run freely, already explains {np.floor(100 * (1 - self.left)):.0f} % of the variance "
            "of every state: Gauss-Newton goes straight to the bottom of the valley, and shooting and full are left out"
        )

    def at_the_bottom(self, reason: StopReason, initial_loss: float, loss: float) -> bool:
        """Whether Gauss-Newton has got to the bottom of the basin: to more than its edge, if it began outside."""
        if reason is StopReason.NONFINITE_START or not loss <= max(initial_loss, FINE**2):
            return False  # the weight decay has smothered the model, or no step was left to take
        if self.near:
            return not (reason is StopReason.SEARCH_FAILED and loss > HIGH**2)
        return loss <= max(HIGH**2, AS_CURVES * self.curves)

    def as_near_as_curves(self, loss: float) -> bool:
        """Whether a model leaves little more than smooth curves do, which is the noise, or next to nothing."""
        return loss <= max(EXACT**2, FOLLOWED * self.curves)

    def is_stuck(self, loss: float) -> bool:
        """Whether a model has stopped far above the noise, where curves tell how much there is."""
        return self.curves > EXACT**2 and loss > max(FINE**2, STUCK * self.curves)


def near_curves(curves: float) -> float:
    """The loss from which on a model is near, where smooth curves leave so much."""
    return max(HIGH**2, FOLLOWED * curves)


def left_by_curves(course: Course) -> float:
    """The mean square that smooth curves leave."""
    cuts = course.cut()
    return float(np.sum(whole_trajectories(course, cuts).misfit(cuts.guess) ** 2))


def basin_of(course: Course) -> Basin:
    """Run the model freely, once. On the first mesh, which is exact enough to judge by, and suits any model: one that
    runs away would ask for very many steps."""
    model, starts = course.parameters.model, course.parameters.starts
    point = Point(course.solver.numbers(model), np.asarray(starts, np.float64))
    cuts = course.cut()
    problem = whole_trajectories(course, cuts)
    weights, values = cuts.weights**2, cuts.targets
    weight = np.maximum(weights.sum(axis=0), 1e-300)
    variance = np.sum(weights * (values - np.sum(weights * values, axis=0) / weight) ** 2, axis=0)

    def squares(nodes: np.ndarray) -> np.ndarray:
        return np.sum(problem.misfit(nodes).reshape(values.shape) ** 2, axis=0)

    by_curves = squares(cuts.guess)
    with np.errstate(over="ignore", invalid="ignore"):
        by_model = np.nan_to_num(squares(problem.nodes(point)), nan=np.inf)
    shares = np.maximum(variance, 1e-12 * weight)
    course.uncounted.append(1)
    found = Basin(
        float((by_model / shares).max()), float(((by_model - by_curves) / shares).max()), float(by_curves.sum())
    )
    kept = course.journal.value
    return Basin(*(kept(f"free run, {name}", lambda value=value: value) for name, value in found._asdict().items()))
