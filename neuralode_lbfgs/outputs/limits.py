"""How far the axes of a figure reach, and where the arrows of a field stand; without a library that draws."""

from collections.abc import Sequence

import numpy as np

from ..data.trajectories import Trajectories

LEFT_OUT, BEYOND = "left out of the fit", "; at the edge: beyond"  # what crosses are
WIDER = 0.25  # of the range of the observations, which predictions may leave in sight
ARROWS = 21  # along each axis of a plane: enough to see a cycle, few enough to see what lies over them


def of_crosses(beyond: bool) -> str:
    """What crosses are, in a legend."""
    return LEFT_OUT + (BEYOND if beyond else "")


def value_limits(observed: Sequence[np.ndarray], predicted: Sequence[np.ndarray]) -> tuple[float, float] | None:
    """The limits of an axis of values, from what was observed.

    Predictions widen them by at most a quarter of the range of the observations on each side: a prediction
    that diverges leaves the panel, it does not flatten the data of all others. None if nothing is finite.
    """
    seen, curves = _finite(observed), _finite(predicted)
    if seen.size == 0:
        seen = curves
    if seen.size == 0:
        return None
    low, high = float(seen.min()), float(seen.max())
    room = (high - low) or max(abs(low), 1e-12)
    if curves.size:
        low = max(min(low, float(curves.min())), low - WIDER * room)
        high = min(max(high, float(curves.max())), high + WIDER * room)
    margin = 0.06 * ((high - low) or room)
    return low - margin, high + margin


def with_left_out(
    limits: tuple[float, float] | None, values: Sequence[np.ndarray]
) -> tuple[tuple[float, float] | None, bool]:
    """Limits that show values that were left out, too, as far as they lie within one more range on each side; and
    whether others lie beyond: those are drawn at the edge, for they would flatten the data to a line."""
    seen = _finite(values)
    if limits is None or not seen.size:
        return limits, False
    low, high = limits
    room = high - low
    near = seen[(seen >= low - room) & (seen <= high + room)]
    margin = 0.06 * room
    low, high = min(low, *(near - margin), low), max(high, *(near + margin), high)
    return (low, high), near.size < seen.size


def residual_limits(observed: Sequence[np.ndarray], left: np.ndarray) -> tuple[float, bool]:
    """How far from zero an axis of observed minus predicted reaches, and whether some of it lies beyond.

    It reaches no farther than the observations do from each other: of a prediction that runs away that is enough.
    """
    off, seen = np.abs(left[~np.isnan(left)]), _finite(observed)
    most = float(np.ptp(seen)) if seen.size else 0.0
    most = most or float(_finite([off]).max(initial=0.0))
    return min(most, float(off.max(initial=0.0))) or 1.0, bool((off > most).any())


def _finite(arrays: Sequence[np.ndarray]) -> np.ndarray:
    values = np.concatenate([np.ravel(array) for array in arrays]) if arrays else np.empty(0)
    return values[np.isfinite(values)]


def plane_limits(
    data: Trajectories, predictions: Trajectories | None, states: tuple[int, int] = (0, 1)
) -> list[tuple[float, float]]:
    """`value_limits` of two states."""
    curves = [] if predictions is None else list(predictions)
    return [
        value_limits([run.ys[:, j] for run in data], [curve.ys[:, j] for curve in curves]) or (0.0, 1.0) for j in states
    ]


def plane_points(
    data: Trajectories, limits: Sequence[tuple[float, float]], states: tuple[int, int] = (0, 1)
) -> np.ndarray:
    """A grid over the plane of two states, `(points, states)`, every other state at the mean of its observations."""
    columns = np.concatenate([run.ys for run in data]).T
    # A state that is never observed has no mean: zero is as good as any.
    mean = [column[np.isfinite(column)].mean() if np.isfinite(column).any() else 0.0 for column in columns]
    origin, extent = np.array(limits)[:, 0], np.diff(np.array(limits), axis=1)[:, 0]
    middles = (np.arange(ARROWS) + 0.5) / ARROWS
    points = np.tile(np.array(mean), (ARROWS**2, 1))
    points[:, list(states)] = origin + extent * np.stack(np.meshgrid(middles, middles), axis=-1).reshape(-1, 2)
    return points
