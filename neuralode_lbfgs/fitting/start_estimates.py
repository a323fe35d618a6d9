"""Initial states from several rows: a single noisy row is a poor start, and none tells of hidden states."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from scipy.optimize import least_squares

from ..data.trajectories import Trajectories, Trajectory
from ..models import NeuralODE, SecondOrderField, Transform
from .hidden import hidden_size
from .prediction import Known, Observe, free_run, observed, predict
from .smoothing import smooth
from .start_prior import StartPrior, observed_rows, warmup_rows
from .weights import observation_weights

PULL = 0.01  # towards the first guess, of a standard deviation: for states that the rows say nothing of
DIVERGED = 1e3  # standard deviations that a row counts as which a solve did not reach
PROBE = 1e-3  # of a standard deviation, for differences: far above the error of a solve, far below a bend


def estimate_starts(
    model: Callable,
    data: Trajectories,
    *,
    warmup: int | None = None,
    prior: StartPrior | None = None,
    observe: Observe = None,
) -> dict[str, tuple[float, np.ndarray]]:
    """The initial states from which the model comes closest to the first rows of each trajectory.

    A single noisy row is a poor start: its error grows as the run goes on.

    Nonlinear least squares (SciPy's trust region, Branch, Coleman & Li, SIAM J. Sci. Comput. 21, 1999) in units of
    each state's standard deviation; the Jacobian by differences, so that any model will do.

    Args:
        model: as in `predict`.
        data: trajectories; unobserved entries are NaN. Standard deviations weigh the observations of each.
        warmup: how many rows in which something is observed are used of each trajectory, from the first on;
            by default the first half of them, so that the other half is a forecast; where states are hidden,
            `warmup_rows`.
        prior: of hidden states, of which a few rows may say little.
        observe: as in `predict`.

    Returns:
        The first time and the state there, in the data's units, of each trajectory.

    Raises:
        ValueError: if nothing is observed of a trajectory.
    """
    prior = prior or usual_starts(model, data, (), None, observe)
    return {run.id: _estimated(model, data, run, warmup, prior, observe) for run in data}


def _estimated(
    model: Callable, data: Trajectories, run: Trajectory, warmup: int | None, prior: StartPrior | None, observe: Observe
) -> tuple[float, np.ndarray]:
    centre, scale, transform = _centre_and_scale(model, data)
    if observe is None:
        size = max(centre.size, data.state_size)
        centre, scale = np.broadcast_to(centre, size), np.broadcast_to(scale, size)
    of_columns = scale[: data.state_size] if observe is None else spread(data)
    hidden = np.arange(centre.size) >= (data.state_size if observe is None else 0)
    part = _first_rows(model, run, warmup, some_hidden=prior is not None)
    seen, time, rows = np.isfinite(part.ys), float(part.ts[0]), transform.states(part.ys)
    counted = np.sqrt(observation_weights(data.with_trajectories([part]), of_columns).each[0])

    guess = centre.copy()
    if observe is None:
        first = np.argmax(seen, axis=0)
        guess[~hidden] = np.where(seen.any(axis=0), rows[first, np.arange(first.size)], guess[~hidden])
    # Towards the first guess where that is an observation, towards what is usual where it is not.
    anchor, pull = guess.copy(), np.full(centre.size, PULL)
    if prior is not None:
        anchor[hidden] = (centre + prior.mean * scale)[hidden]
        pull[hidden] = prior.noise / prior.spread[hidden]

    def residuals(w0: np.ndarray) -> np.ndarray:
        ran = free_run(model, part, time, transform.states_back(w0), room=run.ts.size)
        ran = observed(ran, data.state_size, observe)
        error = counted * (transform.states(ran.ys) - rows) / of_columns
        error = np.clip(np.nan_to_num(error[seen], nan=DIVERGED), -DIVERGED, DIVERGED)
        return np.append(error, pull * (w0 - anchor) / scale)

    if prior is not None:
        tried = [np.where(hidden, w0, guess) for w0 in _hidden_guesses(model, part, prior, centre, scale)]
        guess = min(tried, key=lambda w0: float(np.sum(residuals(w0) ** 2)))

    known: dict[bytes, np.ndarray] = {}  # slopes are asked where the residuals have been

    def moved(by: np.ndarray) -> np.ndarray:
        key = by.tobytes()
        if key not in known:
            known[key] = residuals(guess + by * scale)
        return known[key]

    def slopes(by: np.ndarray) -> np.ndarray:
        probes = [moved(by + step) for step in PROBE * np.eye(by.size)]
        return (np.stack(probes, axis=1) - moved(by)[:, None]) / PROBE

    # SciPy's annotation knows of methods by name only.
    jac: Any = slopes
    fitted = least_squares(moved, np.zeros(centre.size), jac, xtol=1e-4, ftol=1e-6)
    return time, transform.states_back(guess + fitted.x * scale)


def _first_rows(model: Callable, run: Trajectory, warmup: int | None, *, some_hidden: bool) -> Trajectory:
    rows = observed_rows(run)
    if warmup is None:
        warmup = (rows.size + 1) // 2
        if some_hidden and isinstance(model, NeuralODE):
            warmup = warmup_rows(run, model.coordinates)
    if not rows[:warmup].size:
        raise ValueError(f"trajectory {run.id!r}: nothing is observed, so its initial state cannot be estimated.")
    return run.at(slice(0, rows[:warmup][-1] + 1))


def _hidden_guesses(model: Callable, part: Trajectory, prior: StartPrior, centre, scale) -> list[np.ndarray]:
    """States whose hidden part a search may begin from, in the data's units or in logarithms of them."""
    guesses = [centre + z * scale for z in (prior.mean, *prior.starts)]
    if isinstance(model, NeuralODE) and isinstance(model.vector_field, SecondOrderField):
        velocity = smooth(part).rates(part.ts[:1])[0]
        if np.isfinite(velocity).all() and 2 * velocity.size == centre.size:
            guesses.append(np.concatenate([part.ys[0], velocity]))
    return guesses


def _centre_and_scale(model: Callable, data: Trajectories) -> tuple[np.ndarray, np.ndarray, Transform]:
    """Mean and standard deviation of each state: of the training data where the model knows them; and its transform."""
    if isinstance(model, NeuralODE):
        return np.asarray(model.coordinates.centre), np.asarray(model.coordinates.scale), model.coordinates.transform
    seen = np.ma.masked_invalid(np.concatenate([trajectory.ys for trajectory in data]))
    return seen.mean(axis=0).filled(0.0), spread(data), Transform()


def spread(data: Trajectories) -> np.ndarray:
    """The standard deviation of each observed column, one where it does not vary."""
    scale = np.ma.masked_invalid(np.concatenate([trajectory.ys for trajectory in data])).std(axis=0).filled(0.0)
    return np.where(scale > 0, scale, 1.0)


def usual_starts(
    model: Callable, data: Trajectories, starts: Iterable[np.ndarray], noise: float | None, observe: Observe = None
) -> StartPrior | None:
    """What the fitted starts say of others; None if no state is hidden."""
    if isinstance(model, NeuralODE) and (observe is not None or hidden_size(model, data)):
        return StartPrior.of(model.coordinates, starts, noise)
    return None


def predict_like_training(
    model: Callable,
    data: Trajectories,
    known: Known,
    *,
    estimated: bool,
    ends: Known | None = None,
    noise: float | None = None,
    observe: Observe = None,
) -> Trajectories:
    """Predictions of training trajectories and of others, which start as those did.

    Args:
        known: time and state from which trajectories start, by id, as the fit found them; a continuation is part of
            the trajectory that it continues, and is predicted in one run with it.
        estimated: whether these states were estimated, because first rows are noisy or incomplete. Then those of
            other trajectories are estimated too, by `estimate_starts`; else they start from their first complete row.
        ends: as in `predict`.
        noise: of the observations, order one, as the fit estimated it.
        observe: as in `predict`.
    """
    starts = {trajectory.id: known[trajectory.id] for trajectory in data if trajectory.id in known}
    others = [trajectory for trajectory in data if trajectory.id not in starts]
    if estimated and others:
        rest = data.with_trajectories(others)
        prior = usual_starts(model, rest, (start for _, start in known.values()), noise, observe)
        starts |= estimate_starts(model, rest, prior=prior, observe=observe)
    return predict(model, data, starts=starts, ends=ends, observe=observe)
