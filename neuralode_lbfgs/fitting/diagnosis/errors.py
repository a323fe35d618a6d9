"""Errors in training: those of a constant, far above the noise or below it, or regular."""

from dataclasses import replace

import numpy as np

from ...optimise import StopReason
from ..decades import spanning
from ..noise_level import usual_of, usual_roughness
from ..together import together
from .kind import Kind, sentence
from .noise import ABOVE, known_noise, least_error
from .seasons import other_inputs
from .view import MATTERS, PAIRS, Finding, View, listed

FLAT = 0.1  # of the variance: a model that explains less has found the mean, which costs nothing to find
BELOW = 0.5  # times the noise: it takes 3/4 of the rows
LESS = 0.01  # of a weight decay that is too much
LIMITS = (StopReason.MAX_ITER, StopReason.MAX_EVALS)
SIGMAS, STRUCTURE = 3.0, 0.3  # a correlation by chance once in 700 times; a third of the squares left


def flat_mean(view: View) -> Finding | None:
    """States of which the model knows no more than their mean: the most common bad minimum of oscillating records."""
    explained = 1 - (view.errors / view.spread) ** 2
    flat = (explained < FLAT) & np.isfinite(explained)
    if not flat.any():
        return None
    return Finding(
        f"flat-mean minimum: of {view.name_all(flat)} the model explains {max(float(explained[flat].min()), 0.0):.0%} "
        "of the variance, hardly more than a constant does",
        sentence(
            _logarithms_of(view),
            "fit a shorter part first, which can be predicted from its start (--train-until)",
            view.kind.choice("try", "other initial weights (--starts 8)", *_other_states(view)),
        ),
    )


def _other_states(view: View) -> list[str]:
    """More hidden states, or first of all fewer: they can complete the others in many ways."""
    more = f"another state, if the columns do not show all (--hidden-states {view.hidden + 1})"
    return ["fewer hidden states", more] if view.hidden else [more]


def _logarithms_of(view: View) -> str:
    """What is first of all to be tried where small values count for nothing beside large ones."""
    states = spanning(view.train, view.logarithms)
    return view.kind.choice(
        "model", *[f"logarithms of what goes over decades ({view.in_logarithms(states)})"] * bool(states)
    )


def above_the_noise(view: View) -> Finding | None:
    """Errors far above the noise that neighbouring rows show: the model could follow the data more closely.

    Of all rows, or of most: a few jumps or spikes look like noise as large as these in a mean over all rows.
    """
    squares = np.concatenate(view.residuals) ** 2
    told = []
    for j, name in enumerate(view.train.state_names):
        most, matters = least_error(view.train, j), MATTERS * view.spread[j]
        if not np.isfinite(view.errors[j]):
            continue
        usual = usual_of(squares[np.isfinite(squares[:, j]), j])
        if view.errors[j] > max(ABOVE * most, matters):
            told.append(f"{name} is missed by {view.errors[j]:.3g}, its noise is at most {most:.3g}")
        elif usual > max(ABOVE * (most := usual_roughness(view.train.trajectories, j)), matters):
            told.append(f"{name} is missed by {usual:.3g} in most rows, where its noise is at most {most:.3g}")
    if not told:
        return None
    return Finding(
        f"errors are far above the noise: {listed(told)}",
        sentence(
            _logarithms_of(view),
            "allow more, as it stopped at a limit (--max-iter, --max-evals)" if _stopped_at_a_limit(view) else "",
            _with_network(view.kind).choice(
                "try",
                "other initial weights (--starts 8)",
                "a larger network (--width-size 32)",
                "the network alone (--degree 0)",
                "a shorter part first (--train-until)",
            ),
        ),
    )


def _stopped_at_a_limit(view: View) -> bool:
    """In the stage that led to where the fit has ended: of earlier ones it went on from there."""
    reasons = [stage.reason for stage in view.stages if stage.kept]
    return bool(reasons) and reasons[-1] in LIMITS


def _with_network(kind: Kind) -> Kind:
    """A law that misses the data is none, and a network may do what its terms do not."""
    return kind if kind.network or kind.own else replace(kind, imitates=True)


def held_by_decay(view: View) -> Finding | None:
    """The same under a weight decay that a person gave, and that leaves a network no weights to do better."""
    if view.held_by is None or (missed := flat_mean(view) or above_the_noise(view)) is None:
        return None
    return Finding(
        f"{missed.finding}; --weight-decay {view.held_by:g} may be why: it makes weights dearer than these errors",
        f"leave out --weight-decay, so that the evidence of the data sets it, or give less of it "
        f"(--weight-decay {LESS * view.held_by:g})",
    )


def below_the_noise(view: View) -> Finding | None:
    """Errors far below the noise: the model follows it."""
    noise = [known_noise(view.train, j) or np.nan for j in range(view.train.state_size)]
    low = view.errors < BELOW * np.array(noise)
    if not low.any():
        return None
    told = ", ".join(
        f"{name} is met within {error:.3g}, its noise is about {level:.3g}"
        for name, error, level, is_low in zip(view.train.state_names, view.errors, noise, low, strict=True)
        if is_low
    )
    return Finding(
        f"errors are far below the noise, so the model follows it: {told}",
        sentence(
            view.kind.choice("try", "more --weight-decay", "a smaller network (--width-size 8)"),
            "tell the noise if it is known (--noise)",
        ),
    )


def residuals_not_white(view: View) -> Finding | None:
    """Neighbouring errors that are alike: something regular that the model has missed."""
    found = []
    for j, name in enumerate(view.train.state_names):
        first = np.concatenate([left[:-1, j] for left in view.residuals])
        second = np.concatenate([left[1:, j] for left in view.residuals])
        both = np.isfinite(first) & np.isfinite(second)
        first, second = first[both], second[both]
        if first.size < PAIRS or not view.errors[j] > MATTERS * view.spread[j]:
            continue
        neighbours = together(first, second)
        if neighbours.correlation > max(SIGMAS * neighbours.by_chance, STRUCTURE):
            found.append(f"{name} {neighbours.correlation:.2f}")
    if not found:
        return None
    return Finding(
        f"residuals are not white: neighbouring errors go together (correlation of {listed(found)}), so something "
        "regular was missed",
        sentence(
            "look at the residual plot",
            view.kind.choice(
                "try",
                "a larger network (--width-size 32)",
                f"a hidden state (--hidden-states {view.hidden + 1})",
                other_inputs(view.train),
            ),
            "noise that moves the system itself looks the same",
        ),
    )
