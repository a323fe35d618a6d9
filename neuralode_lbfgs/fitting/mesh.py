"""Choosing the steps of a mesh from the solver's own error estimate."""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..compiling import Compiled
from ..data.trajectories import Trajectories
from ..models import Coordinates, Mesh, NeuralODE, Steps, solve_on_mesh
from .batch import Batch, Shape, lane_lengths, make_batch
from .entry import Entry
from .kept import numbers, unlike
from .pieces import Cut

SAFETY = 0.9  # of the step size predicted from the error, as in every adaptive controller
FIRST_STEP = 0.5  # in units of time in which states move by one standard deviation
MESH_TOLERANCE = {"float64": 1e-6, "float32": 1e-4}  # of one step, in units of order one, absolute and relative
MOST_STEPS = 2_000_000  # in all; intervals are not split beyond that
PASSES = 3  # of splitting; two reach 1e-6 from a first guess
MOST_PER_INTERVAL = 512
BLOWN_UP = 1e30  # the error of a step that ends in no number, in units of the tolerance
SPACIOUS = 8  # lanes times steps of a batch, in units of the steps in it: half are spare, and lanes are not all full


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
        dtype: of the solve, which sets the tolerance of one step.
    """

    data: Trajectories
    coordinates: Coordinates
    tableau: Steps
    tolerance: float
    counts: list[np.ndarray]  # per trajectory, the steps of each interval
    shape: Shape
    program: Compiled

    def __init__(self, data: Trajectories, coordinates: Coordinates, tableau: Steps, dtype: np.dtype | type):
        self.data, self.coordinates, self.tableau = data, coordinates, tableau
        self.tolerance = MESH_TOLERANCE[np.dtype(dtype).name]
        self.counts = first_counts(data, coordinates)
        self.shape = Shape.roomy(lane_lengths(self.counts))
        self.program = Compiled(_step_errors, tableau)  # the same for all meshes of one solver and precision

    def refine(self, model: NeuralODE, starts: Float[Array, "starts states"]) -> None:
        """Choose the counts anew for the present model."""
        for _ in range(PASSES):
            batch, places = self.batch(starts.dtype)
            errors = np.asarray(self.program(model, starts, batch.mesh)) / self.tolerance
            if self._adjust([_largest_per_interval(errors[lane], rows) for lane, rows in places]):
                break

    def batch(self, dtype: np.dtype) -> tuple[Batch, list[tuple[int, np.ndarray]]]:
        """The data on the present mesh; see `make_batch`."""
        return make_batch(self.data, self.coordinates, self.tableau, self.counts, self.shape, dtype)

    def take(self, counts: Sequence[np.ndarray]) -> None:
        """Go on with these steps per interval."""
        self.counts = list(counts)
        self.shape = self.shape.grown(lane_lengths(self.counts))

    def kept(self) -> dict[str, np.ndarray]:
        """The present choice, as arrays."""
        counts = np.concatenate([*self.counts, np.zeros(0, int)])
        return {"mesh.counts": counts, "mesh.shape": np.array([self.shape.lanes, self.shape.steps])}

    def restore(self, saved: Entry) -> None:
        """Go on with the choice of `kept`.

        Raises:
            JournalError: if it is that of other data, or would not fit into memory.
        """
        sizes = [count.size for count in self.counts]
        steps = numbers(saved, "mesh.counts", sum(sizes), whole=True, least=1, most=2 * MOST_PER_INTERVAL)
        counts = np.split(steps, np.cumsum(sizes)[:-1])
        shape = Shape(*numbers(saved, "mesh.shape", 2, whole=True, least=1, most=MOST_STEPS).tolist())
        lengths = lane_lengths(counts)
        # It may have been chosen for a finer mesh than this one, but for none with more steps than there may be.
        most = sum(sizes) * 2 * MOST_PER_INTERVAL + len(sizes)
        if shape.lanes * shape.steps > SPACIOUS * max(min(most, MOST_STEPS), sum(lengths)) or not shape.packed(lengths):
            raise unlike(saved, "mesh.shape")
        self.counts, self.shape = counts, shape

    def refine_pieces(self, cuts: Cut, errors: np.ndarray) -> bool:
        """Choose the counts anew from the largest relative error of each piece; whether they were fine before."""
        self.counts = list(cuts.counts)
        parts = np.split(errors / self.tolerance, np.cumsum(cuts.sizes - 1)[:-1])
        return self._adjust(
            [
                np.maximum.reduceat(part, rows[:-1]) if part.size else part
                for part, rows in zip(parts, cuts.rows, strict=True)
            ]
        )

    def _adjust(self, errors: list[np.ndarray]) -> bool:
        """New counts from the largest error in each interval, in units of the tolerance; whether none was large."""
        new = []
        # A step that blew up counts as huge. It may be NaN, or minus infinity: XLA's maximum of NaNs alone.
        errors = [np.where(error >= 0, np.minimum(error, BLOWN_UP), BLOWN_UP) for error in errors]
        for count, error in zip(self.counts, errors, strict=True):
            growth = np.clip(error ** (1 / self.tableau.order) / SAFETY, 0.2, 8.0)
            new.append(np.clip(np.ceil(count * growth - 1e-9), 1, MOST_PER_INTERVAL).astype(int))
        if sum(lane_lengths(new)) > MOST_STEPS:
            return True
        self.take(new)
        return max((float(error.max(initial=0.0)) for error in errors), default=0.0) <= 2.0


def _step_errors(tableau: Steps, model: NeuralODE, starts: Array, mesh: Mesh) -> Array:
    """The error estimate of each step, relative to 1 + |state|, `(lanes, steps)`."""
    zs, errors = solve_on_mesh(model.rate, tableau, mesh, starts, with_error=True)
    return jnp.max(jnp.abs(errors) / (1 + jnp.abs(zs)), axis=-1)


def _largest_per_interval(errors: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The largest error of the steps between neighbouring rows."""
    if len(rows) < 2:
        return np.zeros(0)
    return np.maximum.reduceat(errors[rows[0] + 1 : rows[-1] + 1], rows[:-1] - rows[0])
