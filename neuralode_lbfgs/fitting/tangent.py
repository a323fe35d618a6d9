"""The loss to second order in the terms of a polynomial, and the terms that it can do without.

Hassibi & Stork, "Second order derivatives for network pruning: optimal brain surgeon", NIPS 1992; Schwarz, "Estimating
the dimension of a model", Annals of Statistics 6 (1978); Chen & Chen, "Extended Bayesian information criteria for model
selection with large model spaces", Biometrika 95 (2008), equation 2, with gamma = 1. Of terms that explain as much,
those of fewer factors are chosen.
"""

import itertools
import math
from typing import Any, NamedTuple

import numpy as np

from .beside import ROUNDING

UNDETERMINED = 1e-10  # of the best determined: beyond, rounding decides
LEAST_NUMBERS = 3  # observed, for each term: what follows all noise is no law
NOTHING = 1e-30  # of the largest of its diagonal: a term of which the data do not depend
MOST_COSINE = 2.0  # between two terms; it is one, but for rounding
MOST_SETS = 5000  # of terms of one rate that are tried: all of ten terms, of twenty those of up to four
# A term is half as likely beforehand with a factor more: of two that explain as much, it loses.
FACTOR = 2 * math.log(2)
MOST_FROM_ALL = 300  # terms: a step down from more takes the cube of their number, a second of a thousand
HOPELESS = 100.0  # of the criterion above the least so far, which further terms less do not make good


class Tangent(NamedTuple):
    """The loss of n observations to second order, value + 2 gradient (c - at) + (c - at)^T matrix (c - at).

    Args:
        powers: of each term, the number of its factors.
        rates: of which rate it is a term.
        idle: terms of no use, as others are the same wherever data are.
        among: from how many terms these were chosen, if they were.
    """

    at: np.ndarray
    value: float
    gradient: np.ndarray
    matrix: np.ndarray
    n: int
    powers: np.ndarray
    rates: np.ndarray
    idle: np.ndarray = np.zeros(0, int)
    among: int = 0

    @property
    def sound(self) -> bool:
        """Whether the model can be solved here, and rounding has left the matrix one of sums of squares."""
        if not (np.isfinite(self.matrix).all() and np.isfinite(self.gradient).all() and np.isfinite(self.value)):
            return False
        with np.errstate(over="ignore"):
            return bool(np.abs(_of_order_one(self.matrix)[0]).max() <= MOST_COSINE)

    @property
    def every(self) -> np.ndarray:
        return np.arange(self.at.size)

    @property
    def most(self) -> int:
        return most_terms(self.n)

    @property
    def of_use(self) -> np.ndarray:
        return np.setdiff1d(self.every, self.idle)

    def minimum(self, left: np.ndarray) -> np.ndarray:
        """These terms, where all others are zero."""
        return self.at[left] + self._change(left)[left]

    def rise(self, left: np.ndarray) -> float:
        """Of the loss, to where all others are zero."""
        change = self._change(left)
        return float(2 * self.gradient @ change + change @ self.matrix @ change)

    def _change(self, left: np.ndarray) -> np.ndarray:
        change = -self.at
        change[left] = 0.0
        slope = self.gradient[left] + self.matrix[left] @ change
        change[left] = -inverse(self.matrix[np.ix_(left, left)]) @ slope
        return change

    def spare(self) -> list[int]:
        """The terms without which the criterion is least, as far as a search finds it, the least useful first; one at
        least is left.

        Down from all of them, by whole powers and then by single ones, and up from the one that explains most. Terms
        that are much alike lead either way astray, as the first to go or to come may be the wrong one. Of very many
        from those that are not zero, if these are few.
        """
        search, present = _Search(self), np.flatnonzero(self.at)
        if self.at.size > MOST_FROM_ALL and 2 * present.size < self.at.size:
            starts = [present]
        else:
            starts = [search.one_by_one(search.by_powers()), search.of_one()]
        left = min(map(search.settled, starts), key=search.criterion)
        useful = self.useful(self.every)
        useful[self.idle] = -1.0
        return sorted(np.setdiff1d(self.every, left).tolist(), key=lambda term: useful[term])

    def least_of_few(self) -> float:
        """How low the criterion is with few terms of one rate, up from the best.

        Sooner found than by `spare`, and less surely. It can be compared with that of others that may explain the same.
        """
        search = _QuickSearch(self)
        left = search.all_of_few(search.of_one(), 0)
        while search.criterion(other := search.neighbour(left)) < search.criterion(left):
            left = other
        return search.criterion(left) + self.n * math.log(search.least)

    def useful(self, left: np.ndarray) -> np.ndarray:
        """What the loss would rise without each of these terms."""
        variances = np.diag(inverse(self.matrix[np.ix_(left, left)]))
        return self.minimum(left) ** 2 / np.maximum(variances, 1e-300)


