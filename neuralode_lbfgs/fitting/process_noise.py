"""Noise that moves the system itself, told from that of the measurements by the errors one row ahead.

With states s_{k+1} = phi(s_k) + w_k (process noise) and observations y_k = s_k + e_k, the row ahead is missed by

    d_k = y_{k+1} - phi(y_k) = w_k + e_{k+1} - A_k e_k,      A_k = d phi / d s,

so that what neighbours have in common, -A var(e), tells of the measurements, and the rest of the squares of the process
(Mehra, "On the identification of variances and adaptive Kalman filtering", IEEE Trans. Automatic Control 15, 1970).
A model that misses something regular has errors that go together over several rows.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.optimize import nnls
from scipy.spatial import KDTree

from .pieces import Cut, PieceSolver
from .together import together

SMALL = 1 / 3  # standard deviations, one row ahead: what is missed farther may come from a state, or an input, unseen
FEWEST = 40  # of triples of whole rows: fewer tell too little
LEAST_OBSERVED = 0.1  # of the noise of the process from one row to the next: measurements are never exact
LEAST_MOVING = 1e-3  # of the squares one row ahead
NEAREST, BESIDE = 6, 2  # rows that tell what is missed at a place, and those before and after, which share noise
OF_PLACE = 4.0  # times that: rows that are not quite there tell half of it, and twice as much is a clear margin
SHOWN = 3.0  # standard deviations: by chance once in 700 times
ALIKE, SIGMAS = 0.2, 2.0  # correlation two rows apart up to which errors are white, beside what chance makes of few


class ProcessNoise(NamedTuple):
    """In coordinates of order one.

    Args:
        observed: standard deviation of the measurements of each state.
        moving: variance by which noise moves each state in a unit of time.
    """

    observed: Float[np.ndarray, " states"]
    moving: Float[np.ndarray, " states"]


class Ahead(NamedTuple):
    """Errors one row ahead, of intervals between two whole rows.

    Args:
        errors: what was observed less what is predicted.
        of_start: A, d prediction / d state of the row before.
        durations: of the intervals.
        second, third: which intervals follow at once, and after one more; -1 for none.
        places: what is predicted, if it matters where the next errors are made.
    """

    errors: Float[np.ndarray, "intervals states"]
    of_start: Float[np.ndarray, "intervals states states"]
    durations: Float[np.ndarray, " intervals"]
    second: np.ndarray
    third: np.ndarray
    places: Float[np.ndarray, "intervals states"] | None = None

    @property
    def is_enough(self) -> bool:
        return bool(
            np.sum(self.second >= 0) >= FEWEST and np.isfinite(self.errors).all() and np.isfinite(self.of_start).all()
        )

    @property
    def root_mean_square(self) -> Float[np.ndarray, " states"]:
        return np.sqrt(np.mean(self.errors**2, axis=0))

    @property
    @np.errstate(over="ignore")
    def of_measuring_alone(self) -> Float[np.ndarray, " states"]:
        """The noise of the measurements if there is no other, by which a true model then misses whole runs: errors one
        row ahead have that of both rows."""
        own = np.einsum("kii->ki", self.of_start)
        return np.sqrt(np.mean(self.errors**2, axis=0) / (1 + np.mean(own**2, axis=0)))

    @property
    @np.errstate(over="ignore")
    def noise(self) -> ProcessNoise:
        """What noise of both kinds explains them, by moments."""
        here = np.flatnonzero(self.second >= 0)
        after = self.second[here]
        own = np.einsum("kii->ki", self.of_start)[after]
        common = np.sum(self.errors[here] * self.errors[after] * own, axis=0)
        squares = np.mean(self.errors**2, axis=0)
        observed = np.clip(-common / np.maximum(np.sum(own**2, axis=0), 1e-300), 0.0, self.of_measuring_alone**2)
        of_measuring = observed + np.einsum("kij,j->ki", self.of_start**2, observed)
        moved = np.maximum(squares - np.mean(of_measuring, axis=0), LEAST_MOVING * squares)
        moved = np.maximum(moved, np.finfo(float).tiny)
        observed = np.maximum(observed, LEAST_OBSERVED**2 * moved)
        return ProcessNoise(np.sqrt(observed), moved / np.mean(self.durations))

    @property
    @np.errstate(over="ignore", invalid="ignore")
    def is_shown(self) -> bool:
        """Whether noise of the measurements alone is not enough, of any state: neighbours have more in common than that
        would make of them, and than chance makes of so few, or a model that misses something at some places.
        Where nothing is left of a state until the next row, both kinds of noise look the same.

        The measurements of all states are in the errors of each: squares = (1 + A^2) var(e) tells var(e) alone.
        """
        here = np.flatnonzero(self.second >= 0)
        after = self.second[here]
        own = np.einsum("kii->ki", self.of_start)[after]
        squares = self.errors**2
        share = np.eye(squares.shape[1]) + np.mean(self.of_start**2, axis=0)
        if not (here.size and np.isfinite(share).all() and np.isfinite(squares).all()):  # of a model that blows up
            return False
        mean = np.maximum(squares.mean(axis=0), 1e-300)
        observed = nnls(share / mean[:, None], np.ones(mean.size))[0]
        more = self.errors[here] * self.errors[after] + own * observed
        sure = more.sum(axis=0) > SHOWN * np.sqrt(here.size) * more.std(axis=0)
        return bool((sure & (more.mean(axis=0) > OF_PLACE * np.mean(abs(own), axis=0) * self._of_place)).any())

    @property
    def _of_place(self) -> Float[np.ndarray, " states"]:
        """The part of the mean squares that goes with where an error was made, as errors tell of which the places are
        nearest, at other times: what a model misses there, and no noise.

        That place is predicted from the row before: measured, it would have noise in common with the error.
        """
        here = np.flatnonzero(self.second >= 0)
        if self.places is None or here.size < FEWEST:
            return np.zeros(self.errors.shape[1])
        at, errors = self.places[here], self.errors[self.second[here]]
        at = at / np.maximum(at.std(axis=0), 1e-300)
        near = KDTree(at).query(at, min(NEAREST + 2 * BESIDE + 1, here.size))[1]
        other = abs(near - np.arange(here.size)[:, None]) > BESIDE
        chosen = other & (np.cumsum(other, axis=1) <= NEAREST)
        there = np.sum(errors[near] * chosen[..., None], axis=1) / np.maximum(chosen.sum(axis=1), 1)[:, None]
        return np.maximum(np.mean(errors * there, axis=0), 0.0)

    @property
    def is_white(self) -> bool:
        """Whether errors two rows apart have no more in common than chance makes of so many; noise of both kinds leaves
        nothing there."""
        here = np.flatnonzero(self.third >= 0)
        if not here.size:
            return False
        apart = together(self.errors[here], self.errors[self.third[here]])
        return bool((apart.correlation <= ALIKE + SIGMAS * apart.by_chance).all())


def errors_ahead(solver: PieceSolver, cuts: Cut, x: np.ndarray) -> Ahead:
    """Of the model of these free numbers, each row predicted from the one before as it was measured."""
    begin = cuts.begin
    whole = np.asarray((cuts.weights > 0).all(axis=1))
    ends = solver.derivatives(cuts, x, cuts.as_measured)
    of = whole[begin] & whole[begin + 1]
    number = np.full(len(whole) + 1, -1)
    number[begin[of]] = np.arange(of.sum())
    second = number[begin[of] + 1]
    third = np.where(second >= 0, second[second], -1)
    return Ahead(
        (cuts.targets[begin + 1] - ends.states)[of],
        ends.of_start[of],
        cuts.durations[of],
        second,
        third,
        ends.states[of],
    )
