"""Errors of positive states that grow with the values: noise in proportion, as much of all logarithms."""

import shlex

import numpy as np

from ..noise_level import usual_of
from ..together import together
from .errors import STRUCTURE
from .kind import Kind, sentence
from .view import Finding, View, listed

FEWEST = 50  # rows of a state: fewer tell too little of how its errors grow
SURE, LIKELY = 3.1, 2.5  # standard deviations of a rank correlation: by chance once in a thousand times, and in 160
GROWN, SPAN = 1.8, 4.0  # times the errors of the lowest third, and of the low values: less is hardly in proportion
SHARE = (0.02, 0.5)  # errors of the largest values: smaller ones are of no weight, larger ones no noise
ALIKE = 3.0  # times such a share that of the lowest third may be, or less


def errors_in_proportion(view: View) -> Finding | None:
    """Where one state shows it clearly, others that show it nearly are named, too."""
    sure = {j: sigmas for j in range(view.train.state_size) if (sigmas := _in_proportion(view, j)) > LIKELY}
    if not sure or max(sure.values()) < SURE:
        return None
    names = listed([view.train.state_names[j] for j in sure])
    return Finding(
        f"errors of {names} grow with the values, as of noise in proportion to them: small values count for too "
        "little, and noise of the large ones for too much",
        sentence(_weigh(view, list(sure)), "" if _is_law(view.kind) else _in_logarithms(view, list(sure))),
    )


def _is_law(kind: Kind) -> bool:
    """Whether few terms, or linear ones, are the model: in logarithms their law would be another, and no longer so
    simple. States that are modelled so already had theirs found there."""
    return not (kind.network or kind.imitates or kind.own)


def _weigh(view: View, states: list[int]) -> str:
    first = view.train.state_names[states[0]]
    given = shlex.quote(f"{first}={first}_sd")
    return (
        f"weigh {'it' if len(states) == 1 else 'them'} by standard deviations in proportion to the values, in "
        f"{'a column of its own' if len(states) == 1 else 'columns of their own'} (--sd-columns {given}), no less than "
        "that of the smallest"
    )


def _in_logarithms(view: View, states: list[int]) -> str:
    return view.kind.choice("or model", f"their logarithms ({view.in_logarithms(states)})", then=", and compare")


def _in_proportion(view: View, state: int) -> float:
    """How many standard deviations the rank correlation of errors and values is from none; 0 where errors do not look
    as if they were noise in proportion."""
    if state in view.logarithms or any(run.sd is not None and np.ptp(run.sd[:, state]) for run in view.train):
        return 0.0  # weighed already
    left = [run[:, state] for run in view.residuals]
    errors, values = np.concatenate(left), np.concatenate([run.ys[:, state] for run in view.fitted])
    observed = np.concatenate([run.ys[:, state] for run in view.train])
    seen = np.isfinite(errors) & np.isfinite(values)
    errors, values, observed = errors[seen], values[seen], observed[seen]
    if errors.size < FEWEST or observed.min() <= 0 or observed.max() < SPAN * np.quantile(observed, 0.1):
        return 0.0
    low, high = values <= np.quantile(values, 1 / 3), values > np.quantile(values, 2 / 3)
    if not (low.any() and high.any()) or np.median(values[low]) <= 0:
        return 0.0
    of_low, of_high = usual_of(errors[low] ** 2), usual_of(errors[high] ** 2)
    shares = of_low / np.median(values[low]), of_high / np.median(values[high])
    if of_high < GROWN * of_low or not SHARE[0] < shares[1] < SHARE[1] or shares[0] > ALIKE * shares[1]:
        return 0.0
    pairs = [np.stack([run[:-1], run[1:]]) for run in left]
    before, after = (both := np.concatenate(pairs, axis=1))[:, np.isfinite(both).all(axis=0)]
    if together(before, after).correlation > STRUCTURE:  # what is regular was missed, and not by chance
        return 0.0
    one, other = (_ranks(column) for column in (np.abs(errors), values))
    return float(np.sqrt(errors.size - 1) * (one @ other) / np.sqrt((one @ one) * (other @ other)))


def _ranks(values: np.ndarray) -> np.ndarray:
    """About their mean."""
    ranks = np.argsort(np.argsort(values, kind="stable"), kind="stable")
    return ranks - ranks.mean()
