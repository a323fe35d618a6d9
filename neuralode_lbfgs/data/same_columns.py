"""Data beside others, as those that a model was fitted to: the same columns by name, in the same order and units."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .errors import DataError, counted, listed, no_column
from .trajectories import Trajectories, Trajectory

DATA = "this data set"


def trajectories_given(data: Any) -> Trajectories:
    """What was given, if it is trajectories.

    Raises:
        TypeError: if not; one sentence.
    """
    if not isinstance(data, Trajectories):
        raise TypeError(
            f"data is of type {type(data).__name__}; give the Trajectories of read_csv, from_frame or from_arrays."
        )
    return data


def with_columns_of(known: Trajectories, data: Any) -> Trajectories:
    """The data with the states and inputs of others, in their order, and without columns that those lack.

    Columns that nobody has named on one of the sides (y0, y1, ... of arrays) go by their positions.

    Raises:
        TypeError: if these are no trajectories.
        DataError: if a column is not there, or is in another unit.
    """
    data = trajectories_given(data)
    if known.input_size and not data.input_size and not {*known.input_names} <= {*data.state_names}:
        raise DataError(
            f"{DATA} has no inputs, but the model is driven by {listed(known.input_names)}; name the columns that "
            "hold them (inputs=)."
        )
    states = _places(DATA, known.state_names, data, data.state_names, "state")
    inputs = _places(DATA, known.input_names, data, data.input_names, "input")
    chosen = _chosen(known, data, states, inputs)
    if not (known.clock.origin or data.clock.origin):
        refuse_another_unit(DATA, data.time_name, data.unit(data.time_name), known.time_name, known.units)
    for own, its in (chosen.state_names, known.state_names), (chosen.input_names, known.input_names):
        for name, there in zip(own, its, strict=True):
            refuse_another_unit(DATA, name, chosen.unit(name), there, known.units)
    return chosen


def with_states_of(known: Trajectories, data: Trajectories, source: str = DATA) -> Trajectories:
    """The data, such as predictions, with the states of others in their order, whatever drives them.

    Raises:
        DataError: if a state is not there.
    """
    own = tuple(range(data.input_size))
    places = _places(source, known.state_names, data, data.state_names, "state")
    return _chosen(known, data, places, tuple(data.state_size + place for place in own))


def refuse_another_unit(source: str, name: str, unit: str, known: str, units: Any) -> None:
    """Refuse numbers that are in another unit than the one that the model knows, of the column `known`.

    Raises:
        DataError: one sentence.
    """
    there = units.get(known, "")
    if unit and there and unit.casefold() != there.casefold():
        raise DataError(
            f"{source}: column {name!r} is in {unit}, but the model was trained on {there}; convert it, or if it is "
            f"the same, write the header as {known} [{there}]."
        )


def _places(source: str, wanted: Sequence[str], data: Trajectories, own: Sequence[str], kind: str) -> tuple[int, ...]:
    """Where the columns are, among the states and after them the inputs of the data."""
    columns = (*data.state_names, *data.input_names)
    if {*wanted} <= {*columns}:
        return tuple(map(columns.index, wanted))
    if not (_unnamed(wanted) or _unnamed(own)):
        raise no_column(source, next(name for name in wanted if name not in columns), columns)
    if len(wanted) != len(own):
        raise DataError(
            f"{source} has {counted(len(own), kind)} ({listed(own)}), and {len(wanted)} are asked for "
            f"({listed(wanted)}); give names, and columns of these."
        )
    return tuple(map(columns.index, own))


def _unnamed(names: Sequence[str]) -> bool:
    return any(tuple(names) in (tuple(f"{letter}{i}" for i in range(len(names))), (letter,)) for letter in "yu")


def _chosen(known: Trajectories, data: Trajectories, states: tuple[int, ...], inputs: tuple[int, ...]) -> Trajectories:
    size = data.state_size
    if states == tuple(range(size)) and inputs == tuple(range(size, size + data.input_size)):
        return data
    columns, held = (*data.state_names, *data.input_names), known[0].hold or (False,) * len(inputs)
    hold = [(data[0].hold[i - size] if data[0].hold else False) if i >= size else held[n] for n, i in enumerate(inputs)]

    def one(run: Trajectory) -> Trajectory:
        every = run.ys if run.inputs is None else np.hstack([run.ys, run.inputs])
        sd = run.sd[:, states] if run.sd is not None and max(states) < size else None
        driving = every[:, inputs] if inputs else None
        return Trajectory(run.id, run.ts, every[:, states], sd, driving, tuple(hold) if any(hold) else ())

    names = tuple(columns[i] for i in states), tuple(columns[i] for i in inputs)
    return replace(data, trajectories=tuple(map(one, data)), state_names=names[0], input_names=names[1])