class _Swept(NamedTuple):
    """What the loss rises without each term, falls with each of the others, and falls with one in place of another.

    That is what sweeping them out of a regression, or into it, makes of its sum of squares (Goodnight, "A tutorial on
    the SWEEP operator", The American Statistician 33, 1979).
    """

    rise: np.ndarray
    gain: np.ndarray
    exchanged: np.ndarray


class _Search:
    """Of terms to leave out, by what the criterion would be without them."""

    def __init__(self, tangent: Tangent):
        self.tangent = tangent
        self.least = max(self.lowest, ROUNDING**2)
        scaled, size = _of_order_one(tangent.matrix)
        self.matrix = scaled + UNDETERMINED * np.eye(size.size)
        pull = tangent.matrix @ tangent.at
        self.right = (pull - tangent.gradient) * size
        self.at_zero = tangent.value - 2 * tangent.gradient @ tangent.at + tangent.at @ pull
        self._asked: dict[bytes, float] = {}

    @property
    def lowest(self) -> float:
        """The loss with all terms."""
        return self.loss(self.tangent.of_use)

    def loss(self, left: np.ndarray) -> float:
        """With these terms."""
        return self.tangent.value + self.tangent.rise(left)

    def criterion(self, left: np.ndarray) -> float:
        key = left.tobytes()
        if key not in self._asked:
            self._asked[key] = float(self._criterion(self.loss(left), left))
        return self._asked[key]

    def _criterion(self, loss: Any, sets: np.ndarray) -> Any:
        """Of sets of so many terms each, `(..., size)`, and what each of them leaves."""
        n, size = self.tangent.n, sets.shape[-1]
        if size > self.tangent.most:
            return np.full_like(loss, np.inf)
        among = max(self.tangent.among, self.tangent.at.size)
        chosen = size * np.log(n) + cost_of_choice(among, self.tangent.powers[sets])
        return n * np.log(np.maximum(loss, self.least) / self.least) + chosen

    def by_powers(self) -> np.ndarray:
        """Without the highest powers, as long as the criterion falls."""
        left = self.tangent.of_use
        for power in range(int(self.tangent.powers.max()), 0, -1):
            without = left[self.tangent.powers[left] < power]
            too_many = left.size > self.tangent.most
            if not (without.size and (too_many or self.criterion(without) < self.criterion(left))):
                break
            left = without
        return left

    def one_by_one(self, left: np.ndarray) -> np.ndarray:
        """Each time without the term that is least useful; where the criterion was least."""
        best, least = left, self.criterion(left)
        while left.size > 1:
            left = np.delete(left, np.argmin(self.tangent.useful(left)))
            asked = self.criterion(left)
            if asked < least:
                best, least = left, asked
            elif asked > least + HOPELESS:
                break
        return best

    def of_one(self) -> np.ndarray:
        """The term that explains most alone."""
        of_use = self.tangent.of_use
        return of_use[[np.argmax(self.right[of_use] ** 2)]]

    def settled(self, left: np.ndarray) -> np.ndarray:
        """From these terms, where neither a step nor any few of one rate lower the criterion."""
        while True:
            before = left
            while self.criterion(other := self.neighbour(left)) < self.criterion(left):
                left = other
            for rate in range(int(self.tangent.rates.max()) + 1):
                left = min(left, self.anew(left, rate), key=self.criterion)
                left = self.all_of_few(left, rate)
            if np.array_equal(left, before):
                return left

    def anew(self, left: np.ndarray, rate: int) -> np.ndarray:
        """With the terms of one rate chosen anew, from none on, beside those of the others.

        Where states are sums of others many wrong terms may stand for a few right ones, and no step leads there.
        """
        own = self.tangent.of_use[self.tangent.rates[self.tangent.of_use] == rate]
        best = chosen = left[self.tangent.rates[left] != rate]
        if not best.size:  # there is no other rate: that is the way up from one term
            return left
        least = self.criterion(best)
        while (others := np.setdiff1d(own, chosen)).size:
            chosen = np.sort(np.append(chosen, others[np.argmax(self.swept(chosen, others).gain)]))
            if (asked := self.criterion(chosen)) < least:
                best, least = chosen, asked
            elif asked > least + HOPELESS:
                break
        while self.criterion(other := self.neighbour(best, own)) < self.criterion(best):
            best = other
        return best

    def neighbour(self, left: np.ndarray, among: np.ndarray | None = None) -> np.ndarray:
        """The best set with a term less, a term more, or another in place of one; of all terms, or of some."""
        among = self.tangent.of_use if among is None else among
        others, own = np.setdiff1d(among, left), np.flatnonzero(np.isin(left, among))
        swept, loss = self.swept(left, others), self.loss(left)
        further = FACTOR * np.maximum(self.tangent.powers - 1, 0)

        def asked(fall: np.ndarray, cost: np.ndarray) -> np.ndarray:
            return self.tangent.n * np.log(np.maximum(loss - fall, ROUNDING * self.least)) + cost

        found = []
        if own.size and left.size > 1:
            found.append(np.delete(left, own[np.argmin(asked(-swept.rise[own], -further[left[own]]))]))
        if others.size:
            found.append(np.append(left, others[np.argmin(asked(swept.gain, further[others]))]))
        if others.size and own.size:
            cost = further[others] - further[left[own]][:, None]
            one, other = np.unravel_index(np.argmin(asked(swept.exchanged[own], cost)), (own.size, others.size))
            found.append(np.append(np.delete(left, own[one]), others[other]))
        return np.sort(min(found, key=self.criterion)) if found else left

    def swept(self, left: np.ndarray, others: np.ndarray) -> _Swept:
        """What terms that are left are worth, and others would be."""
        inverted = np.linalg.inv(self.matrix[np.ix_(left, left)])
        across = self.matrix[np.ix_(left, others)]
        numbers, of_others = inverted @ self.right[left], inverted @ across
        pull = self.right[others] - across.T @ numbers
        own = np.maximum(self.matrix[others, others] - np.sum(across * of_others, axis=0), UNDETERMINED)
        alone = np.diag(inverted)
        rise = numbers**2 / alone
        free = pull + of_others * (numbers / alone)[:, None]  # without one of those that are left
        return _Swept(rise, pull**2 / own, free**2 / (own + of_others**2 / alone[:, None]) - rise[:, None])

    def all_of_few(self, left: np.ndarray, rate: int) -> np.ndarray:
        """With other terms of one rate, if any few of them are better than those that are left."""
        of_use, rates = self.tangent.of_use, self.tangent.rates
        others, own = left[rates[left] != rate], of_use[rates[of_use] == rate]
        best, tried = (self.criterion(left), left), 0
        # The others are in all of these sets, and are solved for once.
        across = self.matrix[np.ix_(others, own)]
        of_own, of_right = np.split(
            np.linalg.solve(self.matrix[np.ix_(others, others)], np.column_stack([across, self.right[others]])), [-1], 1
        )
        matrix, rights = self.matrix[np.ix_(own, own)] - across.T @ of_own, self.right[own] - across.T @ of_right[:, 0]
        without = self.at_zero - self.right[others] @ of_right[:, 0]
        for size in range(0 if others.size else 1, own.size + 1):
            tried += (count := math.comb(own.size, size))
            if tried > MOST_SETS:
                break
            few = np.array(list(itertools.combinations(range(own.size), size)), int).reshape(count, size)
            sets = np.concatenate([np.tile(others, (count, 1)), own[few]], axis=1)
            right = rights[few]
            solved = np.linalg.solve(matrix[few[:, :, None], few[:, None, :]], right[..., None])[..., 0]
            asked = self._criterion(without - np.einsum("ij,ij->i", right, solved), sets)
            found = np.sort(sets[np.argmin(asked)])
            best = min(best, (self.criterion(found), found), key=lambda one: one[0])
        return best[1]


