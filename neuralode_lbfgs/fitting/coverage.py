"""Which states the training trajectories show: how far another state is from all of them.

A state may lie within the range of each column and yet far from every row: one trajectory is a curve, and the box
around it is mostly empty.
"""

from collections.abc import Sequence

import numpy as np
from scipy.spatial import KDTree

NEAR = 0.3  # standard deviations: as near as this is on the trajectory, as far as a field that is smooth can tell
SIGMAS = 3.0  # of the noise in every state: a noisy start is off its trajectory by as much
MOST = 20  # trajectories whose starts are compared with all others; more of them tell no more


def distances(states: np.ndarray, runs: Sequence[np.ndarray]) -> np.ndarray:
    """From each of `states`, `(points, states)`, to the nearest of the lines through the rows of `runs`.

    The two lines that meet in the nearest row are looked at: where rows are far apart, a state between them is near.
    """
    rows = np.concatenate(runs)
    first = np.concatenate([np.arange(len(run)) == 0 for run in runs])
    nearest = KDTree(rows).query(states)[1]
    before = np.where(first[nearest], nearest, nearest - 1)
    after = np.where(np.append(first[1:], True)[nearest], nearest, nearest + 1)
    return np.minimum(_to_line(states, rows[before], rows[nearest]), _to_line(states, rows[nearest], rows[after]))


def _to_line(states: np.ndarray, begin: np.ndarray, end: np.ndarray) -> np.ndarray:
    along, square = end - begin, np.sum((end - begin) ** 2, axis=1)
    part = np.sum((states - begin) * along, axis=1) / np.where(square > 0, square, 1.0)
    return np.linalg.norm(begin + np.clip(part, 0.0, 1.0)[:, None] * along - states, axis=1)


def far_from_here(runs: Sequence[np.ndarray], noise: float) -> float:
    """From which distance on a start is far from all trajectories, `(rows, states)` of order one each.

    Farther than any of their own starts is from the other trajectories: new starts between them are as near.
    """
    least = max(NEAR, SIGMAS * noise * np.sqrt(runs[0].shape[1]))
    chosen = range(0, len(runs), -(-len(runs) // MOST)) if len(runs) > 1 else ()
    return max([least, *(float(distances(runs[i][:1], [*runs[:i], *runs[i + 1 :]])[0]) for i in chosen)])
