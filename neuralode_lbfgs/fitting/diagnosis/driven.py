"""Noise that moves the system itself: where it is likely, and what a model that reckons with it knows no more."""

import numpy as np

from ..process_noise import SMALL
from .errors import FLAT
from .kind import sentence
from .seasons import other_inputs
from .view import Finding, View, listed, missed_by, root_mean_square

NOT_SMALL = (
    "what misses so much one row ahead is no small noise, and a state that is in no column explains it as well: try "
    "--hidden-states 1 without --process-noise first, and compare the held-out errors"
)


def driven_by_noise(view: View) -> Finding | None:
    """Noise that moves the system itself, which no solution follows for long."""
    if view.ahead is None or view.in_pieces:
        return None
    one_row = listed(
        [
            f"{name} by {error:.3g} and {ahead:.3g}"
            for name, error, ahead in zip(view.train.state_names, view.errors, view.ahead, strict=True)
        ]
    )
    return Finding(
        "noise moves the system itself, or something that is in no column does: no solution of these states alone "
        "follows the data for long, and one that seems to has been bent to go along with it (missed by whole runs and "
        f"one row ahead: {one_row})",
        sentence(
            "fit short pieces (--process-noise), whose law holds for new starts, and which forecasts from last rows",
            f"or try a hidden state (--hidden-states {view.hidden + 1}) or {other_inputs(view.train)}",
        ),
    )


def only_next_rows(view: View) -> Finding | None:
    """A model of short pieces that, run freely, knows no more than the mean: of the next rows it may know much."""
    if view.ahead is None or not view.in_pieces:
        return None
    parts = [("the training runs", view.train, view.fitted)]
    if view.test is not None and view.held_out is not None:
        parts.append(("held-out data", view.test, view.held_out))
    told = []
    for what, data, predicted in parts:
        error, mean = root_mean_square(view.scaled(data, predicted)), view.of_mean(data, view.train)
        if not error**2 < (1 - FLAT) * mean**2:
            told.append(f"{what} are {missed_by(error)} (by the mean: {mean:.2g})")
    if not told:
        return None
    ahead = float(np.sqrt(np.nanmean((view.ahead / view.spread) ** 2)))
    return Finding(
        f"run freely the model knows hardly more than the mean: {listed(told)}; one row ahead it misses {ahead:.2g}",
        sentence(
            NOT_SMALL if ahead > SMALL else "forecast few rows at a time, from the last ones",
            f"try {other_inputs(view.train)}",
        ),
    )
