"""Trajectories cut at every row: short pieces from node to node, all solved side by side.

Pieces know nothing of each other, so that their derivatives cost one backward pass per state, however long the
trajectories are; those of whole trajectories follow from them by the chain rule.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..compiling import Compiled
from ..data.trajectories import Trajectories
from ..models import Coordinates, Mesh, NeuralODE, Split, Steps, solve_on_mesh, trainable
from .batch import bucket, inputs_at_stages, observations
from .evidence import WeightGroups
from .smoothing import SmoothTrajectory
from .weights import observation_weights

PIECE_LENGTHS = (1, 2, 4, 8, 16)  # steps, of which the one that wastes least is taken
SPARE = 32  # pieces, for a finer mesh: compiling anew costs more
FEW = 2000  # pieces: with idle ones for trajectories that are to come these still take less time than compiling anew


@dataclass(frozen=True)
class Cut:
    """Trajectories as pieces between nodes: the rows of the data, and points where an interval takes many steps.

    Nodes of all trajectories follow each other; every node but the last of a trajectory begins a piece.

    Args:
        t, h, u: per piece, its steps in coordinates of order one, and the inputs at their stages; padded with
            steps and pieces of length zero.
        first: the first node of each trajectory.
        sizes: the nodes of each trajectory.
        targets, weights: observations at the nodes in coordinates of order one; the squares of their weights, which
            multiply residuals, sum to one.
        guess: the smooth curves at the nodes.
        counts: per trajectory, the steps of each interval between rows.
        rows: per trajectory, which of its nodes are rows of the data.
        steps_before: per trajectory, the steps before each of its nodes.
        noise: standard deviation of the observations, order one, where it is known.
    """

    t: Float[np.ndarray, "pieces steps"]
    h: Float[np.ndarray, "pieces steps"]
    u: Float[np.ndarray, "pieces steps stages inputs"] | None
    first: np.ndarray
    sizes: np.ndarray
    targets: Float[np.ndarray, "nodes observed"]
    weights: Float[np.ndarray, "nodes observed"]
    guess: Float[np.ndarray, "nodes states"]
    counts: tuple[np.ndarray, ...]
    rows: tuple[np.ndarray, ...]
    steps_before: tuple[np.ndarray, ...]
    noise: float | None = None

    @property
    def begin(self) -> np.ndarray:
        """The nodes at which pieces begin; each ends at the node after."""
        last = np.zeros(len(self.targets), bool)
        last[self.first + self.sizes - 1] = True
        return np.flatnonzero(~last)

    @property
    def durations(self) -> Float[np.ndarray, " begun"]:
        """Of each piece, in the order of `begin`."""
        return self.h[: len(self.begin)].sum(axis=1)

    @property
    def as_measured(self) -> Float[np.ndarray, "nodes states"]:
        """The states at the nodes as they were observed, where every state is; the smooth curves elsewhere."""
        return np.where(self.weights > 0, self.targets, self.guess)


def cut(
    data: Trajectories,
    curves: Sequence[SmoothTrajectory],
    coordinates: Coordinates,
    tableau: Steps,
    counts: Sequence[np.ndarray],
    like: Cut | None = None,
    states: Coordinates | None = None,
    times_as_many: float = 1.0,
) -> Cut:
    """Cut at every row, and again where an interval takes more steps than most.

    Args:
        counts: per trajectory, how many steps each interval between rows takes at least.
        like: pieces whose shape is kept if that is possible, so that nothing compiles anew.
        states: coordinates of the states, if those of the observed columns are others.
        times_as_many: pieces are to come, for which there is room where they are few.
    """
    every = np.concatenate([*counts, np.zeros(0, int)])
    wasted = {length: np.ceil(every / length).sum() * (length + 1) for length in PIECE_LENGTHS}
    steps = min(wasted, key=lambda length: wasted[length])
    room = 0
    if like is not None and np.ceil(every / like.t.shape[1]).sum() <= len(like.t):
        room, steps = like.t.shape
    columns: dict[str, list[np.ndarray]] = {name: [] for name in ("t", "h", "u", "targets", "weights", "guess")}
    sizes, new_counts, rows, before = [], [], [], []
    counted = observation_weights(data, coordinates.scale)
    for trajectory, curve, count, counts_as in zip(data, curves, counts, counted.each, strict=True):
        taus = coordinates.times_in(trajectory.ts)
        parts = np.ceil(count / steps).astype(int)
        row = np.concatenate([[0], np.cumsum(parts)])
        interval = np.repeat(np.arange(len(parts)), parts)
        inside = np.ceil(count / np.maximum(parts, 1)).astype(int)[interval]
        width = np.diff(taus)[interval] / parts[interval]
        begins = taus[:-1][interval] + (np.arange(row[-1]) - row[:-1][interval]) * width
        h = np.where(np.arange(steps) < inside[:, None], (width / inside)[:, None], 0.0)
        t = begins[:, None] + np.cumsum(h, axis=1) - h
        columns["t"].append(t)
        columns["h"].append(h)
        if data.input_size:
            columns["u"].append(inputs_at_stages(trajectory, coordinates, tableau, t, h))
        targets, weights = np.zeros((2, row[-1] + 1, data.state_size))
        targets[row], weights[row] = observations(trajectory, coordinates), np.sqrt(counts_as / data.observed)
        nodes = np.append(begins, taus[-1])
        nodes[row] = taus
        columns["targets"].append(targets)
        columns["weights"].append(weights)
        columns["guess"].append(_on_curves(curve, states or coordinates, nodes))
        sizes.append(row[-1] + 1)
        new_counts.append(parts * np.ceil(count / np.maximum(parts, 1)).astype(int))
        rows.append(row)
        before.append(np.concatenate([[0], np.cumsum(inside)]))
    whole = {name: np.concatenate(arrays) for name, arrays in columns.items() if arrays}
    pieces = len(whole["t"])
    room = room or bucket(max(pieces, min(FEW, round(times_as_many * pieces))) + SPARE)
    for name in {"t", "h", "u"} & set(whole):
        whole[name] = _padded(whole[name], room)
    first = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(int)
    return Cut(
        **{"u": None, **whole},
        noise=counted.noise,
        first=first,
        sizes=np.asarray(sizes),
        counts=tuple(new_counts),
        rows=tuple(rows),
        steps_before=tuple(before),
    )


def _on_curves(curve: SmoothTrajectory, coordinates: Coordinates, taus: np.ndarray) -> np.ndarray:
    """The smooth curves in coordinates of order one, held constant beyond their ends; zero where there is none."""
    ts = coordinates.times_out(taus)
    columns = [np.zeros(taus.size)] * len(curve.curves)
    for i, state in enumerate(curve.curves):
        if state is not None:
            columns[i] = (state(np.clip(ts, state.x[0], state.x[-1])) - coordinates.centre[i]) / coordinates.scale[i]
    return np.stack(columns, axis=1)


def side_by_side(first: np.ndarray, sizes: np.ndarray) -> Iterator[np.ndarray]:
    """The second nodes of all trajectories, then the third, and so on: recursions along nodes take all of them at once.

    Args:
        first, sizes: the first node of each trajectory, and how many it has.
    """
    for k in range(1, int(sizes.max())):
        yield first[sizes > k] + k


def _padded(array: np.ndarray, length: int) -> np.ndarray:
    """With zeros behind: what is compiled is of one shape."""
    return np.concatenate([array, np.zeros((length - len(array), *array.shape[1:]), array.dtype)])


class Ends(NamedTuple):
    """Per piece: its end, d end / d start, d end / d x, and the largest error of its steps relative to 1 + |state|."""

    states: Float[np.ndarray, "pieces states"]
    of_start: Float[np.ndarray, "pieces states states"]
    of_x: Float[np.ndarray, "pieces states free"]
    errors: Float[np.ndarray, " pieces"]


class PieceSolver:
    """The ends of all pieces and their derivatives, compiled once for pieces of one shape."""

    groups: WeightGroups
    columns: int  # of the derivatives that a program computes
    dtype: np.dtype

    def __init__(self, model: NeuralODE, tableau: Steps):
        self._split = Split(*trainable(model))
        self.groups, self.columns = WeightGroups.of(self._split.free), self._split.vector.size
        self.dtype = self._split.vector.dtype
        self._derivatives = Compiled(_derivatives_of_pieces, self._split, tableau)
        self._rates = Compiled(_rates_of_pieces, self._split)
        self._errors = Compiled(_errors_of_pieces, self._split, tableau)
        self._solve = Compiled(_whole, self._split, tableau)

    def _arguments(self, cuts: Cut, x: np.ndarray, nodes: np.ndarray):
        begin = cuts.begin
        z = np.zeros((len(cuts.t), nodes.shape[1]))
        z[: len(begin)] = nodes[begin]
        cast = lambda a: None if a is None else np.asarray(a, self.dtype)  # noqa: E731
        return [cast(a) for a in (x, z, cuts.t, cuts.h, cuts.u)]

    def derivatives(self, cuts: Cut, x: np.ndarray, nodes: np.ndarray) -> "Ends":
        """The pieces that begin at `nodes`, `(nodes, states)`, for the free numbers `x`."""
        return next(self.derivatives_in_parts(cuts, x, nodes, len(cuts.t)))

    def derivatives_in_parts(self, cuts: Cut, x: np.ndarray, nodes: np.ndarray, most: int) -> Iterator["Ends"]:
        """`derivatives` of so many pieces at a time, in their order; there is one part at least."""
        numbers, *of_pieces = self._arguments(cuts, x, nodes)
        for first in range(0, max(len(cuts.begin), 1), most):
            part = [None if a is None else _padded(a[first : first + most], most) for a in of_pieces]
            count = min(most, len(cuts.begin) - first)
            yield Ends(*(np.asarray(a, np.float64)[:count] for a in self._derivatives(numbers, *part)))

    def errors(self, cuts: Cut, x: np.ndarray, nodes: np.ndarray) -> np.ndarray:
        """The largest error of the steps of each piece; see `derivatives`."""
        return np.asarray(self._errors(*self._arguments(cuts, x, nodes)), np.float64)[: len(cuts.begin)]

    def rates(self, cuts: Cut, x: np.ndarray, nodes: np.ndarray) -> np.ndarray:
        """dz/dtau where each piece begins, `(pieces, states)`; see `derivatives`."""
        return np.asarray(self._rates(*self._arguments(cuts, x, nodes)), np.float64)[: len(cuts.begin)]

    def numbers(self, model: NeuralODE) -> np.ndarray:
        """The free numbers of a model of this structure."""
        return np.asarray(Split(*trainable(model)).vector, np.float64)

    def model(self, x: Array | np.ndarray) -> Any:
        """The model with the free numbers `x`."""
        return self._split.whole(jnp.asarray(x, self.dtype))

    def solve(self, x: Array | np.ndarray, mesh: Mesh, starts: Array | np.ndarray) -> Array:
        """Whole trajectories on a mesh of many lanes, `(lanes, steps, states)`."""
        return self._solve(jnp.asarray(x, self.dtype), mesh, jnp.asarray(starts, self.dtype))


def _end_and_error(model: NeuralODE, tableau: Steps, z, t, h, u) -> tuple[Array, Array]:
    # The start is set before the first step, which may be all of the piece.
    start = jnp.where(jnp.arange(h.size) == 0, 0, -1)
    mesh = Mesh(t[None], h[None], start[None], None if u is None else u[None])
    zs, errors = solve_on_mesh(model.rate, tableau, mesh, z[None], with_error=True, rolled=True)
    return zs[0, -1], jnp.max(jnp.abs(errors[0]) / (1 + jnp.abs(zs[0])))


def _derivatives_of_pieces(split: Split, tableau: Steps, x, *pieces) -> tuple[Array, Array, Array, Array]:
    def of_piece(z, t, h, u):
        end = lambda x, z: _end_and_error(split.whole(x), tableau, z, t, h, u)  # noqa: E731
        z_end, backward, error = jax.vjp(end, x, z, has_aux=True)
        of_x, of_z = jax.vmap(backward)(jnp.eye(z.size, dtype=z.dtype))
        return z_end, of_z, of_x, error

    return jax.vmap(of_piece)(*pieces)


def _rates_of_pieces(split: Split, x, z, t, h, u) -> Array:
    model = split.whole(x)
    if u is None:
        return jax.vmap(lambda z, t: model.rate(t[0], z, None))(z, t)
    return jax.vmap(lambda z, t, u: model.rate(t[0], z, u[0, 0]))(z, t, u)


def _errors_of_pieces(split: Split, tableau: Steps, x, *pieces) -> Array:
    model = split.whole(x)
    return jax.vmap(lambda *piece: _end_and_error(model, tableau, *piece)[1])(*pieces)


def _whole(split: Split, tableau: Steps, x, mesh: Mesh, starts) -> Array:
    return solve_on_mesh(split.whole(x).rate, tableau, mesh, starts, rolled=True)
