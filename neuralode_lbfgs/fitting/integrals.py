"""Regressions of what was measured on the integrals of terms along trajectories.

What was measured of a state is a sum of such integrals, a constant for each trajectory, and noise: each rate alone, and
no ODE is solved. Dattner & Klaassen, "Optimal rate of direct estimators in systems of ordinary differential equations
linear in functions of the parameters", Electronic Journal of Statistics 9 (2015), 1939-1973, equation 8.
"""

import numpy as np
from numpy.polynomial.legendre import leggauss
from scipy.interpolate import CubicSpline

from .course import Course
from .pieces import Cut
from .tangent import Tangent

POINTS = 3  # of a quadrature by Gauss over a piece
UNDETERMINED = 1e-6  # of the best determined sum of integrals, which are much alike: noise hides the others


class Integrals:
    """Along trajectories through nodes.

    Args:
        course: whose data they follow.
        cuts: of its trajectories.
        nodes: states of order one, `(nodes, states)`.
    """

    states: np.ndarray  # at the points of the quadratures, `(points, states)`
    inputs: np.ndarray | None

    def __init__(self, course: Course, cuts: Cut, nodes: np.ndarray):
        self._course, self._cuts, self._nodes = course, cuts, nodes
        places, self._shares = leggauss(POINTS)
        c, states, inputs, self._widths = course.mesher.coordinates, [], [], []
        ends = np.cumsum(cuts.sizes - 1)
        for run, first, size, end in zip(course.data, cuts.first, cuts.sizes, ends, strict=True):
            begins, widths = cuts.t[end - size + 1 : end, 0], cuts.durations[end - size + 1 : end]
            taus = np.append(begins, c.times_in(run.ts[-1:]))
            inner = (begins[:, None] + widths[:, None] * (places + 1) / 2).ravel()
            states.append(CubicSpline(taus, nodes[first : first + size])(inner))
            inputs.append(None if run.inputs is None else c.inputs_in(run.inputs_at(c.times_out(inner))))
            self._widths.append(widths)
        self.states = np.concatenate(states)
        self.inputs = None if any(one is None for one in inputs) else np.concatenate(inputs)

    def of(self, values: np.ndarray) -> np.ndarray:
        """Of functions `(points, functions)` from where each trajectory starts to its nodes, `(nodes, functions)`."""
        parts, begun = [], 0
        for widths in self._widths:
            end = begun + POINTS * len(widths)
            of_pieces = values[begun:end].reshape(len(widths), POINTS, values.shape[1])
            of_pieces = np.einsum("ijk,j,i->ik", of_pieces, self._shares / 2, widths)
            parts.append(np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(of_pieces, axis=0)]))
            begun = end
        return np.concatenate(parts)

    def regressions(self, values: np.ndarray, powers: np.ndarray, idle: np.ndarray) -> list[Tangent]:
        """Of each state whose rate is learned on the integrals of the same functions, its terms, alone.

        Args:
            values: of the functions, `(points, functions)`.
            powers, idle: as of a `Tangent`.
        """
        course, cuts, integrals = self._course, self._cuts, self.of(values)
        of_run = np.repeat(np.arange(len(cuts.first)), cuts.sizes)
        found = []
        for state in course.parameters.model.vector_field.learned:
            seen = cuts.weights[:, state] > 0
            weights, runs = cuts.weights[seen, state], of_run[seen]
            weights = weights / np.sqrt(np.mean(weights**2))
            columns = np.column_stack([cuts.targets[seen, state], self._nodes[seen, state], integrals[seen]])
            columns = _without_constants(columns, weights, runs)
            columns[:, :2] /= course.coordinates.rate_scale[state]
            measured, followed, sums = columns[:, 0], columns[:, 1], columns[:, 2:]
            at = np.linalg.lstsq(sums, measured, rcond=UNDETERMINED)[0]
            missed = sums @ at - measured
            noise = float(np.mean((followed - measured) ** 2))  # so many terms would follow part of it, too
            found.append(
                Tangent(
                    at, max(float(np.mean(missed**2)), noise), sums.T @ missed / len(missed),
                    sums.T @ sums / len(missed), len(missed), powers, np.zeros(len(powers), int), idle,
                )
            )  # fmt: skip
        return found


def _without_constants(columns: np.ndarray, weights: np.ndarray, runs: np.ndarray) -> np.ndarray:
    """Times their weights, without what a constant for each trajectory explains: where it starts."""
    total = np.bincount(runs, weights**2)
    means = np.stack([np.bincount(runs, weights**2 * column) for column in columns.T], axis=1) / total[:, None]
    return weights[:, None] * (columns - means[runs])
