"""Trajectories held out inside the training data, to see which stage predicts best.

A full-horizon stage can wreck what an earlier one had found: on a chaotic or imperfectly described system it
follows the training trajectories closely and runs away on others.
"""

from collections.abc import Mapping

import numpy as np

from ..data.trajectories import Trajectories
from ..models import NeuralODE
from .prediction import Observe
from .start_estimates import predict_like_training, spread
from .weights import observation_weights

LEAST_TRAJECTORIES, LEAST_OBSERVED = 3, 400  # below, what is held out says little and is missed much
SHARE, MOST_HELD_OUT = 4, 50  # one trajectory in so many, and no more: more say little more


def hold_out(data: Trajectories) -> Trajectories | None:
    """The last quarter of the trajectories, one at least and fifty at most; None where there are too few to spare them.

    Only complete ones, because their free run begins at their first row.
    """
    complete = [trajectory.id for trajectory in data if np.isfinite(trajectory.ys[0]).all()]
    if len(data) < LEAST_TRAJECTORIES or data.observed < LEAST_OBSERVED or not complete:
        return None
    return data.split(ids=complete[-min(max(len(data) // SHARE, 1), MOST_HELD_OUT) :])[1]


def free_run_error(
    model: NeuralODE,
    held_out: Trajectories,
    *,
    noisy: bool,
    known: Mapping[str, tuple[float, np.ndarray]] | None = None,
    noise: float | None = None,
    observe: Observe = None,
) -> float:
    """Root mean square error of the held-out trajectories run freely, in units of each state's scale.

    From their first rows, or, where these are noisy, from the starts that suit the model best: else the noise of
    one row, which grows as the run goes on, decides which model seems better.
    Infinite if a run does not reach its end.

    Args:
        known, noise, observe: as in `predict_like_training`; of the trajectories that are not held out.
    """
    predictions = predict_like_training(model, held_out, known or {}, estimated=noisy, noise=noise, observe=observe)
    scale = spread(held_out) if observe else np.asarray(model.coordinates.scale)[: held_out.state_size]
    states = model.coordinates.transform.states
    errors = [
        (states(predicted.ys) - states(observed.ys)) / scale
        for predicted, observed in zip(predictions, held_out, strict=True)
    ]
    counted = np.concatenate(observation_weights(held_out, scale).each)
    seen = np.concatenate([np.isfinite(observed.ys) for observed in held_out])
    values = np.concatenate(errors)[seen]
    return float(np.sqrt(np.mean(counted[seen] * values**2))) if np.isfinite(values).all() else float("inf")
