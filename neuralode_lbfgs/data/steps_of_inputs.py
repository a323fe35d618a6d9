"""States at the steps of held inputs: they bend after a step, and neither jump at once with it nor bend before it."""

import numpy as np

from .trajectories import Trajectories

FEWEST = 3  # steps of an input that tell of anything
FAR_ABOVE = 5.0  # times the jumps elsewhere: no noise, nor a fast motion
IN_PROPORTION = 0.9  # of the squares of the jumps, explained by the steps of the input
AT_ONCE = 0.5  # of the change to that row: what goes on changing as fast has a new slope, and did not jump
ALIKE = 0.9  # of the bends go with the step, or against it


def jump_with(data: Trajectories, state: int, number: int) -> float | None:
    """By how much a state jumps as a held input steps by one; None if it does not.

    A jump stands alone: the change to that row is more than the changes before and after it.
    """
    if (rows := _at_rows(data, state, number)) is None:
        return None
    at, steps, changes, before, after = rows
    jumps = np.where(before * after > 0, np.minimum(abs(before), abs(after)), 0.0)
    slope = float(steps[at] @ before[at] / np.sum(steps[at] ** 2))
    left = np.sum((before[at] - slope * steps[at]) ** 2)
    elsewhere = np.sqrt(np.mean(jumps[~at] ** 2))
    alone = np.median(jumps[at]) > max(FAR_ABOVE * elsewhere, AT_ONCE * np.median(abs(changes[at])))
    return slope if alone and left < (1 - IN_PROPORTION) * np.sum(before[at] ** 2) else None


def bends_before(data: Trajectories, state: int, number: int) -> bool:
    """Whether a state takes a new slope in the interval that ends at a step of a held input: the step is a row late.

    It goes on with that slope, or else it has jumped.
    """
    if (rows := _at_rows(data, state, number)) is None:
        return False
    at, steps, _, before, after = rows
    bend, elsewhere = np.median(abs(before[at])), np.sqrt(np.mean(before[~at] ** 2))
    with_it = np.mean(before[at] * steps[at] > 0)
    goes_on = np.median(abs(after[at])) < AT_ONCE * bend
    return bool(bend > FAR_ABOVE * elsewhere and max(with_it, 1 - with_it) > ALIKE and goes_on)


def _at_rows(data: Trajectories, state: int, number: int) -> tuple[np.ndarray, ...] | None:
    """Of rows with two beside them that are observed: whether the input steps to it, by how much, the change of the
    state to it, and how much more that is than the changes before and after. None where steps are too few, or all."""
    found = [np.zeros((4, 0))]
    for run in data:
        if run.inputs is not None and run.ts.size > 3:
            change, step = np.diff(run.ys[:, state]), np.diff(run.inputs[:, number])[1:-1]
            found.append(np.stack([step, change[1:-1], change[1:-1] - change[:-2], change[1:-1] - change[2:]]))
    rows = np.concatenate(found, axis=1)
    rows = rows[:, np.isfinite(rows).all(axis=0)]
    at = rows[0] != 0
    return None if at.sum() < FEWEST or at.all() else (at, *rows)
