"""Trajectories as arrays: steps packed into lanes, with targets and weights at their ends."""

from collections.abc import Sequence
from dataclasses import dataclass

import equinox as eqx
import numpy as np
from jaxtyping import Array, Float

from ..data.trajectories import Trajectories, Trajectory
from ..models import Coordinates, Mesh, Steps
from .weights import observation_weights

ROOM = 2  # of steps, in units of those that are needed now
# Lanes' worth of steps that one lane takes faster: the products of one state are of a matrix and a vector, which XLA
# writes out, where it calls a library for two (a step of a network of 16 x 16: 3 us of one lane, 15 us of two or four).
ALONE = 2


class Batch(eqx.Module):
    """What a loss is computed from; every array leads with the lanes.

    Args:
        mesh: the steps.
        targets: observations in coordinates of order one after each step, zero where there is none.
        weights: of their squared residuals, zero where there is none; they sum to one.
    """

    mesh: Mesh
    targets: Float[Array | np.ndarray, "lanes steps observed"]
    weights: Float[Array | np.ndarray, "lanes steps observed"]


@dataclass(frozen=True)
class Shape:
    """Lanes and steps of a batch, so that batches of one shape share one compiled program."""

    lanes: int
    steps: int

    @classmethod
    def fitting(cls, lengths: Sequence[int]) -> "Shape":
        """As long as the longest trajectory needs, and as few lanes as that allows; one lane where two would do."""
        steps, whole = bucket(max(lengths)), bucket(sum(lengths))
        return cls(1, whole) if whole <= ALONE * steps else cls(len(_pack(lengths, steps)), steps)

    @classmethod
    def roomy(cls, lengths: Sequence[int]) -> "Shape":
        """With room to spare: meshes become finer while the model learns.

        Twice the steps, half of them idle, add a twentieth to an evaluation; compiling anew takes as long as hundreds.
        """
        tight = cls.fitting(lengths)
        return cls(tight.lanes, ROOM * tight.steps)

    def grown(self, lengths: Sequence[int]) -> "Shape":
        """This shape if there is room, else one that has."""
        return self if self.packed(lengths) is not None else Shape.roomy(lengths)

    def packed(self, lengths: Sequence[int]) -> list[list[int]] | None:
        """The trajectories of each lane, all lanes about as long; None if there is no room for these lengths."""
        steps = bucket(max(lengths))
        while steps <= self.steps:
            lanes = _pack(lengths, steps)
            if len(lanes) <= self.lanes:
                return lanes
            steps = bucket(steps + 1)
        return None


def bucket(length: int) -> int:
    """The next of 8, 10, 12, 14, 16, 20, 24, ...: a quarter of an octave apart, so at most a fifth is padding."""
    size = 8
    while True:
        for part in (4, 5, 6, 7):
            if size * part // 4 >= length:
                return size * part // 4
        size *= 2


def _pack(lengths: Sequence[int], steps: int) -> list[list[int]]:
    """First fit, longest first: the trajectories of each lane."""
    lanes: list[list[int]] = []
    room: list[int] = []
    for i in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        # Lanes that are nearly full stay at the front; looking at the last few keeps this linear.
        for lane in range(max(0, len(lanes) - 8), len(lanes)):
            if room[lane] >= lengths[i]:
                lanes[lane].append(i)
                room[lane] -= lengths[i]
                break
        else:
            lanes.append([i])
            room.append(steps - lengths[i])
    return lanes


def lane_lengths(counts: Sequence[np.ndarray]) -> list[int]:
    """Steps that each trajectory takes: its first, of length zero, and those of its intervals."""
    return [1 + int(count.sum()) for count in counts]


def observations(trajectory: Trajectory, coordinates: Coordinates) -> np.ndarray:
    """What was observed in coordinates of order one, `(rows, states)`, zero where nothing was."""
    return np.where(np.isfinite(trajectory.ys), coordinates.states_in(np.nan_to_num(trajectory.ys)), 0.0)


