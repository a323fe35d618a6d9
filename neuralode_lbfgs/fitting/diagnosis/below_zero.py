"""States that are never below zero, and that the model predicts there."""

import shlex

import numpy as np

from ...data.steps import set_states
from .view import Finding, View, in_turn

NEARLY = 1e-3  # of the range, below zero: rounding and the solver's errors do no more
NOTHING = 0.02  # of the range, below zero: so little may be read, or predicted, of nothing


def below_zero(view: View) -> Finding | None:
    """Predictions of the data's own rows below zero, where no data are; but for inputs taken for states."""
    left_out = (*view.logarithms, *set_states(view.train))
    predicted = [*view.fitted, *(view.held_out or ())]
    told, names, numbers = [], [], []
    for j, (name, least, most) in enumerate(zip(view.train.state_names, view.low, view.high, strict=False)):
        if j in left_out or least < 0:
            continue
        limit = -(NEARLY if least > 0 else NOTHING) * (most - least)
        lowest = [(run.id, low) for run in predicted if (low := np.nanmin(run.ys[:, j], initial=np.inf)) < limit]
        if lowest:
            below, runs = len({run for run, _ in lowest}), len({run.id for run in predicted})  # some have two parts
            count = f", in {below} of {runs} trajectories" if runs > 1 else ""
            told.append(f"{name} (down to {min(low for _, low in lowest):.3g}{count})")
            names.append(name)
            numbers.append(j)
    if not told:
        return None
    return Finding(
        f"predictions of rows of the data fall below zero, where none of these are: {in_turn(told)}",
        view.kind.choice(
            "model",
            f"as positive what cannot be negative (--positive {shlex.join(names)})",
            f"logarithms, where errors grow with the values ({view.in_logarithms(numbers)})",
        )
        or "take what is below zero for nothing",
    )
