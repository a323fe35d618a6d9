"""Attempts: which stages follow each other, and what is tried again where they led nowhere."""

from collections.abc import Sequence
from copy import copy
from itertools import takewhile
from typing import Any, NamedTuple

import numpy as np

from ..data.trajectories import Trajectories
from ..models.kinetics import hill_exponent
from .at_once import Attempt, at_once, attempt_of
from .basin import HIGH, NEAR
from .beside import (
    explains_more,
    has_forces,
    has_polynomial,
    held_back,
    is_kinetic,
    is_mechanical,
    is_short,
    stays,
    with_forces,
    with_polynomial,
)
from .course import Course
from .given import nearer
from .kinetics import with_kinetics
from .linear import linear_law, may_be_any
from .losses import Parameters
from .mechanics import may_be_mechanical, with_mechanics, with_steering
from .read_off import is_enough, law_first
from .running import CLEARLY_WORSE, Reached, Watcher, ended, run_stages, why_matching
from .stages import WHY, WHY_BESIDE, WHY_FORCES, WHY_MOTION, WHY_RATES, WHY_WITHOUT
from .terms import criteria

# Decays of shooting. A smooth field to start from predicts others better than one that fits closely; where the model
# then runs away, or is no better than the mean, a smoother one is tried.
SMOOTH = (1e-4, 1e-3, 1e-2)
# Numbers up to which the first of them holds. Beside a mean over n observations, a decay is a prior worth n times as
# much: of more data it is less, in proportion. Sixty numbers were best fitted at 1e-3, some hundreds at 1e-4, three
# thousand of a machine whose states do not tell all at 1e-5 to 3e-5.
HELD_BY = 600

NOT_STRAIGHT = "polish right after matching did not get to the bottom: the other stages were run after all."

ALL_STAGES = ("matching", "shooting", "full", "polish")


def attempts(names: tuple[str, ...], course: Course, held_out: Trajectories | None, callback: Watcher) -> list[Attempt]:
    """A linear law of hidden states, if that is all; else simpler models, if one leads to the data and stays with them;
    else the network alone, too. Of many variables a law is looked for first."""
    if not may_be_short(names, course):
        return _usual(names, course, [], held_out, callback, told=0)
    before = law_first(names, course, held_out, callback)
    if before and (ended(before[0].reached) or is_enough(before[0], held_out)):
        return before
    course.elsewhere = len(course.spent)
    return [*before, *_usual_attempts(names, course, held_out, callback)]


def _usual_attempts(
    names: tuple[str, ...], course: Course, held_out: Trajectories | None, callback: Watcher
) -> list[Attempt]:
    """All but the law of many variables."""
    simpler = simpler_models(course)
    if not (simpler or may_be_mechanical(course)):
        return _by_itself(names, course, held_out, callback, why_matching(course, WHY["matching"]))
    before, first = [], simpler[0] if simpler else None
    asked = may_be_any(course) and course.options.weight_decay is None
    if asked and first is not None and has_polynomial(first.begun):
        law, taken = linear_law(first, held_out, callback)
        found = attempt_of(names[-1:], law or first, taken[-1:], taken, held_out)
        if law is not None:
            return [found]
        before = [found._replace(error=np.inf)]
    return [*before, *_from_simple(names, course, simpler, held_out, callback)]


def simpler_models(course: Course) -> list[Course]:
    """The same fit of models that are tried before the network alone, where stages may be left out: with a polynomial
    beside it, of rate laws that saturate, and of accelerations that are forces of the positions."""
    return [one for one in (with_polynomial(course), *with_kinetics(course), with_forces(course)) if one is not None]


def may_be_short(names: tuple[str, ...], course: Course) -> bool:
    """Whether polish may follow matching at once: nobody has named the stages, and both are among them."""
    return not course.options.stages and (names[0], names[-1]) == (ALL_STAGES[0], ALL_STAGES[-1])


def before_the_whole(
    names: tuple[str, ...], course: Course, held_out: Trajectories | None, callback: Watcher
) -> tuple[Course, list[Reached]]:
    """What a fit does before it solves whole trajectories, as far as that is needed: where matching comes near, with a
    polynomial or without, shooting is left out. And where that has led to."""
    early = tuple(takewhile(lambda name: name != "full", names))
    if not may_be_short(names, course):
        return course, run_stages(early, course, held_out, callback)
    matched: list[Reached] = []
    for one in (*simpler_models(course), course):
        one.elsewhere = len(one.spent)
        matched = run_stages(early[:1], one, held_out, callback)
        if ended(matched):
            return one, matched
        first, short, basin, _ = nearer(one, matched[0], held_out)
        if basin.near:
            return short, [first]
        matched = [first]
    return course, [*matched, *run_stages(early[1:], course, held_out, callback)]


