"""The best model so far, of a fit that is cut short.

Stages begin where others ended, and attempts at the beginning again: where one is cut short it may not yet have come as
near as those before it, and an attempt that was to be given up may be the best there is.
"""

from collections.abc import Sequence

import numpy as np

from ..data.trajectories import Trajectories
from .course import Course
from .given import error_as_solved
from .running import ABOUT_AS_GOOD, error_of, whole_loss


def best_so_far(course: Course, held_out: Trajectories | None) -> Course:
    """Where the fit was nearest to what is held out for a while, of models that can be solved; where nothing is, to the
    data.

    Args:
        course: where it is now, and stays if that is about as good.
    """
    here = [one for one in course.passed if one.parameters is course.parameters]
    others = [one for one in course.passed if one.parameters is not course.parameters]
    if held_out is None or not others:
        return nearest([course, *others])
    now = course.apart()
    now.held_out = here[-1].held_out if here else None  # that of the course is of the last stage that was not cut short
    reached = [now, *others]
    order = np.argsort([error_unseen(one, held_out) for one in reached] / _allowed(reached), kind="stable")
    in_order = [reached[number] for number in order]
    return next((one for one in in_order if np.isfinite(error_as_solved(one))), in_order[0])


def error_unseen(course: Course, held_out: Trajectories) -> float:
    """The error of trajectories that are held out, which may be known."""
    return error_of(course, held_out) if course.held_out is None else float(np.sqrt(course.held_out))


def nearest(reached: Sequence[Course]) -> Course:
    """The one that is nearest to the data, on the mesh of the fit and solved as predictions are; the first, if it is
    about as near.

    To solve takes longer, and is not done of those that others have beaten on the mesh already.
    """
    best, least = reached[0], np.inf
    if len(reached) == 1:
        return best
    allowed = _allowed(reached)
    on_mesh = np.nan_to_num(np.sqrt([whole_loss(one) for one in reached]), nan=np.inf) / allowed
    for number in np.argsort(on_mesh, kind="stable"):
        if not on_mesh[number] < least:
            break
        error = max(on_mesh[number], error_as_solved(reached[number]) / allowed[number])
        if error < least:
            best, least = reached[number], error
    return best


def _allowed(reached: Sequence[Course]) -> np.ndarray:
    """What errors are divided by: the first was chosen for more than its error, such as its few terms."""
    return np.where(np.arange(len(reached)) == 0, ABOUT_AS_GOOD, 1.0)
