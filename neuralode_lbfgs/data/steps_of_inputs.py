"""States at the steps of held inputs: whether they jump at once with the input, as no differential equation does."""

import numpy as np

from .trajectories import Trajectories

FEWEST = 3  # steps of an input that tell of anything
FAR_ABOVE = 5.0  # times the jumps elsewhere: no noise, nor a fast motion
IN_PROPORTION = 0.9  # of the squares of the jumps, explained by the steps of the input
AT_ONCE = 0.5  # of the change to that row: what goes on changing as fast has a new slope, and did not jump


def jump_with(data: Trajectories, state: int, number: int) -> float | None:
    """By how much a state jumps as a held input steps by one; None if it does not.

    A jump stands alone: the change to that row is more than the changes before and after it.
    """
    found = [_at_rows(run.ys[:, state], run.inputs[:, number]) for run in data if run.inputs is not None]
    if not found:
        return None
    steps, changes, before, after = np.concatenate(found, axis=1)
    jumps = np.where(before * after > 0, np.minimum(abs(before), abs(after)), 0.0)
    at = steps != 0
    if at.sum() < FEWEST or at.all():
        return None
    slope = float(steps[at] @ before[at] / np.sum(steps[at] ** 2))
    left = np.sum((before[at] - slope * steps[at]) ** 2)
    elsewhere = np.sqrt(np.mean(jumps[~at] ** 2))
    alone = np.median(jumps[at]) > max(FAR_ABOVE * elsewhere, AT_ONCE * np.median(abs(changes[at])))
    return slope if alone and left < (1 - IN_PROPORTION) * np.sum(before[at] ** 2) else None


def _at_rows(ys: np.ndarray, us: np.ndarray) -> np.ndarray:
    """Of rows with two beside them that are observed: the step of the input to it, the change of the state to it, and
    how much more that is than the changes before and after."""
    change, step = np.diff(ys), np.diff(us)[1:-1]
    both = np.stack([step, change[1:-1], change[1:-1] - change[:-2], change[1:-1] - change[2:]])
    return both[:, np.isfinite(both).all(axis=0)]
