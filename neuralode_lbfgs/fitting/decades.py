"""States over so many powers of ten that a fit should see their logarithms."""

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from ..data.errors import counted
from ..data.steps import set_states
from ..data.trajectories import Trajectories, Trajectory
from .noise_level import ALIKE, roughness, usual_roughness
from .noise_level import LEAST_ROWS as LEAST_TO_TELL

DECADES = 4  # below the largest value of a state: of no weight beside it, and more than measurements mostly resolve
FEWER = 2  # decades, of a state whose small values have errors in proportion to them
LEAST = 1.3  # decades, of one whose logarithms are about as noisy in all rows
DROWNED = 2.0  # times the small values: errors of the large ones, beside which these say nothing
PROPORTION = (0.01, 0.3)  # of errors to small values: a smooth curve has hardly any, noise alike for all values more
MANY, MORE = 3, 0.5  # decades, and errors over so many: those of small values are larger; noise alone has 0.8 and more
LEAST_ROWS = 6
LOWEST, NEARLY = 0.02, 1.8  # of the values, for the least are noise; decades of those beside one of more than two
ZEROS = 0.05  # of the values: no logarithm comes back from zero, as what was off does, an input between meals


def over_decades(data: Trajectories, log: Collection[int], positive: Collection[int]) -> str | None:
    """A sentence on the states whose logarithms may be fitted better; None if there are none.

    What looks like an input is none of them.

    Args:
        log, positive: the states that are modelled in logarithms, or kept positive, already.
    """
    free = [i for i in range(data.state_size) if i not in (*log, *positive, *set_states(data))]
    wide = {i: decades for i in free if (decades := _decades(data, i))}
    if not wide:
        return None
    names = [data.state_names[i] for i in wide]
    every = ",".join(data.state_names[i] for i in sorted([*log, *wide]))
    return (
        f"{', '.join(names)}: over more than {counted(min(wide.values()), 'power')} of ten small values count for "
        f"nothing beside large ones; their logarithms are modelled by --transform 'log={every}' "
        f"(transform=['log={every}'] in Python)"
    )


def spanning(data: Trajectories, log: Collection[int]) -> list[int]:
    """The states that are always positive, over so many powers of ten that a fit that has failed may do better in
    logarithms; none where no state is over as many as two, and none whose small values may be noise.

    Args:
        log: the states that are modelled in logarithms already.
    """
    found = {}
    for state in (i for i in range(data.state_size) if i not in (*log, *set_states(data))):
        values = np.concatenate([run.ys[:, state] for run in data])
        values = values[np.isfinite(values)]
        if values.size < LEAST_ROWS or not values.min() > 0:
            continue
        small = roughness(_logarithms(data, state, np.quantile(values, 1 / 3)), 0)
        if small < MORE:
            found[state] = np.log10(values.max() / np.quantile(values, LOWEST))
    if max(found.values(), default=0) <= FEWER:
        return []
    return [state for state, decades in found.items() if decades > NEARLY]


def _decades(data: Trajectories, state: int) -> int:
    """By how many powers of ten a tenth and more of a state that is never negative, zeros apart, is below its largest
    value; zero where that are few, or its small values may be noise."""
    values = np.concatenate([run.ys[:, state] for run in data])
    values = values[np.isfinite(values)]
    positive = values[values > 0]
    if positive.size < LEAST_ROWS or values.min() < 0:
        return 0
    if sum(map(_comes_back, (run.ys[:, state] for run in data))) > ZEROS * values.size:
        return 0
    decades = float(np.log10(positive.max() / np.quantile(positive, 0.1)))
    if decades >= DECADES:
        return DECADES
    least, most = PROPORTION if decades < MANY else (PROPORTION[0], MORE)
    small = roughness(_logarithms(data, state, np.quantile(positive, 1 / 3)), 0)
    if decades < LEAST or not least < small < most:
        return 0
    return int(decades) if decades >= FEWER or _drowned(_logarithms(data, state), 10**decades) else 0


def _comes_back(column: np.ndarray) -> int:
    """In how many rows after the first a run is at zero from where it rises later."""
    rows = np.flatnonzero(column > 0)
    return int((column[1 : rows[-1]] == 0).sum()) if rows.size else 0


def _drowned(logs: list[Trajectory], times: float) -> bool:
    """Whether errors go in proportion throughout, such that those of the largest value are beyond small ones."""
    noise = roughness(logs, 0)
    rows = sum(run.ts.size for run in logs)
    return rows >= LEAST_TO_TELL and times * noise > DROWNED and noise < ALIKE * usual_roughness(logs, 0)


def _logarithms(data: Trajectories, state: int, most: float = np.inf) -> list[Trajectory]:
    """Those of a state, in the rows where it is positive and at most so large."""
    small = [(run, (run.ys[:, state] > 0) & (run.ys[:, state] <= most)) for run in data]
    few = [run.at(rows) for run, rows in small if rows.any()]
    return [replace(run, ys=np.log(run.ys[:, [state]]), sd=None) for run in few]
