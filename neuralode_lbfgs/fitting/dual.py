"""Gauss-Newton where there are more weights than residuals: equations of as many unknowns as there are residuals.

The damped step minimises  |r + J d|^2 + ridge |x + d|^2 + damping |d|^2. With D = ridge + damping and c = ridge x / D
it is

    d = -c - D^-1 J^T (1 + J D^-1 J^T)^-1 (r - J c)

by the matrix inversion lemma (Golub & Van Loan, Matrix Computations, section 2.1.4).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import scipy.linalg

from .evidence import LEAST_DECAY, LOOSE, Gram, WeightGroups
from .gauss_newton import Point, Step

FEWEST_WEIGHTS = 1500  # up to so many, equations of weights cost less
MOST_WEIGHTS = 20_000
MOST_WORK = 2e10  # multiplications for J J^T: about a second a step
MOST_KEPT = 20_000_000  # entries of J
START_DAMPING = 1e-2  # of the initial states, beside that of the weights: they are well determined

Towards = Callable[[np.ndarray], Point]


def most_residuals(weights: int) -> int:
    """How many residuals there may be for a model of so many weights; 0 where it is too large."""
    return int(min((MOST_WORK / weights) ** 0.5, MOST_KEPT / weights)) if weights <= MOST_WEIGHTS else 0


@dataclass
class DualEquations:
    """Residuals and their Jacobian at a point.

    Args:
        point: where.
        residuals: there.
        jacobian: of the model's free numbers.
        groups: which of these are weights.
        of_states: per trajectory, which residuals depend on its fitted state, and their Jacobian.
        bend: `bend(velocity, jacobian times velocity, towards)`, the step that follows the bend of the residuals, where
            `towards(target)` is the step against other residuals; None to go straight.
        held: what damping adds for each free number; None for all alike, the largest diagonal entry of J^T J.
    """

    point: Point
    residuals: np.ndarray
    jacobian: np.ndarray
    groups: WeightGroups
    of_states: Sequence[tuple[slice, np.ndarray]] = ()
    bend: Callable[[Point, np.ndarray, Towards], Point] | None = None
    held: np.ndarray | None = None
    finite: bool = field(init=False)
    gradient: np.ndarray = field(init=False)  # J^T r
    _products: dict[int, np.ndarray] = field(init=False, default_factory=dict)  # J J^T of each kind of numbers

    def __post_init__(self) -> None:
        self.finite = bool(np.isfinite(self.jacobian).all() and np.isfinite(self.residuals).all())
        self.gradient = self.jacobian.T @ self.residuals
        squares = np.einsum("ij,ij->j", self.jacobian, self.jacobian)
        self._scale = float(squares.max(initial=1e-300))
        self._states_scale = max((float((j**2).sum(axis=0).max()) for _, j in self.of_states), default=1.0)
        self._states = np.zeros((len(self.residuals),) * 2)
        for span, of_state in self.of_states:
            self._states[span, span] = of_state @ of_state.T

    @property
    def matrix(self) -> Gram:
        """J J^T of each group of weights, and of the numbers that nothing pulls to zero."""
        undecayed = self._product(-1) / (LOOSE * self._scale) + self._states / (LOOSE * self._states_scale)
        return Gram(tuple(map(self._product, range(self.groups.count))), undecayed)

    def _product(self, kind: int) -> np.ndarray:
        if kind not in self._products:
            of_kind = self.groups.numbers == kind
            some = self.jacobian if of_kind.all() else self.jacobian[:, of_kind]
            self._products[kind] = some @ some.T
        return self._products[kind]

    def _over(self, held: np.ndarray) -> np.ndarray:
        """J diag(1 / held) J^T; as the products of a matrix with itself, which cost half of others."""
        if self.held is None:  # alike in each group, so that the evidence needs the same products
            kinds, first = np.unique(self.groups.numbers, return_index=True)
            return np.sum(
                [self._product(kind) / held[i] for kind, i in zip(kinds.tolist(), first, strict=True)], axis=0
            )
        scaled = self.jacobian / np.sqrt(held)
        return scaled @ scaled.T

    def step(self, ridge: np.ndarray, damping: float) -> Step:
        added = damping * (self._scale if self.held is None else self.held)
        held = np.maximum(ridge + added + np.where(self.groups.numbers < 0, LOOSE * self._scale, 0.0), LEAST_DECAY)
        held_states = (START_DAMPING * damping + LOOSE) * self._states_scale
        equations = np.eye(len(self.residuals)) + self._states / held_states
        equations += self._over(held)
        factor = scipy.linalg.cho_factor(equations, overwrite_a=True, check_finite=False)

        def towards(target: np.ndarray) -> Point:
            solved = scipy.linalg.cho_solve(factor, target, check_finite=False)
            states = np.zeros_like(self.point.states)
            for i, (span, of_state) in enumerate(self.of_states):
                states[i] = -of_state.T @ solved[span] / held_states
            return Point(-(self.jacobian.T @ solved) / held, states)

        pulled = ridge * self.point.x / held
        velocity = towards(self.residuals - self.jacobian @ pulled)
        velocity = Point(velocity.x - pulled, velocity.states)
        promised = np.sum(added * velocity.x**2) - velocity.x @ (self.gradient + ridge * self.point.x)
        tangent = self.jacobian @ velocity.x
        for i, (span, of_state) in enumerate(self.of_states):
            promised -= velocity.states[i] @ (of_state.T @ self.residuals[span])
            tangent[span] += of_state @ velocity.states[i]
        if self.bend is None:
            return Step(velocity, float(promised))
        return Step(self.bend(velocity, tangent, towards), float(promised), 1)
