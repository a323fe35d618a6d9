"""Angles: which columns hold one, where one begins anew after a turn, and how often one goes round."""

import re
from collections.abc import Iterable, Sequence

import numpy as np

from .errors import counted
from .trajectories import Trajectories

TURNS = {"360": 360.0, "2 pi": 2 * np.pi}
NEARLY = 0.8  # of a turn, between neighbouring rows, and from the ends of the range
MOST_STEP = 2  # times the largest of the other steps
ADVICE = (
    "if after a turn all is as before, as of a pendulum that goes over the top, give its sine and cosine in its place"
)
_ANGLE = re.compile(
    r"angles?|theta\d*|phi\d*|psi\d*|alpha\d*|azimuth|bearing|heading|yaw|pitch|roll|phases?|winkel|θ\d*|φ\d*"
)
_RADIANS, _DEGREES = re.compile(r"rads?|radians?"), re.compile(r"degs?|degrees?|°")
_RATE = re.compile(r"d|dot|dt|rate|speed|vel|velocity|omega\d*|acc|acceleration|s")


def turn_of(name: str, unit: str) -> float | None:
    """How large a turn is of a column, in its unit; NaN for an angle of which that is not known, None for no angle.

    Args:
        unit: from the header, or empty; then a last word of the name may be one, as in `angle_rad`.
    """
    words = re.findall(r"[^\W\d_]+\d*|°", name.lower())
    if any(map(_RATE.fullmatch, words)):
        return None
    unit = unit.lower() or (words[-1] if len(words) > 1 else "")
    if _RADIANS.fullmatch(unit):
        return TURNS["2 pi"]
    if _DEGREES.fullmatch(unit):
        return TURNS["360"]
    return float("nan") if any(map(_ANGLE.fullmatch, words)) else None


def times_round(data: Trajectories, state: int, turn: float) -> float:
    """How many turns there are between the ends of the run that goes round most often."""
    seen = [run.ys[np.isfinite(run.ys[:, state]), state] for run in data]
    return max((float(np.ptp(ys)) for ys in seen if ys.size), default=0.0) / turn


def turning(name: str, unit: str, data: Trajectories, state: int) -> Iterable[str]:
    """What is to be said of a state that begins anew after a turn, or goes round."""
    runs = [run.ys[np.isfinite(run.ys[:, state]), state] for run in data]
    if jumps := jumps_by(runs):
        word, number = jumps
        yield (
            f"{name!r} jumps by nearly {word} between rows {counted(number, 'time')}, as an angle does after a turn; "
            f"no model can follow that: {how_to_unwrap(name, word)}"
        )
    elif (turn := turn_of(name, unit)) is not None and (times := times_round(data, state, turn)) > 1:
        yield f"{name!r} goes round {times:.2g} times, and to a model every turn is another place; {ADVICE}"


def how_to_unwrap(name: str, word: str) -> str:
    """What to do with a column that jumps by the turn of this name."""
    period = "" if word == "2 pi" else f", period={TURNS[word]:g}"
    return f"let it go on, each run by itself (numpy.unwrap(table[{name!r}]{period})), or give its sine and cosine"


def jumps_by(runs: Sequence[np.ndarray]) -> tuple[str, int] | None:
    """The turn by which values jump, and how often; None if they do not."""
    values = np.concatenate(runs)
    low, high = values.min(), values.max()
    for word, turn in TURNS.items():
        if not NEARLY * turn <= high - low <= turn or min(abs(low), abs(low + turn / 2)) > (1 - NEARLY) * turn:
            continue
        steps = np.abs(np.concatenate([np.diff(run) for run in runs]))
        jumps = steps > NEARLY * turn
        # Less a turn, a jump is a step as others are.
        if jumps.any() and np.max(turn - steps[jumps]) <= MOST_STEP * np.max(steps[~jumps], initial=0.0) < turn:
            return word, int(jumps.sum())
    return None
