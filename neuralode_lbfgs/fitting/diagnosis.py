"""What is wrong with a fit, in sentences, and what to try.

Checks look at a fit from outside: at what was observed and predicted, and at how the stages went. Each is silent
unless something is worth a person's while: a false alarm is as bad as silence. Thresholds are in standard deviations
of a state over the training data, or in shares of its variance.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..data.steps_of_inputs import bends_before
from ..data.trajectories import Trajectories
from ..optimise import StopReason
from .noise_level import noise_level, roughness
from .physics import PhysicalParameter
from .record import Stage
from .run_on import MANY_TIMES

FLAT = 0.1  # of the variance: a model that explains less has found the mean, which costs nothing to find
FAILED, FEW_FAILED = 0.2, 10  # of all solves, and solves: a search that steps too far now and then is none the worse
MATTERS = 0.02  # standard deviations: what smaller errors look like is of no interest; no measurement is as exact
PAIRS, SIGMAS, STRUCTURE = 20, 3.0, 0.3  # a correlation by chance once in 700 times; a third of the squares left
FAR, GROSS = 3.0, 0.1  # times the training error, and standard deviations: held-out starts alone may double an error
ABOVE, BELOW = 3.0, 0.5  # times the noise: the first costs nine times its variance, the second takes 3/4 of the rows
OUTSIDE = 1.2  # times the range of the data, beyond its ends: a straight trend goes on by one in as long again
NEGATIVE = 0.1  # of the range, below zero
MOST_OF_IT, SUDDEN = 0.5, 8.0  # of the range between two rows, and times the usual change: no noise, nor a swing
MISSED = 0.3  # standard deviations: a spike that is met is sampled well enough
LESS = 0.01  # of a weight decay that is too much
NOTHING = 0.02  # of the range, below zero: so little may be read of nothing, for noise


@dataclass(frozen=True)
class Finding:
    """What is wrong, and what to do: a sentence each, without its full stop."""

    finding: str
    advice: str


@dataclass(frozen=True, eq=False)
class View:
    """A fit seen from outside.

    Args:
        train: what it was fitted to; in logarithms where states are modelled so.
        fitted: predicted for each row of it.
        test, held_out: the same of what was not trained on.
        continued: predicted from the end of each trajectory on for as long again; in the data's units.
        low, high: least and largest observation of each state, in the data's units.
        stages: how the fit went.
        parameters: the physical ones.
        held_by: a weight decay that a person gave and that may hold the model from the data, or None.
        hidden: how many states the model has beside those of the data.
    """

    train: Trajectories
    fitted: Trajectories
    test: Trajectories | None = None
    held_out: Trajectories | None = None
    continued: Trajectories | None = None
    low: Sequence[float] = ()
    high: Sequence[float] = ()
    stages: tuple[Stage, ...] = ()
    parameters: tuple[PhysicalParameter, ...] = ()
    held_by: float | None = None
    hidden: int = 0

    @property
    def spread(self) -> np.ndarray:
        """The standard deviation of each state; NaN for one that does not vary."""
        columns = np.ma.masked_invalid(np.concatenate([run.ys for run in self.train]))
        spread = columns.std(axis=0).filled(np.nan)
        return np.where(spread > 1e-9 * np.abs(columns).max(axis=0).filled(0.0), spread, np.nan)

    @property
    def residuals(self) -> list[np.ndarray]:
        """Of each training trajectory."""
        return _residuals(self.train, self.fitted)

    @property
    def errors(self) -> np.ndarray:
        """The root mean square error of each state in training; infinite where a prediction is not reached."""
        squares = np.concatenate(self.residuals) ** 2
        return np.sqrt(np.ma.masked_array(squares, np.isnan(squares)).mean(axis=0).filled(np.nan))

    def name_all(self, which: np.ndarray) -> str:
        return _listed([name for name, chosen in zip(self.train.state_names, which, strict=True) if chosen])


def unfinished(view: View) -> Finding | None:
    """Training trajectories that the fitted model does not solve to their end."""
    lost = [run.id for run in view.train if not np.isfinite(view.fitted[run.id].ys).all()]
    if not lost:
        return None
    return Finding(
        f"the fitted model does not reach the end of trajectory {_listed(lost)}",
        "fit a shorter part first (--train-until), keep states positive that cannot be negative (--positive), or, "
        "where the system is stiff, take an implicit solver (--solver Kvaerno5)",
    )


def cannot_turn(view: View) -> Finding | None:
    """A single state that rises and falls, by a model that does only one: what depends on itself alone never turns."""
    if view.train.state_size + view.hidden > 1 or view.train.input_size:
        return None
    noise, rows = _least_error(view.train, 0), sum(run.ts.size for run in view.train)
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


def flat_mean(view: View) -> Finding | None:
    """States of which the model knows no more than their mean: the most common bad minimum of oscillating records."""
    explained = 1 - (view.errors / view.spread) ** 2
    flat = (explained < FLAT) & np.isfinite(explained)
    if not flat.any():
        return None
    return Finding(
        f"flat-mean minimum: of {view.name_all(flat)} the model explains {max(float(explained[flat].min()), 0.0):.0%} "
        "of the variance, hardly more than a constant does",
        "fit a shorter part first, which can be predicted from its start (--train-until); try other initial weights "
        "(--starts 8), or, if the columns do not show the whole state, --hidden-states 1",
    )


def unmoved(view: View) -> Finding | None:
    """Physical parameters that were to be trained and stayed where they began."""
    still = [one.name for one in view.parameters if not (one.moved or one.frozen)]
    if not still:
        return None
    if view.stages and not any(stage.kept and stage.history for stage in view.stages):
        return Finding(
            f"{_listed(still)} did not move, as the fit made no step that is kept: {view.stages[-1].reason.ending}",
            "if it has not begun at the bottom, begin elsewhere or with a shorter part (--train-until), or, where the "
            "system is stiff, take an implicit solver (--solver Kvaerno5)",
        )
    return Finding(
        f"{_listed(still)} did not move",
        "look at where it enters the equations, for the data may say nothing of it; start it elsewhere, or --freeze it",
    )


def undetermined(view: View) -> Finding | None:
    """Physical parameters of which the data tell little, alone or beside others."""
    unknown = [one.name for one in view.parameters if one.undetermined]
    if not unknown:
        return None
    return Finding(
        f"the data hardly determine {_listed(unknown)}: with the noise that was found, other values fit as well "
        "(standard deviation over half of the value)",
        "where several trade off against each other, --freeze one at a known value; else measure more of the states, "
        "other starts, or with less noise",
    )


def at_bound(view: View) -> Finding | None:
    """Physical parameters that went as far as they may."""
    ended = [f"{one.name} ended at its bound {one.at_bound:g}" for one in view.parameters if one.at_bound is not None]
    if not ended:
        return None
    return Finding(
        _listed(ended), "widen the bound if the equations allow it (--bounds); if not, they lack what draws it there"
    )


def solver_failures(view: View) -> Finding | None:
    """Trial models that could not be solved."""
    stages = [stage for stage in view.stages if stage.kept]
    solves = sum(stage.history[-1].evaluations for stage in stages if stage.history and stage.name != "matching")
    failed = sum(stage.rejected for stage in stages)
    helps = (
        "try a smaller --initial-step, shorter trajectories (--train-until) or an implicit solver (--solver Kvaerno5)"
    )
    lost = [stage.name for stage in stages if stage.reason is StopReason.NONFINITE_START]
    if lost:
        return Finding(f"{_listed(lost)} began from a model that could not be solved, and left it as it was", helps)
    if failed < FEW_FAILED or failed <= FAILED * solves:
        return None
    return Finding(f"{failed} of {solves} solves failed during the fit: the trial models diverged", helps)


def residuals_not_white(view: View) -> Finding | None:
    """Neighbouring errors that are alike: something regular that the model has missed."""
    found = []
    for j, name in enumerate(view.train.state_names):
        first = np.concatenate([left[:-1, j] for left in view.residuals])
        second = np.concatenate([left[1:, j] for left in view.residuals])
        both = np.isfinite(first) & np.isfinite(second)
        first, second = first[both], second[both]
        squares = float(np.sum(first**2 + second**2)) / 2
        if first.size < PAIRS or not view.errors[j] > MATTERS * view.spread[j]:
            continue
        correlation = float(np.sum(first * second)) / squares
        if correlation > max(SIGMAS / np.sqrt(first.size), STRUCTURE):
            found.append(f"{name} {correlation:.2f}")
    if not found:
        return None
    return Finding(
        f"residuals are not white: neighbouring errors go together (correlation of {', '.join(found)}), so something "
        "regular was missed",
        "look at the residual plot; try a larger network (--width-size 32), a hidden state (--hidden-states 1), or an "
        "input that drives the system and is not in the data; noise that moves the system itself looks the same",
    )


def late_inputs(view: View) -> Finding | None:
    """States that answer to a held input before it steps: no model can."""
    found = []
    for number, name in enumerate(view.train.input_names):
        if not (view.train[0].hold and view.train[0].hold[number]):
            continue
        if any(bends_before(view.train, j, number) for j in range(view.train.state_size)):
            found.append(name)
    if not found:
        return None
    return Finding(
        f"the states bend before {_listed(found)} steps: a row may hold the input of the interval before it, and is "
        "read as that of the interval after it",
        "shift the column of the input up by one row (the last row keeps its value), and fit again",
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
    return Finding(
        f"spikes of one or two rows: {'; '.join(told)}",
        "measure more often there; of a positive state that goes over decades fit the logarithm (--transform log=...)",
    )


def worse_on_others(view: View) -> Finding | None:
    """A training error far under that of what was held out."""
    if view.test is None or view.held_out is None:
        return None
    train = _scaled(view.residuals, view.spread)
    test = _scaled(_residuals(view.test, view.held_out), view.spread)
    if not test > max(FAR * train, GROSS):
        return None
    missed = f"missed by {test:.2g} standard deviations" if np.isfinite(test) else "not reached by the model's solution"
    return Finding(
        f"held-out data are {missed}, the training data by {train:.2g}: the fit does not carry over",
        "train on data that cover the states of those held out; try a smaller network (--width-size 8), more "
        "--weight-decay, known structure (--rate, --second-order), or --ensemble 5 to see where the model is unsure",
    )


def above_the_noise(view: View) -> Finding | None:
    """Errors far above the noise that neighbouring rows show: the model could follow the data more closely."""
    noise = [_least_error(view.train, j) for j in range(view.train.state_size)]
    high = (view.errors > np.maximum(ABOVE * np.array(noise), MATTERS * view.spread)) & np.isfinite(view.errors)
    if not high.any():
        return None
    told = ", ".join(
        f"{name} is missed by {error:.3g}, its noise is at most {least:.3g}"
        for name, error, least, is_high in zip(view.train.state_names, view.errors, noise, high, strict=True)
        if is_high
    )
    return Finding(
        f"errors are far above the noise: {told}",
        "allow more if it stopped at a limit (--max-iter, --max-evals); try other initial weights (--starts 8), a "
        "larger network (--width-size 32), or a shorter part first (--train-until)",
    )


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
    noise = [_known_noise(view.train, j) or np.nan for j in range(view.train.state_size)]
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
        "try more --weight-decay or a smaller network (--width-size 8), or tell the noise if it is known (--noise)",
    )


def runs_away(view: View) -> Finding | None:
    """A model that leaves the range of the data when it is run on for as long again."""
    if view.continued is None:
        return None
    told = []
    for run in view.continued:
        lost = np.flatnonzero(~np.isfinite(run.ys).all(axis=1))
        if lost.size:
            when = view.continued.clock.show(float(run.ts[lost[0]]))
            told.append(f"the solution ends near {view.continued.time_name} = {when}")
            break
    ys = np.concatenate([run.ys for run in view.continued])
    ys = ys[np.isfinite(ys).all(axis=1)]
    driven = view.continued.input_size > 0
    for j, (name, least, most) in enumerate(zip(view.continued.state_names, view.low, view.high, strict=True)):
        column = ys[:, j]
        beyond = np.maximum(least - column, column - most)
        if not (column.size and most > least):
            continue
        if beyond.max() > (MANY_TIMES if driven else OUTSIDE) * (most - least):
            worst = column[np.argmax(beyond)]
            told.append(f"{name} comes to {worst:.3g}, where the data lie between {least:.3g} and {most:.3g}")
        elif least >= -NOTHING * (most - least) and column.min() < -NEGATIVE * (most - least):
            rarely = "which the data never do" if least >= 0 else f"where the least of the data is {least:.3g}"
            told.append(f"{name} falls below zero, to {column.min():.3g}, {rarely}")
    if not told:
        return None
    again = ", with the same inputs again," if driven else ""
    return Finding(
        f"run on for as long again{again} the model leaves the range of the data: {'; '.join(told)}",
        "trust no forecast that far; keep states positive that cannot be negative (--positive); try --ensemble 5, "
        "which leaves out runaway members and shows a band, or more --weight-decay",
    )


Check = Callable[[View], Finding | None]
CHECKS: tuple[Check, ...] = (
    unfinished,
    cannot_turn,
    held_by_decay,
    flat_mean,
    unmoved,
    undetermined,
    at_bound,
    solver_failures,
    worse_on_others,
    late_inputs,
    too_coarse,
    above_the_noise,
    residuals_not_white,
    below_the_noise,
    runs_away,
)
FOLLOWS: dict[Check, tuple[Check, ...]] = {  # what is not told beside its cause
    cannot_turn: (held_by_decay, flat_mean, above_the_noise, residuals_not_white),
    held_by_decay: (flat_mean, above_the_noise, residuals_not_white),
    late_inputs: (flat_mean, above_the_noise, residuals_not_white),
}


def diagnose(view: View) -> tuple[Finding, ...]:
    """All that the checks find, but for what follows from another finding."""
    with np.errstate(over="ignore", invalid="ignore"):
        found = {check: check(view) for check in CHECKS}
    follow = {check for cause, these in FOLLOWS.items() if found[cause] for check in these}
    return tuple(one for check in CHECKS if (one := found[check]) is not None and check not in follow)


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


def _known_noise(data: Trajectories, state: int) -> float | None:
    """What standard deviations say of the noise, else what neighbouring rows do."""
    given = [run.sd[np.isfinite(run.ys[:, state]), state] for run in data if run.sd is not None]
    if given:
        return float(np.sqrt(np.mean(np.concatenate(given) ** 2)))
    return noise_level(data, state)


def _least_error(data: Trajectories, state: int) -> float:
    """An upper estimate of the noise: nothing is above it for want of rows."""
    known = _known_noise(data, state)
    return roughness(data.trajectories, state) if known is None else known


def _residuals(data: Trajectories, predicted: Trajectories) -> list[np.ndarray]:
    """Observed minus predicted; NaN where not observed, infinite where the solution did not reach."""
    return [
        np.where(np.isfinite(run.ys) & ~np.isfinite(predicted[run.id].ys), np.inf, run.ys - predicted[run.id].ys)
        for run in data
    ]


def _scaled(residuals: Sequence[np.ndarray], spread: np.ndarray) -> float:
    """The root mean square of residuals in standard deviations."""
    squares = (np.concatenate(residuals) / spread) ** 2
    squares = squares[~np.isnan(squares)]
    return float(np.sqrt(squares.mean())) if squares.size else float("nan")


def _listed(words: Sequence[str]) -> str:
    few = [*words[:4], f"{len(words) - 4} more"] if len(words) > 5 else list(words)
    return few[0] if len(few) == 1 else f"{', '.join(few[:-1])} and {few[-1]}"
