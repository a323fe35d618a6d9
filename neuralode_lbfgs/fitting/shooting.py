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
from .innovations import Filter
from .observing import Observation
from .pieces import Cut, PieceSolver
from .process_noise import ProcessNoise


class Shooting:
    """The least-squares problem of data and jumps; a jump counts as much as `continuity` observations.

    Where noise moves the system itself, jumps are as large as that makes them, and each state is weighed by its noise.
    With a filter nodes are predictions, from which pieces begin once they are corrected by what was observed, and jumps
    are driven to zero again.

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
    process: ProcessNoise | Filter | None
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
        process: ProcessNoise | Filter | None = None,
    ):
        self.solver, self.cuts, self.groups = solver, cuts, solver.groups
        self.observed, self.observe, self.starts = observed, observe, starts
        self.continuity, self.noise, self.process = 1.0, cuts.noise, process
        self.others = cuts.first.size * cuts.guess.shape[1] if starts is None else 0

    @np.errstate(over="ignore", invalid="ignore")
    def value(self, point: Point) -> float:
        self._jump, self._weights = jump, weights = self._counted()
        begins, of_start = point.states, None
        if isinstance(self.process, Filter):
            begins, of_start = self.process.corrected(self.cuts, point.states)
        ends = self.solver.derivatives(self.cuts, point.x, begins)
        of_start = ends.of_start if of_start is None else ends.of_start @ of_start[self.cuts.begin]
        self._of_x, self._of_start = jump[..., None] * ends.of_x, jump[..., None] * of_start
        self._jumps = jump * (ends.states - point.states[self.cuts.begin + 1])
        first = point.states[self.cuts.first]
        self._off = np.zeros_like(first) if self.starts is None else first - self.starts
        seen, self._slopes = (point.states, None) if self.observe is None else self.observe(point.states)
        self._misfit = weights * (seen - self.cuts.targets)
        from_starts = self.continuity / self.observed * np.sum(self._off**2)
        return float(np.sum(self._misfit**2) + np.sum(self._jumps**2) + from_starts)

    @np.errstate(over="ignore", invalid="ignore")
    def linearised(self, point: Point) -> "BlockTridiagonal":
        """The normal equations at the point whose value was asked for last."""
        cuts, rho, jump, weights = self.cuts, self.continuity / self.observed, self._jump, self._weights
        of_z, of_x = self._of_start, self._of_x
        begin, end = cuts.begin, cuts.begin + 1
        nodes, n = point.states.shape
        blocks = np.zeros((nodes, n, n))
        index = np.arange(n)
        if self._slopes is None:
            blocks[:, index, index] = weights**2
            of_states = weights * self._misfit
        else:
            weighted = weights[..., None] * self._slopes
            blocks += np.einsum("kmi,kmj->kij", weighted, weighted)
            of_states = np.einsum("kmi,km->ki", weighted, self._misfit)
        blocks[end[:, None], index, index] += jump**2
        if self.starts is not None:
            blocks[cuts.first] += rho * np.eye(n)
        of_states[cuts.first] += rho * self._off
        blocks[begin] += np.einsum("kij,kil->kjl", of_z, of_z)
        beside = np.zeros((nodes, n, n))
        beside[begin] = -(jump[..., None] * of_z).transpose(0, 2, 1)
        coupling = np.zeros((nodes, n, point.x.size))
        coupling[begin] += np.matmul(of_z.transpose(0, 2, 1), of_x)
        coupling[end] -= jump[..., None] * of_x
        of_states[begin] += np.einsum("kij,ki->kj", of_z, self._jumps)
        of_states[end] -= jump * self._jumps
        flat = of_x.reshape(-1, point.x.size)
        return BlockTridiagonal(
            point.x, blocks, beside, coupling.reshape(nodes * n, -1), of_states.ravel(),
            flat.T @ self._jumps.ravel(), flat.T @ flat, cuts.first, cuts.sizes,
        )  # fmt: skip

    def _counted(self) -> tuple[np.ndarray, np.ndarray]:
        """What jumps `(pieces, states)` and misfits `(nodes, observed)` are multiplied by."""
        cuts, weights = self.cuts, self.cuts.weights
        if isinstance(self.process, ProcessNoise):
            observed, moving = self.process
            usual = np.sqrt(np.mean(observed**2))
            return usual / np.sqrt(self.observed * moving * cuts.durations[:, None]), weights * usual / observed
        if self.process is not None:
            spread = np.sqrt(np.einsum("kii->ki", self.process.spreads))
            weights = weights * np.median(spread[weights > 0]) / spread
        return np.full((len(cuts.begin), cuts.guess.shape[1]), (self.continuity / self.observed) ** 0.5), weights
