"""Lotka and Volterra's four rates by SciPy's least squares, from the true law: what data allow that knows its form."""

from typing import Any

import numpy as np
from scipy.optimize import least_squares

import neuralode_lbfgs as nl
from neuralode_lbfgs.systems.populations import LotkaVolterra

LAW = LotkaVolterra()
TRUE = np.array([LAW.growth, LAW.predation, LAW.death, LAW.conversion])
STEPS = 4  # of Runge and Kutta's fourth order between rows: their errors are far below the noise
DIFFERENCE = 1e-6


def solved(rates: np.ndarray, starts: np.ndarray, ts: np.ndarray) -> np.ndarray:
    """Of many sets of rates `(sets, 4)`, from `(sets, runs, 2)`: `(sets, runs, times, 2)`."""
    growth, predation, death, conversion = np.moveaxis(rates, -1, 0)[..., None]

    def slope(y: np.ndarray) -> np.ndarray:
        prey, predators = np.moveaxis(y, -1, 0)
        eaten = prey * predators
        return np.stack([growth * prey - predation * eaten, conversion * eaten - death * predators], axis=-1)

    y, rows = starts, [starts]
    for h in np.diff(ts) / STEPS:
        for _ in range(STEPS):
            k1 = slope(y)
            k2 = slope(y + h / 2 * k1)
            k3 = slope(y + h / 2 * k2)
            k4 = slope(y + h * k3)
            y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        rows.append(y)
    return np.stack(rows, axis=-2)


def fitted_rates(data: nl.Trajectories, starts: np.ndarray, sd: np.ndarray) -> np.ndarray:
    """All four, with the starts; both begin at the truth."""
    ts, ys = data[0].ts, np.stack([run.ys for run in data])

    def residuals(numbers: np.ndarray) -> np.ndarray:
        free = np.atleast_2d(numbers)
        found = solved(free[:, :4], free[:, 4:].reshape(-1, len(data), 2), ts)
        return ((found - ys) / sd).reshape(len(free), -1)

    def jacobian(numbers: np.ndarray) -> np.ndarray:
        change = DIFFERENCE * np.eye(numbers.size)
        return ((residuals(numbers + change) - residuals(numbers - change)) / (2 * DIFFERENCE)).T

    jac: Any = jacobian  # of which SciPy's stubs know only names
    begin = np.concatenate([TRUE, starts.ravel()])
    return least_squares(lambda numbers: residuals(numbers)[0], begin, jac, method="lm").x[:4]
