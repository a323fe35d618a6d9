"""How smooth a cubic smoothing spline is to be: generalised cross-validation, by banded factorisations alone.

The natural cubic spline that minimises  sum (y - g)^2 + lam * integral of g''^2  has values  g = y - lam Q gamma  at
the observations and second derivatives gamma between its ends, where

    (R + lam Q^T Q) gamma = Q^T y                                   (Reinsch, Numer. Math. 10, 1967)

with bands R and Q^T Q (Green & Silverman, Nonparametric Regression and Generalized Linear Models, 1994, section 2.3).
Cross-validation asks for the trace of  I - S = lam Q (R + lam Q^T Q)^-1 Q^T, which is the slope of
log det (R + lam Q^T Q) over log lam. `scipy.interpolate.make_smoothing_spline` takes the same criterion for lam up to
the number of observations only, which leaves dense noisy series rough, and loops over rows in Python for each.
"""

from typing import Any

import numpy as np
from scipy.linalg import LinAlgError, cho_solve_banded, cholesky_banded
from scipy.optimize import minimize_scalar

LEAST_LAM = 1e-6  # in units of the mean interval: the spline interpolates
STRAIGHT = 100.0  # times the stiffness at which the slowest bend of the series is halved: a straight line
DECADES = 1.0  # between trial values of lam; the criterion is smooth over less
CLOSE = 0.02  # decades: nothing depends on lam more finely
PROBE = 1e-3  # of lam, for the slope of the determinant


class Bands:
    """Q^T Q and R of observation times, upper bands as LAPACK has them, in units of the mean interval."""

    q: tuple[np.ndarray, np.ndarray, np.ndarray]  # the three diagonals of Q
    bends: np.ndarray  # Q^T Q
    lengths: np.ndarray  # R

    def __init__(self, ts: np.ndarray):
        h = np.diff(ts)
        self.q = q = 1 / h[:-1], -1 / h[:-1] - 1 / h[1:], 1 / h[1:]
        self.bends, self.lengths = np.zeros((3, ts.size - 2)), np.zeros((3, ts.size - 2))
        self.bends[2] = q[0] ** 2 + q[1] ** 2 + q[2] ** 2
        self.bends[1, 1:] = q[1][:-1] * q[0][1:] + q[2][:-1] * q[1][1:]
        self.bends[0, 2:] = q[2][:-2] * q[0][2:]
        self.lengths[2] = (h[:-1] + h[1:]) / 3
        self.lengths[1, 1:] = h[1:-1] / 6

    def factor(self, lam: float) -> np.ndarray:
        """Cholesky's of R + lam Q^T Q."""
        return cholesky_banded(self.lengths + lam * self.bends, check_finite=False)

    def residuals(self, factor: np.ndarray, lam: float, ys: np.ndarray) -> np.ndarray:
        """y - g, from the factor for the same lam."""
        first, middle, last = self.q
        gamma = cho_solve_banded(
            (factor, False), first * ys[:-2] + middle * ys[1:-1] + last * ys[2:], check_finite=False
        )
        r = np.zeros(ys.size)
        r[:-2] += first * gamma
        r[1:-1] += middle * gamma
        r[2:] += last * gamma
        return lam * r

    def criterion(self, lam: float, ys: np.ndarray) -> float:
        """n |y - g|^2 / trace(I - S)^2; infinite where rounding leaves no factor."""
        try:
            log_det = [2 * np.log(self.factor(lam * np.exp(by))[-1]).sum() for by in (PROBE, -PROBE)]
            residuals = self.residuals(self.factor(lam), lam, ys)
        except LinAlgError:
            return np.inf
        trace = (log_det[0] - log_det[1]) / (2 * PROBE)
        return float(ys.size * np.sum(residuals**2) / trace**2) if trace > 0 else np.inf


def smoothed(ts: np.ndarray, ys: np.ndarray) -> np.ndarray:
    """The values at `ts` of the smoothing spline that cross-validation prefers: the natural cubic spline through them.

    Args:
        ts: increasing, on average one apart; at least four.
        ys: of order one.

    Raises:
        LinAlgError: if rounding leaves nothing of the equations.
    """
    bands = Bands(ts)
    most = STRAIGHT * max(ts.size / 4.73, 1.0) ** 4  # 4.73: of the slowest bend of a free beam
    trials = np.arange(np.log10(LEAST_LAM), np.log10(most) + DECADES, DECADES)
    found = [bands.criterion(10.0**trial, ys) for trial in trials]
    best = int(np.argmin(found))
    around = trials[max(best - 1, 0)], trials[min(best + 1, trials.size - 1)]
    narrowed: Any = minimize_scalar(
        lambda trial: bands.criterion(10.0**trial, ys), bounds=around, method="bounded", options={"xatol": CLOSE}
    )
    lam = 10.0 ** (narrowed.x if narrowed.fun < found[best] else trials[best])
    return ys - bands.residuals(bands.factor(lam), lam, ys)
