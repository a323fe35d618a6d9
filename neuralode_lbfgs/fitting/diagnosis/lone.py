"""Single observations that the model misses by far, beside others that it meets."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ...data.steps_of_inputs import jump_with
from ...data.trajectories import Trajectory
from ..noise_level import MEDIAN, usual_of
from .view import Finding, View, listed

FAR = 8.0  # times the usual error
ALONE = 4.0  # times the errors of its neighbours
MATTERS = 0.3  # standard deviations: less does not bend a model
MOST = 0.03  # of the observations of a state: more are no exceptions
ALONE_SAID = f"single values are missed by more than {FAR:g} times the usual error, and those beside them are not"
LEVEL = 25  # observations nearest in level, that tell of the noise there


def lone_errors(view: View) -> Finding | None:
    """Slips at the ends of runs, say, where rows on both sides cannot tell: a few values that the model misses by far,
    while it meets the rows beside them."""
    told = []
    for name, run, k, off_by in lone_values(view):
        when = f"{view.train.time_name} = {view.train.clock.show(float(run.ts[k]))}"
        # A run that begins, or ends, at a slip is led through it, and misses the row beside it.
        end = {1: " (or the row before it)", run.ts.size - 2: " (or the row after it)"}.get(k, "")
        told.append(f"{name} of {run.id!r} at {when}{end}, by {off_by:.3g}")
    if not told:
        return None
    return Finding(
        f"{ALONE_SAID}: {listed(told)}",
        "if they are slips, leave the cells blank and fit again: a few of them bend a model more than all noise does",
    )


def lone_values(view: View) -> list[tuple[str, Trajectory, int, float]]:
    """State, run, row and error of each."""
    told = []
    for j, name in enumerate(view.train.state_names):
        errors = np.concatenate([left[:, j] for left in view.residuals])
        levels = np.concatenate([run.ys[:, j] for run in view.fitted])
        if not np.isfinite(errors).any() or _jumps(view, j):
            continue
        usual = _usual_at(levels, errors)
        found, parts = [], np.split(usual, np.cumsum([run.ts.size for run in view.train])[:-1])
        for run, left, expected in zip(view.train, view.residuals, parts, strict=True):
            seen = np.flatnonzero(~np.isnan(left[:, j]))
            off = np.abs(left[seen, j])
            beside = np.maximum(np.append(0.0, off[:-1]), np.append(off[1:], 0.0))
            far = off > np.maximum(FAR * expected[seen], MATTERS * view.spread[j])
            alone = far & (off > ALONE * beside) & np.isfinite(off)
            found += [(name, run, int(k), float(off_by)) for k, off_by in zip(seen[alone], off[alone], strict=True)]
        if len(found) <= max(1, MOST * np.isfinite(errors).sum()):
            told += found
    return told


def _jumps(view: View, state: int) -> bool:
    """Whether a state jumps at once where an input steps, as a note says: no model meets the rows beside."""
    held = np.flatnonzero(view.train[0].hold)
    return any(jump_with(view.train, state, int(number)) is not None for number in held)


def _usual_at(levels: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """The usual error at each row: that of all, or of those nearest in level, where it is larger, as of noise that goes
    in proportion to the state; NaN where nothing is known."""
    seen = np.flatnonzero(np.isfinite(errors) & np.isfinite(levels))
    usual = np.full(errors.size, np.nan)
    order = seen[np.argsort(levels[seen], kind="stable")]
    squares = errors[order] ** 2
    near = min(LEVEL, squares.size)
    windows = sliding_window_view(squares, near)
    of_each = np.sqrt(np.median(windows, axis=1) / MEDIAN)
    first = np.clip(np.arange(squares.size) - near // 2, 0, squares.size - near)
    usual[order] = np.maximum(of_each[first], usual_of(squares))
    return usual
