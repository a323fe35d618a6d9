"""Equations of motion in the place of a network, where the states are positions and their velocities.

Few of their terms, chosen by the tangent as those of polynomials are, say the law of a machine as it is: an arm, a
pendulum on a cart, a ball on a beam. Such a law holds beyond the data, too.
"""

import itertools
import math

import numpy as np

from ..data.trajectories import Trajectories
from ..models import Transform
from .beside import begun_with, extendable
from .course import Course
from .running import ABOUT_AS_GOOD, CLEARLY_WORSE, Reached, Watcher, because, ended, run_stages
from .terms import of_terms, tangent_of, with_fewer_terms

MOST_POSITIONS = 3  # of four there are some hundreds of terms
# Radians in a unit of an angle; what has another unit is a length, and what has none may be either.
DEGREE = math.pi / 180
ANGLES = {
    **{"rad": 1.0, "radian": 1.0, "mrad": 1e-3, "rev": 2 * math.pi, "turn": 2 * math.pi},
    **{"deg": DEGREE, "degree": DEGREE, "\N{DEGREE SIGN}": DEGREE, "gon": 0.9 * DEGREE, "grad": 0.9 * DEGREE},
}
# Of names of angles.
OF_ANGLES = (
    *("theta", "phi", "psi", "alpha", "beta", "gamma", "angle", "roll", "pitch", "yaw", "deg", "rad"),
    *("\N{GREEK SMALL LETTER THETA}", "\N{GREEK SMALL LETTER PHI}", "\N{GREEK SMALL LETTER PSI}"),
    *("\N{GREEK SMALL LETTER ALPHA}", "\N{GREEK SMALL LETTER BETA}", "\N{GREEK SMALL LETTER GAMMA}"),
)
MOST_TRIED, MOST_LIKELY = 4, 2  # choices of angles: by matching, and further
WHY_MIRRORED = "equations of motion whose mirror images are motions too, alone"
FEWER = 4  # times less is what the data are worth, for each choice of fewer terms


def may_be_mechanical(course: Course) -> bool:
    """Whether states are few positions and their velocities, of which equations of motion are wanted, and affordable.

    None in an ensemble, whose members would all find the same; nor with a decay that was given, which is one of
    weights.
    """
    field, options = extendable(course.parameters.model), course.options
    wanted = options.degree is None and options.ensemble == 1 and options.weight_decay is None
    if field is None or not (wanted and field.has_positions and len(field.rates) <= MOST_POSITIONS):
        return False
    return (
        course.parameters.model.coordinates.transform == Transform()
        and _of_motion(course, _turns(course)[0]) is not None
    )


def with_mechanics(
    course: Course, held_out: Trajectories | None, callback: Watcher
) -> tuple[list[Course], list[Reached]]:
    """The same fit at its beginning, of equations of motion, the likeliest first; and what it took to find that.

    Where units do not tell which positions are angles, matching does, by what it leaves of the slopes of smooth curves;
    where noise hides that, names are asked before.
    """
    found, taken, turns = [], [], _turns(course)
    for turn in turns:
        one, left = _of_motion(course, turn), 0.0
        assert one is not None  # they may be mechanical
        if len(turns) > 1:
            taken += run_stages(("matching",), one.apart(), held_out, callback)
            left = min((row.loss for row in taken[-1].stage.history), default=math.inf)
        found.append((left, _unlike_names(course, turn), one))
        if ended(taken):
            break
    least = min(left for left, *_ in found)
    likely = sorted((one for one in found if one[0] <= ABOUT_AS_GOOD * least), key=lambda one: one[1::-1])
    return [one for *_, one in likely[:MOST_LIKELY]], taken


def with_steering(course: Course, mechanics: Course) -> Course | None:
    """The same fit at its beginning, of equations of motion with these angles, and with inputs whose directions depend
    on the positions, as that of a thrust; None without inputs, or where it is not affordable."""
    turn = np.asarray(mechanics.begun.vector_field.mlp.turn.value)
    return _of_motion(course, turn, steered=True) if course.data.input_size else None