class _QuickSearch(_Search):
    """From where a loss of ordinary size is least; rounding tells nothing of one that is next to none."""

    @property
    def lowest(self) -> float:
        return self.tangent.value

    def loss(self, left: np.ndarray) -> float:
        right = self.right[left]
        return float(self.at_zero - right @ np.linalg.solve(self.matrix[np.ix_(left, left)], right))


def most_terms(n: int) -> int:
    """How many can be chosen by so many observations."""
    return max(n // LEAST_NUMBERS, 1)


def cost_of_choice(of: int, powers: np.ndarray) -> Any:
    """What it costs in the criterion that a set of terms was chosen from all sets of its size, as the best of many may
    be good by chance, and that its terms have many factors.

    Args:
        powers: the number of factors of each term of a set, or of several sets of the same size, `(..., size)`.
    """
    return 2 * math.log(math.comb(of, powers.shape[-1])) + FACTOR * np.maximum(powers - 1, 0).sum(axis=-1)


def inverse(matrix: np.ndarray) -> np.ndarray:
    """Of numbers of any size; what nothing determines is next to unlimited."""
    scaled, size = _of_order_one(matrix)
    values, vectors = np.linalg.eigh(scaled)
    return (vectors / np.maximum(values, UNDETERMINED * values.max(initial=0.0))) @ vectors.T * size[:, None] * size


def _of_order_one(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A matrix of sums of squares with a diagonal of ones, and what its rows and columns were multiplied by."""
    diagonal = np.diag(matrix)
    size = 1 / np.sqrt(np.maximum(diagonal, max(NOTHING * diagonal.max(initial=0.0), 1e-200)))
    return matrix * size[:, None] * size, size
