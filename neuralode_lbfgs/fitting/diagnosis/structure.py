"""What no model of these columns can follow: hidden states, inputs as states, late inputs, too few rows."""

import shlex

import numpy as np

from ...data.angles import how_to_unwrap, jumps_by
from ...data.errors import counted
from ...data.steps import set_states
from ...data.steps_of_inputs import lead
from ...data.trajectories import Trajectories
from .kind import sentence
from .noise import ABOVE, least_error
from .view import MATTERS, PAIRS, Finding, View, listed

MOST_OF_IT, SUDDEN = 0.5, 8.0  # of the range between two rows, and times the usual change: no noise, nor a swing
BY_A_ROW = 0.75  # of an interval, by which an input is late: nearer to a row than to its middle
MISSED = 0.3  # standard deviations: a spike that is met is sampled well enough, and what is followed is a state


def cannot_turn(view: View) -> Finding | None:
    """A single state that rises and falls, by a model that does only one: what depends on itself alone never turns."""
    if view.train.state_size + view.hidden > 1 or view.train.input_size:
        return None
    noise, rows = least_error(view.train, 0), sum(run.ts.size for run in view.train)
    by_chance = max(2 * np.sqrt(2 * np.log(rows)) * noise, MATTERS * view.spread[0])
    turned = max(_turns(run.ys[:, 0]) for run in view.train) > by_chance
    if not (turned and view.errors[0] > ABOVE * noise):
        return None
    if any(_turns(run.ys[:, 0]) > MATTERS * view.spread[0] for run in view.fitted):
        return None
    return Finding(
        f"{view.train.state_names[0]} rises and falls, which nothing does in one run that depends on itself alone",
        "let the model have a state that is not in the data (--hidden-states 1, or --second-order if it swings), or "
        "name what drives it (--inputs)",
    )


def taken_for_states(view: View) -> Finding | None:
    """States that jump between rows as what a person sets does, and that the model misses: they are inputs."""
    names = [view.train.state_names[j] for j in _likely_inputs(view)]
    if not names:
        return None
    look, are, subject, them = ("looks", "is", "it", "it") if len(names) == 1 else ("look", "are", "they", "them")
    return Finding(
        f"{listed(names)} {look} like steps or pulses, which no state follows, and {are} missed: the errors of the "
        "other states may all come from there",
        f"if {subject} {are} known, as what was set or given, fit again with {them} as "
        f"--inputs {shlex.join([*view.train.input_names, *names])} (inputs= in Python)",
    )


def _likely_inputs(view: View) -> tuple[int, ...]:
    """The numbers of the states that are told to be inputs; none where nothing is left that they could drive."""
    missed = np.flatnonzero(view.errors > MISSED * view.spread).tolist()
    found = tuple(j for j in set_states(view.train) if j in missed)
    return found if len(found) < view.train.state_size else ()


def late_inputs(view: View) -> Finding | None:
    """States that answer to a held input before it steps: no model can."""
    found = {}
    for number, name in enumerate(view.train.input_names):
        if not (view.train[0].hold and view.train[0].hold[number]):
            continue
        missed = np.flatnonzero(view.errors > MATTERS * view.spread).tolist()
        early = [early for j in missed if (early := lead(view.train, j, number)) is not None]
        if early:
            found[name] = max(early)
    if not found:
        return None
    if max(found.values()) > BY_A_ROW:
        return Finding(
            f"the states bend before {listed(list(found))} steps: a row may hold the input of the interval before it, "
            "and is read as that of the interval after it",
            "shift the column of the input up by one row (the last row keeps its value), and fit again",
        )
    told = listed([f"{name} steps (by {early:.1f} of the interval to that row)" for name, early in found.items()])
    return Finding(
        f"the states bend before {told}: it stepped between two rows, and is read as if at the later one",
        "give every step a row of its own at its time, where states may be blank, and fit again",
    )


def begins_anew(view: View) -> Finding | None:
    """Angles that begin anew after a turn: the model misses the jumps, and all that goes on from there."""
    if not (view.in_pieces or (view.errors > MISSED * view.spread).any()):
        return None
    columns = {
        name: [run.ys[np.isfinite(run.ys[:, j]), j] for run in view.train]
        for j, name in enumerate(view.train.state_names)
    }
    found = [(name, *jumps) for name, runs in columns.items() if (jumps := jumps_by(runs))]
    if not found:
        return None
    told = [f"{name} by nearly {word} {counted(number, 'time')}" for name, word, number in found]
    return Finding(
        f"an angle that begins anew after a turn jumps between rows, which no model can follow: {listed(told)}; all "
        "errors may come from there",
        "; ".join(how_to_unwrap(name, word) for name, word, _ in found) + ", and fit again",
    )


def too_coarse(view: View) -> Finding | None:
    """Spikes of one or two rows, which the model does not meet."""
    missed = view.errors > MISSED * view.spread
    sudden = [(j, *_sudden(view.train, j)) for j in np.flatnonzero(missed).tolist()]
    told = [
        f"{view.train.state_names[j]} makes up to {share:.0%} of its range between neighbouring rows, and most of it "
        f"{count} times"
        for j, share, count in sudden
        if count > 1
    ]
    if not told:
        return None
    columns = [np.concatenate([run.ys[:, j] for run in view.train]) for j, _, count in sudden if count > 1]
    positive = all(np.nanmin(column) > -MATTERS * (np.nanmax(column) - np.nanmin(column)) for column in columns)
    logarithm = "the logarithm of a positive state that goes over decades (--transform log=...)"
    return Finding(
        f"spikes of one or two rows: {'; '.join(told)}",
        sentence("measure more often there", view.kind.choice("fit", *[logarithm] * positive)),
    )


def _turns(ys: np.ndarray) -> float:
    """How far a column rises and falls, whichever is less; of noise alone the range between its extremes."""
    ys = ys[np.isfinite(ys)]
    if not ys.size:
        return 0.0
    rises, falls = ys - np.minimum.accumulate(ys), np.maximum.accumulate(ys) - ys
    return float(min(rises.max(), falls.max()))


def _sudden(data: Trajectories, state: int) -> tuple[float, int]:
    """The largest share of its range that a state makes between two rows, and how often it makes most of it."""
    columns = [run.ys[np.isfinite(run.ys[:, state]), state] for run in data]
    changes = np.concatenate([np.abs(np.diff(column)) for column in columns])
    values = np.concatenate(columns)
    if changes.size < PAIRS or not np.ptp(values) > 0:
        return 0.0, 0
    least = max(MOST_OF_IT * np.ptp(values), SUDDEN * float(np.median(changes)))
    return float(changes.max() / np.ptp(values)), int((changes > least).sum())
