"""A model run on beyond its data."""

import numpy as np

from ...data.trajectories import Trajectories
from ..run_on import MANY_TIMES
from .below_zero import NOTHING
from .kind import sentence
from .view import Finding, View, in_turn

OUTSIDE = 1.2  # times the range of the data, beyond its ends: a straight trend goes on by one in as long again
NEGATIVE = 0.1  # of the range, below zero
JUMP = 0.05  # of the range of an input, between its end and its beginning


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
        f"run on for as long again{again} the model leaves the range of the data: {in_turn(told)}",
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