def _of_motion(course: Course, turn: np.ndarray, *, steered: bool = False) -> Course | None:
    return begun_with(course, course.parameters.model.vector_field.of_motion(turn, steered))


def _positions(course: Course) -> list[int]:
    return [position for position, _ in course.parameters.model.vector_field.rates]


def _turns(course: Course) -> list[np.ndarray]:
    """Of each way in which positions may be angles or lengths, the radians in a standard deviation of each."""
    choices = []
    for position in _positions(course):
        name = course.data.state_names[position]
        unit = course.data.unit(name).lower()
        known = ANGLES.get(unit.removesuffix("s"), 0.0)
        in_radians = known or (DEGREE if "deg" in name.lower() else 1.0)
        turn = in_radians * float(course.coordinates.scale[position])
        choices.append([turn if known else 0.0] if unit else [0.0, turn])
    every = [np.array(turn) for turn in itertools.product(*choices)]
    if len(every) <= MOST_TRIED:
        return every
    named = min(every, key=lambda turn: _unlike_names(course, turn))
    return [*(turn for turn in (every[0], every[-1]) if turn is not named), named]


def _unlike_names(course: Course, turn: np.ndarray) -> int:
    """How many positions are taken for what their names do not say."""
    names = [course.data.state_names[position].lower() for position in _positions(course)]
    return sum(
        bool(size > 0) != any(part in name for part in OF_ANGLES) for size, name in zip(turn, names, strict=True)
    )


def sparser(
    course: Course, reached: Reached, held_out: Trajectories, callback: Watcher
) -> tuple[Course, Reached, list[Reached]]:
    """The fit of the fewest terms that predict what is held out not clearly worse than any, where equations leave
    something regular; and what that took.

    What no term explains is no noise: neighbouring rows tell the same of it, and a criterion that counts them all keeps
    terms that only follow the trajectories that it has seen. So terms are chosen as of data that are worth ever less;
    of a machine that is as good as its mirror image, among those that do not tell one from the other.
    """
    taken: list[Reached] = []
    if (image := _mirrored(course)) is not None:
        reached_by_it = run_stages(("shooting", "polish"), image, held_out, callback)
        taken = [because(one, WHY_MIRRORED) for one in reached_by_it]
        if taken[-1].error <= ABOUT_AS_GOOD * reached.error:
            course, reached = image, taken[-1]
    found, here = [(course, reached)], course
    while not ended(taken):
        here = here.apart()
        here.as_many = worth = here.independent // FEWER
        before = here
        here, reached, more = with_fewer_terms(here, reached, held_out, callback)
        taken += more
        least = min(one.error for _, one in found)
        if worth <= here.determined or not reached.error <= CLEARLY_WORSE * least:
            break
        if here is not before:
            found.append((here, reached))
    least = min(one.error for _, one in found)
    near = [pair for pair in found if pair[1].error <= CLEARLY_WORSE * least]
    course, reached = min(near, key=lambda pair: pair[0].determined)
    return course, reached, taken


def _mirrored(course: Course) -> Course | None:
    """The same fit of the terms that are alike in a mirror, of the one that costs least; None if all are, or where no
    tangent tells."""
    tangent = tangent_of(course)
    if not tangent.sound:
        return None
    motion, found = course.parameters.model.vector_field.mlp, []
    for mirror in itertools.product([False, True], repeat=len(motion.rates)):
        if any(mirror):
            changed = motion.changed_by(mirror)
            left = np.flatnonzero(~changed)
            loss = tangent.value + max(tangent.rise(left), 0.0)
            cost = course.independent // FEWER * math.log(loss) + math.log(course.independent) * left.size
            found.append((cost, left, changed))
    _, left, changed = min(found, key=lambda one: one[0])
    if course.terms is not None and not changed[course.terms].any():
        return None
    image = of_terms(course, left, tangent.at[left])  # not where the tangent has its minimum: that is far, for masses
    image.ruled_out = np.flatnonzero(changed)
    return image
