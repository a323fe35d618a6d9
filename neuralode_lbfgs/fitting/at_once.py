"""One attempt that goes to the bottom at once: polish right after matching, of the simplest model that comes near."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..data.trajectories import Trajectories
from ..models import EquationsOfMotion, Kinetics
from ..optimise import StopReason
from .basin import AS_CURVES, EXACT, HIGH, Basin, near_curves
from .beside import (
    explains_more,
    has_forces,
    has_polynomial,
    has_terms,
    is_kinetic,
    is_mechanical,
    is_regular,
    is_steered,
    law_in,
    stays,
    with_network,
)
from .course import Course
from .from_zero import few_terms
from .given import error_as_solved, nearer
from .kinetics import simplest_rates
from .library import every_term
from .mechanics import sparser
from .record import Stage
from .running import Reached, Watcher, because, best_of, ended, run_stages, whole_loss
from .stages import WHY_AWAKE
from .terms import nearest_polynomial, of_pieces
from .waking import woken

# On trajectories held out, times the error on the others: an attempt that left stages out may have missed something.
MUCH_WORSE = 2.0
FEW = 20  # numbers observed for each term of a law, or more: of chaotic systems such a one may miss what is held out

# After why a few steps of Gauss-Newton are taken, to see whether they lead to the data.
THEY_DO = "; they do: shooting and full are left out"
THEY_DO_NOT_FOR_ALL = "; they do, but not to those that are held out: the fit goes on"


class Attempt(NamedTuple):
    """Stages up to the last: the error in the end in standard deviations, those that were to be run, where each ended,
    those that were run and not told of before, and what a person should know of them, where they are kept."""

    error: float
    course: Course
    names: tuple[str, ...]
    reached: list[Reached]
    stages: list[Stage]
    notes: tuple[str, ...] = ()


def attempt_of(
    names: tuple[str, ...],
    course: Course,
    reached: list[Reached],
    new: Sequence[Reached],
    held_out: Trajectories | None,
) -> Attempt:
    """What stages have led to; by the data where nothing is held out, else by that.

    Args:
        new: those that were not told of before.
    """
    if held_out is None:
        error = float(np.nan_to_num(np.sqrt(whole_loss(course)), nan=np.inf))
        if course.hidden and np.isfinite(error):
            error = max(error, error_as_solved(course))
    else:
        error = min((one.error for one in reached if np.isfinite(one.error)), default=np.inf)
    return Attempt(error, course, names, reached, [one.stage for one in new])


class Tried(NamedTuple):
    """An attempt of matching and polish, whether it leads to the bottom, whether matching alone came near, and whether
    no other model could come much nearer: it ends as near as smooth curves, or few terms leave nothing regular; and
    whether it has stopped far above the noise."""

    attempt: Attempt
    leads: bool = False
    near: bool = False
    near_enough: bool = False
    stuck: bool = False


def at_once(
    names: tuple[str, ...],
    course: Course,
    held_out: Trajectories | None,
    callback: Watcher,
    why: str,
    *,
    shoot: bool = False,
) -> Tried:
    """Polish right after matching; matching alone, where the model runs away then.

    Args:
        why: of matching.
        shoot: whether multiple shooting comes between, where matching does not come near.
    """
    (matched,) = reached = [because(one, why) for one in run_stages(names[:1], course, held_out, callback)]
    if ended(reached):
        return Tried(attempt_of(names, course, reached, reached, held_out))
    matched, short, basin, which = nearer(course, matched, held_out)
    reached = [matched]
    if has_forces(course.begun):  # along circles velocities explain slopes, too, and may have put it to sleep
        short.replace(woken(short.parameters.model, course.begun)[0])
    # Accelerations of positions alone are second slopes of smooth curves: what comes near by these may be far off.
    shoot = course.hidden if is_mechanical(course.begun) else shoot and not basin.near
    if not (np.isfinite(basin.left) or shoot):
        return Tried(Attempt(np.inf, short, names[:1], reached, [matched.stage]))
    if course.options.weight_decay is None:  # where shooting begins, too: the slopes' own says little of the whole
        short.decay = np.full_like(short.decay, course.smooth)
    short.trial = None if shoot else basin.trial
    shot = run_stages(("shooting",), short, held_out, callback) if shoot else []
    if shot and ended(shot):
        reached = [matched, *shot]
        return Tried(attempt_of(names, short, reached, reached, held_out))
    law, early = _law_alone(short, basin, held_out, callback)
    if law is not None or ended(early):
        found = attempt_of(names[-1:], law or short, early[-1:], [matched, *early], held_out)
        is_law = law is not None
        return Tried(found, leads=is_law, near=is_law, near_enough=is_law)
    (polished,) = run_stages(names[-1:], short, held_out, callback)
    enough = near_curves(basin.curves)
    kept, last, more = _simplest_near(short, shot, polished, enough, held_out, callback)
    # After shooting it may already begin at the bottom, from which the decay then lifts it a little.
    bottom = basin.at_the_bottom(last.stage.reason, np.inf if shot else kept.initial_loss, kept.loss)
    stuck = held_out is None and basin.is_stuck(kept.loss)  # else what is held out is the judge
    all_of_it = _is_all(kept)  # few terms overfit nothing: where a free run leaves others held out, errors grow
    misses = _misses(kept, last, held_out)
    better = all_of_it or held_out is None or (best_of([matched, last]) == 1 and not misses)
    if not shoot:
        they_do = THEY_DO if better else THEY_DO_NOT_FOR_ALL
        polished = because(polished, basin.why(which) + ("" if basin.near or not bottom or stuck else they_do))
        last = because(last, polished.stage.why) if kept is short else last
    reached, told = ([last], names[-1:]) if all_of_it else ([matched, last], names[:1] + names[-1:])
    more = [one for one in more if one.stage.reason is not StopReason.NONFINITE_START]  # nothing was done there
    attempt = attempt_of(told, kept, reached, [matched, *early, *shot, polished, *more], held_out)
    many = kept.terms is not None and kept.terms.size * FEW > kept.data.observed
    others_do = misses and (many or is_mechanical(course.begun))
    near_enough = (all_of_it or basin.as_near_as_curves(kept.loss)) and not others_do
    return Tried(attempt, better and bottom, basin.near, near_enough, stuck)


def _law_alone(
    course: Course, basin: Basin, held_out: Trajectories | None, callback: Watcher
) -> tuple[Course | None, list[Reached]]:
    """The law of few terms, where a polynomial alone comes as near as smooth curves and leaves nothing regular: then no
    network has to be fitted beside it before. And what this has taken, the law last.

    Of many data only: of few, what a network would explain need not look regular, and one costs little.
    """
    wanted = basin.near and has_polynomial(course.begun) and course.options.weight_decay is None
    if not (wanted and course.alone_pays):
        return None, []
    here, taken = nearest_polynomial(course, held_out, callback, near_curves(basin.curves))
    enough = AS_CURVES * max(basin.curves, EXACT**2)
    if ended(taken) or not here.loss <= enough:
        return None, taken
    law, last, more = few_terms(here, taken[-1], held_out, callback)
    if ended(more):
        return None, [*taken, *more]
    fits = law.loss <= enough and is_law(law, last, held_out)
    return law if fits else None, ending_in(last, [*taken, *more])


def ending_in(last: Reached, taken: Sequence[Reached]) -> list[Reached]:
    """What was run, the one that led to the end last."""
    return [*(one for one in taken if one is not last), last]


def is_law(course: Course, last: Reached, held_out: Trajectories | None) -> bool:
    """Whether a fit is of few terms that leave nothing regular, follow what is held out, and stay."""
    is_few = course.terms is not None and course.terms.size < every_term(course).size
    return is_few and not _misses(course, last, held_out) and _is_all(course) and stays(course)


def _misses(course: Course, last: Reached, held_out: Trajectories | None) -> bool:
    """Whether what is held out is missed by far more than what was trained on."""
    return held_out is not None and not last.error <= max(HIGH, MUCH_WORSE * course.loss**0.5)


def _simplest_near(
    course: Course,
    shot: Sequence[Reached],
    polished: Reached,
    enough: float,
    held_out: Trajectories | None,
    callback: Watcher,
) -> tuple[Course, Reached, list[Reached]]:
    """The simplest model where polish has come near, or a law of short pieces, where that does after shooting; else the
    same model. And what this has taken."""
    last, taken = polished, []
    if shot and has_terms(course.begun) and not course.loss <= enough and not ended([polished]):
        law, taken = of_pieces(course, shot[-1].model, enough, held_out, callback)
        if law is not None:
            course, last = law, taken[-1]
        last = _ended_as(last, taken)
    if not (course.loss <= enough or is_kinetic(course.begun)):  # all terms of rate laws are no model
        return course, last, taken
    course, last, more = _simplest(course, last, held_out, callback)
    return course, last, [*taken, *more]


def _simplest(
    course: Course, polished: Reached, held_out: Trajectories | None, callback: Watcher
) -> tuple[Course, Reached, list[Reached]]:
    """The few terms of a law that explain the data, where the model has any; and what this has taken."""
    if not has_terms(course.begun) or ended([polished]):
        return course, polished, []
    simplest = SIMPLEST.get(type(law_in(course.begun)), _simplest_polynomial)
    law, last, taken = simplest(course, polished, held_out, callback)
    return law, _ended_as(last, taken), taken


def _simplest_polynomial(
    course: Course, polished: Reached, held_out: Trajectories | None, callback: Watcher
) -> tuple[Course, Reached, list[Reached]]:
    """The few terms of a polynomial that explain the data; if they leave something regular, with its sleeping network
    woken, where that explains more. And what this has taken."""
    law, last, taken = few_terms(course, polished, held_out, callback)
    wider = None if ended(taken) or _is_all(law) else with_network(course)
    if wider is None:
        return law, last, taken
    (other,) = run_stages(("polish",), wider, held_out, callback)
    said, fewer = "explains no more, and is left asleep", []
    if explains_more(wider, law):
        law, last, fewer = few_terms(wider, other, held_out, callback)
        said = "explains more" + ("" if law.terms is None else ", but a polynomial alone then takes its place")
    return law, last, [*taken, because(other, WHY_AWAKE.format(said)), *fewer]


def _simplest_motion(
    course: Course, polished: Reached, held_out: Trajectories | None, callback: Watcher
) -> tuple[Course, Reached, list[Reached]]:
    """The few terms of equations of motion that explain the data, or, if all of them leave something regular, that
    predict what is held out; inputs are steered only where nothing is left. And what this has taken."""
    law, last, taken = course, polished, []
    leaves = held_out is not None and is_regular(course)  # fewer terms leave no less
    if not leaves:
        law, last, taken = few_terms(course, polished, held_out, callback)
        leaves = held_out is not None and not ended([last, *taken]) and not _is_all(law)
    if leaves and not is_steered(course.begun):
        assert held_out is not None
        law, last, more = sparser(law, last, held_out, callback)
        taken += more
    return law, last, taken


# Of laws in the place of a network; else of a polynomial beside one.
SIMPLEST: Mapping[type, Callable[..., tuple[Course, Reached, list[Reached]]]] = {
    EquationsOfMotion: _simplest_motion,
    Kinetics: simplest_rates,
}


def _ended_as(last: Reached, taken: Sequence[Reached]) -> Reached:
    """Where an attempt has come to, which has ended if what was tried from there has."""
    return last._replace(stage=replace(last.stage, reason=taken[-1].stage.reason)) if ended(taken) else last


def _is_all(course: Course) -> bool:
    """Whether few terms of a polynomial leave nothing regular."""
    return course.terms is not None and not is_regular(course)
