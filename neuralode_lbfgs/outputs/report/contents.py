"""What a report is made from: a run, as it stands in its folder or in memory at the end of a fit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ...data import Trajectories
from ...data.headers import with_unit
from ..held_out import held_out_from
from ..metrics import state_scale
from .account import Account
from .choice import Drawn, trajectory_errors


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of the data beside their predictions.

    Args:
        data: all of it.
        predictions: of every row of `data`.
        train: what was trained on.
        until: the last time that was trained on, or None if the split is not by time.
        left_out: values that were left out of the fit, NaN for all others; None if there are none.
    """

    data: Trajectories
    predictions: Trajectories
    train: Trajectories
    until: float | None
    left_out: Trajectories | None = None

    @cached_property
    def held(self) -> dict[str, np.ndarray]:
        """By trajectory which rows were held out, shape `(times,)`."""
        known = {run.id: run.ts for run in self.train}
        return {run.id: ~np.isin(run.ts, known.get(run.id, ())) for run in self.data}

    def held_from(self, name: str) -> float | None:
        """The time after which nothing of a trajectory was trained on; minus infinity if nothing was at all."""
        return held_out_from(self.data[name], self.train, self.until)

    @cached_property
    def errors(self) -> dict[str, tuple[float, float]]:
        """By trajectory the scaled errors of the rows trained on and of those held out."""
        return trajectory_errors(self.data, self.predictions, self.train, state_scale(self.train))

    @property
    def ranked(self) -> list[str]:
        """The trajectories, from the largest error to the smallest."""
        errors = self.errors
        return sorted(errors, key=lambda name: -np.nan_to_num(np.nanmax([*errors[name], -1.0]), posinf=np.inf))


@dataclass(frozen=True, eq=False)
class Contents:
    """A run, as a report tells it.

    Args:
        name: of the data.
        run: the folder of the run as a person would type it.
        model: the network or the equations, in a few words.
        account, metrics, config: the contents of `report.json` and `metrics.json`, and the text of `config.toml`.
        history: the rows of `history.csv`.
        drawn: the curves of the trajectories that are drawn.
        rows: data and predictions; None if the data cannot be read any more.
        plane: the two states of the phase portrait; None for the first two.
        remarks: sentences on what is missing or has changed since the fit.
    """

    name: str
    run: str
    model: str
    account: Account
    metrics: Mapping[str, Any]
    config: str
    history: Sequence[Mapping[str, Any]]
    drawn: Sequence[Drawn]
    rows: Rows | None
    remarks: tuple[str, ...] = ()
    plane: tuple[int, int] | None = None

    @property
    def states(self) -> list[str]:
        return [column["name"] for column in self.account["data"]["columns"] if column["role"] == "state"]

    def label(self, name: str) -> str:
        """A column's name with its unit, as on an axis."""
        units = {column["name"]: column["unit"] for column in self.account["data"]["columns"]}
        return with_unit(name, units.get(name, ""))

    @property
    def time(self) -> str:
        """The name of the time."""
        return next(column["name"] for column in self.account["data"]["columns"] if column["role"] == "time")
