"""Columns that stay for some rows and then change at once, as what a person sets does: steps, switches and pulses."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:  # which knows of inputs that are held, by way of these steps
    from .trajectories import Trajectories

FEWEST = 5  # intervals from which on two values are a switch, and rows that tell of anything
BASE = 0.5  # of the rows of a run, at least, that are at one value, from which pulses depart
WHOLE = 0.8  # of the rows off it, that are of one height until it is back: daylight rises and falls
MANY = 10  # rows off it, from which on it shows that neighbours tell nothing of each other
ALONE = 0.75  # of their heights, by which such rows miss the middle of their neighbours: 1 where all stand alone
HELD = 2  # rows at a level: what moves on at once may be on its way
EVEN = 0.01  # of the least gap between levels, of which the others are multiples where digits are rounded off
LEAPS, SHARE = 2, 0.25  # moves that leave out a level, and of all: counts rise by two between rows now and then


def jumps_between_rows(columns: Sequence[np.ndarray]) -> bool:
    """Whether values stay and then change at once: most changes stand alone, or there are two values, or pulses.

    Args:
        columns: of each run, NaN where blank.
    """
    known = [column[np.isfinite(column)] for column in columns]
    changes = [np.diff(column) != 0 for column in known if column.size > 2]
    count = sum(int(change.sum()) for change in changes)
    if not count:
        return False
    if np.unique(np.concatenate(known)).size == 2 and sum(change.size for change in changes) >= FEWEST:
        return True
    alone = 0
    for change in changes:
        beside = np.pad(change, 1)
        alone += int((change & ~beside[:-2] & ~beside[2:]).sum())
    return 2 * alone >= count or _pulses(known)


def _pulses(columns: Sequence[np.ndarray]) -> bool:
    """Whether each run is at a value of its own, and leaves it for pulses: each as flat as it is long, or many, of
    which a row tells nothing of the next, as daily rain."""
    off = flat = 0
    heights, missed = 0.0, 0.0
    for column in columns:
        values, counts = np.unique(column, return_counts=True)
        if not column.size or counts.max() < BASE * column.size:
            return False
        above = column - values[np.argmax(counts)]
        parts = np.split(above, np.flatnonzero(np.diff(above != 0)) + 1)
        away = [part for part in parts if part[0] != 0]
        off += sum(part.size for part in away)
        flat += sum(part.size for part in away if np.ptp(part) == 0)
        beside = np.pad(above, 1)
        middle = (beside[:-2] + beside[2:]) / 2
        heights += float(np.abs(above).sum())
        missed += float(np.abs(above - middle)[above != 0].sum())
    return flat >= WHOLE * off or (off >= MANY and missed >= ALONE * heights)


def looks_set(columns: Sequence[np.ndarray]) -> bool:
    """Whether a column jumps between rows as no state does, so that it may be an input."""
    seen = [column[np.isfinite(column)] for column in columns]
    seen = [column for column in seen if column.size > 1]
    if sum(column.size for column in seen) < FEWEST:
        return False
    levels = np.unique(np.concatenate(seen))
    return jumps_between_rows(seen) and (not _rounded(seen, levels) or _chosen(seen, levels))


def set_states(data: "Trajectories") -> list[int]:
    """The states, by their numbers, that look like what a person sets: inputs that were taken for states."""
    return [state for state in range(data.state_size) if looks_set([run.ys[:, state] for run in data])]


def _rounded(seen: Sequence[np.ndarray], levels: np.ndarray) -> bool:
    """Whether there are several levels, and most changes are the least that there is between two of them.

    So a slow state looks in the digits of a coarse instrument; a switch of another height in each run does not.
    """
    if any(_leaps(column, levels) for column in seen):
        return False
    jumps = np.abs(np.concatenate([np.diff(column) for column in seen]))
    least = 1.5 * np.diff(levels).min()
    return levels.size > 2 and 2 * int(((jumps > 0) & (jumps < least)).sum()) > int((jumps > 0).sum())


def _leaps(column: np.ndarray, levels: np.ndarray) -> bool:
    """Whether a run goes to and fro between two levels that are not neighbours among those of all runs."""
    low, high = column.min(), column.max()
    two = np.unique(column).size == 2 and np.count_nonzero(np.diff(column)) > 1
    return bool(two and np.any((levels > low) & (levels < high)))


def _chosen(seen: Sequence[np.ndarray], levels: np.ndarray) -> bool:
    """Whether levels follow each other as they are chosen, and not as a state passes them in the digits of a coarse
    instrument: moves from one that is held to another leave out those between, and now go here, now there.

    A relaxation oscillator leaps as well, but from each level to the same one. Where levels are no multiples of the
    least gap, they are not rounded, and every move is a leap.
    """
    parts = np.diff(levels) / np.diff(levels).min()
    rounded = bool((abs(parts - np.round(parts)) < EVEN).all())
    every = [_moves(np.searchsorted(levels, column)) for column in seen]
    moves = [move for clear, _ in every for move in clear]
    leaps = [(begin, end) for begin, end in moves if abs(end - begin) > 1 or not rounded]
    open_to = {begin for begin, end in leaps if any(other == begin and to != end for other, to in moves)}
    enough = max(LEAPS, SHARE * len(moves)) <= len(leaps) and 2 * len(moves) >= sum(count for _, count in every)
    return enough and len(open_to) >= (1 if _pulses(seen) else 2)  # from pulses the way is always back


def _moves(places: np.ndarray) -> tuple[list[tuple[int, int]], int]:
    """From which level to which a run moves, where both are held or one is a pulse; and how often it moves at all."""
    begins = np.flatnonzero(np.diff(places, prepend=-1))
    at, held = places[begins], np.diff(np.append(begins, places.size)) >= HELD
    clear = held.copy()
    clear[1:-1] |= held[:-2] & held[2:] & (at[:-2] == at[2:])
    moves = zip(at[:-1].tolist(), at[1:].tolist(), strict=True)
    both = clear[:-1] & clear[1:]
    return [move for move, sure in zip(moves, both, strict=True) if sure], len(at) - 1
