"""What a person knows of the states: rates that are other states, and states that have a logarithm."""

import shlex
from collections.abc import Sequence

import numpy as np

from ..data import DataError, Roles, Table, Trajectories, did_you_mean
from ..data.derived import told_of_rates
from ..fitting import decades
from ..fitting.options import FitOptions
from ..fitting.untold import rates_are_untold, untold_words
from .options import ModelOptions


def exact_rates(entries: Sequence[str], states: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """The numbers of the states in entries such as `angle=velocity`.

    Raises:
        DataError: if an entry is no such pair, names what is no state, or gives a rate twice.
    """
    pairs: dict[int, int] = {}
    for entry in entries:
        names = entry.split("=")
        if len(names) != 2:
            raise DataError(f"--rate is STATE=STATE, such as angle=velocity; it is {entry!r}.")
        state, rate = (_number(name, states, "--rate") for name in names)
        if state == rate:
            raise DataError(f"--rate {entry}: a state cannot be its own rate.")
        if state in pairs:
            raise DataError(f"--rate gives the rate of {names[0]!r} twice; leave one out.")
        pairs[state] = rate
    if pairs and len(pairs) == len(states):
        raise DataError("--rate gives the rate of every state, so that there is nothing to learn; leave one out.")
    return tuple(sorted(pairs.items()))


def check_logarithms(table: Table, names: Sequence[str], states: Sequence[str]) -> None:
    """Whether the states to be modelled in logarithms have one in every row.

    Raises:
        DataError: if a name is no state, or a value is negative: file, line and column.
    """
    for name in names:
        _number(name, states, "--transform")
        values = table.numbers(name)
        if negative := int((values < 0).sum()):
            row = int(np.nanargmin(values))
            what = "negative" if negative == 1 else f"the least of {negative} negative values"
            raise DataError(
                f"{table.where(row, name)}: {table.column(name).cells[row]} is {what}, and has no logarithm; leave "
                f"cells blank that only show noise, or take --positive {shlex.quote(name)} in place of --transform."
            )
        if not (values > 0).any():
            raise DataError(f"{table.source}: state {name!r} is never positive; leave it out of --transform.")


def check_together(model: ModelOptions, fit: FitOptions, train: Trajectories, test: Trajectories | None = None) -> None:
    """Refuse options that do not go together before anything is compiled.

    Raises:
        DataError: one sentence.
    """
    if fit.batch_size is not None and fit.optimizer != "adam":
        raise DataError("--batch-size needs a stochastic optimiser (--optimizer adam); L-BFGS uses all data.")
    for flag, given in (("--transform", fit.transform), ("--positive", fit.positive)):
        if model.second_order and given:
            raise DataError(f"{flag} does not go with --second-order, whose velocities are the rates of positions.")
    if fit.time_scale == "log" and (model.second_order or train.input_size):
        raise DataError(f"--time-scale log does not go with {'--second-order' if model.second_order else '--inputs'}.")
    if fit.time_scale == "log":
        _check_log_times(train, test)
    if fit.initial_states == "data":
        for run in train:
            if not np.isfinite(run.ys[0]).all():
                raise DataError(
                    f"trajectory {run.id!r} does not begin with a complete row to start from; leave out "
                    "--initial-states data, so that its start is estimated."
                )


def _check_log_times(train: Trajectories, test: Trajectories | None) -> None:
    """Refuse held-out times that have no logarithm: they would be found out after the fit."""
    ts = np.unique(np.concatenate([run.ts for run in train]))
    before = 0.0 if ts[0] > 0 else float(2 * ts[0] - ts[1])  # where the training times begin, less the first step
    for run in test or ():
        if run.ts[0] <= before:
            raise DataError(
                f"trajectory {run.id!r} is held out and begins at {train.clock.show(float(run.ts[0]))}, but with "
                f"--time-scale log the model knows only times after {train.clock.show(before)}: train on it, or leave "
                "out its first rows."
            )


def over_decades(model: ModelOptions, fit: FitOptions, train: Trajectories) -> list[str]:
    """A sentence on states that go over powers of ten and are not fitted in logarithms, if these go with the model."""
    if model.second_order:
        return []
    names = train.state_names
    told = decades.over_decades(train, [*map(names.index, fit.logarithms)], [*map(names.index, fit.positive)])
    return [] if told is None else [told]


def without_velocities(model: ModelOptions, train: Trajectories) -> list[str]:
    """A sentence on states that move as positions do, to a model that has no velocities of them."""
    known = model.second_order or model.hidden_states or model.rate or model.vector_field
    if known or not rates_are_untold(train):
        return []
    return [f"{untold_words(train)}: if they are, fit with --second-order, else with --hidden-states 1"]


def named_as_rates(model: ModelOptions, roles: Roles) -> list[str]:
    """A sentence on columns that were taken for states and are named as rates of others, if the model knows of none."""
    known = model.second_order or model.rate or model.vector_field or not roles.inferred
    return [] if known else [*told_of_rates(roles.states)]


def check_states(names: Sequence[str], states: Sequence[str], option: str) -> None:
    """Raises a DataError if a name is no state."""
    for name in names:
        _number(name, states, option)


def _number(name: str, states: Sequence[str], option: str) -> int:
    if name not in states:
        raise DataError(
            f"{option}: there is no state {name!r}{did_you_mean(name, states)}; the states are {', '.join(states)}."
        )
    return list(states).index(name)
