"""How much each observation counts: one over the square of its standard deviation, where these are known.

Weights are relative, their mean is one, so that losses keep their size; the level of the noise that the standard
deviations speak of goes to the evidence (`WeightGroups.evidence`).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Array

from ..data.trajectories import Trajectories


@dataclass(frozen=True)
class ObservationWeights:
    """Weights of squared residuals in coordinates of order one.

    Args:
        each: per trajectory, shape `(times, states)`; zero where nothing was observed, over the rest their mean is one.
        noise: the standard deviation of an observation of weight one, in the same coordinates; None if not known.
    """

    each: tuple[np.ndarray, ...]
    noise: float | None


def observation_weights(data: Trajectories, scale: Array | np.ndarray) -> ObservationWeights:
    """Weights of the observations of all trajectories.

    Args:
        scale: of each state, shape `(states,)`, in its unit.

    Raises:
        ValueError: if some trajectories have standard deviations and others none.
    """
    seen = [np.isfinite(trajectory.ys) for trajectory in data]
    lacking = [trajectory.id for trajectory in data if trajectory.sd is None]
    if len(lacking) == len(data):
        return ObservationWeights(tuple(part.astype(np.float64) for part in seen), None)
    if lacking:
        raise ValueError(
            f"trajectory {lacking[0]!r} has no standard deviations, but others have; give them to all or to none."
        )
    precise = [
        np.where(part, np.asarray(scale) / np.where(part, trajectory.sd, 1.0), 0.0) ** 2
        for trajectory, part in zip(data, seen, strict=True)
        if trajectory.sd is not None
    ]
    mean = sum(float(part.sum()) for part in precise) / max(data.observed, 1)
    return ObservationWeights(tuple(part / (mean or 1.0) for part in precise), float(1 / np.sqrt(mean or 1.0)))
