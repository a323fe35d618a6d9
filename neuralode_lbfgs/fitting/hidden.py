"""Hidden states: columns of which nothing is observed, and curves through them to begin with.

The observed states and their derivatives tell of the hidden ones (Takens, "Detecting strange attractors in
turbulence", 1981): hidden states begin as those parts of the slopes of the observed states that these do not
explain themselves. With a curve for every state, the field can be regressed on slopes as if all were seen; later
stages are free to move the hidden ones.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from ..data.trajectories import Trajectories, Trajectory
from ..models import MLPVectorField, NeuralODE, SecondOrderField
from .observing import check_observe, states_behind
from .preparing import check_field
from .smoothing import SmoothTrajectory, each_state, quintic_through, smooth_all

UNEXPLAINED = 1e-3  # of the largest part of the slopes: less is rounding, or noise


def hidden_size(model: object, data: Trajectories) -> int:
    """How many states of a model the data have no column for; 0 for modules other than a `NeuralODE`."""
    return max(model.state_size - data.state_size, 0) if isinstance(model, NeuralODE) else 0


def hidden_names(model: NeuralODE, known: Sequence[str]) -> list[str]:
    """Names for the states of a model beside the known ones: of a `SecondOrderField` x' for the velocity of x."""
    count = max(model.state_size - len(known), 0)
    primed = [f"{name}'" for name in known]
    if isinstance(model.vector_field, SecondOrderField) and count == len(known) and not set(primed) & set(known):
        return primed
    return [name for i in range(count + len(known)) if (name := f"hidden{i + 1}") not in known][:count]


def with_hidden(data: Trajectories, model: NeuralODE) -> Trajectories:
    """The data with columns after the observed ones in which nothing is observed, for all states of a model."""
    names = hidden_names(model, data.state_names)
    count = len(names)

    def widened(run: Trajectory) -> Trajectory:
        blank = np.full((run.ts.size, count), np.nan)
        sd = None if run.sd is None else np.concatenate([run.sd, np.ones_like(blank)], axis=1)
        return replace(run, ys=np.concatenate([run.ys, blank], axis=1), sd=sd)

    return replace(data, trajectories=tuple(map(widened, data)), state_names=(*data.state_names, *names))


def unobserved(data: Trajectories, model: NeuralODE) -> Trajectories:
    """Trajectories of a model's states at the times and with the inputs of the data, of which nothing is observed."""
    runs = tuple(replace(run, ys=np.zeros((run.ts.size, 0)), sd=None) for run in data)
    return with_hidden(replace(data, trajectories=runs, state_names=()), model)


def state_curves(
    model: NeuralODE, data: Trajectories, observe: Callable | None
) -> tuple[Trajectories, tuple[SmoothTrajectory, ...]]:
    """All states of a model as far as the data show them, and curves to begin with.

    Raises:
        ValueError: if `observe` does not map a state to a row of the data.
    """
    curves = smooth_all(data)
    if observe is not None:
        check_observe(observe, model.state_size, data)
        check_field(model, model.state_size, data.input_size)
        behind = states_behind(observe, model, data, curves, by_slopes=not are_derivatives(model))
        return unobserved(data, model), behind
    if not hidden_size(model, data):
        return data, curves
    return with_hidden(data, model), _guessed_curves(model, data, curves)


def _guessed_curves(
    model: NeuralODE, data: Trajectories, curves: Sequence[SmoothTrajectory]
) -> tuple[SmoothTrajectory, ...]:
    """Curves of all states from those of the observed ones; None where nothing is known of a hidden state.

    Velocities are the slopes of their positions. Of a network on all states the hidden ones may be anything that
    completes the state: derivatives. In a field of one's own they have a meaning, and are those that give the observed
    ones their slopes.
    """
    count = hidden_size(model, data)
    if are_derivatives(model):
        curves = tuple(each_state(run, quintic_through) for run in data)
    if isinstance(model.vector_field, SecondOrderField):
        if count != data.state_size:
            raise ValueError(
                f"the field is of {model.vector_field.position_size} positions, but the data have {data.state_size} "
                "columns: give a column for every position, or for every position and velocity."
            )
        return tuple(_with_slopes(curve, run) for curve, run in zip(curves, data, strict=True))
    if isinstance(model.vector_field, MLPVectorField):
        return _embedded(data, curves, count)
    check_field(model, model.state_size, data.input_size)
    behind = states_behind(lambda y: y[: data.state_size], model, data, curves, by_slopes=True)
    return tuple(
        SmoothTrajectory((*curve.curves, *all_of.curves[data.state_size :]))
        for curve, all_of in zip(curves, behind, strict=True)
    )


def are_derivatives(model: NeuralODE) -> bool:
    """Whether the hidden states begin as derivatives of the observed ones, so that their slopes are known too."""
    return isinstance(model.vector_field, MLPVectorField)


def _with_slopes(curve: SmoothTrajectory, run: Trajectory) -> SmoothTrajectory:
    slopes = []
    for i, state in enumerate(curve.curves):
        ts = run.ts[np.isfinite(run.ys[:, i])]
        slopes.append(None if state is None else quintic_through(ts, state(ts, 1)))
    return SmoothTrajectory((*curve.curves, *slopes))


def _embedded(data: Trajectories, curves: Sequence[SmoothTrajectory], count: int) -> tuple[SmoothTrajectory, ...]:
    """Derivatives of the observed states, decorrelated from what is there already, until there are enough."""
    times, known, slopes = [], [], []
    for run, curve in zip(data, curves, strict=True):
        seen = [c for c in curve.curves if c is not None]
        if len(seen) < len(curve.curves):
            times.append(run.ts[:0])
        else:
            times.append(run.ts[(run.ts >= max(c.x[0] for c in seen)) & (run.ts <= min(c.x[-1] for c in seen))])
        known.append(curve.states(times[-1]))
        slopes.append(curve.rates(times[-1]))
    sizes = np.cumsum([ts.size for ts in times])[:-1]
    added: list[list] = [[] for _ in curves]
    while count:
        hidden = _unexplained(np.concatenate(slopes), np.concatenate(known))[:, :count]
        if not hidden.shape[1]:
            break
        parts = np.split(hidden, sizes)
        new = [
            SmoothTrajectory(tuple(quintic_through(ts, column) for column in part.T))
            for ts, part in zip(times, parts, strict=True)
        ]
        for curve, one in zip(added, new, strict=True):
            curve += one.curves
        known = [np.concatenate(pair, axis=1) for pair in zip(known, parts, strict=True)]
        slopes = [one.rates(ts) for one, ts in zip(new, times, strict=True)]
        count -= hidden.shape[1]
    return tuple(
        SmoothTrajectory((*curve.curves, *more, *(None,) * count)) for curve, more in zip(curves, added, strict=True)
    )


def _unexplained(slopes: np.ndarray, known: np.ndarray) -> np.ndarray:
    """What linear regression on the states leaves of slopes `(rows, columns)`: principal components of order one."""
    if len(slopes) <= known.shape[1] + 1:
        return np.zeros((len(slopes), 0))
    scaled = [(a - a.mean(axis=0)) / np.where(a.std(axis=0) > 0, a.std(axis=0), 1.0) for a in (slopes, known)]
    left = scaled[0] - scaled[1] @ np.linalg.lstsq(scaled[1], scaled[0], rcond=None)[0]
    u, size, _ = np.linalg.svd(left, full_matrices=False)
    return u[:, size > UNEXPLAINED * np.sqrt(len(slopes))] * np.sqrt(len(slopes))
