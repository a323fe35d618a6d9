"""Single values that are missed where an input jumps that is taken as linear between rows: it may be held."""

import shlex

import numpy as np

from ...data.trajectories import Trajectory
from .lone import ALONE_SAID, lone_values
from .view import Finding, View, listed

FEWEST, SHARE = 2, 0.5  # of the values: fewer are there by chance
SUDDEN, LARGE, ALONE = 8.0, 0.1, 0.2  # times the usual step, of the range, and of the jump: the step before it


def jumping_inputs(view: View) -> Finding | None:
    """Between the rows of a jump a line leads an input through values that it never had."""
    values = lone_values(view) if view.train.input_size else []
    for number, name in enumerate(view.train.input_names):
        if view.train[0].hold and view.train[0].hold[number]:
            continue
        jumps = {run.id: _jumps(view, run, number) for run in view.train}
        at = [one for one in values if one[2] in jumps[one[1].id]]
        if len(at) < max(FEWEST, SHARE * len(values)):
            continue
        clock = view.train.clock
        told = [f"{state} of {run.id!r} at {clock.show(float(run.ts[row]))}" for state, run, row, _ in at]
        return Finding(
            f"{ALONE_SAID}, at rows where {name} jumps, which is taken as linear between rows: {listed(told)}",
            f"if {name} keeps the value of a row until the next one, fit again with --input-hold {shlex.quote(name)} "
            "(input_hold= in Python); else give the jump rows of its own right before and after it",
        )
    return None


def _jumps(view: View, run: Trajectory, number: int) -> set[int]:
    """The rows before and after jumps of an input."""
    every = np.concatenate([one.inputs_at(one.ts)[:, number] for one in view.train])
    usual = np.median(np.concatenate([_steps(one, number) for one in view.train]))
    steps = _steps(run, number)
    before = np.append(0.0, steps[:-1])
    sudden = (steps > max(SUDDEN * usual, LARGE * np.ptp(every))) & (before < ALONE * steps)
    rows = np.flatnonzero(sudden)
    return {*rows.tolist(), *(rows + 1).tolist()}


def _steps(run: Trajectory, number: int) -> np.ndarray:
    return np.abs(np.diff(run.inputs_at(run.ts)[:, number]))
