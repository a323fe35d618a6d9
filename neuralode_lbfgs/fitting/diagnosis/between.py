"""Fitted runs that leave the range of the data between two rows, where no row holds them."""

import shlex

import numpy as np

from .forecast import NEGATIVE
from .kind import sentence
from .view import Finding, View, in_turn

FAR = 0.5  # of the range of the data, beyond its ends: a peak between rows that are far apart is not so high


def strays_between(view: View) -> Finding | None:
    """Said of whole runs alone: those that noise moves are led elsewhere anyway."""
    if view.between is None or view.in_pieces:
        return None
    told, names = [], []
    columns = np.ma.masked_invalid(np.concatenate([run.ys for run in view.train]))
    low, high = columns.min(axis=0).filled(np.nan), columns.max(axis=0).filled(np.nan)
    for j, name in enumerate(view.train.state_names):
        extent, signed = high[j] - low[j], low[j] < 0 or j in view.logarithms
        if not extent > 0:
            continue
        least = low[j] - FAR * extent if signed else max(low[j] - FAR * extent, -NEGATIVE * extent)
        worst = [(*_farthest(run.ys[:, j], least, high[j] + FAR * extent), run) for run in view.between]
        off, row, run = max(worst, key=lambda one: one[0])
        if off > 0:
            value, before, after = run.ys[row, j], *_rows_around(view, run.id, float(run.ts[row]))
            told.append(
                f"{name} of {run.id!r} comes to {value:.3g} between {view.train.time_name} = {before} and {after}, "
                f"where the data lie between {low[j]:.3g} and {high[j]:.3g}"
            )
            names += [name] if value < 0 and not signed else []
    if not told:
        return None
    positive = f"as positive what cannot be negative (--positive {shlex.join(names)})"
    return Finding(
        f"between two rows the fitted model leaves the range of the data, where no row holds it: {in_turn(told)}",
        sentence(
            view.kind.choice("model", *[positive] * bool(names)),
            view.kind.choice("compare", "the network alone (--degree 0)", "other initial weights (--seed 1)"),
            "measure there, or trust no prediction between rows so far apart",
        ),
    )


def _farthest(column: np.ndarray, least: float, most: float) -> tuple[float, int]:
    """How far a state goes beyond these limits, and in which row."""
    off = np.nan_to_num(np.maximum(least - column, column - most), nan=-np.inf)
    row = int(np.argmax(off))
    return float(off[row]), row


def _rows_around(view: View, name: str, t: float) -> tuple[str, str]:
    """The times of the rows before and after."""
    ts = view.train[name].ts
    after = min(max(int(np.searchsorted(ts, t)), 1), ts.size - 1)
    return view.train.clock.show(float(ts[after - 1])), view.train.clock.show(float(ts[after]))