def inputs_at_stages(
    trajectory: Trajectory, coordinates: Coordinates, tableau: Steps, t: np.ndarray, h: np.ndarray
) -> np.ndarray:
    """The inputs at the stages of steps that begin at `t` and are `h` long, of any shape: `(..., stages, inputs)`."""
    assert trajectory.inputs is not None
    taus, us = coordinates.times_in(trajectory.ts), coordinates.inputs_in(trajectory.inputs)
    at = t[..., None] + tableau.c * h[..., None]
    # No step goes beyond a row, so a held input is what it is in its middle: at its end not yet the next value.
    row = np.maximum(np.searchsorted(taus, t + h / 2, side="right") - 1, 0)
    columns = [
        np.broadcast_to(u[row][..., None], at.shape) if keep else np.interp(at.ravel(), taus, u).reshape(at.shape)
        for u, keep in zip(us.T, trajectory.held, strict=True)
    ]
    return np.stack(columns, axis=-1)


def make_batch(
    data: Trajectories,
    coordinates: Coordinates,
    tableau: Steps,
    counts: Sequence[np.ndarray],
    shape: Shape,
    dtype: np.dtype | type,
) -> tuple[Batch, list[tuple[int, np.ndarray]]]:
    """The batch of a mesh, and where each trajectory's rows lie in it as (lane, steps).

    Args:
        data: what was measured.
        coordinates: of the model.
        tableau: of the solver, for the times of its stages.
        counts: per trajectory, how many steps each interval between rows takes.
        shape: lanes and steps.
        dtype: of the floating-point arrays.

    Raises:
        ValueError: if the mesh does not fit into the shape.
    """
    lanes, steps = shape.lanes, shape.steps
    states, inputs = data.state_size, data.input_size
    t, h = np.zeros((lanes, steps)), np.zeros((lanes, steps))
    start = np.full((lanes, steps), -1, np.int32)
    u = np.zeros((lanes, steps, len(tableau.c), inputs)) if inputs else None
    targets, weights = np.zeros((lanes, steps, states)), np.zeros((lanes, steps, states))
    counted = observation_weights(data, coordinates.scale)
    places: list[tuple[int, np.ndarray]] = [(0, np.zeros(0, int))] * len(data)

    packed = shape.packed(lane_lengths(counts))
    if packed is None:
        raise ValueError(f"a batch of {lanes} lanes and {steps} steps is too small for this mesh.")
    for lane, members in enumerate(packed):
        offset = 0
        for i in members:
            trajectory, count = data[i], counts[i]
            taus = coordinates.times_in(trajectory.ts)
            length = 1 + int(count.sum())
            part = slice(offset, offset + length)
            interval = np.repeat(np.arange(len(count)), count)
            within = np.arange(length - 1) - np.repeat(np.cumsum(count) - count, count)
            width = np.diff(taus)[interval] / count[interval] if len(count) else np.zeros(0)
            t[lane, part] = np.concatenate([taus[:1], taus[interval] + within * width])
            h[lane, part] = np.concatenate([[0.0], width])
            rows = offset + np.concatenate([[0], np.cumsum(count)]).astype(int)
            places[i] = (lane, rows)

            start[lane, offset] = i

            targets[lane, rows], weights[lane, rows] = observations(trajectory, coordinates), counted.each[i]
            if u is not None:
                u[lane, part] = inputs_at_stages(trajectory, coordinates, tableau, t[lane, part], h[lane, part])
            offset += length
        t[lane, offset:] = t[lane, offset - 1]
    weights /= max(weights.sum(), 1.0)

    def cast(a) -> np.ndarray:
        return np.asarray(a, dtype)

    batch = Batch(
        Mesh(cast(t), cast(h), start, None if u is None else cast(u), ((h != 0) | (start >= 0)).any(axis=0)),
        cast(targets),
        cast(weights),
    )
    return batch, places
