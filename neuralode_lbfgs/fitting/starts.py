"""Initial states: taken from the first rows, or a first guess of what is fitted with the model."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..data.trajectories import Trajectories
from .noise_level import roughness
from .options import FitOptions
from .scaling import centre_and_scale
from .smoothing import SmoothTrajectory
from .weights import observation_weights

NOISY = 1e-3  # of a state's standard deviation: rougher data than this do not give an initial state
NEIGHBOURS = 4  # on each side, which say what a row is: to a thousandth where an oscillation has some nine rows
MOST_ASKED = 200  # trajectories that are asked how rough they are


class FirstStates(NamedTuple):
    """Initial states to begin with, in the data's units.

    Args:
        states: shape `(trajectories, states)`.
        estimated: whether they are fitted with the model.
        rows: the first rows, where they are estimated though nothing shows that rows are noisy; else None.
    """

    states: np.ndarray
    estimated: bool
    rows: np.ndarray | None = None


def first_states(data: Trajectories, curves: Sequence[SmoothTrajectory], options: FitOptions) -> FirstStates:
    """The first rows where these are asked for, or exact; else what smooth curves say of them.

    Rows are exact where their neighbours say what they are, and noisy where a smooth curve does not pass through them.
    Of few rows an oscillation, and of few rows, neither is so.
    """
    starts, complete = _guesses(data, curves)
    auto = options.initial_states == "auto"
    clean = complete and _known_noise(data) <= NOISY
    exact = clean and auto and _about_neighbours(data) <= NOISY
    if options.initial_states == "estimate" or (auto and not exact):
        unclear = auto and clean and _about_curves(data, curves) <= NOISY
        return FirstStates(starts, True, _first_rows(data) if unclear else None)
    if not complete:
        raise ValueError(
            "a trajectory does not begin with a complete row, so its initial state must be estimated: "
            "initial_states='estimate'."
        )
    return FirstStates(_first_rows(data), False)


def _first_rows(data: Trajectories) -> np.ndarray:
    return np.stack([trajectory.ys[0] for trajectory in data])


def _guesses(data: Trajectories, curves: Sequence[SmoothTrajectory]) -> tuple[np.ndarray, bool]:
    """A first guess of every initial state, and whether all first rows are complete.

    From the smooth curve, extended to the first row where a state is seen only later; a state that is never
    seen starts at its mean over the other trajectories.
    """
    means = np.ma.masked_invalid(np.concatenate([t.ys for t in data])).mean(axis=0).filled(0.0)
    starts = np.empty((len(data), data.state_size))
    for i, (trajectory, curve) in enumerate(zip(data, curves, strict=True)):
        for j, state in enumerate(curve.curves):
            seen = np.flatnonzero(np.isfinite(trajectory.ys[:, j]))
            if state is not None:
                # No further back than the first observation: a spline extrapolates wildly.
                starts[i, j] = state(max(trajectory.ts[0], state.x[0]))
            else:
                starts[i, j] = trajectory.ys[seen[0], j] if seen.size else means[j]
    return starts, all(np.isfinite(trajectory.ys[0]).all() for trajectory in data)


def _about_neighbours(data: Trajectories) -> float:
    """The roughness of the state that is roughest, in standard deviations; more than any where nothing tells."""
    asked = data.some(MOST_ASKED).trajectories
    scale = _scale(data)
    rough = [roughness(asked, state, NEIGHBOURS) / scale[state] for state in range(data.state_size)]
    return float(np.nan_to_num(np.max(rough), nan=np.inf))


def _about_curves(data: Trajectories, curves: Sequence[SmoothTrajectory]) -> float:
    """Root mean square of (observation - smooth curve), in standard deviations."""
    smooth = np.concatenate([curve.states(trajectory.ts) for curve, trajectory in zip(curves, data, strict=True)])
    error = (np.concatenate([trajectory.ys for trajectory in data]) - smooth) / _scale(data)
    return float(np.sqrt(np.nanmean(error**2))) if np.isfinite(error).any() else 0.0


def _scale(data: Trajectories) -> np.ndarray:
    return centre_and_scale(np.concatenate([trajectory.ys for trajectory in data]))[1]


def _known_noise(data: Trajectories) -> float:
    """What standard deviations say of it, in the same units; zero where there are none."""
    return observation_weights(data, _scale(data)).noise or 0.0
