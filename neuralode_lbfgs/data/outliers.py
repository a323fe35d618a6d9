"""Values that stand alone: far off what the rows on both sides say, which agree without them.

A sensor that missed once, or a slip of the pen. A few of them bend a fit more than all noise does, since errors count
as their squares.
"""

from collections.abc import Sequence

import numpy as np

ORDER = 4  # of the differences: on so many rows and one more a smooth motion nearly cancels
BESIDE = ORDER // 2  # rows on each side that say where a value should be: at the ends fast motions begin
REACH = 4  # rows on each side that have to agree
AWAY = 6.0  # times the noise that is usual for the state, and for the rows around
ALONE = 4.0  # times the differences of the rows around without it
LEAST = 0.05  # of the state's standard deviation; less does no harm, and may be the rounding of a solver
FASTER = 1.5  # than between any other rows
NOISY = 4.0  # times the noise, between two rows, is no motion
AROUND = 21  # rows, for what is usual there
MOST = 0.03  # of the values of a state: more are no exceptions
SEVERAL, ALIKE = 3, (0.08, 0.3)  # spikes, and by what part their heights spread
MEDIAN = 1.483  # a standard deviation of normal noise, in units of its median size


def outliers(runs: Sequence[tuple[np.ndarray, np.ndarray]]) -> list[np.ndarray]:
    """Which observations stand alone.

    Divided differences of fourth order, in units of what noise of variance one makes of them, tell noise from motion.
    An observation stands alone if they are large with it and small without it, and if the state would have to go there
    and back faster than it ever moves: a spike of one row is not told from it, unless it comes again. Of positive
    states it has to be so of their logarithms, too: the peak of what grows by its own size is steep, but not alone.

    Args:
        runs: times `(times,)` and states `(times, states)` of each trajectory, NaN where nothing was observed.

    Returns:
        A mask `(times, states)` for each; of a state with more than a few such values, which are no exceptions then,
        nothing.
    """
    sizes = [ts.size for ts, _ in runs]
    ts, ys = (np.concatenate(arrays) for arrays in zip(*runs, strict=True))
    run, masks = np.repeat(np.arange(len(runs)), sizes), np.zeros(ys.shape, bool)
    for state, values in enumerate(ys.T):
        seen = np.flatnonzero(np.isfinite(values))
        observed = values[seen]
        alone = _alone(ts[seen], observed, run[seen])
        if alone.any() and (observed > 0).all():
            alone &= _alone(ts[seen], np.log(observed), run[seen])
        masks[seen[alone], state] = True
    return np.split(masks, np.cumsum(sizes)[:-1])


def _alone(ts: np.ndarray, ys: np.ndarray, run: np.ndarray) -> np.ndarray:
    """Of one state, whether each value, `(rows,)`, stands alone; `run` numbers the run of each row, in order.

    Those that hid behind others, as beside them, or as less fast than those, are looked for without them.
    """
    alone, left, most = np.zeros(ys.size, bool), np.arange(ys.size), max(1, MOST * ys.size)
    while alone.sum() <= most and (found := left[_exceptions(ts[left], ys[left], run[left])]).size:
        alone[found] = True
        left = np.flatnonzero(~alone)
    none = alone.sum() > most or _come_again(ys, np.flatnonzero(alone))
    return np.zeros_like(alone) if none else alone


