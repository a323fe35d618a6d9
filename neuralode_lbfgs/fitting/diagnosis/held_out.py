"""Data that were not trained on, and that the model misses by far more than those that were."""

from typing import NamedTuple

import numpy as np

from ...data.trajectories import Trajectories, Trajectory
from ..coverage import distances, far_from_here
from .growth import holds_until
from .kind import sentence
from .memory import LAGS, memory
from .view import GROSS, WITHOUT, Finding, View, far_off, listed, root_mean_square

BEYOND = 0.1  # of the range of the training data: what goes on from its ends by less is as good as inside
KNOWN, UNSURE = "known structure (--rate, --second-order)", "--ensemble 5 to see where the model is unsure"
ALL = 0.9  # of the rows: then it is no matter of time
WORSE = 1.2  # times the error of the mean: of what swings around it, noise makes the model as bad
CLEARLY = 0.5  # times the error of others: then it is no chance
# First of all: a network follows the runs that it was trained on without what it lacks, and only others can tell.
HIDDEN = (
    "if the columns may not show all that the system remembers, give the model a state that is not in them and compare "
    "the held-out errors (--hidden-states 1)"
)


def worse_on_others(view: View) -> Finding | None:
    """A training error far under that of what was held out, of all states or of one, or one of that which is worse than
    the mean's; but for errors that grow from none, which another check tells of."""
    if view.test is None or view.held_out is None or holds_until(view) is not None:
        return None
    seen, others = view.scaled(view.train, view.fitted), view.scaled(view.test, view.held_out)
    train, test = root_mean_square(seen), root_mean_square(others)
    mean = view.of_mean(view.test, view.train)
    if not (test > far_off(train) or _is_worse(test, mean)):
        return _worse_in_some(view, seen, others)
    missed = f"not reached by the model's solution, the training data missed by {train:.2g}"
    if np.isfinite(test):
        missed = f"missed by {test:.2g} {view.deviations}, {_times(test, train)} as the training data"
    missed += _than_mean(test, mean)
    where = _where(view, view.test, view.held_out, far_off(train), view.train)
    all_seen = not view.hidden and view.kind.goes_with(HIDDEN)
    remembered = memory(view) if all_seen else None
    if remembered is not None and remembered.several < CLEARLY * min(remembered.one, test):
        return Finding(
            f"held-out data are {missed}, where a linear recurrence of {LAGS} rows misses them by "
            f"{remembered.several:.2g} and of one row by {remembered.one:.2g}: something that is in no column remembers"
            f"{where.told}",
            "give the model states that are not in the columns (--hidden-states 1, then more), and compare the "
            "held-out errors",
        )
    return Finding(
        f"held-out data are {missed}: the fit does not carry over{where.told}",
        where.advice,
    )


def _worse_in_some(view: View, seen: list[np.ndarray], others: list[np.ndarray]) -> Finding | None:
    """The same of single states, which an error of all states hides; from residuals in standard deviations."""
    assert view.test is not None and view.held_out is not None
    train, test = (
        np.array([root_mean_square([left[:, j : j + 1] for left in part]) for j in range(len(view.spread))])
        for part in (seen, others)
    )
    limits = np.array([far_off(error) for error in train])
    told = [
        f"{view.train.state_names[j]} by {test[j]:.2g} {view.deviations}, {_times(test[j], train[j])} as in training"
        for j in np.flatnonzero(test > limits)
    ]
    if not told:
        return None
    where = _where(view, view.test, view.held_out, limits, view.train)
    return Finding(
        f"single states of held-out data are missed: {listed(told)}: their fit does not carry over{where.told}",
        where.advice,
    )


def worse_on_unseen(view: View) -> Finding | None:
    """Training trajectories that were missed by far more before they were trained on: new ones may be, too."""
    if view.unseen is None:
        return None
    others, seen = view.train.split(ids=view.unseen.ids)
    train = root_mean_square(view.scaled(view.train, view.fitted))
    error = root_mean_square(view.scaled(seen, view.unseen))
    mean = view.of_mean(seen, others)
    if not (error > far_off(train) or _is_worse(error, mean)):
        return None
    missed = "not reached by the solution of the model"
    if np.isfinite(error):
        missed = f"missed by {error:.2g} {view.deviations}, {_times(error, train)} as in the end"
        missed += f"{_than_mean(error, mean)}, by the model"
    was, it = ("was", "it") if len(seen) == 1 else ("were", "them")
    where = _where(view, seen, view.unseen, far_off(train), others)
    return Finding(
        f"{listed(seen.ids)} {was} {missed} that had not seen {it}, so that new runs may be missed as much{where.told}",
        where.advice,
    )


