"""Sensors that end: a state that comes to a level with a rate and stays there, as if it had gone on beyond it.

What rests there comes to it smoothly, or stops as an input steps.
"""

from collections.abc import Iterable

import numpy as np

from .trajectories import Trajectories, Trajectory

LEAST_LEVEL, LEAST_LEVELS = 3, 5  # rows at the largest value, one after another and in all
DIGITS = 4  # of those of the instrument: by so many a parabola through three rounded values may be off
STEEP, AS_BEFORE = 0.005, 0.3  # of the range, and of the step before: so far beyond it would be, had it gone on
STRAIGHT = 5  # steps
FINE = 1e-5  # of the range: digits that are finer may be those of a computer


def cut_off(name: str, data: Trajectories, state: int) -> Iterable[str]:
    """What is to be said of a state whose largest or smallest values are cut off."""
    known = [run.at(np.isfinite(run.ys[:, state])) for run in data if np.isfinite(run.ys[:, state]).any()]
    values = np.unique(np.concatenate([run.ys[:, state] for run in known] or [np.zeros(0)]))
    if values.size < 2:
        return
    least = DIGITS * _digit(values)
    for end, word, up in ((values[-1], "largest", 1.0), (values[0], "smallest", -1.0)):
        inside = 0
        for run in known:
            ys = run.ys[:, state]
            edges = np.flatnonzero(np.diff(np.concatenate([[0], ys == end, [0]]).astype(int)))
            for first, last in edges.reshape(-1, 2).tolist():
                if last - first < LEAST_LEVEL or first <= 2 or _steps_to(run, first):
                    continue
                if last < ys.size:
                    is_off = up * (_gone_on(run, state, first) - end) > least
                else:  # it may have come to rest for good
                    is_off = _comes_steeply(run, state, first, up, max(least, STEEP * (values[-1] - values[0])))
                inside += (last - first) * is_off
        if end != 0 and inside >= LEAST_LEVELS:
            yield (
                f"{name!r} is exactly {end:g}, its {word} value, in {inside} rows, to which it does not come smoothly; "
                "if the sensor ends there, leave the cells blank"
            )


def _comes_steeply(run: Trajectory, state: int, row: int, up: float, least: float) -> bool:
    """Whether a state that stays at a level from this row on would be beyond it one row later, or comes along a line:
    digits as coarse as its steps show it no other way."""
    ys, ts = run.ys[:, state], run.ts
    off = [up * (_gone_on(run, state, at) - ys[row]) for at in (row, row + 1)]
    if max(off) > max(least, AS_BEFORE * abs(ys[row - 1] - ys[row - 2])):
        return True
    slopes = np.diff(ys[max(row - STRAIGHT, 0) : row + 1]) / np.diff(ts[max(row - STRAIGHT, 0) : row + 1])
    return slopes.size == STRAIGHT and bool(slopes[0] and np.ptp(slopes) < FINE * abs(slopes[0]))


def _digit(values: np.ndarray) -> float:
    """The largest number of which all differences are multiples, but for rounding: Euclid's algorithm."""
    fine = FINE * np.ptp(values)
    digit, *gaps = np.diff(values).tolist()
    for gap in gaps:
        while gap > fine:
            rest = digit % gap
            digit, gap = gap, min(rest, gap - rest)
        if digit <= 2 * fine:
            break
    return digit


def _gone_on(run: Trajectory, state: int, row: int) -> float:
    """Where a state would be had it gone on, by the parabola through the three rows before; what levels off
    exponentially is never beyond its level by that."""
    ts, ys = run.ts[row - 3 : row + 1], run.ys[row - 3 : row, state]
    slope, next_slope = (ys[1] - ys[0]) / (ts[1] - ts[0]), (ys[2] - ys[1]) / (ts[2] - ts[1])
    bend = (next_slope - slope) / (ts[2] - ts[0])
    return float(ys[2] + (ts[3] - ts[2]) * (next_slope + bend * (ts[3] - ts[1])))


def _steps_to(run: Trajectory, row: int) -> bool:
    """Whether an input that is held steps as the state comes to its level in this row, or where it left the others."""
    held = [number for number, keep in enumerate(run.hold) if keep]
    return run.inputs is not None and bool(np.diff(run.inputs[row - 2 : row + 1, held], axis=0).any())
