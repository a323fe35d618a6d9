"""Whether the states and inputs of a row tell how it goes on, or the way to it has to be known as well.

Positions without their velocities do not: where they were before tells what they do next. Windows of rows are predicted
from a row and the inputs that come, and from that and the change that led to it: by polynomials, and by the nearest
rows, of stretches that were left out each time. Of a model of the first order the former is as good.
"""

from collections.abc import Callable, Iterator
from itertools import combinations_with_replacement

import numpy as np
from scipy.spatial import KDTree

from ..data.trajectories import Trajectories, Trajectory
from .noise_level import roughness_of_half

ABOVE = 10.0  # times the noise, the changes over a window: smaller ones are told by it, as by a way
WINDOWS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)  # rows: the shortest that will do, as a polynomial is no flow
SHORT = 6  # windows in the longest run, at least
FEWEST, MOST = 60, 3000  # rows that tell, and as many as are asked
PARTS, BLOCKS = 5, 20  # of the rows, of which each is left out in turn, in so many stretches of a run
EACH = 6  # rows for a term
DEGREE = 3
NEAREST = 6
UNTOLD, FEWER = 0.3, 4.0  # of the variance of every change, and how many times as much is told by the way to a row


def rates_are_untold(data: Trajectories) -> bool:
    """Whether changes of no state follow from states and inputs, and those of all follow with the changes before."""
    noise = np.array([roughness_of_half(data.trajectories, state) for state in range(data.state_size)])
    longest = max(run.ts.size for run in data)
    for rows in WINDOWS:
        if SHORT * rows > longest:
            return False
        parts = [_windows(number, run, rows) for number, run in enumerate(data) if run.ts.size > 2 * rows + 1]
        states, before, after, inputs, earlier, steps, left_out = map(np.concatenate, zip(*parts, strict=True))
        seen = np.isfinite(np.hstack([states, before, after])).all(axis=1)
        if seen.sum() < FEWEST:
            return False
        if not (np.std((after * steps)[seen], axis=0) > ABOVE * noise).all():
            continue
        chosen = np.random.default_rng(0).permutation(np.flatnonzero(seen))[:MOST]
        known, way = np.hstack([states, inputs])[chosen], np.hstack([before, earlier])[chosen]
        return _is_of_the_way(known, way, after[chosen], left_out[chosen])
    return False


def untold_words(data: Trajectories) -> str:
    """What is told of such states."""
    one = data.state_size == 1
    which, inputs = " and ".join(data.state_names), ", with the inputs," if data.input_size else ""
    return (
        f"how {which} {'changes' if one else 'change'} does not follow from {'its' if one else 'their'} values{inputs} "
        "but does with the changes before, as of positions that are seen without their velocities"
    )


def _windows(number: int, run: Trajectory, rows: int) -> tuple[np.ndarray, ...]:
    """Of each row with so many before and after it: states, mean rates before and after, mean inputs after and before,
    the time until the last, and which part it is of."""
    at = np.arange(rows, run.ts.size - rows)
    until, since = (run.ts[at + rows] - run.ts[at])[:, None], (run.ts[at] - run.ts[at - rows])[:, None]
    inputs = np.zeros((run.ts.size, 0)) if run.inputs is None else run.inputs
    sums = np.cumsum(np.vstack([np.zeros(inputs.shape[1]), inputs]), axis=0)
    block = max(2 * rows, run.ts.size // BLOCKS)
    return (
        run.ys[at],
        (run.ys[at] - run.ys[at - rows]) / since,
        (run.ys[at + rows] - run.ys[at]) / until,
        (sums[at + rows] - sums[at]) / rows,
        (sums[at] - sums[at - rows]) / rows,
        until,
        (at // block + number) % PARTS,
    )


def _is_of_the_way(known: np.ndarray, way: np.ndarray, rates: np.ndarray, left_out: np.ndarray) -> bool:
    known = _of_order_one(known)
    by_terms = list(_by_polynomials(known, rates, left_out))
    if len(by_terms) < DEGREE:
        return False  # too few rows for the terms that a law may have
    first = np.min([*by_terms, _by_nearest(known, rates, left_out)], axis=0)
    with_way = np.hstack([known, _of_order_one(way)])
    second = np.min([*_by_polynomials(with_way, rates, left_out)], axis=0, initial=np.inf)
    return bool(((first > UNTOLD) & (FEWER * second < first)).all())


def _of_order_one(values: np.ndarray) -> np.ndarray:
    spread = values.std(axis=0)
    return (values - values.mean(axis=0)) / np.where(spread > 0, spread, 1.0)


def _by_polynomials(known: np.ndarray, rates: np.ndarray, left_out: np.ndarray) -> Iterator[np.ndarray]:
    """What share of the variance of each rate polynomials of degree 1, 2, ... leave, as far as there are rows."""
    columns = [np.ones(len(known))]
    for degree in range(1, DEGREE + 1):
        chosen = combinations_with_replacement(range(known.shape[1]), degree)
        columns += [known[:, factors].prod(axis=1) for factors in map(list, chosen)]
        if EACH * len(columns) > len(known):
            return
        terms = np.stack(columns, axis=1)

        def predicted(rest: np.ndarray, terms: np.ndarray = terms) -> np.ndarray:
            seen = terms[~rest]
            ridge = 1e-6 * len(seen) * np.eye(seen.shape[1])
            return terms[rest] @ np.linalg.solve(seen.T @ seen + ridge, seen.T @ rates[~rest])

        yield _left(predicted, rates, left_out)


def _by_nearest(known: np.ndarray, rates: np.ndarray, left_out: np.ndarray) -> np.ndarray:
    def predicted(rest: np.ndarray) -> np.ndarray:
        return rates[~rest][KDTree(known[~rest]).query(known[rest], NEAREST)[1]].mean(axis=1)

    return _left(predicted, rates, left_out)


def _left(predicted: Callable[[np.ndarray], np.ndarray], rates: np.ndarray, left_out: np.ndarray) -> np.ndarray:
    errors = np.zeros(rates.shape)
    for part in np.unique(left_out):
        rest = left_out == part
        errors[rest] = rates[rest] - predicted(rest)
    return np.mean(errors**2, axis=0) / np.maximum(rates.var(axis=0), np.finfo(float).tiny)
