"""Positions that are seen without their velocities, by a model of the first order."""

import numpy as np

from ..untold import rates_are_untold, untold_words
from .held_out import worse_on_others
from .noise import ABOVE, least_error
from .view import MATTERS, Finding, View


def without_velocities(view: View) -> Finding | None:
    """Said where the fit is missed, of a model that knows of no velocity and no other hidden state."""
    if view.hidden or view.kind.second_order or view.logarithms or not (_is_missed(view) or view.in_pieces):
        return None
    advice = view.kind.choice(
        "fit",
        "the velocities as states, too (--second-order)",
        "another state that is in no column, if these are no positions (--hidden-states 1)",
    )
    if not advice or not rates_are_untold(view.train):
        return None
    return Finding(untold_words(view.train), advice)


def _is_missed(view: View) -> bool:
    far = [view.errors[j] > ABOVE * least_error(view.train, j) for j in range(view.train.state_size)]
    return bool((np.array(far) & (view.errors > MATTERS * view.spread)).any()) or worse_on_others(view) is not None
