"""States at the steps of held inputs: they bend after a step, and neither jump at once with it nor bend before it."""

from typing import NamedTuple

import numpy as np

from .trajectories import Trajectories

FEWEST = 3  # steps of an input that tell of anything
FAR_ABOVE = 5.0  # times the jumps elsewhere: no noise, nor a fast motion
IN_PROPORTION = 0.9  # of the squares of the jumps, explained by the steps of the input
AT_ONCE = 0.5  # of the change to that row: what goes on changing as fast has a new slope, and did not jump
SURE, EARLY = 4.0, 0.2  # times its standard error, and intervals: what bends after a step curves a little before it
MOST_EARLY = 1.5  # intervals: one, for states that level off again; more is a jump, not a bend


def jump_with(data: Trajectories, state: int, number: int) -> float | None:
    """By how much a state jumps as a held input steps by one; None if it does not.

    A jump stands alone: the change to that row is more than the changes before and after it. A state that answers fast
    to a step that came before its row jumps, too: so nothing is known where another state shows that steps are late.
    """
    rows = _at_rows(data, state, number)
    at, steps, changes, before, after = rows.at, rows.steps, rows.changes, rows.before, rows.after
    if not rows.enough or any(lead(data, other, number) for other in range(data.state_size)):
        return None
    jumps = np.where(before * after > 0, np.minimum(abs(before), abs(after)), 0.0)
    slope = float(steps[at] @ before[at] / np.sum(steps[at] ** 2))
    left = np.sum((before[at] - slope * steps[at]) ** 2)
    elsewhere = np.sqrt(np.mean(jumps[~at] ** 2))
    alone = np.median(jumps[at]) > max(FAR_ABOVE * elsewhere, AT_ONCE * np.median(abs(changes[at])))
    return slope if alone and left < (1 - IN_PROPORTION) * np.sum(before[at] ** 2) else None


def lead(data: Trajectories, state: int, number: int) -> float | None:
    """How long before the row of a step of a held input a state takes its new slope, in intervals between rows.

    With the slopes `a`, `b`, `c` of the intervals before, to and after that row, `b = a + lead (c - a)`, by least
    squares over all steps that stand alone. None where it is no time that can be told from zero.
    """
    rows = _at_rows(data, state, number)
    at, calm = rows.at & ~rows.beside, ~rows.at & ~rows.beside
    if at.sum() < FEWEST + 1 or not calm.any():
        return None
    begun, bend = rows.before[at], (rows.before - rows.after)[at]
    squares = float(bend @ bend)
    usual = np.median(abs((rows.before - rows.after)[calm]))
    if not (squares > 0 and np.median(abs(bend)) > FAR_ABOVE * usual):
        return None
    early = float(begun @ bend / squares)
    error = float(np.sqrt(np.sum((begun - early * bend) ** 2) / (bend.size - 1) / squares))
    return early if max(EARLY, SURE * error) < early < MOST_EARLY else None


class _Rows(NamedTuple):
    """Rows with two beside them that are observed.

    Args:
        at, beside: whether the input steps to the row, and to one beside it.
        steps: by how much.
        changes, before, after: of the state to it, and how much more that is than with the slopes before and after.
    """

    at: np.ndarray
    beside: np.ndarray
    steps: np.ndarray
    changes: np.ndarray
    before: np.ndarray
    after: np.ndarray

    @property
    def enough(self) -> bool:
        """Whether there are steps that tell of anything, and rows without one."""
        return bool(self.at.sum() >= FEWEST and not self.at.all())


def _at_rows(data: Trajectories, state: int, number: int) -> _Rows:
    found = [np.zeros((5, 0))]
    for run in data:
        if run.inputs is not None and run.ts.size > 3:
            change, step, taken = np.diff(run.ys[:, state]), np.diff(run.inputs[:, number]), np.diff(run.ts)
            slope, here = change / taken, taken[1:-1]
            beside = (step[:-2] != 0) | (step[2:] != 0)
            more = [(slope[1:-1] - other) * here for other in (slope[:-2], slope[2:])]
            found.append(np.stack([beside, step[1:-1], change[1:-1], *more]))
    rows = np.concatenate(found, axis=1)
    beside, *others = rows[:, np.isfinite(rows).all(axis=0)]
    return _Rows(others[0] != 0, beside != 0, *others)
