"""Whole trajectories by Gauss-Newton: to the bottom of valleys that L-BFGS descends for thousands of evaluations.

The sensitivities of a trajectory follow from those of its pieces: d z_k+1 = A_k d z_k + B_k d x. Steps follow the
bend of the valley: geodesic acceleration, Transtrum & Sethna, "Improvements to the Levenberg-Marquardt algorithm
for nonlinear least-squares minimization", arXiv:1201.5885 (2012), equations 14 and 15.
"""

from collections.abc import Iterator

import numpy as np
import scipy.linalg
from jaxtyping import Float, Int

from ..data.trajectories import Trajectories
from ..models import Mesh
from .dual import FEWEST_WEIGHTS, START_DAMPING, DualEquations, Towards
from .entry import Entry
from .evidence import WeightGroups
from .gauss_newton import Point, Step
from .kept import numbers
from .mesh import Mesher
from .observing import Observation
from .pieces import Cut, PieceSolver, side_by_side

PROBE = 0.1  # of a step, to see how the residuals bend
MOST_BEND = 0.75  # of the acceleration to the velocity, beyond which the bend is not followed
MOST_KEPT = 20_000_000  # entries of a Jacobian that is kept
MOST_AT_ONCE = 4_000_000  # of a part of one that is not
TINY = 1e-15  # of the largest entry: keeps what nothing determines from being singular
LEAST_HELD = 1e-3  # of what holds back the number that matters most


class WholeTrajectories:
    """The least-squares problem of the trajectories; their initial states are fitted too, or given."""

    solver: PieceSolver
    cuts: Cut
    groups: WeightGroups
    observed: int
    train_starts: bool
    noise: float | None
    observe: Observation | None
    errors: Float[np.ndarray, " pieces"]  # at the last linearisation
    others: int
    mesh: Mesh
    lane: Int[np.ndarray, " nodes"]  # of the mesh in which each node lies
    at: Int[np.ndarray, " nodes"]  # its step there

    def __init__(
        self,
        data: Trajectories,
        mesher: Mesher,
        solver: PieceSolver,
        cuts: Cut,
        *,
        train_starts: bool,
        observe: Observation | None = None,
    ):
        self.solver, self.cuts, self.groups, self.observed = solver, cuts, solver.groups, data.observed
        self.train_starts, self.noise, self.observe = train_starts, cuts.noise, observe
        self.errors = np.zeros(0)
        self.others = cuts.first.size * cuts.guess.shape[1] if train_starts else 0
        mesher.take(cuts.counts)
        batch, places = mesher.batch(np.dtype(solver.dtype))
        self.mesh = batch.mesh
        self.lane = np.repeat([lane for lane, _ in places], cuts.sizes)
        self.at = np.concatenate(
            [rows[0] + before for (_, rows), before in zip(places, cuts.steps_before, strict=True)]
        )

    def kept(self) -> dict[str, np.ndarray]:
        """What a fit leaves behind, for the choice of the next mesh."""
        return {"errors": self.errors}

    def restore(self, saved: Entry) -> None:
        """Take it back.

        Raises:
            JournalError: if it is that of another problem.
        """
        self.errors = numbers(saved, "errors", len(self.cuts.begin), finite=False, least=0.0)

    def nodes(self, point: Point) -> np.ndarray:
        """The states at all nodes."""
        return np.asarray(self.solver.solve(point.x, self.mesh, point.states), np.float64)[self.lane, self.at]

    def misfit(self, nodes: np.ndarray) -> np.ndarray:
        """Weighted residuals of states at the nodes."""
        seen = nodes if self.observe is None else self.observe(nodes)[0]
        return (self.cuts.weights * (seen - self.cuts.targets)).ravel()

    def residuals(self, point: Point) -> np.ndarray:
        return self.misfit(self.nodes(point))

    def value(self, point: Point) -> float:
        self._nodes = self.nodes(point)
        with np.errstate(over="ignore", invalid="ignore"):
            return float(np.sum(self.misfit(self._nodes) ** 2))

    @np.errstate(over="ignore", invalid="ignore")
    def linearised(self, point: Point) -> "Sensitivities | DualEquations":
        if point.x.size > FEWEST_WEIGHTS:
            return self._dual(point)
        return Sensitivities(self, point, self._nodes)

    def _dual(self, point: Point) -> DualEquations:
        """For more weights than there are residuals."""
        cuts, size, residuals = self.cuts, point.x.size, self.misfit(self._nodes)
        ((at, all_of),) = _in_parts(self, point, self._nodes, None)
        seen = all_of if self.observe is None else self.observe(self._nodes)[1] @ all_of
        jacobian = (cuts.weights[..., None] * seen).reshape(-1, seen.shape[2])
        of_states = [(span, jacobian[span, size:]) for _, span in _spans(cuts, at, cuts.weights.shape[1])]

        def bend(velocity: Point, tangent: np.ndarray, towards: Towards) -> Point:
            return _bent(self, point, residuals, velocity, tangent, towards)

        of_x = jacobian[:, :size]
        held = _held(np.einsum("ij,ij->j", of_x, of_x))
        return DualEquations(
            point, residuals, of_x, self.solver.groups, of_states if self.train_starts else (), bend, held
        )


