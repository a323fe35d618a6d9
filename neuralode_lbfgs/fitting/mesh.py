"""Choosing the steps of a mesh from the solver's own error estimate."""

from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from ..data.trajectories import Trajectories
from ..models import Coordinates, NeuralODE, Tableau, solve_on_mesh
from .batch import Segments, Shape, lane_lengths, make_batch

SAFETY = 0.9  # of the step size predicted from the error, as in every adaptive controller
FIRST_STEP = 0.5  # in units of time in which states move by one standard deviation
PASSES = 3  # of splitting; two reach 1e-6 from a first guess
MOST_PER_INTERVAL = 512


def first_counts(data: Trajectories, coordinates: Coordinates) -> list[np.ndarray]:
    """Steps per interval before there is a model: about half a standard deviation of movement each."""
    return [
        np.clip(np.ceil(np.diff(coordinates.times_in(trajectory.ts)) / FIRST_STEP), 1, MOST_PER_INTERVAL).astype(int)
        for trajectory in data
    ]


class Mesher:
    """Splits the intervals between observations until each step's error estimate is below the tolerance.

    Args:
        data, coordinates, tableau: what is solved.
        tolerance: of one step, in units of order one, absolute and relative.
        most_steps: in all; intervals are not split beyond that.
    """

    def __init__(
        self, data: Trajectories, coordinates: Coordinates, tableau: Tableau, tolerance: float, most_steps: int
    ):
        self.data, self.coordinates, self.tableau = data, coordinates, tableau
        self.tolerance, self.most_steps = tolerance, most_steps
        self.counts = first_counts(data, coordinates)
        self.shape = Shape.fitting(lane_lengths(self.counts))
        self._program = eqx.filter_jit(self._errors)

    def _errors(self, model: NeuralODE, starts, mesh):
        zs, errors = solve_on_mesh(model.rate, self.tableau, mesh, starts, with_error=True)
        return jnp.max(jnp.abs(errors) / (self.tolerance * (1 + jnp.abs(zs))), axis=-1)

    def refine(self, model: NeuralODE, starts, segments: Segments, *, whole: bool) -> bool:
        """Choose the counts anew for the present model; whether they changed noticeably."""
        before = self.counts
        for _ in range(PASSES):
            batch, places = make_batch(
                self.data, self.coordinates, self.tableau, self.counts, self.shape, segments,
                whole=whole, dtype=starts.dtype,
            )  # fmt: skip
            errors = np.asarray(self._program(model, starts, batch.mesh))
            worst, new = 0.0, []
            for count, (lane, rows) in zip(self.counts, places, strict=True):
                error = _largest_per_interval(errors[lane], rows)
                worst = max(worst, float(error.max(initial=0.0)))
                growth = np.clip(error ** (1 / self.tableau.order) / SAFETY, 0.2, 8.0)
                new.append(np.clip(np.ceil(count * growth - 1e-9), 1, MOST_PER_INTERVAL).astype(int))
            if sum(lane_lengths(new)) > self.most_steps:
                break
            self.counts = new
            if not self.shape.holds(lane_lengths(new)):
                self.shape = Shape.fitting(lane_lengths(new))
            if worst <= 2.0:
                break
        return any(not np.array_equal(a, b) for a, b in zip(before, self.counts, strict=True))


def _largest_per_interval(errors: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The largest error of the steps between neighbouring rows; a step that blew up counts as huge."""
    if len(rows) < 2:
        return np.zeros(0)
    steps = np.nan_to_num(errors[rows[0] + 1 : rows[-1] + 1], nan=1e30, posinf=1e30)
    return np.maximum.reduceat(steps, rows[:-1] - rows[0])


def total_steps(counts: Sequence[np.ndarray]) -> int:
    return sum(lane_lengths(counts))
