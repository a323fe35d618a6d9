"""Which states the training trajectories show: how far another state is from all of them.

A state may lie within the range of each column and yet far from every row: one trajectory is a curve, and the box
around it is mostly empty.
"""

from collections.abc import Sequence
from dataclasses import replace

import jax
import numpy as np
from scipy.spatial import KDTree

from ..data.steps import set_states
from ..data.trajectories import Trajectories, Trajectory
from ..models import NeuralODE
from .evidence import weight_groups
from .noise_level import roughness_of_half

NEAR = 0.3  # standard deviations: as near as this is on the trajectory, as far as a field that is smooth can tell
SIGMAS = 3.0  # of the noise in every state: a noisy start is off its trajectory by as much
EMPTY, POINTS = 0.2, 400  # of points between rows, that are far from all lines: a slow spiral fills what is inside
FLAT, LOCAL = 0.5, 200  # how wide a strip is for its length, that is no curve; rows around which that is looked at
SAME = 1e-6  # of an input: what differs by more is another one
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

    Farther than their own starts are from the other trajectories, of which new starts between them are as near; but
    one that lies apart shows nothing of what is between it and the others.
    """
    own = _own_starts(runs)
    return max([NEAR, SIGMAS * noise * np.sqrt(runs[0].shape[1]), *(own[:-1] if len(own) > 2 else own)])


def _own_starts(runs: Sequence[np.ndarray]) -> list[float]:
    """How far the start of each of the trajectories, or of some, is from the others; the farthest last."""
    chosen = range(0, len(runs), -(-len(runs) // MOST)) if len(runs) > 1 else ()
    return sorted(float(distances(runs[i][:1], [*runs[:i], *runs[i + 1 :]])[0]) for i in chosen)


def one_curve_note(model: object, data: Trajectories, noise: float | None) -> list[str]:
    """That a network was fitted to one curve, and nothing is known of starts off it; nothing where that is not so.

    Args:
        data: what it was fitted to, in the data's units; every state of the model is observed, or nothing is told.
        noise: of order one, as the fit left it, or None.
    """
    if not isinstance(model, NeuralODE) or model.state_size != data.state_size or not weight_groups(model):
        return []
    if set_states(data):
        return []  # nothing is between the levels of an input
    if not _driven_alike(data):
        return []
    coordinates = jax.tree.map(np.asarray, model.coordinates)
    of_order_one = [replace(run, ys=np.asarray(coordinates.states_in(run.ys))) for run in data]
    rows = [run.ys[np.isfinite(run.ys).all(axis=1)] for run in of_order_one]
    runs = [ys for ys in rows if len(ys)]
    if not (runs and is_one_curve(runs, _shown_by_rows(of_order_one, noise or 0.0))):
        return []
    what = "one trajectory" if len(data) == 1 else f"{len(data)} trajectories along one curve"
    return [f"fitted to {what}: of starts off it nothing is known from data; predict tells where a start is far."]


def _driven_alike(data: Trajectories) -> bool:
    """Whether all runs have the same inputs as long as they last, so that one start leads along one curve."""
    longest = max(data, key=lambda run: run.ts[-1])
    if longest.inputs is None:
        return True
    return all(np.allclose(run.inputs_at(run.ts), longest.inputs_at(run.ts), rtol=SAME, atol=0.0) for run in data)


def _shown_by_rows(runs: Sequence[Trajectory], noise: float) -> float:
    """The noise, or what neighbouring rows show of it where that is less: what a poor fit leaves is not all noise."""
    each = [roughness_of_half(runs, state) for state in range(runs[0].ys.shape[1])]
    shown = float(np.sqrt(np.mean(np.square(each))))
    return min(noise, shown) if np.isfinite(shown) else noise


def is_one_curve(runs: Sequence[np.ndarray], noise: float) -> bool:
    """Whether trajectories, `(rows, states)` of order one each, are one line, with states beside it that none shows.

    Each begins near the others; and all lie in fewer directions than there are states, or around states that are far
    from all of them: one wave, a limit cycle. Several that lie beside each other all over a sheet, as chaotic ones do,
    are none. Of a single state a line is all that there is.
    """
    rows = np.concatenate(runs)
    size, far = rows.shape[1], far_from_here(runs[:1], noise)
    if size < 2 or len(rows) <= size or any(away > far for away in _own_starts(runs)):
        return False
    if len(runs) > 1 and _is_sheet(rows):
        return False
    widths = np.linalg.svd(rows - rows.mean(axis=0), compute_uv=False) / np.sqrt(len(rows))
    if widths[-1] < NEAR:
        return True
    rng = np.random.default_rng(0)
    shares, corners = rng.dirichlet(np.ones(size + 1), POINTS), rng.integers(len(rows), size=(POINTS, size + 1))
    between = np.einsum("pc,pcs->ps", shares, rows[corners])
    return bool(np.mean(distances(between, runs) > far) > EMPTY)


def _is_sheet(rows: np.ndarray) -> bool:
    """Whether rows near each other, as seen around most of them, lie beside each other as widely as along a line."""
    around = KDTree(rows).query_ball_point(rows[:: -(-len(rows) // LOCAL)], 2 * NEAR)
    each = [rows[near] - rows[near].mean(axis=0) for near in around if len(near) > rows.shape[1] + 1]
    widths = [np.linalg.svd(near, compute_uv=False) for near in each]
    return bool(widths) and float(np.median([np.linalg.norm(one[1:]) / max(one[0], 1e-300) for one in widths])) > FLAT
