"""Values that a state which is kept positive cannot reach."""

from collections.abc import Sequence

import numpy as np

from ..data.errors import counted
from ..data.trajectories import Trajectories


def below_zero(data: Trajectories, positive: Sequence[str]) -> list[str]:
    """A sentence for each state that is to stay positive but has negative values."""
    told = []
    for name in (name for name in data.state_names if name in positive):
        values = np.concatenate([run.ys[:, data.state_names.index(name)] for run in data])
        if count := int((values < 0).sum()):
            told.append(
                f"{counted(count, 'value')} of {name!r} below zero, down to {np.nanmin(values):.3g}: a state that is "
                "kept positive (--positive, positive= in Python) cannot reach them"
            )
    return told