class _Where(NamedTuple):
    """What is to be said of the parts that are missed, after the finding, and the advice."""

    told: str
    advice: str


def _times(error: float, train: float) -> str:
    return f"{error / train:.3g} times as far" if train > 0 else "many times as far"


def _is_worse(error: float, mean: float) -> bool:
    return error > max(WORSE * mean, GROSS)


def _than_mean(error: float, mean: float) -> str:
    told = f", and farther than by always predicting the mean ({mean:.2g})"
    return told if np.isfinite(error) and _is_worse(error, mean) else ""


def _where(
    view: View, data: Trajectories, predicted: Trajectories, limit: float | np.ndarray, train: Trajectories
) -> _Where:
    """Which runs, states and times are missed by more than `limit` standard deviations, and what may help with them.

    Args:
        limit: of all states, or of each.
        train: what the model had seen.
    """
    missed: list[tuple[float, str, str | None]] = []
    limits = np.broadcast_to(limit, view.spread.shape)
    for run, left in zip(data, view.scaled(data, predicted), strict=True):
        errors = np.nan_to_num([root_mean_square([column]) for column in left.T], posinf=np.inf)
        worst = int(np.argmax(errors / limits))
        if errors[worst] > limits[worst]:
            when = _when(data, run, left[:, worst], float(limits[worst]))
            what = f"{run.id} ({data.state_names[worst]}{_by(errors[worst])}{when})"
            missed.append((float(errors[worst]), what, _unlike(view, train, run)))
    missed.sort(key=lambda one: -one[0])
    where = f"; most of it is in {listed([what for _, what, _ in missed])}" if missed else ""
    strange, fewer = [why for _, _, why in missed if why is not None], WITHOUT if view.hidden else ""
    if strange:
        return _Where(
            f"{where}; {listed(strange)}",
            sentence(
                fewer,
                "train on runs that go there, for nothing that was trained on tells of such states",
                view.kind.choice("try", KNOWN, UNSURE),
            ),
        )
    return _Where(
        where,
        sentence(
            fewer or (HIDDEN if view.kind.goes_with(HIDDEN) else ""),
            "train on more runs like those",
            view.kind.choice(
                "try",
                "a smaller network (--width-size 8)",
                "more --weight-decay",
                "other initial weights (--starts 8)",
                KNOWN,
                UNSURE,
            ),
        ),
    )


def _by(error: float) -> str:
    return f" by {error:.2g}" if np.isfinite(error) else " is not reached"


def _when(data: Trajectories, run: Trajectory, left: np.ndarray, limit: float) -> str:
    """Since when, or between which times, one state is missed; nothing where it is missed throughout."""
    seen = np.flatnonzero(~np.isnan(left))
    bad = seen[np.abs(left[seen]) > limit]
    if not bad.size or bad.size > ALL * seen.size:
        return ""
    first, last = (data.clock.show(float(run.ts[row])) for row in (bad[0], bad[-1]))
    to_the_end = np.searchsorted(seen, bad[-1]) >= ALL * (seen.size - 1)
    return f" from {data.time_name} = {first} on" if to_the_end else f" for {data.time_name} from {first} to {last}"


def _unlike(view: View, train: Trajectories, run: Trajectory) -> str | None:
    """How a run differs from all that was trained on: it goes outside of its range, or starts far from it."""
    columns = np.ma.masked_invalid(np.concatenate([one.ys for one in train]))
    low, high = columns.min(axis=0).filled(np.nan), columns.max(axis=0).filled(np.nan)
    extent = np.where(high > low, high - low, np.nan)
    beyond = np.nan_to_num(np.maximum(low - run.ys, run.ys - high) / extent, nan=-np.inf)
    row, state = np.unravel_index(int(np.argmax(beyond)), beyond.shape)
    if beyond[row, state] > BEYOND:
        return (
            f"{run.id} goes to {train.state_names[state]} = {run.ys[row, state]:.3g}, where what was trained on lies "
            f"between {low[state]:.3g} and {high[state]:.3g}"
        )
    complete = [one.ys[np.isfinite(one.ys).all(axis=1)] / view.spread for one in train]
    runs = [ys for ys in complete if len(ys)]
    if run.id in train or not runs or not np.isfinite(run.ys[0] / view.spread).all():
        return None
    away = float(distances(run.ys[:1] / view.spread, runs)[0])
    noise = float(np.nanmax(view.errors / view.spread))
    far = np.isfinite(noise) and away > far_from_here(runs, noise)
    return f"{run.id} starts {away:.2g} standard deviations from all rows that were trained on" if far else None
