"""What a person knows of the states: rates that are other states, and states that have a logarithm."""

from collections.abc import Sequence

import numpy as np

from ..data import DataError, Table, did_you_mean


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
        negative = np.flatnonzero(table.numbers(name) < 0)
        if negative.size:
            row = int(negative[0])
            raise DataError(
                f"{table.where(row, name)}: {table.column(name).cells[row]} is negative and has no logarithm; "
                "remove it, or leave the state out of --transform."
            )


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
