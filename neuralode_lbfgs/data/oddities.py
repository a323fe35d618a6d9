"""Values that are read as they stand, and may not mean what they say: a person is told, and nothing is changed."""

from collections.abc import Iterable

import numpy as np

from .angles import turning
from .cells import Table
from .cut_off import cut_off
from .errors import counted
from .roles import Roles
from .rows import rows_by_trajectory
from .steps_of_inputs import jump_with
from .summer_time import skipped_hours
from .trajectories import Trajectories, Trajectory

SENTINELS = (-99, -999, -9999, -99999, 999, 9999, 99999, 1e20, 1e30)
FEW, MANY_TIMES = 8, 5  # values of a state that tell little of a motion, and as many of another one
LEAST_STRETCH = 3  # rows in order before times start again


def oddities(table: Table, roles: Roles, data: Trajectories) -> list[str]:
    """A sentence for each.

    Args:
        data: `to_trajectories(table, roles)`.
    """
    said = []
    for i, name in enumerate(data.state_names):
        runs = [run.ys[np.isfinite(run.ys[:, i]), i] for run in data]
        if any(run.size for run in runs):
            unit = data.units.get(name, "")
            said += [*_sentinels(name, runs), *turning(name, unit, data, i), *cut_off(name, data, i)]
    said += _hardly_seen(data)
    alone = [run.id for run in data if run.ts.size == 1]
    if alone and 2 * len(alone) <= len(data):
        said.append(
            f"{counted(len(alone), 'trajectory', 'trajectories')} of one row (the first is {alone[0]!r}): a single row "
            "tells of no motion; is it a mean, or a wrong name?"
        )
    return [*said, *skipped_hours(data), *_jumping(data), *_out_of_order(table, roles, data)]


def _hardly_seen(data: Trajectories) -> Iterable[str]:
    """A state of very few values beside others of many: any course through these few would do."""
    seen = np.sum([np.isfinite(run.ys).sum(axis=0) for run in data], axis=0)
    for name, count in zip(data.state_names, seen.tolist(), strict=True):
        if 0 < count < FEW and MANY_TIMES * count <= seen.max():
            yield (
                f"of {name!r} there {'is one value' if count == 1 else f'are {count} values'} only, of another state "
                f"{seen.max()}: a model meets so few whatever it does in between, which its error does not show; trust "
                "it for the other states, or leave this one out with --states (states= in Python), where "
                "--hidden-states 1 lets the model have one that is free"
            )


def _sentinels(name: str, runs: list[np.ndarray]) -> Iterable[str]:
    """Numbers that often stand for "no value": -999 far from all others."""
    values = np.concatenate(runs)
    for sign in SENTINELS:
        rest = values[values != sign]
        count = int((values == sign).sum())
        if count and rest.size and min(abs(rest - sign)) > max(np.ptp(rest), 10):
            yield (
                f"{name!r} is {sign:g} in {counted(count, 'row')}, far from all other values; if that stands for "
                "no observation, leave the cells blank"
            )


def _jumping(data: Trajectories) -> Iterable[str]:
    """A state with a part that follows an input at once, such as the voltage over a resistance."""
    held = [number for number, keep in enumerate(data[0].hold) if keep]
    for i, name in enumerate(data.state_names):
        for number in held:
            jump = jump_with(data, i, number)
            if jump is not None:
                of = data.input_names[number]
                yield (
                    f"{name!r} jumps at once where {of!r} steps, by {jump:.2g} for each 1 of it, and no state of a "
                    f"differential equation does; subtract {jump:.2g} times {of!r} from it first, or fit what is "
                    "behind it in Python (observe=)"
                )


def _out_of_order(table: Table, roles: Roles, data: Trajectories) -> Iterable[str]:
    """Rows that are not in the order of time; and times that start again, as those of several runs do."""
    rows = rows_by_trajectory(table, roles, None)
    unsorted = [name for name, at in rows.items() if (np.diff(at) < 0).any()]
    if unsorted and roles.trajectory is None and (again := _start_again(data[0], rows[data[0].id])):
        later = " and later" if len(again) > 1 else ""
        yield (
            f"times start again in {table.where(again[0])}{later}: if these are several runs, give each a name in a "
            "column (--trajectory); as one run they were sorted by time"
        )
    elif unsorted:
        runs = counted(len(data), "trajectory", "trajectories")
        yield f"the rows of {len(unsorted)} of {runs} were not in the order of time and were sorted"


def _start_again(run: Trajectory, rows: np.ndarray) -> list[int]:
    """The rows at which times begin anew, in a table of a few long stretches that lie over each other in time and
    tell of the same states; `rows` are those of the run, in the order of time."""
    as_written = np.argsort(rows)
    ts, seen = run.ts[as_written], np.isfinite(run.ys[as_written])
    again = np.flatnonzero(np.diff(ts) < 0) + 1
    stretches = np.split(np.arange(ts.size), again)
    if min(map(len, stretches)) < LEAST_STRETCH:
        return []
    told: list[np.ndarray] = []
    for stretch in stretches:
        for before in told:
            over = ts[stretch[0]] < ts[before[-1]] and ts[before[0]] < ts[stretch[-1]]
            if over and (seen[stretch].any(axis=0) & seen[before].any(axis=0)).any():
                return again.tolist()
        told.append(stretch)
    return []
