"""Single observations that the model misses by far, beside others that it meets."""

import numpy as np

from ..noise_level import usual_of
from .view import Finding, View, listed

FAR = 8.0  # times the usual error
ALONE = 4.0  # times the errors of its neighbours
MATTERS = 0.3  # standard deviations: less does not bend a model
MOST = 0.03  # of the observations of a state: more are no exceptions


def lone_errors(view: View) -> Finding | None:
    """Slips at the ends of runs, say, where rows on both sides cannot tell: a few values that the model misses by far,
    while it meets the rows beside them."""
    told = []
    for j, name in enumerate(view.train.state_names):
        errors = np.concatenate([np.abs(left[np.isfinite(left[:, j]), j]) for left in view.residuals])
        if not errors.size:
            continue
        usual = usual_of(errors**2)
        found = []
        for run, left in zip(view.train, view.residuals, strict=True):
            seen = np.flatnonzero(~np.isnan(left[:, j]))
            off = np.abs(left[seen, j])
            beside = np.maximum(np.append(0.0, off[:-1]), np.append(off[1:], 0.0))
            alone = (off > max(FAR * usual, MATTERS * view.spread[j])) & (off > ALONE * beside) & np.isfinite(off)
            found += [(run, k, off_by) for k, off_by in zip(seen[alone], off[alone], strict=True)]
        if len(found) <= max(1, MOST * errors.size):
            clock = view.train.clock
            for run, k, off_by in found:
                when = f"{view.train.time_name} = {clock.show(float(run.ts[k]))}"
                # A run that begins, or ends, at a slip is led through it, and misses the row beside it.
                end = {1: " (or the row before it)", run.ts.size - 2: " (or the row after it)"}.get(int(k), "")
                told.append(f"{name} of {run.id!r} at {when}{end}, by {off_by:.3g}")
    if not told:
        return None
    return Finding(
        f"single values are missed by more than {FAR:g} times the usual error, and those beside them are not: "
        f"{listed(told)}",
        "if they are slips, leave the cells blank and fit again: a few of them bend a model more than all noise does",
    )
