"""The model as it was given: known equations begin at somebody's guess, of which stages may make something worse.

Slopes of smooth curves tell little of a stiff system, whose fast rates magnify what the curves are off by, or of noisy
data. So matching is left out again where the guess comes nearer than it, and the guess is kept where nothing does.
"""

from typing import NamedTuple

import numpy as np

from ..data.trajectories import Trajectories
from .basin import Basin, basin_of
from .beside import MOST_SOLVED, law_in, measured_by
from .course import Course
from .evidence import has_physics
from .prediction import predict, predict_from_first_rows
from .problems import suited
from .running import Reached, because, error_of, whole_loss
from .settled import loss_on_mesh
from .validation import error_of_runs

MATCHED, GIVEN = "the matched model", "the model as it was given"


class Nearer(NamedTuple):
    """Where to go on after matching, on a way of its own; what is left there by a free run, and what to call it."""

    matched: Reached
    course: Course
    basin: Basin
    called: str


def nearer(course: Course, matched: Reached, held_out: Trajectories | None) -> Nearer:
    """The matched model, or the one that was given: then the course, too, is where it was before matching."""
    short = course.apart()
    basin = basin_of(short)
    if law_in(course.begun) is not None or not has_physics(course.begun):
        return Nearer(matched, short, basin, MATCHED)
    given = course.apart()
    given.replace(course.begun)
    suited(given)  # the first mesh does not follow fast rates
    other = basin_of(given)
    if not other.left < basin.left:
        return Nearer(matched, short, basin, MATCHED)
    course.replace(course.begun)
    course.path = given.path = ()
    error = float("nan") if held_out is None else course.journal.value("held out", lambda: error_of(given, held_out))
    matched = because(matched, f"{matched.stage.why}; {GIVEN} comes nearer, and what follows begins there")
    return Nearer(matched._replace(model=course.begun, error=error), given, other, GIVEN)


def is_better(given: Course, course: Course, measured: Trajectories) -> bool:
    """Whether stages have led to nothing that is as good as the model that was given, with which one course begins.

    Nor is a model that only the steps of the fit can follow: predictions of it end.
    """
    suited(given)
    given.loss = given.initial_loss = loss_on_mesh(given)
    end = whole_loss(course)
    if not (np.isfinite(end) and end <= given.loss):
        return True
    return not reaches_ends(course, measured)


def reaches_ends(course: Course, measured: Trajectories) -> bool:
    """Whether the model, solved as predictions are, reaches the end of the trajectories, or of some of very many."""
    some, observe = measured.some(MOST_SOLVED), course.observe and course.observe.observe
    predicted = predict(course.parameters.model, some, starts=course.known_starts, observe=observe)
    return all(np.isfinite(run.ys).all() for run in predicted)


def error_as_solved(course: Course) -> float:
    """The error of some of the trajectories from their fitted starts, solved as predictions are, in standard
    deviations; infinite where one of them does not reach its end.

    The mesh of a fit may follow a model along trajectories that part so quickly that no other steps do.
    """
    return error_of(course, measured_by(course).some(MOST_SOLVED))


def error_from_rows(course: Course, measured: Trajectories) -> float:
    """The error of predictions from first rows, noisy as they are, of some of the trajectories, in standard deviations;
    zero where starts are not estimated, or not all states are observed."""
    if course.hidden or not course.train_starts:
        return 0.0
    model = course.parameters.model
    predicted = predict_from_first_rows(model, measured, MOST_SOLVED)
    if predicted is None:
        return 0.0
    return error_of_runs(model, measured.with_trajectories([measured[run.id] for run in predicted]), predicted)
