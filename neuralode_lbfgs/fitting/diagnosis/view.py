"""A fit seen from outside, and what a check finds there."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...data.trajectories import Trajectories
from ..new_runs import NewRuns
from ..physics import PhysicalParameter
from ..record import Stage
from .kind import ANY, Kind

MATTERS = 0.02  # standard deviations: what smaller errors look like is of no interest; no measurement is as exact
WITHOUT = "compare with a fit of fewer hidden states, or of none, and keep what predicts better"
FAR, GROSS = 3.0, 0.05  # times the training error, and standard deviations: held-out starts alone may double an error
PAIRS = 20  # of rows: fewer tell nothing of what is usual


@dataclass(frozen=True)
class Finding:
    """What is wrong, and what to do: a sentence each, without its full stop."""

    finding: str
    advice: str


@dataclass(frozen=True, eq=False)
class View:
    """A fit seen from outside.

    Args:
        train: what it was fitted to; in logarithms where states are modelled so.
        fitted: predicted for each row of it.
        test, held_out: the same of what was not trained on.
        unseen: predicted for those training trajectories that were held out for a while, by the model of then.
        from_rows: predicted for some training trajectories from their first rows, where starts were estimated.
        from_others: predicted from some rows after the first for a part of their run, then; in the data's units.
        between: predicted for the training trajectories, as `fitted` is, at times between their rows.
        continued: predicted from the end of each trajectory on for as long again; in the data's units.
        low, high: least and largest observation of each state, in the data's units.
        stages: how the fit went.
        parameters: the physical ones.
        held_by: a weight decay that a person gave and that may hold the model from the data, or None.
        hidden: how many states the model has beside those of the data.
        kind: what the model is made of.
        ahead: error of each state one row ahead, where noise moves the system itself, as `train` has it; or None.
        in_pieces: whether the fit was of short pieces then.
        logarithms: the states that are in logarithms, by their numbers, which are natural ones.
        new_runs: how runs that the model has not seen are predicted from their first rows alone.
    """

    train: Trajectories
    fitted: Trajectories
    test: Trajectories | None = None
    held_out: Trajectories | None = None
    unseen: Trajectories | None = None
    from_rows: Trajectories | None = None
    from_others: Trajectories | None = None
    between: Trajectories | None = None
    continued: Trajectories | None = None
    low: Sequence[float] = ()
    high: Sequence[float] = ()
    stages: tuple[Stage, ...] = ()
    parameters: tuple[PhysicalParameter, ...] = ()
    held_by: float | None = None
    hidden: int = 0
    kind: Kind = ANY
    ahead: np.ndarray | None = None
    in_pieces: bool = False
    logarithms: tuple[int, ...] = ()
    new_runs: NewRuns | None = None

    @cached_property
    def spread(self) -> np.ndarray:
        """The standard deviation of each state; NaN for one that does not vary."""
        columns = np.ma.masked_invalid(np.concatenate([run.ys for run in self.train]))
        spread = columns.std(axis=0).filled(np.nan)
        return np.where(spread > 1e-9 * np.abs(columns).max(axis=0).filled(0.0), spread, np.nan)

    @cached_property
    def residuals(self) -> list[np.ndarray]:
        """Of each training trajectory."""
        return residuals_of(self.train, self.fitted)

    @cached_property
    def errors(self) -> np.ndarray:
        """The root mean square error of each state in training; infinite where a prediction is not reached."""
        squares = np.concatenate(self.residuals) ** 2
        return np.sqrt(np.ma.masked_array(squares, np.isnan(squares)).mean(axis=0).filled(np.nan))

    @property
    def deviations(self) -> str:
        """What errors are counted in, in words: the table of errors beside them is in the data's units."""
        if not self.logarithms:
            return "standard deviations"
        names = [self.train.state_names[j] for j in self.logarithms]
        return f"standard deviations (of {listed(names)}, as fitted; the table is in the data's units)"

    def in_logarithms(self, states: Sequence[int]) -> str:
        """The flag that models these states in logarithms, beside those that are."""
        names = [
            name.removeprefix("log ") if j in self.logarithms else name
            for j, name in enumerate(self.train.state_names)
            if j in (*self.logarithms, *states)
        ]
        return f"--transform {shlex.quote('log=' + ','.join(names))}"

    def of_mean(self, data: Trajectories, train: Trajectories) -> float:
        """The error of always predicting the mean of what was trained on, in standard deviations."""
        mean = np.ma.masked_invalid(np.concatenate([run.ys for run in train])).mean(axis=0).filled(np.nan)
        return root_mean_square([(run.ys - mean) / self.spread for run in data])

    def scaled(self, data: Trajectories, predicted: Trajectories) -> list[np.ndarray]:
        """Residuals of any data in standard deviations of the training data; see `residuals_of`."""
        return [left / self.spread for left in residuals_of(data, predicted)]

    def name_all(self, which: np.ndarray) -> str:
        """The names of the states of which this is true, `(states,)`."""
        return listed([name for name, chosen in zip(self.train.state_names, which, strict=True) if chosen])


def residuals_of(data: Trajectories, predicted: Trajectories) -> list[np.ndarray]:
    """Observed minus predicted, `(rows, states)` of each trajectory; NaN where not observed, infinite where the
    solution did not reach."""
    return [
        np.where(np.isfinite(run.ys) & ~np.isfinite(predicted[run.id].ys), np.inf, run.ys - predicted[run.id].ys)
        for run in data
    ]


def root_mean_square(residuals: Sequence[np.ndarray]) -> float:
    """Of all that is not NaN; NaN if that is nothing."""
    squares = np.concatenate(residuals) ** 2
    squares = squares[~np.isnan(squares)]
    return float(np.sqrt(squares.mean())) if squares.size else float("nan")


def missed_by(error: float) -> str:
    """How far runs are missed, in words."""
    return f"missed by {error:.2g} standard deviations" if np.isfinite(error) else "not followed to the end"


def far_off(train: float) -> float:
    """From which error on others are missed by far more than the training data are, in standard deviations."""
    return max(GROSS, FAR * train)  # where nothing was seen, too


def in_turn(clauses: Sequence[str]) -> str:
    """What is said of states, one after the other; of many the first four."""
    return "; ".join([*clauses[:4], f"{len(clauses) - 4} more likewise"] if len(clauses) > 5 else clauses)


def listed(words: Sequence[str]) -> str:
    """In a sentence; of many the first four."""
    few = [*words[:4], f"{len(words) - 4} more"] if len(words) > 5 else list(words)
    return few[0] if len(few) == 1 else f"{', '.join(few[:-1])} and {few[-1]}"
