"""Inputs between their rows: held from row to row, or linear; and what blank cells of them mean."""

from collections.abc import Mapping

import numpy as np

from .roles import Roles
from .steps import jumps_between_rows

GAP = 5.0  # times the usual step
USUAL, MOSTLY = 0.1, 0.8  # of the usual step that others differ from it, and of all steps that do not
FEWEST_STEPS = 10  # that say what is usual


def held(us: np.ndarray, rows: Mapping[str, np.ndarray], roles: Roles) -> tuple[bool, ...]:
    """Which inputs keep their value until the next row: those that are named, else those that look like steps or
    pulses.

    Args:
        us: inputs of all rows, shape `(rows, inputs)`, NaN where blank.
    """
    return tuple(
        name in roles.held or (name not in roles.linear and jumps_between_rows([us[at, i] for at in rows.values()]))
        for i, name in enumerate(roles.inputs)
    )


def filled(ts: np.ndarray, us: np.ndarray, hold: tuple[bool, ...]) -> np.ndarray:
    """The inputs of one trajectory with blank ones filled: the value before, or between those before and after."""
    us = us.copy()
    for i, keep in enumerate(hold):
        known = np.flatnonzero(np.isfinite(us[:, i]))
        before = known[np.searchsorted(known, np.arange(ts.size), side="right") - 1]
        us[:, i] = us[before, i] if keep else np.interp(ts, ts[known], us[known, i])
    return us


def begin_anew(ts: np.ndarray, us: np.ndarray) -> np.ndarray:
    """The rows of a driven trajectory before which there is a gap, in which nobody knows what the inputs did.

    None where rows are as uneven as they are meant to be, or no input ever changes.

    Args:
        ts: times, in order, shape `(rows,)`.
        us: inputs, shape `(rows, inputs)`, NaN where blank.
    """
    taken = np.diff(ts)
    if taken.size < FEWEST_STEPS or not np.ptp(us, axis=0).any():
        return np.zeros(0, int)
    usual = np.median(taken)
    regular = np.mean(np.abs(taken - usual) <= USUAL * usual) >= MOSTLY
    return np.flatnonzero(taken > GAP * usual) + 1 if regular else np.zeros(0, int)


def stretches_of(name: str, ts: np.ndarray, us: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """The names and rows of the stretches between gaps, as `run (1)`, `run (2)`, ...; of one without gaps its own."""
    parts = np.split(np.arange(ts.size), begin_anew(ts, us))
    return [(name if len(parts) == 1 else f"{name} ({number})", part) for number, part in enumerate(parts, 1)]
