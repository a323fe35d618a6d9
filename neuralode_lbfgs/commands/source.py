"""From what a person names to training and test data: a file or a bundled set, its columns, its split."""

import glob
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from ..data import (
    DataError,
    Roles,
    Table,
    Trajectories,
    counted,
    dataset_card,
    dataset_names,
    dataset_path,
    describe,
    did_you_mean,
    expanded,
    infer_roles,
    read_table,
    read_tables,
    to_trajectories,
    with_stretches,
    without_outliers,
)
from ..data.left_out import blanked, cells_left_out
from ..data.opening import stem
from ..data.periods import period_in, refuse_unseen
from .options import DataOptions

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Source:
    """Data as they were understood.

    Args:
        given: the paths or the bundled name, as they were given.
        name: a short name, for titles and folders.
        bundled: whether the data came with the package.
        table, roles, measured: the rows, what the columns are, all trajectories.
        data: the same without values that stand alone, if these are left out.
        train, test: the parts; `test` is None if nothing is held out.
        options: the options with everything that was inferred filled in.
    """

    given: tuple[str, ...]
    name: str
    bundled: bool
    table: Table
    roles: Roles
    measured: Trajectories
    data: Trajectories
    train: Trajectories
    test: Trajectories | None
    options: DataOptions

    @property
    def title(self) -> str:
        """The file, where it is one: a column may be called as it is without its ending (`train`)."""
        file = Path(self.given[0])
        return file.name if len(self.given) == 1 and not self.bundled and file.is_file() else self.name

    @property
    def until(self) -> float | None:
        """The last time that is trained on, as the data count times; None if the split is not by time."""
        given = self.options.train_until
        return None if given is None else self.data.clock.read(given)

    @property
    def fitted_table(self) -> Table:
        """The rows without the values that are left out."""
        return blanked(self.table, cells_left_out(self.table, self.roles, self.measured, self.data))

    @property
    def left_out(self) -> Trajectories | None:
        """The values that are left out, NaN for all others; None if there are none."""
        if self.measured.observed == self.data.observed:
            return None
        return self.measured.with_trajectories(
            [
                replace(run, ys=np.where(np.isnan(kept.ys), run.ys, np.nan))
                for run, kept in zip(self.measured, self.data, strict=True)
            ]
        )

    def describe(self) -> str:
        """What was understood, in a few lines."""
        if self.test is None:
            split = "all rows; nothing is held out"
        elif self.until is not None:
            split = (
                f"rows up to {self.data.clock.show(self.until)}; held out: {counted(_rows(self.test), 'row')} after it"
            )
        else:
            few = self.test.ids[:5]
            names = ", ".join(few) + (", ..." if len(self.test) > len(few) else "")
            split = f"{len(self.train)} of {len(self.data)} trajectories; held out: {names}"
        return f"{describe(self.table, self.roles, self.data)}\ntrained on: {split}"


def open_source(given: Sequence[str], options: DataOptions) -> Source:
    """Read the data that `given` names; a file wins over a bundled set of the same name.

    Args:
        given: one file or bundled set, or several files.

    Raises:
        DataError: one sentence that says what to do.
    """
    first, paths = given[0], list(given)
    for one in given:
        if not os.path.exists(one) and one not in dataset_names() and os.sep not in one and not glob.has_magic(one):
            hint = did_you_mean(one, [*dataset_names(), *(p.name for p in Path().glob("*.csv"))])
            raise DataError(
                f"{one or repr(one)} is neither a file nor a bundled data set{hint}; "
                "neuralode-lbfgs datasets lists those that are bundled."
            )
    bundled = first in dataset_names() and not os.path.isfile(first)
    if bundled and len(given) > 1:
        raise DataError(f"{first} is a bundled data set; give it alone, or files only.")
    if not bundled:
        paths = expanded(given)
        first = paths[0]
    units: Mapping[str, str] = {}
    if bundled:
        card = dataset_card(first)
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
    roles_of = partial(
        infer_roles,
        time=options.time,
        states=options.states,
        inputs=options.inputs,
        trajectory=options.trajectory,
        sd_columns=_pairs("--sd-columns", options.sd_columns, str),
        noise=_pairs("--noise", options.noise, float),
        input_hold=options.input_hold,
        input_linear=options.input_linear,
    )
    if bundled:
        table = replace(read_table(dataset_path(first)), source=f"{first} (bundled)")
        roles = roles_of(table)
    else:
        table, roles = read_tables(paths, roles_of)
    columns = table.names
    table, roles = with_stretches(table, roles)
    data = measured = _driven(to_trajectories(table, roles, units), options.period)
    if not options.keep_outliers:
        table, data = without_outliers(table, roles, data)
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
    _check_enough(table, train)
    _check_starts(train, test)
    hold = data[0].held[: len(roles.inputs)]  # not those of periods
    resolved = replace(
        options,
        time=roles.time,
        # It may be a column that was added; the next time it will be again.
        trajectory=roles.trajectory if len(paths) == 1 and roles.trajectory in columns else options.trajectory,
        states=roles.states,
        inputs=roles.inputs,
        input_hold=tuple(name for name, keep in zip(roles.inputs, hold, strict=True) if keep),
        input_linear=tuple(name for name, keep in zip(roles.inputs, hold, strict=True) if not keep),
        test_trajectories=held_out or (),
    )
    name = (stem(first).strip(".") or "data") + (f"_and_{len(paths) - 1}_more" if len(paths) > 1 else "")
    return Source(tuple(paths), name, bundled, table, roles, measured, data, train, test, resolved)


def _driven(data: Trajectories, periods: Sequence[str]) -> Trajectories:
    """With the inputs of periods."""
    try:
        refuse_unseen([run.ts for run in data], [period_in(data.clock, period) for period in periods])
        return data.with_periods(*periods)
    except ValueError as error:
        raise DataError(f"--period: {error}") from None


def _pairs(flag: str, words: Sequence[str] | None, kind: Callable[[str], T]) -> dict[str, T] | None:
    """`x=x_sd y=y_sd` as a dict."""
    if words is None:
        return None
    pairs = {}
    for word in words:
        state, equals, value = word.partition("=")
        if state in pairs:
            raise DataError(f"{flag} names {state!r} twice; leave one out.")
        try:
            pairs[state] = kind(value)
        except ValueError:
            raise DataError(f"{flag} {word}: {value!r} is not a number.") from None
        if not (state and equals and value):
            example = "x=x_sd" if kind is str else "x=0.1"
            raise DataError(f"{flag} needs words such as {example}; it got {word!r}.")
    return pairs


def _check_enough(table: Table, train: Trajectories) -> None:
    """Refuse what no field can be fitted to."""
    seen = [np.isfinite(run.ys) for run in train]
    if max(int(part.any(axis=1).sum()) for part in seen) < 2:
        raise DataError(
            f"{table.source}: no trajectory to train on has two rows in which something was observed; a rate of change "
            "needs two."
        )
    for i, name in enumerate(train.state_names):
        if not np.concatenate(seen)[:, i].any():
            raise DataError(
                f"{table.source}: state {name!r} is not observed in any row to train on; leave it out with --states, "
                "or train on more."
            )


def _check_starts(train: Trajectories, test: Trajectories | None) -> None:
    """Refuse before any fit what could not be predicted after it."""
    for run in test or ():
        if run.id not in train and not np.isfinite(run.ys).all(axis=1).any():
            raise DataError(
                f"trajectory {run.id!r} is held out, but has no row in which every state is given to start it from; "
                "train on it, or fill in one row."
            )


def _rows(data: Trajectories) -> int:
    return sum(run.ts.size for run in data)