def _exceptions(ts: np.ndarray, ys: np.ndarray, run: np.ndarray) -> list[int]:
    """The rows of values that stand alone among these, of one state."""
    rows = np.arange(ys.size)
    count, begin = np.bincount(run)[run], np.searchsorted(run, run)
    many = count > 2 * REACH  # else there are too few rows to look beyond the nearest
    if not many.any():
        return []
    off = np.zeros(ys.size)
    off[many] = _differences(ts, ys, np.clip(rows - BESIDE, begin, begin + count - ORDER - 1)[many])
    digit = np.diff(np.unique(ys)).min(initial=np.inf)  # the last that is given
    noise = np.maximum(MEDIAN * np.median(off[many]), digit if np.isfinite(digit) else 0.0)
    noise = np.maximum(noise, _noise_around(off, begin, count))
    inside = many & (rows >= begin + BESIDE) & (rows < begin + count - BESIDE)
    found = {}
    for k in np.flatnonzero(inside & (off > AWAY * noise)).tolist():
        first = int(np.clip(k - REACH, begin[k], begin[k] + count[k] - 2 * REACH - 1))
        away, left = _alone_by(ts, ys, k, np.delete(np.arange(first, first + 2 * REACH + 1), k - first), noise[k])
        if away > LEAST * np.std(ys):
            found[k] = away, left
    # Beside one that stands alone, and near to it in time, another may seem to.
    found = {
        k: (away, left)
        for k, (away, left) in found.items()
        if all(left <= found[j][1] for j in (k - 1, k + 1) if j in found)
    }
    steps, same = np.diff(ts), np.diff(run) == 0
    rates = np.where(same, np.maximum(np.abs(np.diff(ys)) - NOISY * noise[1:], 0.0) / np.where(same, steps, 1.0), 0.0)
    for k in found:
        rates[k - 1 : k + 1] = 0.0
    fastest = rates.max()
    return [k for k, (away, _) in found.items() if away / steps[k - 1 : k + 1].max() > FASTER * fastest]


def _come_again(ys: np.ndarray, at: np.ndarray) -> bool:
    """Whether these values are spikes of a motion that comes again, seen in one row each time: about as high as each
    other, but not just as high, since they are seen earlier or later. A sensor that fails often says the same."""
    if at.size < SEVERAL:
        return False
    heights = ys[at] - (ys[at - 1] + ys[at + 1]) / 2
    least, most = ALIKE
    return bool(np.ptp(ys[at]) > 0 and least < np.std(heights) / np.abs(np.mean(heights)) < most)


def _alone_by(ts: np.ndarray, ys: np.ndarray, k: int, near: np.ndarray, noise: float) -> tuple[float, float]:
    """How far a value is off the rows near it, zero where these do not agree without it; and how well they agree.

    Another one of them may be left out, which may also stand alone; but no neighbour: spikes of two rows are motions.
    """
    for other in (None, *near[np.abs(near - k) > 1]):
        rest = near[near != other]
        at = int(np.searchsorted(rest, k))
        if BESIDE <= at <= rest.size - BESIDE:
            own = np.insert(rest[at - BESIDE : at + BESIDE], BESIDE, k)
            weights = _weights(ts[own])
            off, left = abs(weights @ ys[own]), _differences(ts[rest], ys[rest], np.arange(rest.size - ORDER)).max()
            if off > max(AWAY * noise, ALONE * left):
                return float(off / abs(weights[BESIDE])), float(left)
    return 0.0, 0.0


def _differences(ts: np.ndarray, ys: np.ndarray, first: np.ndarray) -> np.ndarray:
    """The sizes of divided differences of rows that follow each other, by the first of them."""
    rows = first[:, None] + np.arange(ORDER + 1)
    return np.abs(np.sum(_weights(ts[rows]) * ys[rows], axis=1))


def _weights(ts: np.ndarray) -> np.ndarray:
    """What values at these times, `(..., times)`, count in their divided difference; the squares sum to one."""
    apart = (ts[..., :, None] - ts[..., None, :]) / np.ptp(ts, axis=-1)[..., None, None]
    weights = 1 / np.prod(apart + np.eye(ts.shape[-1]), axis=-1)
    return weights / np.linalg.norm(weights, axis=-1, keepdims=True)


def _noise_around(off: np.ndarray, begin: np.ndarray, count: np.ndarray) -> np.ndarray:
    """The noise that most differences around each row show; zero in runs of too few rows to tell."""
    noise, long = np.zeros(off.size), np.flatnonzero(count >= AROUND)
    if long.size:
        first = np.clip(long - AROUND // 2, begin[long], begin[long] + count[long] - AROUND)
        noise[long] = MEDIAN * np.median(np.lib.stride_tricks.sliding_window_view(off, AROUND), axis=1)[first]
    return noise
