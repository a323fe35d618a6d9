"""Normal equations of nodes along trajectories and a few numbers that all of them share."""

from dataclasses import dataclass

import numpy as np
import scipy.linalg

from .gauss_newton import Point, Step
from .pieces import side_by_side

TINY = 1e-13  # of the largest entry: keeps what nothing determines from being singular


@dataclass
class BlockTridiagonal:
    """Normal equations [[T, U], [U^T, V]]: T of the nodes, block tridiagonal; V of the model's numbers.

    Args:
        x: the model's numbers.
        blocks: of T on the diagonal, `(nodes, states, states)`.
        beside: those right of them, zero after the last node of a trajectory.
        coupling: U, `(nodes * states, numbers)`.
        of_states, of_x: the gradient.
        model: V.
        first, sizes: the first node of each trajectory, and how many it has.
    """

    x: np.ndarray
    blocks: np.ndarray
    beside: np.ndarray
    coupling: np.ndarray
    of_states: np.ndarray
    of_x: np.ndarray
    model: np.ndarray
    first: np.ndarray
    sizes: np.ndarray

    def __post_init__(self) -> None:
        self._scale = float(np.max(self.blocks)), float(np.max(np.diag(self.model)))

    @property
    def finite(self) -> bool:
        return bool(np.isfinite(self.model).all() and np.isfinite(self.blocks).all())

    @property
    def matrix(self) -> np.ndarray:
        """Of the model's numbers, the states eliminated."""
        return self._eliminated(self._factor(TINY))

    @property
    def gradient(self) -> np.ndarray:
        """Of the model's numbers, the states eliminated."""
        return self._right(self._factor(TINY))

    def step(self, ridge: np.ndarray, damping: float) -> Step:
        factor = self._factor(damping + TINY)
        damped = self._eliminated(factor) + np.diag(ridge + (damping + TINY) * self._scale[1])
        dx = -scipy.linalg.solve(damped, self._right(factor) + ridge * self.x, assume_a="pos")
        ds = -scipy.linalg.cho_solve_banded((factor, False), self.of_states + self.coupling @ dx)
        kept = damping * (self._scale[1] * np.sum(dx**2) + self._scale[0] * np.sum(ds**2))
        promised = kept - dx @ (self.of_x + ridge * self.x) - ds @ self.of_states
        return Step(Point(dx, ds.reshape(self.blocks.shape[:2])), float(promised))

    def _factor(self, damping: float) -> np.ndarray:
        """R of T = R^T R, its diagonals in rows as LAPACK has them: R[i, j] in row 2 n - 1 + i - j, column j."""
        nodes, n, _ = self.blocks.shape
        banded = np.zeros((2 * n, nodes * n))
        for i in range(n):
            for j in range(n):
                if j >= i:
                    banded[2 * n - 1 + i - j, j::n] = self.blocks[:, i, j]
                banded[n - 1 + i - j, n + j :: n] = self.beside[:-1, i, j]
        banded[-1] += damping * self._scale[0]
        return scipy.linalg.cholesky_banded(banded)

    def _right(self, factor: np.ndarray) -> np.ndarray:
        return self.of_x - self.coupling.T @ scipy.linalg.cho_solve_banded((factor, False), self.of_states)

    def _eliminated(self, factor: np.ndarray) -> np.ndarray:
        """V - U^T T^-1 U, which is V - W^T W of R^T W = U.

        LAPACK solves for one column of U after the other; here all columns, and all trajectories, go side by side.
        """
        nodes, n, _ = self.blocks.shape
        diagonal, beside = np.zeros((2, nodes, n, n))
        for i in range(n):
            for j in range(n):
                if j >= i:
                    diagonal[:, i, j] = factor[2 * n - 1 + i - j, j::n]
                beside[1:, i, j] = factor[n - 1 + i - j, n + j :: n]  # of the node before
        inverse = np.linalg.inv(diagonal).transpose(0, 2, 1)
        w = inverse @ self.coupling.reshape(nodes, n, -1)
        back = inverse @ beside.transpose(0, 2, 1)
        for here in side_by_side(self.first, self.sizes):
            w[here] -= back[here] @ w[here - 1]
        flat = w.reshape(nodes * n, -1)
        return self.model - flat.T @ flat