def _from_simple(
    names: tuple[str, ...],
    course: Course,
    simpler: Sequence[Course],
    held_out: Trajectories | None,
    callback: Watcher,
) -> list[Attempt]:
    """Simpler models, up to one that leads to the data, stays with them, and is near enough; else the network alone,
    too. Equations of motion first."""
    found = _mechanical(names, course, held_out, callback)
    if found and (found[-1].is_enough or ended(found[-1].attempt.reached)):
        simpler = []
    foretold = any(_foretells(simple, held_out) for simple in found)
    if foretold:  # but for a polynomial, which may be the law
        simpler = [one for one in simpler if not has_forces(one.begun)]
    for one in simpler:
        if is_kinetic(one.begun) and found and not any(simple.near or simple.fits for simple in found):
            continue  # a polynomial comes near any such law, at least
        found.append(_tried(names, one, held_out, callback))
        if ended(found[-1].attempt.reached) or (found[-1].is_enough and is_short(found[-1].attempt.course)):
            break
    if found and ended(found[-1].attempt.reached):
        return [simple.attempt for simple in found]  # the one that has come further
    if foretold or any(simple.is_enough for simple in found):
        return _likeliest(found, held_out)
    course.elsewhere = len(course.spent)
    alone = _by_itself(names, course, held_out, callback, WHY_WITHOUT)
    if ended(alone[-1].reached):
        return [*(simple.attempt for simple in found), *alone]
    kept = _likeliest(found, held_out)
    best, simple = (min(some, key=lambda attempt: attempt.error) for some in (alone, kept))
    if held_out is None and np.isfinite(simple.error):
        if explains_more(best.course, simple.course):  # the network has to be worth its numbers
            kept = _given_up(kept)
        else:
            alone = _given_up(alone)
    return [*kept, *alone]


def _why(model: Any) -> str:
    if is_mechanical(model):
        return WHY_MOTION
    if is_kinetic(model):
        return WHY_RATES.format(hill_exponent(float(model.vector_field.mlp.exponent[0])))
    return WHY_FORCES if has_forces(model) else WHY_BESIDE.format(model.vector_field.degree)


def _given_up(made: Sequence[Attempt]) -> list[Attempt]:
    """The same, not to be kept."""
    return [one._replace(error=np.inf) for one in made]


class _Simple(NamedTuple):
    """An attempt of a simpler model, whether it leads to the data and stays with them, is near enough, and whether
    matching alone came near."""

    attempt: Attempt
    fits: bool
    is_enough: bool
    near: bool = False


def _tried(names: tuple[str, ...], one: Course, held_out: Trajectories | None, callback: Watcher) -> _Simple:
    one.elsewhere = len(one.spent)
    tried = at_once(names, one, held_out, callback, why_matching(one, _why(one.begun)), shoot="shooting" in names)
    if is_kinetic(one.begun) and tried.attempt.course.terms is None:  # all of them are no law, and follow noise
        return _Simple(tried.attempt._replace(error=np.inf), fits=False, is_enough=False)
    fits = tried.leads and not held_back(tried.attempt.course) and stays(tried.attempt.course)
    return _Simple(tried.attempt, fits, fits and tried.near_enough, tried.near)


def _mechanical(
    names: tuple[str, ...], course: Course, held_out: Trajectories | None, callback: Watcher
) -> list[_Simple]:
    """Equations of motion, up to those that are near enough; none where states are no positions and velocities."""
    found: list[_Simple] = []
    if not may_be_mechanical(course):
        return found
    course.elsewhere = len(course.spent)
    likely, matched = with_mechanics(course, held_out, callback)
    if ended(matched):
        return [_Simple(attempt_of(names[:1], likely[0], matched[-1:], matched, held_out), fits=False, is_enough=False)]
    for one in likely:
        found.append(_tried(names, one, held_out, callback))
        if found[-1].is_enough or not found[-1].near or ended(found[-1].attempt.reached):
            return found
    errors = [simple.attempt.error for simple in found]
    best = next(number for number, error in enumerate(errors) if error <= CLEARLY_WORSE * min(errors))
    steered = with_steering(course, likely[best])
    if steered is None:
        return found
    last = _tried(names, steered, held_out, callback)
    if not (last.is_enough or ended(last.attempt.reached)):  # so many terms follow any one run
        last = last._replace(attempt=last.attempt._replace(error=np.inf), fits=False)
    return [*found, last]


def _foretells(simple: _Simple, held_out: Trajectories | None) -> bool:
    """Whether equations of motion predict runs that they have not seen so well that a network alone need not try."""
    one = simple.attempt
    return held_out is not None and simple.fits and is_mechanical(one.course.begun) and one.error <= HIGH


