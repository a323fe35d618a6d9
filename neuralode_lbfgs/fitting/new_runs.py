"""New runs begin at one row: how runs that a model has not seen are predicted from their first row alone.

Starts that are estimated from half of the rows are those that suit the model: a run is then begun elsewhere, from where
a wrong field leads to the rest. From the first row, as `predict` starts, it shows what the field is worth there.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..data.trajectories import Trajectories
from ..models import NeuralODE
from .prediction import Observe, predict, predict_from_first_rows
from .validation import FEW, SHARE, error_of_runs, of_few_steps

GROWN, GROSS = 1.5, 0.3  # times the error of starts that are estimated, and standard deviations
BY_CHANCE = 3.0  # times what noise makes of the starts of few runs: hardly any one is farther off
MOST = 50  # runs: more say little more
DISTURBED, DRAWS = 8, 4  # of them, and starts of each: so few tell whether noise is enough


@dataclass(frozen=True)
class NewRuns:
    """Errors of runs that a model has not seen, in standard deviations; infinite where one does not reach its end.

    Args:
        first_row: from the first row alone, as `predict` starts.
        first_half: from starts that are estimated from the first half of the rows.
        by_noise: how far from each other runs go that begin as far from the first row as noise is; None if it is
            unknown.
    """

    first_row: float
    first_half: float
    by_noise: float | None

    @property
    def are_missed(self) -> bool:
        """Whether runs are missed from the first row, though not from starts that suit the model."""
        return self.first_row > max(GROWN * self.first_half, GROSS)

    @property
    def are_beyond_noise(self) -> bool:
        """Whether they are missed by so much more than noise explains that the model is wrong where they begin."""
        return self.are_missed and self.by_noise is not None and self.first_row > BY_CHANCE * self.by_noise


class Unseen(NamedTuple):
    """Predictions of runs that a model has not seen, and how it predicts them from their first rows; None where that is
    how they start, or cannot be."""

    predictions: Trajectories
    new_runs: NewRuns | None


def said_of_new_runs(
    first_row: float | None, first_half: float | None, test: Trajectories | None, unseen: Trajectories | None
) -> str:
    """Both errors, in a sentence; None where one is infinite.

    Args:
        test: what a person held out.
        unseen: else the runs that the fit held out for a while: of few those that others come nearest to.
    """
    row, half = ("infinite" if error is None else f"{error:.3g}" for error in (first_row, first_half))
    nearest = [] if test is not None or unseen is None else unseen.ids
    told = f"new runs as predict starts them: RMSE/sd {row} from the first row, {half} from the first half of the rows"
    if not nearest or len(nearest) > FEW // SHARE:
        return told
    goes = "goes" if len(nearest) == 1 else "go"
    return f"{told}; of {', '.join(nearest)}, which {goes} where others do: what begins elsewhere may be missed by more"


def new_runs(
    model: NeuralODE, held_out: Trajectories, predictions: Trajectories, noise: float | None, observe: Observe = None
) -> NewRuns | None:
    """Of some of the runs; None where no first row is complete, or tells not of all states.

    Args:
        predictions: with starts estimated from the first half of the rows.
        noise: of the observations, of order one.
    """
    hidden = np.size(model.coordinates.scale) != held_out.state_size
    model = of_few_steps(model, held_out)
    if observe is not None or hidden or (from_row := predict_from_first_rows(model, held_out, MOST)) is None:
        return None
    some, others = (data.with_trajectories([data[name] for name in from_row.ids]) for data in (held_out, predictions))
    return NewRuns(
        error_of_runs(model, some, from_row),
        error_of_runs(model, some, others),
        None if noise is None else _apart(model, from_row.some(DISTURBED), noise),
    )


def _apart(model: NeuralODE, from_row: Trajectories, noise: float) -> float:
    """How far runs from noisy starts go from those from the first rows, root mean square, in standard deviations."""
    c, rng = model.coordinates, np.random.default_rng(0)
    first = np.asarray(c.states_in(np.stack([run.ys[0] for run in from_row])))
    squares = []
    for _ in range(DRAWS):
        starts = np.asarray(c.states_out(first + noise * rng.normal(size=first.shape)))
        known = {run.id: (float(run.ts[0]), start) for run, start in zip(from_row, starts, strict=True)}
        squares.append(error_of_runs(model, from_row, predict(model, from_row, starts=known)) ** 2)
    return float(np.sqrt(np.mean(squares)))
