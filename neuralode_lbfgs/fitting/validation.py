"""Trajectories held out inside the training data, to see which stage predicts best.

A full-horizon stage can wreck what an earlier one had found: on a chaotic or imperfectly described system it
follows the training trajectories closely and runs away on others.
"""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from ..data.trajectories import Trajectories, Trajectory
from ..models import NeuralODE
from .prediction import Observe
from .start_estimates import predict_like_training, spread
from .weights import observation_weights

LEAST_TRAJECTORIES, LEAST_OBSERVED = 3, 400  # below, what is held out says little and is missed much
LEAST_LENGTH = 0.2  # of the mean: pairs of rows beside a long run say nothing of how a run goes on
SHARE, MOST_HELD_OUT = 4, 50  # one trajectory in so many, and no more: more say little more
FEW = 20  # trajectories: of more, so many are held out that it does not matter which
ROWS = 100  # of each trajectory, to see how near others come
STEPS, STEPS_A_ROW = 8192, 16  # of the solver: a model in the making that asks for more has failed, and many do


def hold_out(data: Trajectories) -> Trajectories | None:
    """A quarter of the trajectories, one at least and fifty at most; None where there are too few to spare them.

    The last ones; of few trajectories those that others come nearest to. Where a run is alone, a fit to the others has
    seen nothing of the kind, and chance decides how well it is predicted. Only complete ones, because a free run
    begins at a first row.
    """
    complete = [i for i, trajectory in enumerate(data) if np.isfinite(trajectory.ys[0]).all()]
    if len(data) < LEAST_TRAJECTORIES or data.observed < LEAST_OBSERVED or not complete:
        return None
    count = min(max(len(data) // SHARE, 1), MOST_HELD_OUT, len(complete))
    chosen = complete[-count:] if len(data) > FEW else sorted(_nearest(data, complete, count))
    held_out = data.split(ids=[data.ids[i] for i in chosen])[1]
    typical = held_out.observed / len(held_out) >= LEAST_LENGTH * data.observed / len(data)
    return held_out if typical else None


def why_not_held_out(train: Trajectories, test: Trajectories | None, validation: float | None) -> list[str]:
    """Of several trajectories of which none was spared, in a line; nothing where one was, or there are not several.

    Args:
        test: what a person held out.
        validation: the error of what the fit held out for a while.
    """
    few = len(train) >= LEAST_TRAJECTORIES and train.observed < LEAST_OBSERVED
    if test is not None or validation is not None or not few:
        return []
    name = train.ids[-1]
    return [
        f"not validated: of so few numbers ({train.observed}) no trajectory was held out; hold one out to see how "
        f"others are predicted: --test-trajectories {shlex.quote(name)} (data.split(ids={name!r}) in Python)"
    ]


def _nearest(data: Trajectories, among: Sequence[int], count: int) -> list[int]:
    """Indices of trajectories whose states lie nearest to those of the trajectories that are left."""
    states = [_filled(run) for run in data]
    extent = np.maximum(np.concatenate(states).std(axis=0), 1e-300)
    scaled = [ys[:: -(-len(ys) // ROWS)] / extent for ys in states]
    # apart[i][j]: how far each row of one is from the nearest row of the other.
    apart = [[np.linalg.norm(one[:, None] - other, axis=2).min(axis=1) for other in scaled] for one in scaled]
    chosen: list[int] = []
    for _ in range(count):
        left = [i for i in range(len(data)) if i not in chosen]
        alone = {i: np.min([apart[i][j] for j in left if j != i], axis=0).mean() for i in left if i in among}
        chosen.append(min(alone, key=lambda i: alone[i]))
    return chosen


def _filled(run: Trajectory) -> np.ndarray:
    """States `(times, states)`, blanks on straight lines between the rows beside them; 0 for what was never seen."""
    seen = np.isfinite(run.ys)
    lines = [
        np.interp(run.ts, run.ts[at], y[at]) if at.any() else 0 * run.ts for at, y in zip(seen.T, run.ys.T, strict=True)
    ]
    return np.stack(lines, axis=1)


def predict_unseen(
    model: NeuralODE,
    held_out: Trajectories,
    *,
    noisy: bool,
    known: Mapping[str, tuple[float, np.ndarray]] | None = None,
    noise: float | None = None,
    observe: Observe = None,
) -> Trajectories:
    """The held-out trajectories run freely.

    From their first rows, or, where these are noisy, from the starts that suit the model best: else the noise of
    one row, which grows as the run goes on, decides which model seems better.
    NaN where a run does not reach in so many steps as a model that is any good takes.

    Args:
        known, noise, observe: as in `predict_like_training`; of the trajectories that are not held out.
    """
    model = of_few_steps(model, held_out)
    return predict_like_training(model, held_out, known or {}, estimated=noisy, noise=noise, observe=observe)


def of_few_steps(model: NeuralODE, data: Trajectories) -> NeuralODE:
    """The same, of no more steps than a model that is any good takes."""
    most = max(STEPS, STEPS_A_ROW * max(run.ts.size for run in data))
    return replace(model, max_steps=min(model.max_steps, most))


def error_of_runs(
    model: NeuralODE, held_out: Trajectories, predictions: Trajectories, observe: Observe = None
) -> float:
    """Root mean square error of predictions of the held-out trajectories, in units of each state's scale.

    Infinite if a run does not reach its end.
    """
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
