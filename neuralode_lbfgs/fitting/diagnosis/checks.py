"""All checks, in the order in which they are told, and what is not told beside its cause."""

from collections.abc import Callable

import numpy as np

from .below_zero import below_zero
from .between import strays_between
from .driven import driven_by_noise, only_next_rows
from .errors import above_the_noise, below_the_noise, flat_mean, held_by_decay, residuals_not_white
from .forecast import runs_away
from .growth import errors_grow, unstable_nearby
from .held_out import worse_on_others, worse_on_unseen
from .jumping import jumping_inputs
from .lone import lone_errors
from .new_runs import missed_from_first_rows
from .parameters import at_bound, undetermined, unmoved
from .proportion import errors_in_proportion
from .solves import solver_failures, unfinished
from .structure import begins_anew, cannot_turn, late_inputs, taken_for_states, too_coarse
from .turns import goes_round
from .untold import without_velocities
from .view import Finding, View

Check = Callable[[View], Finding | None]
CHECKS: tuple[Check, ...] = (
    unfinished,
    begins_anew,
    driven_by_noise,
    only_next_rows,
    taken_for_states,
    cannot_turn,
    without_velocities,
    held_by_decay,
    flat_mean,
    unmoved,
    undetermined,
    at_bound,
    solver_failures,
    worse_on_others,
    worse_on_unseen,
    missed_from_first_rows,
    late_inputs,
    goes_round,
    too_coarse,
    jumping_inputs,
    lone_errors,
    above_the_noise,
    residuals_not_white,
    below_the_noise,
    errors_in_proportion,
    below_zero,
    strays_between,
    errors_grow,
    unstable_nearby,
    runs_away,
)
MISSED: tuple[Check, ...] = (  # what is seen of any fit that misses the data
    driven_by_noise,
    only_next_rows,
    held_by_decay,
    flat_mean,
    worse_on_others,
    worse_on_unseen,
    missed_from_first_rows,
    above_the_noise,
    residuals_not_white,
    errors_in_proportion,
    errors_grow,
    unstable_nearby,
)
NOT_FOLLOWED = (
    *MISSED,
    too_coarse,
    jumping_inputs,
    lone_errors,
    strays_between,
    runs_away,
)  # of data that no model follows
FOLLOWS: dict[Check, tuple[Check, ...]] = {
    begins_anew: (*NOT_FOLLOWED, cannot_turn, without_velocities, goes_round, unmoved),
    driven_by_noise: (flat_mean, above_the_noise, residuals_not_white, errors_grow, missed_from_first_rows),
    taken_for_states: NOT_FOLLOWED,
    without_velocities: MISSED,
    cannot_turn: (without_velocities, held_by_decay, flat_mean, above_the_noise, residuals_not_white),
    held_by_decay: (flat_mean, above_the_noise, residuals_not_white),
    worse_on_others: (worse_on_unseen,),
    missed_from_first_rows: (errors_grow,),
    errors_grow: (unstable_nearby,),
    too_coarse: (jumping_inputs, lone_errors),
    jumping_inputs: (lone_errors,),
    late_inputs: (lone_errors, flat_mean, above_the_noise, residuals_not_white),
}


def diagnose(view: View) -> tuple[Finding, ...]:
    """All that the checks find, but for what follows from another finding."""
    with np.errstate(over="ignore", invalid="ignore"):
        found = {check: check(view) for check in CHECKS}
    causes = [cause for cause in FOLLOWS if found[cause] or (cause is driven_by_noise and view.in_pieces)]
    follow = {check for cause in causes for check in FOLLOWS[cause]}
    return tuple(one for check in CHECKS if (one := found[check]) is not None and check not in follow)
