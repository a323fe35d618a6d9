"""Accurate solutions of the equations behind the data."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import solve_ivp


def lotka_volterra(t: float, y: np.ndarray) -> np.ndarray:
    """x' = 1.3 x - 0.9 x y, y' = 0.8 x y - 1.8 y."""
    meetings = y[0] * y[1]
    return np.array([1.3 * y[0] - 0.9 * meetings, 0.8 * meetings - 1.8 * y[1]])


def accurate(rate: Callable[[float, np.ndarray], np.ndarray], start: ArrayLike, ts: np.ndarray) -> np.ndarray:
    """States `(times, states)` from the first of the times."""
    return solve_ivp(rate, (ts[0], ts[-1]), np.asarray(start), method="DOP853", t_eval=ts, rtol=1e-11, atol=1e-12).y.T
