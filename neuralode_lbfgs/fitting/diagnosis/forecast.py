"""A model run on beyond its data."""

import numpy as np

from ...data.trajectories import Trajectories
from ..prediction import are_grown
from ..run_on import MANY_TIMES, beyond
from .below_zero import NOTHING
from .kind import sentence
from .view import WITHOUT, Finding, View, root_mean_square

OUTSIDE = 1.2  # times the range of the data, beyond its ends: a straight trend goes on by one in as long again
NEGATIVE = 0.1  # of the range, below zero
JUMP = 0.05  # of the range of an input, between its end and its beginning


def errors_grow(view: View) -> Finding | None:
    """A model that leads from noisy first rows far away from the data, which it meets from fitted starts."""
    if view.from_rows is None:
        return None
    part = view.train.with_trajectories([view.train[run.id] for run in view.from_rows])
    from_rows, fitted = (root_mean_square(view.scaled(part, predicted)) for predicted in (view.from_rows, view.fitted))
    if not are_grown(from_rows, fitted):
        return None
    missed = f"missed by {from_rows:.2g} standard deviations" if np.isfinite(from_rows) else "not followed to the end"
    if view.hidden:
        return Finding(
            "hidden states are not found again: from their first rows, as new runs start, the training runs are "
            f"{missed}, from the fitted starts by {fitted:.2g}; chaotic runs part so, too",
            f"start predictions from more rows (predict --warmup 50); {WITHOUT}",
        )
    grown = f"errors of a start grow: from their first rows the training runs are {missed}, from the fitted starts by "
    unstable = "the model is unstable where no run has been"
    if _may_be_chaotic(view.train):
        return Finding(
            f"{grown}{fitted:.2g}; they do so along chaotic runs, or {unstable}",
            _from_elsewhere(view),
        )
    return Finding(
        f"{grown}{fitted:.2g}; a first row tells too little (noise, or a lag that is in no column), or {unstable}",
        sentence(_from_elsewhere(view), view.kind.choice("try", "a hidden state (--hidden-states 1)")),
    )


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
        "start predictions from several rows (predict --warmup 10)",
        view.kind.choice(
            "compare",
            "the network alone (--degree 0)",
            "other initial weights (--seed 1)",
            then=", of which those are to be trusted that do better from first rows",
        ),
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
    lowest, driven = _lowest(view.continued, view.train), view.continued.input_size > 0
    for j, (name, least, most) in enumerate(zip(view.continued.state_names, view.low, view.high, strict=True)):
        column = ys[:, j]
        off = np.maximum(least - column, column - most)
        if not (column.size and most > least):
            continue
        if off.max() > (MANY_TIMES if driven else OUTSIDE) * (most - least):
            worst = column[np.argmax(off)]
            told.append(f"{name} comes to {worst:.3g}, where the data lie between {least:.3g} and {most:.3g}")
        elif least >= -NOTHING * (most - least) and lowest[j] < -NEGATIVE * (most - least):
            rarely = "which the data never do" if least >= 0 else f"where the least of the data is {least:.3g}"
            told.append(f"{name} falls below zero, to {lowest[j]:.3g}, {rarely}")
    if not told:
        return None
    again = ", with the same inputs again," if driven else ""
    return Finding(
        f"run on for as long again{again} the model leaves the range of the data: {'; '.join(told)}",
        sentence(
            "trust no forecast that far",
            view.kind.choice("keep", "states positive that cannot be negative (--positive)"),
            view.kind.choice(
                "try", "--ensemble 5, which leaves out runaway members and shows a band,", "more --weight-decay"
            ),
        ),
    )


def _lowest(continued: Trajectories, train: Trajectories) -> np.ndarray:
    """The least value of each state where a run goes on, `(states,)`.

    Runs whose inputs begin again far from where they ended say nothing: that jump, which nobody made, throws a true
    law off as well.
    """
    limit = JUMP * np.ptp(np.concatenate([run.inputs_at(run.ts) for run in train]), axis=0)
    jumps = [np.abs(np.diff(run.inputs_at(run.ts[[0, -1]]), axis=0)) > limit for run in continued]
    rows = [run.ys for run, jump in zip(continued, jumps, strict=True) if not jump.any()]
    none = np.full((1, continued.state_size), np.inf)
    return np.nanmin(np.concatenate([none, *rows]), axis=0)
