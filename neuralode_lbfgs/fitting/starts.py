"""Initial states: taken from the first rows, or a first guess of what is fitted with the model."""

from collections.abc import Sequence

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


def first_states(
    data: Trajectories, curves: Sequence[SmoothTrajectory], options: FitOptions
) -> tuple[np.ndarray, bool]:
    """Initial states to begin with, in the data's units, and whether they are fitted."""
    starts, complete = _guesses(data, curves)
    noise = max(_roughness(data), _known_noise(data))
    estimated = options.initial_states == "estimate" or (
        options.initial_states == "auto" and (noise > NOISY or not complete)
    )
    if not estimated and not complete:
        raise ValueError(
            "a trajectory does not begin with a complete row, so its initial state must be estimated: "
            "initial_states='estimate'."
        )
    return (starts if estimated else np.stack([trajectory.ys[0] for trajectory in data])), estimated


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


def _roughness(data: Trajectories) -> float:
    """Of the state that is roughest, in standard deviations; more than any where nothing tells.

    Rows are clean where their neighbours say what they are. That a smooth curve passes through them says nothing: it
    does so through few rows of any noise.
    """
    asked = data.trajectories[:: -(-len(data) // MOST_ASKED)]
    scale = centre_and_scale(np.concatenate([trajectory.ys for trajectory in data]))[1]
    rough = [roughness(asked, state, NEIGHBOURS) / scale[state] for state in range(data.state_size)]
    return float(np.nan_to_num(np.max(rough), nan=np.inf))


def _known_noise(data: Trajectories) -> float:
    """What standard deviations say of it, in the same units; zero where there are none."""
    scale = centre_and_scale(np.concatenate([t.ys for t in data]))[1]
    return observation_weights(data, scale).noise or 0.0