def _likeliest(found: Sequence[_Simple], held_out: Trajectories | None) -> list[Attempt]:
    """Attempts of simpler models, of which only one may be kept: of those that fit and predict about as well as the
    best, the one that explains most for its numbers. And equations of motion, where something is held out to judge by:
    of a machine that rubs and bends, which nothing fits exactly, these may predict best."""
    fit = [simple.attempt for simple in found if simple.fits]
    least = min((attempt.error for attempt in fit), default=np.inf)
    near = [attempt for attempt in fit if attempt.error <= CLEARLY_WORSE * least]
    asked = criteria([attempt.course for attempt in near])
    kept = near[int(np.argmin(asked))] if near else None

    def may_be_kept(simple: _Simple) -> bool:
        one = simple.attempt
        judged = held_out is not None and is_mechanical(one.course.begun) and bool(np.isfinite(one.error))
        return one is kept or (judged and (simple.fits or stays(one.course)))

    return [one.attempt if may_be_kept(one) else one.attempt._replace(error=np.inf) for one in found]


def _by_itself(
    names: tuple[str, ...], course: Course, held_out: Trajectories | None, callback: Watcher, why: str
) -> list[Attempt]:
    """Matching and polish alone, where that is enough; else all stages, and again while the model is no better than
    the mean."""
    tried = at_once(names, course, held_out, callback, why)
    attempt, reached = tried.attempt, tried.attempt.reached
    if ended(reached) or (tried.leads and not tried.stuck):
        return [attempt]
    if len(reached) == 1:  # it runs away
        return _usual(names, course, reached, held_out, callback, told=0)
    attempt = attempt if held_out is None else attempt._replace(error=reached[-1].error)
    others = _usual(names, course, reached[:1], held_out, callback, told=1)
    if tried.near or tried.leads:
        others = [one._replace(notes=(NOT_STRAIGHT, *one.notes)) for one in others]
    return _steady_first([attempt, *others], held_out)


def _usual(
    names: tuple[str, ...],
    course: Course,
    before: list[Reached],
    held_out: Trajectories | None,
    callback: Watcher,
    *,
    told: int,
) -> list[Attempt]:
    """All stages; then from shooting on from a smoother field, while the model is no better than the mean, or runs away
    with states that are hidden.

    Args:
        before: where those of the first stages ended that were run before.
        told: how many of these an attempt before has told of.
    """
    first, made = course.parameters, []
    for smooth in (course.smooth, *SMOOTH[1:]):
        course.smooth = smooth
        rest = names[len(before) :]
        reached = [*before, *run_stages(rest, course, held_out, callback)]
        made.append(attempt_of(names, course, reached, reached[told:], held_out))
        if ended(reached) or "shooting" not in rest or (made[-1].error < 1 and _is_steady(made[-1], held_out)):
            break
        before = reached[: names.index("shooting")]
        told = len(before)
        course = copy(course)
        course.path = tuple(one.stage.number for one in before if one.stage.number in course.path)
        course.parameters = Parameters(before[-1].model if before else first.model, first.starts)
        course.loss = course.initial_loss = float("nan")
    if len(made) > 1:
        errors = ", ".join(f"{attempt.error:.3g}" for attempt in made)
        why = "was no better than the mean" if made[0].error >= 1 else "left the data when it was run on"
        what = (
            "of what was held out" if held_out is not None else "as predicted" if course.hidden else "on its own steps"
        )
        note = (
            f"tried {len(made)} times, from ever smoother fields, because the model {why} (RMSE/sd {what}: {errors})."
        )
        return [attempt._replace(notes=(note,)) for attempt in made]
    return made


def _is_steady(attempt: Attempt, held_out: Trajectories | None) -> bool:
    """Whether a model with hidden states stays with the data when it is run on; where nothing is held out to judge by.

    Hidden states may complete the observed ones in ways that no longer hold a moment later.
    """
    return held_out is not None or not attempt.course.hidden or stays(attempt.course)


def _steady_first(made: list[Attempt], held_out: Trajectories | None) -> list[Attempt]:
    """Only those that are near and stay are to be kept, where there are any; else those that are near, or that stay."""
    if ended(made[-1].reached) or held_out is not None or not made[-1].course.hidden:
        return made
    ranks = [(attempt.error**2 > NEAR, not _is_steady(attempt, held_out)) for attempt in made]
    return [one if rank == min(ranks) else one._replace(error=np.inf) for one, rank in zip(made, ranks, strict=True)]


def first_smooth(data: Trajectories) -> float:
    """The decay of shooting to begin with, for so many observations."""
    return SMOOTH[0] * min(1.0, HELD_BY / max(data.observed, 1))
