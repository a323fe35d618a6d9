"""Angles of more than a turn, by a model to which every turn is another place."""

import shlex

import numpy as np

from ...data.angles import ADVICE, TURNS, times_round, turn_of
from .kind import sentence
from .noise import ABOVE, least_error
from .view import MATTERS, Finding, View, listed

RUNS_ON = 1.5  # turns, of an angle that is met itself: it may be why others are missed
LIKE = 0.1  # of slopes, by which another state differs that is the rate of the angle


def goes_round(view: View) -> Finding | None:
    """Said where an angle is missed, or any state beside one that runs on: what a model learns in one turn it does not
    know in the next."""
    missed = [
        view.errors[j] > max(ABOVE * least_error(view.train, j), MATTERS * view.spread[j])
        for j in range(view.train.state_size)
    ]
    told, rates = [], []
    for j, name in enumerate(view.train.state_names):
        turn = turn_of(name, view.train.units.get(name, ""))
        if turn is None or not any(missed) or (np.isnan(turn) and _is_whole(view, j)):
            continue
        in_radians = " if it is in radians" if np.isnan(turn) else ""
        times = times_round(view.train, j, TURNS["2 pi"] if in_radians else turn)
        if times > (1 if missed[j] else RUNS_ON):
            told.append(f"{name} goes round {times:.2g} times{in_radians}")
            rates += [shlex.quote(f"{name}={rate}") for rate in _rates(view, j)[:1]]
    if not told:
        return None
    rate = f"name what is its rate (--rate {' '.join(rates)})"
    return Finding(
        f"{listed(told)}, and to the model every turn is another place",
        sentence(ADVICE, rate if rates and view.kind.goes_with(rate) else ""),
    )


def _is_whole(view: View, state: int) -> bool:
    """Whether there are whole numbers alone, as of phases that are steps of a program."""
    values = np.concatenate([run.ys[:, state] for run in view.train])
    return bool((values[np.isfinite(values)] % 1 == 0).all())


def _rates(view: View, state: int) -> list[str]:
    """The other states that are as large as the slopes of this one."""
    slopes, others = [], []
    for run in view.train:
        slopes.append(np.diff(run.ys[:, state]) / np.diff(run.ts))
        others.append((run.ys[1:] + run.ys[:-1]) / 2)
    slope, other = np.concatenate(slopes), np.concatenate(others)
    left = np.sqrt(np.nanmean((other - slope[:, None]) ** 2, axis=0))
    alike = left < LIKE * np.sqrt(np.nanmean(slope**2))
    return [name for j, name in enumerate(view.train.state_names) if alike[j] and j != state]
