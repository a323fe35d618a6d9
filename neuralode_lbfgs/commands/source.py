"""From what a person names to training and test data: a file or a bundled set, its columns, its split."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..data import (
    DataError,
    Roles,
    Table,
    Trajectories,
    dataset_card,
    dataset_names,
    dataset_path,
    describe,
    did_you_mean,
    infer_roles,
    read_table,
    to_trajectories,
)
from .options import DataOptions


@dataclass(frozen=True, eq=False)
class Source:
    """Data as they were understood.

    Args:
        given: the path or the bundled name, as it was given.
        name: a short name, for titles and folders.
        bundled: whether the data came with the package.
        table, roles, data: the rows, what the columns are, all trajectories.
        train, test: the parts; `test` is None if nothing is held out.
        options: the options with everything that was inferred filled in.
    """

    given: str
    name: str
    bundled: bool
    table: Table
    roles: Roles
    data: Trajectories
    train: Trajectories
    test: Trajectories | None
    options: DataOptions

    def describe(self) -> str:
        """What was understood, in a few lines."""
        if self.test is None:
            split = "all rows; nothing is held out"
        elif self.options.train_until is not None:
            split = f"rows up to {self.options.train_until:.6g}; held out: {_rows(self.test)} rows after it"
        else:
            few = self.test.ids[:5]
            names = ", ".join(few) + (", ..." if len(self.test) > len(few) else "")
            split = f"{len(self.train)} of {len(self.data)} trajectories; held out: {names}"
        return f"{describe(self.table, self.roles, self.data)}\ntrained on: {split}"


def open_source(given: str, options: DataOptions) -> Source:
    """Read the data that `given` names; a file wins over a bundled set of the same name.

    Raises:
        DataError: one sentence that says what to do.
    """
    if not os.path.exists(given) and given not in dataset_names() and os.sep not in given:
        hint = did_you_mean(given, [*dataset_names(), *(p.name for p in Path().glob("*.csv"))])
        raise DataError(
            f"{given} is neither a file nor a bundled data set{hint}; "
            "neuralode-lbfgs datasets lists those that are bundled."
        )
    bundled = given in dataset_names() and not os.path.isfile(given)
    table = read_table(dataset_path(given) if bundled else given)
    units: Mapping[str, str] = {}
    if bundled:
        table = replace(table, source=f"{given} (bundled)")
        card = dataset_card(given)
        units = card.units
        # A flag replaces what the card says of that role, and may take a column from another one.
        states = options.states or tuple(name for name in card.roles.states if name not in (options.inputs or ()))
        inputs = options.inputs
        if inputs is None:
            inputs = tuple(name for name in card.roles.inputs if name not in states)
        options = replace(
            options,
            time=options.time or card.roles.time,
            trajectory=options.trajectory or card.roles.trajectory,
            states=states,
            inputs=inputs,
        )
        if options.train_until is None and options.test_trajectories is None:
            options = replace(options, train_until=card.train_until, test_trajectories=card.test_trajectories or None)
    roles = infer_roles(
        table, time=options.time, states=options.states, inputs=options.inputs, trajectory=options.trajectory
    )
    data = to_trajectories(table, roles, units)
    held_out = options.test_trajectories or None
    if held_out is not None and options.train_until is not None:
        raise DataError("--train-until and --test-trajectories are two ways of holding data out; give one of them.")
    train, test = data, None
    if held_out is not None or options.train_until is not None:
        try:
            train, test = data.split(until=options.train_until, ids=held_out)
        except ValueError as error:
            flag = "--train-until" if held_out is None else "--test-trajectories"
            raise DataError(f"{table.source}, {flag}: {error}") from None
    _check_starts(train, test)
    resolved = replace(
        options,
        time=roles.time,
        trajectory=roles.trajectory,
        states=roles.states,
        inputs=roles.inputs,
        test_trajectories=held_out or (),
    )
    return Source(given, Path(given).stem, bundled, table, roles, data, train, test, resolved)


def _check_starts(train: Trajectories, test: Trajectories | None) -> None:
    """Refuse before any fit what could not be predicted after it."""
    for run in test or ():
        if run.id not in train.ids and not np.isfinite(run.ys).all(axis=1).any():
            raise DataError(
                f"trajectory {run.id!r} is held out, but has no row in which every state is given to start it from; "
                "train on it, or fill in one row."
            )


def _rows(data: Trajectories) -> int:
    return sum(run.ts.size for run in data)
