"""The plan of a simulated experiment: how many trajectories, from where, measured when and how well."""

from typing import Any

import jax
import numpy as np
from jaxtyping import Float, PRNGKeyArray

# Log times start at this part of the span: ten decades, as Robertson's problem is usually shown.
LOG_TIMES_START = 1e-10


def random_streams(key: PRNGKeyArray) -> list[np.random.Generator]:
    """Four independent streams of random numbers: for starts, times, noise and gaps, always in this order.

    Each purpose has its own stream, so that asking for noise or gaps leaves starts and times as they are.
    They are NumPy's because those need no compiling and do not change with the settings of JAX.
    """
    words = np.asarray(jax.random.key_data(key)).ravel()
    return [np.random.default_rng(seed) for seed in np.random.SeedSequence(words.tolist()).spawn(4)]


def count(num_trajectories: int, y0: Any, ts: Any) -> int:
    """The number of trajectories that the options agree on.

    Raises:
        ValueError: if they do not agree, or there is none.
    """
    if num_trajectories < 1:
        raise ValueError(f"num_trajectories must be at least 1; it is {num_trajectories}.")
    asked = {"num_trajectories": num_trajectories} if num_trajectories > 1 else {}
    asked |= {name: len(value) for name, value in (("y0", y0), ("ts", ts)) if value is not None and np.ndim(value) == 2}
    if len(set(asked.values())) > 1:
        listed = ", ".join(f"{number} ({name})" for name, number in asked.items())
        raise ValueError(f"the options disagree on the number of trajectories: {listed}; make them agree.")
    return next(iter(asked.values()), 1)


def starts(
    y0: Any, start_box: Any, number: int, state_names: tuple[str, ...], random: np.random.Generator
) -> Float[np.ndarray, "trajectories states"]:
    """The given starts, or starts drawn uniformly from the box.

    Raises:
        ValueError: if neither or both is given, or a shape or a value is wrong.
    """
    if (y0 is None) == (start_box is None):
        raise ValueError("give the starts either as y0 or as a start_box to draw them from: exactly one of them.")
    if y0 is not None:
        given = np.asarray(y0, dtype=np.float64)
        if given.ndim not in (1, 2) or given.size == 0 or not np.isfinite(given).all():
            raise ValueError(
                "y0 must hold finite numbers of shape (states,) or (trajectories, states); "
                f"it is {given.tolist()} of shape {given.shape}."
            )
        drawn = np.array(np.broadcast_to(given, (number, given.shape[-1])))
    else:
        box = np.asarray(start_box, dtype=np.float64)
        if box.ndim != 2 or box.shape[1] != 2 or not (np.isfinite(box).all() and (box[:, 0] <= box[:, 1]).all()):
            raise ValueError(
                "start_box must be (low, high) for each state, with low <= high, such as [(-1, 1), (0, 2)]; "
                f"it is {box.tolist()}."
            )
        drawn = random.uniform(box[:, 0], box[:, 1], (number, len(box)))
    if state_names and drawn.shape[1] != len(state_names):
        raise ValueError(
            f"a start has {drawn.shape[1]} values, but there are {len(state_names)} states "
            f"({', '.join(state_names)}); give one value for each."
        )
    return drawn


def times(
    ts: Any,
    t0: float | None,
    t1: float | None,
    num: int,
    random_times: bool,
    log_times: bool,
    number: int,
    random: np.random.Generator,
) -> Float[np.ndarray, "trajectories num"]:
    """The given times, or times spread evenly or drawn over the span, evenly in t or in log t.

    Raises:
        ValueError: if the times do not increase, the span is empty, or options exclude each other.
    """
    if ts is not None:
        if t1 is not None or random_times:
            raise ValueError("ts says which times to record: give it without t1 and random_times.")
        given = np.asarray(ts, dtype=np.float64)
        if given.ndim not in (1, 2) or given.shape[-1] < 2 or not np.isfinite(given).all():
            raise ValueError(
                "ts must hold at least two finite times, shape (num,) or (trajectories, num); "
                f"its shape is {given.shape}."
            )
        if (np.diff(given) <= 0).any():
            raise ValueError("the times in ts must increase; sort them and remove those that occur twice.")
        if t0 is not None and (given[..., 0] < t0).any():
            raise ValueError(f"t0 = {t0:.12g} is the time of y0, so no time in ts may be before it.")
        return np.array(np.broadcast_to(given, (number, given.shape[-1])))
    if t1 is None:
        raise ValueError("say which times to record: give t1 (the end of the span) or ts (the times).")
    begin = 0.0 if t0 is None else t0
    if not (np.isfinite(begin) and np.isfinite(t1) and t1 > begin):
        raise ValueError(f"t1 must be a finite time after t0 = {begin:.12g}; it is {t1:.12g}.")
    if num < 2:
        raise ValueError(f"num must be at least 2 times; it is {num}.")
    fractions = np.broadcast_to(np.linspace(0.0, 1.0, num), (number, num))
    if random_times:
        fractions = np.sort(random.uniform(size=(number, num)), axis=1)
        fractions[:, 0] = 0.0
    if log_times:
        fractions = LOG_TIMES_START ** (1.0 - fractions)
    return begin + (t1 - begin) * fractions


def noise_levels(noise: Any, states: int) -> Float[np.ndarray, " states"]:
    """The noise of each state.

    Raises:
        ValueError: if `noise` is negative, or not one number or one per state.
    """
    levels = np.asarray(noise, dtype=np.float64)
    if levels.shape not in ((), (states,)) or not (np.isfinite(levels).all() and (levels >= 0).all()):
        raise ValueError(
            f"noise must be a standard deviation of at least 0, or {states} of them, one per state; it is {noise!r}."
        )
    return np.broadcast_to(levels, (states,))


def gaps(missing: float, shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    """Which values are not observed: a mask of shape `(trajectories, num, states)`.

    No trajectory loses all its values at its first time: it would have no start.

    Raises:
        ValueError: if `missing` is not a probability below one.
    """
    if not 0 <= missing < 1:
        raise ValueError(f"missing is the part of the values that is not observed, from 0 to below 1; it is {missing}.")
    mask = random.uniform(size=shape) < missing
    mask[:, 0] &= ~mask[:, 0].all(axis=-1, keepdims=True)
    return mask
