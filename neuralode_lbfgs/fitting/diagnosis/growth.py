"""Errors of starts that grow as a model goes on: along chaotic runs, or because it is unstable beside its data."""

import numpy as np

from ...data.trajectories import Trajectories
from ..prediction import are_grown
from ..run_on import beyond
from .errors import above_the_noise, residuals_not_white
from .forecast import OUTSIDE
from .kind import sentence
from .view import WITHOUT, Finding, View, far_off, missed_by, root_mean_square

AT_FIRST = 0.1  # of the rows that are held out: what is missed so soon was never met
FROM_SEVERAL = "start predictions from several rows (predict --warmup 10)"


def errors_grow(view: View) -> Finding | None:
    """A model that leads from noisy first rows far away from the data, which it meets from fitted starts."""
    if view.from_rows is None:
        return None
    from_rows, fitted = _errors_of_starts(view, view.from_rows)
    if not are_grown(from_rows, fitted):
        return None
    missed = missed_by(from_rows)
    if view.hidden:
        return Finding(
            "hidden states are not found again: from their first rows, as new runs start, the training runs are "
            f"{missed}, from the fitted starts by {fitted:.2g}; chaotic runs part so, too",
            f"start predictions from more rows (predict --warmup 50); {WITHOUT}",
        )
    grown = f"errors of a start grow: from their first rows the training runs are {missed}, from the fitted starts by "
    unstable = "the model is unstable where no run has been"
    if (until := holds_until(view)) is not None:
        return Finding(
            f"{grown}{fitted:.2g}; so they do along chaotic runs, and the model misses nothing else: what is "
            f"held out is met {until}",
            sentence("trust no forecast of a single run beyond that", FROM_SEVERAL),
        )
    if _may_be_chaotic(view.train):
        return Finding(
            f"{grown}{fitted:.2g}; they do so along chaotic runs, or {unstable}",
            _from_elsewhere(view),
        )
    return Finding(
        f"{grown}{fitted:.2g}; a first row tells too little (noise, or a lag that is in no column), or {unstable}",
        sentence(_from_elsewhere(view), view.kind.choice("try", "a hidden state (--hidden-states 1)")),
    )


def holds_until(view: View) -> str | None:
    """Up to when held-out data are met, in words, where a model that is right magnifies errors of starts, as of chaotic
    systems: they are missed in the end, but no more than the training data at first. None where that is not so.
    """
    if view.test is None or view.held_out is None or view.from_rows is None or view.hidden:
        return None
    grown = are_grown(*_errors_of_starts(view, view.from_rows)) and _may_be_chaotic(view.train)
    if not grown or above_the_noise(view) is not None or residuals_not_white(view) is not None:
        return None
    limit = far_off(root_mean_square(view.scaled(view.train, view.fitted)))
    ends = []
    for run, left in zip(view.test, view.scaled(view.test, view.held_out), strict=True):
        far = np.flatnonzero(_so_far(left) > limit)
        if far.size and far[0] < AT_FIRST * len(left):
            return None
        ends += [(run.ts[row] - run.ts[0], run.id, view.test.clock.show(float(run.ts[row]))) for row in far[:1]]
    _, name, when = min(ends, default=(0.0, "", ""))
    until = f"up to {view.test.time_name} = {when} (of {name!r})" if ends else "to the end"
    return f"within {limit:.2g} standard deviations {until}"


def _so_far(left: np.ndarray) -> np.ndarray:
    """The root mean square of residuals of all states up to each row, `(rows,)`; zero before the first."""
    squares, seen = np.where(np.isnan(left), 0.0, left**2).sum(axis=1), (~np.isnan(left)).sum(axis=1)
    return np.sqrt(np.cumsum(squares) / np.maximum(np.cumsum(seen), 1))


def _errors_of_starts(view: View, from_rows: Trajectories) -> tuple[float, float]:
    """Of training runs from their first rows, and from the fitted starts, in standard deviations."""
    part = view.train.with_trajectories([view.train[run.id] for run in from_rows])
    return root_mean_square(view.scaled(part, from_rows)), root_mean_square(view.scaled(part, view.fitted))


def _may_be_chaotic(data: Trajectories) -> bool:
    """Whether states, and a time that drives them, are three: two have no chaos (Poincaré-Bendixson)."""
    driven = any(run.inputs is not None and np.ptp(run.inputs, axis=0).any() for run in data)
    return data.state_size + driven > 2


def unstable_nearby(view: View) -> Finding | None:
    """A model that leads from noisy rows out of the range of the data, though a row is as near to its runs as noise."""
    if view.from_others is None:
        return None
    seen = np.stack([view.low, view.high])
    lost = [run for run in view.from_others if beyond(run.ys, seen) > OUTSIDE]
    if not lost:
        return None
    leads = "leads" if len(lost) == 1 else "lead"
    first = f"{view.from_others.time_name} = {view.from_others.clock.show(float(lost[0].ts[0]))}"
    return Finding(
        f"the model is unstable beside its own runs: of {len(view.from_others)} training rows taken as starts, "
        f"{len(lost)} {leads} out of the range of the data before a quarter of a run is over (the first at {first})",
        _from_elsewhere(view),
    )


def _from_elsewhere(view: View) -> str:
    """What helps where starts beside the data lead astray."""
    return sentence(
        FROM_SEVERAL,
        view.kind.choice(
            "compare",
            "the network alone (--degree 0)",
            "other initial weights (--seed 1)",
            then=", of which those are to be trusted that do better from first rows",
        ),
    )
