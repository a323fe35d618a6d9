"""From the first rows once more, where a fit ends so near to all rows that these may be exact.

Of few rows an oscillation nothing tells beforehand whether they are noisy, and a first row that is cannot be a start. A
model that comes near to all of them shows that they hardly are: then it has to begin at the first, as predictions do.
"""

from ..optimise import LBFGS
from .basin import FINE
from .course import Course
from .problems import newton_pays
from .running import Reached, Watcher, because, ended, run_stages

WHY = "from the first rows, which the model shows to be as good as exact{}"
NOT_KEPT = ": it does not come as near from there, and its own starts stay"


def from_first_rows(course: Course, reached: list[Reached], callback: Watcher) -> tuple[Course, list[Reached]]:
    """The fit with its starts at the first rows, if it stays near them all; else as it was. And what that took."""
    newton = isinstance(course.optimizer, LBFGS) and newton_pays(course) and not course.options.stages
    if course.first_rows is None or not newton or ended(reached) or not course.loss <= FINE**2:
        return course, []
    other = course.apart()
    other.train_starts, other.trial = False, None
    other.replace(course.parameters.model, course.first_rows)
    (one,) = run_stages(("polish",), other, None, callback)
    near = other.loss <= FINE**2
    return (other if near else course), [because(one, WHY.format("" if near else NOT_KEPT))]
