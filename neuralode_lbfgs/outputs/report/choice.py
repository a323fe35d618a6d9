"""What of many trajectories, rows and states is drawn, so that a report stays light and says what it left out."""

from dataclasses import dataclass

import numpy as np

from ...data.trajectories import Trajectories, Trajectory
from ..metrics import paired

ALL = 4  # trajectories up to which all are drawn
CURVE_ROWS = 1600  # of a curve: two for each pixel of a wide figure
MARKS = 12_000  # observations over all panels of all trajectories drawn


@dataclass(frozen=True, eq=False)
class Drawn:
    """A trajectory that is drawn.

    Args:
        id: of the trajectory.
        why: what it stands for, in a few words; empty where all are drawn.
        curve: the model at times of its own, or at the rows of the data.
    """

    id: str
    why: str
    curve: Trajectory


def trajectory_errors(
    data: Trajectories, predictions: Trajectories, train: Trajectories, scale: np.ndarray
) -> dict[str, tuple[float, float]]:
    """Root mean square of error / scale for each trajectory: of the rows trained on, and of those held out.

    NaN where there are no such rows; infinite where a prediction is not finite.
    """
    known = {run.id: run.ts for run in train}
    found = {}
    for run, predicted in paired(data, predictions):
        fitted = np.isin(run.ts, known.get(run.id, ()))
        with np.errstate(over="ignore", invalid="ignore"):
            off = (run.ys - predicted.ys) / scale
        off[np.isfinite(run.ys) & ~np.isfinite(off)] = np.inf
        found[run.id] = (_rms(off[fitted]), _rms(off[~fitted]))
    return found


def chosen(errors: dict[str, tuple[float, float]]) -> list[tuple[str, str]]:
    """The trajectories to draw, and why each: all of a few, else the worst, the middle one and the best.

    Where whole trajectories were held out, those three are of them, and the worst of the others comes with them.

    Args:
        errors: by trajectory, as `trajectory_errors` gives them.
    """
    if len(errors) <= ALL:
        return [(name, "") for name in errors]
    late = {name: held for name, (fitted, held) in errors.items() if np.isnan(fitted) and not np.isnan(held)}
    rest = {name: fitted if np.isnan(held) else held for name, (fitted, held) in errors.items() if name not in late}
    rest = {name: error for name, error in rest.items() if not np.isnan(error)}  # of some nothing was observed
    groups = [(late or rest, "held out, " if late else "", 3)]
    if late and rest:
        groups.append((rest, "trained on, ", 1))
    picked: dict[str, str] = {}
    for group, kind, number in groups:
        ranked = sorted(group, key=lambda name: -group[name])
        last = len(ranked) - 1
        for place in (0, len(ranked) // 2, last)[:number]:
            word = "the largest" if place == 0 else "the smallest" if place == last else "the middle"
            picked.setdefault(ranked[place], f"{kind}{word} error of {len(ranked)}" if last else f"{kind}the only one")
    return list(picked.items())


def every(number: int, most: int) -> int:
    """The k of "every k-th": the smallest that leaves at most so many."""
    return max(1, -(-number // max(most, 1)))


def extremes(ys: np.ndarray, most: int) -> np.ndarray:
    """Rows of a long curve that keep its shape: the lowest and highest of each state in every of many short spans.

    Args:
        ys: shape `(times, states)`.
        most: how many rows at most, about.

    Returns:
        Indices in order; all if there are few enough.
    """
    number, states = ys.shape
    if number <= most:
        return np.arange(number)
    spans = max(1, most // (2 * states))
    edges = np.linspace(0, number, spans + 1).astype(int)
    kept = {0, number - 1}
    for column in ys.T:
        low, high = np.where(np.isfinite(column), column, np.inf), np.where(np.isfinite(column), column, -np.inf)
        for begin, end in zip(edges, edges[1:], strict=False):
            kept |= {begin + int(np.argmin(low[begin:end])), begin + int(np.argmax(high[begin:end]))}
    return np.array(sorted(kept))


def thinned(curve: Trajectory, most: int = CURVE_ROWS) -> Trajectory:
    """A curve with so many rows at most, about, that still shows its peaks."""
    return curve.at(extremes(curve.ys, most))


def _rms(values: np.ndarray) -> float:
    """NaN entries are left out; NaN if there are no others."""
    seen = values[~np.isnan(values)]
    with np.errstate(over="ignore"):
        return float(np.sqrt(np.mean(seen**2))) if seen.size else float("nan")
