"""What a figure over time shows: which trajectories, with which marks, and on what axes."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from neuralode_lbfgs.data.trajectories import Trajectories, Trajectory
from neuralode_lbfgs.outputs.limits import value_limits, with_left_out
from neuralode_lbfgs.outputs.plots.style import SHADE, left_out, observation

FLAT = 0.2  # of a panel: what fills less of it is hardly more than a line


def shown(data: Trajectories, train: Trajectories | None, number: int) -> list[Trajectory]:
    """At most `number` trajectories, in the order of the data, with up to half of them held out."""
    if number < 1:
        raise ValueError(f"max_trajectories must be at least one; it is {number}.")
    held = [run.id for run in data if train is not None and run.id not in train]
    fitted = [run.id for run in data if train is None or run.id in train]
    places = min(len(held), max(number // 2, number - len(fitted)))
    chosen = {*fitted[: number - places], *held[:places]}
    return [run for run in data if run.id in chosen]


def how_many(runs: Sequence[Trajectory], data: Trajectories) -> str | None:
    """How many of the trajectories are shown, where it is not all of them."""
    return f"{len(runs)} of {len(data)} trajectories" if len(runs) < len(data) else None


def shade(axes: Axes, start: float | None) -> bool:
    """Shade the held-out span of a panel whose time limits are set; whether there was anything to shade."""
    left, right = sorted(axes.get_xlim())
    margin = 0.02 * (right - left)
    if start is None or start >= right - margin:
        return False
    axes.axvspan(max(start, left), right, facecolor=SHADE, edgecolor="none", zorder=0, label="held out")
    return True


def time_limits(
    pairs: Sequence[tuple[Trajectory, Trajectory | None]], *, shared: bool = False
) -> list[tuple[float, float]]:
    """The limits of the time axis for each trajectory and its prediction.

    They are the same for all if `shared`, or if the longest then fills at least half of its panel.
    """
    spans = []
    for pair in pairs:
        ends = [run.ts[[0, -1]] for run in pair if run is not None]
        spans.append((float(np.min(ends)), float(np.max(ends))))
    low, high = min(span[0] for span in spans), max(span[1] for span in spans)
    if shared or max(right - left for left, right in spans) >= 0.5 * (high - low):
        spans = [(low, high)] * len(spans)
    limits = []
    for left, right in spans:
        margin = 0.02 * (right - left) or 0.5 * max(abs(left), 1.0)
        limits.append((left - margin, right + margin))
    return limits


def values_limits(
    runs: Sequence[Trajectory],
    curves: Sequence[Trajectory | None],
    gone: Sequence[Trajectory],
    state: int,
    *,
    apart: bool,
) -> tuple[list[tuple[float, float] | None], bool]:
    """The limits of the axis of a state for each trajectory, and whether values that were left out lie beyond.

    They are the same for all, but where most of them would fill less than a fifth of their panel.

    Args:
        gone: what was left out of these runs, if anything was.
        apart: whether each panel has an axis with numbers.
    """

    def limits_of(chosen: slice) -> tuple[tuple[float, float] | None, bool]:
        seen, drawn = [run.ys[:, state] for run in runs[chosen]], [one.ys[:, state] for one in curves[chosen] if one]
        return with_left_out(value_limits(seen, drawn), [run.ys[:, state] for run in gone[chosen]])

    (shared, beyond), own = limits_of(slice(None)), [limits_of(slice(k, k + 1)) for k in range(len(runs))]
    extents = [limits[1] - limits[0] for limits, _ in own if limits is not None]
    if apart and shared is not None and np.median(extents) < FLAT * (shared[1] - shared[0]):
        return [limits for limits, _ in own], any(off for _, off in own)
    return [shared] * len(runs), beyond


def cross_out(axes: Axes, ts: np.ndarray, values: np.ndarray) -> bool:
    """Draw the values of one state that were left out of the fit, beyond the limits at their edge; whether there are
    any.

    Args:
        ts, values: shape `(times,)`, or another state in place of the times; NaN for all others.
    """
    rows = np.isfinite(values)
    if rows.any():
        at_most = np.clip(ts[rows], *axes.get_xlim()), np.clip(values[rows], *axes.get_ylim())
        axes.plot(*at_most, label="left out", **left_out())
    return bool(rows.any())


def mark(
    axes: Axes,
    ts: np.ndarray,
    values: np.ndarray,
    held: np.ndarray,
    sd: np.ndarray | None = None,
    *,
    number: int,
) -> set[bool]:
    """Draw the observations of one state, those held out as hollow marks.

    Args:
        axes: where.
        ts: times, shape `(times,)`.
        values: what to draw, shape `(times,)`; NaN where there is nothing.
        held: which rows were held out, shape `(times,)`.
        sd: half the length of a bar at each mark, shape `(times,)`, or None for no bars.
        number: how many marks there would be along the width of a page at this density.

    Returns:
        Which kinds were drawn: False for fitted, True for held out.
    """
    drawn = set()
    for kind, label in ((False, "observed"), (True, "held out")):
        rows = (held == kind) & np.isfinite(values)
        if not rows.any():
            continue
        drawn.add(kind)
        marks = observation(number, kind)
        axes.plot(ts[rows], values[rows], label=label, **marks)
        if sd is not None:
            rows &= np.isfinite(sd)
            low, high = values[rows] - sd[rows], values[rows] + sd[rows]
            axes.vlines(ts[rows], low, high, colors=marks["color"], linewidth=0.8, zorder=marks["zorder"] - 0.1)
    return drawn
