"""Multiple shooting: the state at every node is fitted with the model, and jumps between pieces are driven to zero.

No piece is long enough for an error to grow, so that a poor model, coarse sampling or a chaotic series does no
harm. Bock, "Recent advances in parameter identification techniques for O.D.E." (1983); all nodes as unknowns as in
Albersmeyer & Diehl, "The lifted Newton method and its application in optimization", SIAM J. Optim. 20 (2010).
The jumps are penalised, as in weak-constraint data assimilation (Tremolet, Q. J. R. Meteorol. Soc. 132, 2006),
with a growing weight: when they count little the nodes follow the data, when they count much there is one curve.
"""

import numpy as np

from .block_tridiagonal import BlockTridiagonal
from .evidence import WeightGroups
from .gauss_newton import Point
from .observing import Observation
from .pieces import Cut, PieceSolver


class Shooting:
    """The least-squares problem of data and jumps; a jump counts as much as `continuity` observations.

    Its mean square is that of the data plus that of the jumps, which is small once they are driven to zero. Where
    initial states are given, there is a jump from each of them to the first node of its trajectory: a model fitted to
    other starts may run away from these.
    """

    solver: PieceSolver
    cuts: Cut
    groups: WeightGroups
    observed: int
    observe: Observation | None
    continuity: float
    starts: np.ndarray | None  # in coordinates of order one, where they are not fitted
    noise: float | None
    others: int

    def __init__(
        self,
        solver: PieceSolver,
        cuts: Cut,
        observed: int,
        observe: Observation | None = None,
        starts: np.ndarray | None = None,
    ):
        self.solver, self.cuts, self.groups = solver, cuts, solver.groups
        self.observed, self.observe, self.starts = observed, observe, starts
        self.continuity, self.noise = 1.0, cuts.noise
        self.others = cuts.first.size * cuts.guess.shape[1] if starts is None else 0

    @np.errstate(over="ignore", invalid="ignore")
    def value(self, point: Point) -> float:
        self._ends = self.solver.derivatives(self.cuts, point.x, point.states)
        self._jumps = self._ends.states - point.states[self.cuts.begin + 1]
        first = point.states[self.cuts.first]
        self._off = np.zeros_like(first) if self.starts is None else first - self.starts
        seen, self._slopes = (point.states, None) if self.observe is None else self.observe(point.states)
        self._misfit = self.cuts.weights * (seen - self.cuts.targets)
        jumps = np.sum(self._jumps**2) + np.sum(self._off**2)
        return float(np.sum(self._misfit**2) + self.continuity / self.observed * jumps)

    @np.errstate(over="ignore", invalid="ignore")
    def linearised(self, point: Point) -> "BlockTridiagonal":
        """The normal equations at the point whose value was asked for last."""
        cuts, rho = self.cuts, self.continuity / self.observed
        of_z, of_x = self._ends.of_start, self._ends.of_x
        begin, end = cuts.begin, cuts.begin + 1
        nodes, n = point.states.shape
        blocks = np.zeros((nodes, n, n))
        index = np.arange(n)
        if self._slopes is None:
            blocks[:, index, index] = cuts.weights**2
            of_states = cuts.weights * self._misfit
        else:
            weighted = cuts.weights[..., None] * self._slopes
            blocks += np.einsum("kmi,kmj->kij", weighted, weighted)
            of_states = np.einsum("kmi,km->ki", weighted, self._misfit)
        blocks[end] += rho * np.eye(n)
        if self.starts is not None:
            blocks[cuts.first] += rho * np.eye(n)
        of_states[cuts.first] += rho * self._off
        blocks[begin] += rho * np.einsum("kij,kil->kjl", of_z, of_z)
        beside = np.zeros((nodes, n, n))
        beside[begin] = -rho * of_z.transpose(0, 2, 1)
        coupling = np.zeros((nodes, n, point.x.size))
        coupling[begin] += rho * np.matmul(of_z.transpose(0, 2, 1), of_x)
        coupling[end] -= rho * of_x
        of_states[begin] += rho * np.einsum("kij,ki->kj", of_z, self._jumps)
        of_states[end] -= rho * self._jumps
        flat = of_x.reshape(-1, point.x.size)
        return BlockTridiagonal(
            point.x, blocks, beside, coupling.reshape(nodes * n, -1), of_states.ravel(),
            rho * (flat.T @ self._jumps.ravel()), rho * (flat.T @ flat), cuts.first, cuts.sizes,
        )  # fmt: skip
