"""Whole trajectories by Gauss-Newton: to the bottom of valleys that L-BFGS descends for thousands of evaluations.

The sensitivities of a trajectory follow from those of its pieces: d z_k+1 = A_k d z_k + B_k d x. Steps follow the
bend of the valley: geodesic acceleration, Transtrum & Sethna, "Improvements to the Levenberg-Marquardt algorithm
for nonlinear least-squares minimization", arXiv:1201.5885 (2012), equations 14 and 15.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import scipy.linalg
from jaxtyping import Float, Int

from ..data.trajectories import Trajectories
from ..models import Mesh
from .evidence import WeightGroups
from .gauss_newton import Point, Step
from .mesh import Mesher
from .observing import Observation
from .pieces import Cut, PieceSolver

PROBE = 0.1  # of a step, to see how the residuals bend
MOST_BEND = 0.75  # of the acceleration to the velocity, beyond which the bend is not followed
START_DAMPING = 1e-2  # of the initial states, beside that of the weights: they are well determined
TINY = 1e-15  # of the largest entry: keeps what nothing determines from being singular


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

    def restore(self, kept: Mapping[str, Any]) -> None:
        self.errors = kept["errors"]

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
    def linearised(self, point: Point) -> "Sensitivities":
        return Sensitivities(self, point, self._nodes)


class Sensitivities:
    """The Jacobian of all observations, of the model's numbers and of each trajectory's initial state."""

    problem: WholeTrajectories
    point: Point
    residuals: Float[np.ndarray, " residuals"]
    of_x: Float[np.ndarray, "residuals free"]
    of_starts: Float[np.ndarray, "residuals states"]
    spans: list[slice]  # of the residuals of each trajectory
    full: Float[np.ndarray, "free free"]
    gradient: Float[np.ndarray, " free"]
    scale: float
    starts: Float[np.ndarray, "trajectories states states"]
    coupling: Float[np.ndarray, "trajectories states free"]
    start_scale: float
    matrix: Float[np.ndarray, "free free"]

    def __init__(self, problem: WholeTrajectories, point: Point, nodes: np.ndarray):
        cuts = problem.cuts
        self.problem, self.point = problem, point
        ends = problem.solver.derivatives(cuts, point.x, nodes)
        count, n = nodes.shape
        size = point.x.size
        states = n if problem.train_starts else 0
        before, added = np.zeros((count, n, n)), np.zeros((count, n, size))
        before[cuts.begin + 1], added[cuts.begin + 1] = ends.of_start, ends.of_x
        all_of = np.zeros((count, n, size + states))
        all_of[cuts.first, :, size:] = np.eye(n)[:, :states]
        for k in range(1, int(cuts.sizes.max())):  # all trajectories side by side
            here = cuts.first[cuts.sizes > k] + k
            all_of[here] = before[here] @ all_of[here - 1]
            all_of[here, :, :size] += added[here]
        if problem.observe is not None:
            all_of = problem.observe(nodes)[1] @ all_of
        m = all_of.shape[1]
        jacobian = (cuts.weights[..., None] * all_of).reshape(count * m, size + states)
        self.residuals = problem.misfit(nodes)
        problem.errors = ends.errors
        self.of_x, self.of_starts = jacobian[:, :size], jacobian[:, size:]
        self.spans = [slice(f * m, (f + s) * m) for f, s in zip(cuts.first, cuts.sizes, strict=True)]
        self.full = self.of_x.T @ self.of_x
        self.gradient = self.of_x.T @ self.residuals
        self.scale = float(np.max(np.diag(self.full)))
        self.starts = np.stack([self.of_starts[s].T @ self.of_starts[s] for s in self.spans])
        self.coupling = np.stack([self.of_starts[s].T @ self.of_x[s] for s in self.spans])
        self.start_scale = float(np.max(np.abs(self.starts), initial=0.0))
        self.matrix = self._eliminated(TINY)[0] if np.isfinite(self.full).all() else self.full

    def _eliminated(self, damping: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The matrix without the starts, the inverse of their blocks, and inverse @ coupling."""
        size = self.starts.shape[1]
        inverse = np.linalg.inv(self.starts + (damping * self.start_scale + 1e-300) * np.eye(size))
        solved = inverse @ self.coupling
        flat = (-1, self.coupling.shape[2])
        return self.full - self.coupling.reshape(flat).T @ solved.reshape(flat), inverse, solved

    def _project(self, residuals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        of_starts = np.stack([self.of_starts[s].T @ residuals[s] for s in self.spans])
        return self.of_x.T @ residuals, of_starts

    def step(self, ridge: np.ndarray, damping: float) -> Step:
        matrix, inverse, solved = self._eliminated(START_DAMPING * damping + TINY)
        factor = scipy.linalg.cho_factor(matrix + np.diag(ridge + (damping + TINY) * self.scale))

        def newton(of_x: np.ndarray, of_starts: np.ndarray) -> Point:
            right = of_x - np.einsum("ijp,ij->p", solved, of_starts)
            dx = -scipy.linalg.cho_solve(factor, right)
            starts = np.zeros_like(self.point.states)
            if of_starts.size:
                starts = -(np.einsum("ijk,ik->ij", inverse, of_starts) + solved @ dx)
            return Point(dx, starts)

        of_x, of_starts = self._project(self.residuals)
        of_x = of_x + ridge * self.point.x
        velocity = newton(of_x, of_starts)
        promised = damping * self.scale * np.sum(velocity.x**2) - velocity.x @ of_x
        if of_starts.size:
            promised -= np.sum(velocity.states * of_starts)
        return Step(self._bent(velocity, newton), float(promised), 1)

    @np.errstate(over="ignore", invalid="ignore")
    def _bent(self, velocity: Point, newton) -> Point:
        """The step with its geodesic acceleration, from the residuals a little way along it."""
        tangent = self.of_x @ velocity.x
        if self.problem.train_starts:
            for i, span in enumerate(self.spans):
                tangent[span] += self.of_starts[span] @ velocity.states[i]
        probe = Point(self.point.x + PROBE * velocity.x, self.point.states + PROBE * velocity.states)
        bend = 2 / PROBE * ((self.problem.residuals(probe) - self.residuals) / PROBE - tangent)
        if not np.isfinite(bend).all():
            return velocity
        acceleration = newton(*self._project(bend))
        if 2 * np.linalg.norm(acceleration.x) > MOST_BEND * np.linalg.norm(velocity.x):
            return velocity
        return Point(velocity.x + acceleration.x / 2, velocity.states + acceleration.states / 2)
