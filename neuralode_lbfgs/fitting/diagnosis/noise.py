"""The noise of a state, as standard deviations say or neighbouring rows."""

import numpy as np

from ...data.trajectories import Trajectories
from ..noise_level import noise_level, roughness

ABOVE = 3.0  # times the noise, an error: nine times its variance


def known_noise(data: Trajectories, state: int) -> float | None:
    """What standard deviations say of the noise, else what neighbouring rows do."""
    given = [run.sd[np.isfinite(run.ys[:, state]), state] for run in data if run.sd is not None]
    if given:
        return float(np.sqrt(np.mean(np.concatenate(given) ** 2)))
    return noise_level(data, state)


def least_error(data: Trajectories, state: int) -> float:
    """An upper estimate of the noise: nothing is above it for want of rows."""
    known = known_noise(data, state)
    return roughness(data.trajectories, state) if known is None else known
