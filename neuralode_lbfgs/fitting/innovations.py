"""Prediction errors: each row is predicted from all rows before it, by a Kalman filter along the nodes.

Where the states are fitted with the model as if they were numbers of it, noise of the measurements is partly taken for
motion, and the model is pulled towards none. The errors of predictions have no such bias (Ljung, System Identification,
2nd edition, 1999, chapters 7 and 8; of nonlinear models the extended filter, Jazwinski, Stochastic Processes and
Filtering Theory, 1970, section 8.3). The gains are those of the model that was found before.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from .pieces import Cut, side_by_side
from .process_noise import ProcessNoise

UNKNOWN = 1e2  # variance of a first state, order one
UNSEEN = 1e8  # of what was not observed


class Filter(NamedTuple):
    """The extended Kalman filter at every node.

    Args:
        gains: from what was observed, less what was predicted, to the state.
        spreads: covariance of what was observed about what was predicted; next to unlimited where nothing was.
    """

    gains: Float[np.ndarray, "nodes states states"]
    spreads: Float[np.ndarray, "nodes states states"]

    @classmethod
    @np.errstate(over="ignore", invalid="ignore")
    def of(cls, cuts: Cut, of_start: np.ndarray, process: ProcessNoise) -> "Filter":
        """Where pieces depend on their starts as `of_start` says, `(pieces, states, states)`.

        Raises:
            LinAlgError: where errors grow beyond all numbers along the pieces.
        """
        nodes, states = cuts.guess.shape
        piece = np.full(nodes, -1)
        piece[cuts.begin] = np.arange(len(cuts.begin))
        moved = cuts.durations[:, None] * process.moving
        measured = np.where(cuts.weights > 0, process.observed**2, UNSEEN)
        gains, spreads = np.zeros((2, nodes, states, states))
        after = np.zeros((nodes, states, states))

        def observe(here: np.ndarray, before: np.ndarray) -> None:
            spreads[here] = before + _diagonal(measured[here])
            gains[here] = np.linalg.solve(spreads[here], before).transpose(0, 2, 1)
            after[here] = before - gains[here] @ before

        observe(cuts.first, np.broadcast_to(UNKNOWN * np.eye(states), (cuts.first.size, states, states)))
        for here in side_by_side(cuts.first, cuts.sizes):
            along = of_start[piece[here - 1]]
            observe(here, along @ after[here - 1] @ along.transpose(0, 2, 1) + _diagonal(moved[piece[here - 1]]))
        if not np.isfinite(gains).all():
            raise np.linalg.LinAlgError("errors grow beyond all numbers along the pieces")
        return cls(gains, spreads)

    def corrected(self, cuts: Cut, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The states with what was observed at their nodes, and their slopes of those that were predicted."""
        seen = cuts.weights > 0
        missed = np.where(seen, cuts.targets - predicted, 0.0)
        slopes = np.eye(predicted.shape[1]) - self.gains * seen[:, None, :]
        return predicted + np.einsum("kij,kj->ki", self.gains, missed), slopes

    def surprise(self, cuts: Cut, predicted: np.ndarray) -> float:
        """-2 log likelihood of the observations, but for what it is for all models; the first node is not counted."""
        seen = cuts.weights > 0
        missed = np.where(seen, cuts.targets - predicted, 0.0)
        unlikely = np.linalg.slogdet(self.spreads)[1] - np.log(UNSEEN) * np.sum(~seen, axis=1)
        unlikely += np.einsum("ki,ki->k", missed, np.linalg.solve(self.spreads, missed[..., None])[..., 0])
        unlikely[cuts.first] = 0.0
        return float(unlikely.sum())


def _diagonal(values: np.ndarray) -> np.ndarray:
    """Diagonal matrices of rows."""
    return values[..., None] * np.eye(values.shape[-1])