class Sensitivities:
    """The Jacobian of all observations, of the model's numbers and of each trajectory's initial state.

    Of large data only its products are kept, added up part by part.
    """

    problem: WholeTrajectories
    point: Point
    residuals: Float[np.ndarray, " residuals"]
    full: Float[np.ndarray, "free free"]
    gradient: Float[np.ndarray, " free"]
    starts: Float[np.ndarray, "trajectories states states"]
    coupling: Float[np.ndarray, "trajectories states free"]
    gradient_of_starts: Float[np.ndarray, "trajectories states"]
    jacobian: Float[np.ndarray, "residuals columns"] | None  # of the free numbers, then of its trajectory's start
    scale: float
    held: Float[np.ndarray, " free"]  # what damping adds to the diagonal
    start_scale: float
    finite: bool
    matrix: Float[np.ndarray, "free free"]

    def __init__(self, problem: WholeTrajectories, point: Point, nodes: np.ndarray):
        cuts = problem.cuts
        self.problem, self.point = problem, point
        self.residuals = problem.misfit(nodes)
        size, m, count = point.x.size, cuts.weights.shape[1], len(cuts.first)
        states = nodes.shape[1] if problem.train_starts else 0
        whole = self.residuals.size * problem.solver.columns <= MOST_KEPT
        most = None if whole else MOST_AT_ONCE // (nodes.shape[1] * problem.solver.columns)
        self.full, self.gradient = np.zeros((size, size)), np.zeros(size)
        self.starts, self.coupling = np.zeros((count, states, states)), np.zeros((count, states, size))
        self.gradient_of_starts = np.zeros((count, states))
        self.jacobian = None
        for at, all_of in _in_parts(problem, point, nodes, most):
            seen = all_of if problem.observe is None else problem.observe(nodes[at])[1] @ all_of
            jacobian = (cuts.weights[at][..., None] * seen).reshape(-1, size + states)
            of_x, of_starts = jacobian[:, :size], jacobian[:, size:]
            residuals = self.residuals[at.start * m : at.stop * m]
            self.full += of_x.T @ of_x
            self.gradient += of_x.T @ residuals
            for i, span in _spans(cuts, at, m):
                self.starts[i] += of_starts[span].T @ of_starts[span]
                self.coupling[i] += of_starts[span].T @ of_x[span]
                self.gradient_of_starts[i] += of_starts[span].T @ residuals[span]
            self.jacobian = jacobian if whole else None
        diagonal = np.diag(self.full)
        self.scale = float(np.max(diagonal))
        self.held = _held(diagonal)
        self.start_scale = float(np.max(np.abs(self.starts), initial=0.0))
        self.finite = bool(np.isfinite(self.full).all())
        self.matrix = self._eliminated(TINY)[0] if self.finite else self.full

    @property
    def gradient_of_least(self) -> Float[np.ndarray, " free"]:
        """J^T r of the model's free numbers, with the starts at their best for each."""
        solved = self._eliminated(TINY)[2]
        return self.gradient - np.einsum("ijp,ij->p", solved, self.gradient_of_starts)

    def _eliminated(self, damping: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The matrix without the starts, the inverse of their blocks, and inverse @ coupling."""
        size = self.starts.shape[1]
        inverse = np.linalg.inv(self.starts + (damping * self.start_scale + 1e-300) * np.eye(size))
        solved = inverse @ self.coupling
        flat = (-1, self.coupling.shape[2])
        return self.full - self.coupling.reshape(flat).T @ solved.reshape(flat), inverse, solved

    def step(self, ridge: np.ndarray, damping: float) -> Step:
        matrix, inverse, solved = self._eliminated(START_DAMPING * damping + TINY)
        factor = scipy.linalg.cho_factor(matrix + np.diag(ridge + damping * self.held + TINY * self.scale))

        def newton(of_x: np.ndarray, of_starts: np.ndarray) -> Point:
            right = of_x - np.einsum("ijp,ij->p", solved, of_starts)
            dx = -scipy.linalg.cho_solve(factor, right)
            starts = np.zeros_like(self.point.states)
            if of_starts.size:
                starts = -(np.einsum("ijk,ik->ij", inverse, of_starts) + solved @ dx)
            return Point(dx, starts)

        of_x, of_starts = self.gradient + ridge * self.point.x, self.gradient_of_starts
        velocity = newton(of_x, of_starts)
        promised = damping * np.sum(self.held * velocity.x**2) - velocity.x @ of_x
        if of_starts.size:
            promised -= np.sum(velocity.states * of_starts)
        if self.jacobian is None:
            return Step(velocity, float(promised))
        cuts, size = self.problem.cuts, self.point.x.size
        of_x, of_start = self.jacobian[:, :size], self.jacobian[:, size:]
        spans = list(_spans(cuts, slice(0, len(cuts.weights)), cuts.weights.shape[1]))
        tangent = of_x @ velocity.x
        if self.problem.train_starts:
            for i, span in spans:
                tangent[span] += of_start[span] @ velocity.states[i]

        def towards(target: np.ndarray) -> Point:
            return newton(of_x.T @ target, np.stack([of_start[span].T @ target[span] for _, span in spans]))

        bent = _bent(self.problem, self.point, self.residuals, velocity, tangent, towards)
        return Step(bent, float(promised), 1)


def _held(diagonal: np.ndarray) -> np.ndarray:
    """What damping adds, from the diagonal of J^T J.

    Between Levenberg's damping, the same for all numbers, and Marquardt's, by the diagonal entry of each. Alike for
    all, it stops numbers that matter less, along valleys where some weights grow while others shrink: of a network that
    comes to be linear. By their own, what matters little runs away.
    """
    most = float(np.max(diagonal))
    return np.maximum(np.sqrt(diagonal * most), LEAST_HELD * most)


@np.errstate(over="ignore", invalid="ignore")
def _bent(
    problem: WholeTrajectories,
    point: Point,
    residuals: np.ndarray,
    velocity: Point,
    tangent: np.ndarray,
    towards: Towards,
) -> Point:
    """The step with its geodesic acceleration, from the residuals a little way along it.

    Args:
        residuals, tangent: at the point, and their Jacobian times the velocity.
        towards: the damped step against other residuals.
    """
    probe = Point(point.x + PROBE * velocity.x, point.states + PROBE * velocity.states)
    bend = 2 / PROBE * ((problem.residuals(probe) - residuals) / PROBE - tangent)
    if not np.isfinite(bend).all():
        return velocity
    acceleration = towards(bend)
    if 2 * np.linalg.norm(acceleration.x) > MOST_BEND * np.linalg.norm(velocity.x):
        return velocity
    return Point(velocity.x + acceleration.x / 2, velocity.states + acceleration.states / 2)


def _spans(cuts: Cut, at: slice, m: int) -> Iterator[tuple[int, slice]]:
    """Which trajectories have nodes in a range of them, and where their residuals, m a node, lie in it."""
    last = cuts.first + cuts.sizes
    for i in range(np.searchsorted(last, at.start, side="right"), np.searchsorted(cuts.first, at.stop)):
        yield i, slice(m * (max(cuts.first[i], at.start) - at.start), m * (min(last[i], at.stop) - at.start))


def _in_parts(
    problem: WholeTrajectories, point: Point, nodes: np.ndarray, most: int | None
) -> Iterator[tuple[slice, np.ndarray]]:
    """Ranges of nodes that follow each other, and d node / d (x, start of its trajectory) in them.

    Args:
        most: pieces in a range; all of them by default.
    """
    cuts, n, size = problem.cuts, nodes.shape[1], point.x.size
    states = n if problem.train_starts else 0
    begin, is_first = cuts.begin, np.zeros(len(nodes), bool)
    is_first[cuts.first] = True
    most = len(cuts.t) if most is None else min(max(most, 1), len(cuts.t))
    begun, done, carry, errors = 0, 0, np.zeros((n, size + states)), []
    for ends in problem.solver.derivatives_in_parts(cuts, point.x, nodes, most):
        ended = done + len(ends.states)
        # A node that ends a piece belongs to the range of that piece, one that begins a trajectory to the next.
        stop = len(nodes) if ended == len(begin) else int(begin[ended]) + int(not is_first[begin[ended]])
        before, added = np.zeros((stop - begun, n, n)), np.zeros((stop - begun, n, size))
        here = begin[done:ended] + 1 - begun
        before[here], added[here] = ends.of_start, ends.of_x
        all_of = np.zeros((stop - begun, n, size + states))
        first = np.flatnonzero(is_first[begun:stop])
        all_of[first, :, size:] = np.eye(n)[:, :states]
        if not is_first[begun]:
            all_of[0] = before[0] @ carry
            all_of[0, :, :size] += added[0]
            first = np.append(0, first)
        for here in side_by_side(first, np.diff(np.append(first, stop - begun))):
            all_of[here] = before[here] @ all_of[here - 1]
            all_of[here, :, :size] += added[here]
        errors.append(ends.errors)
        carry = all_of[-1].copy()
        yield slice(begun, stop), all_of
        begun, done = stop, ended
    problem.errors = np.concatenate(errors)
