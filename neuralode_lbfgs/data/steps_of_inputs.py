"""States at the steps of held inputs: they bend after a step, and neither jump at once with it nor bend before it."""

from typing import NamedTuple

import numpy as np

from .trajectories import Trajectories

FEWEST = 3  # steps of an input that tell of anything
ABOVE = 3.0  # times the changes of slope elsewhere: no noise, nor a fast motion
FAR_ABOVE = 5.0  # the same of a bend, which need not go in proportion to the steps
IN_PROPORTION = 0.9  # of the squares of the jumps, explained by the steps of the input
AT_ONCE = 1 / 3  # of the change to that row: what goes on changing nearly as fast has a new slope, and did not jump
SURE, EARLY = 4.0, 0.2  # times its standard error, and intervals: what bends after a step curves a little before it
MOST_EARLY = 1.5  # intervals: one, for states that level off again; more is a jump, not a bend


def jump_with(data: Trajectories, state: int, number: int) -> float | None:
    """By how much a state jumps as a held input steps by one; None if it does not.

    Jumps go in proportion to the steps, and stand alone: the change to that row is more than the changes before and
    after it; a part that relaxes within a row or two may follow. A state that answers fast to a step that came before
    its row jumps, too: so nothing is known where another state shows that steps are late.
    """
    rows = _at_rows(data, state, number)
    at, steps, before, after = rows.at, rows.steps, rows.before, rows.after
    if not rows.enough or any(lead(data, other, number) for other in range(data.state_size)):
        return None
    calm = ~at & ~rows.beside if (~at & ~rows.beside).any() else ~at
    if not np.median(abs(before[at])) > ABOVE * np.sqrt(np.mean(before[calm] ** 2)):
        return None
    squares = np.sum(steps[at] ** 2)
    slope, alone = (float(steps[at] @ more[at] / squares) for more in (before, after))
    left = np.sum((before[at] - slope * steps[at]) ** 2)
    in_proportion = left < (1 - IN_PROPORTION) * np.sum(before[at] ** 2)
    return slope if in_proportion and alone / slope > AT_ONCE else None


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
        before, after: how much more the state changes to it than with the slopes before and after.
    """

    at: np.ndarray
    beside: np.ndarray
    steps: np.ndarray
    before: np.ndarray
    after: np.ndarray

    @property
    def enough(self) -> bool:
        """Whether there are steps that tell of anything, and rows without one."""
        return bool(self.at.sum() >= FEWEST and not self.at.all())


def _at_rows(data: Trajectories, state: int, number: int) -> _Rows:
    found = [np.zeros((4, 0))]
    for run in data:
        if run.inputs is not None and run.ts.size > 3:
            change, step, taken = np.diff(run.ys[:, state]), np.diff(run.inputs[:, number]), np.diff(run.ts)
            slope, here = change / taken, taken[1:-1]
            beside = (step[:-2] != 0) | (step[2:] != 0)
            more = [(slope[1:-1] - other) * here for other in (slope[:-2], slope[2:])]
            found.append(np.stack([beside, step[1:-1], *more]))
    rows = np.concatenate(found, axis=1)
    beside, *others = rows[:, np.isfinite(rows).all(axis=0)]
    return _Rows(others[0] != 0, beside != 0, *others)
