"""What a fit has done, loop by loop, so that one that was stopped goes on to the same bits.

All else that a fit does takes little time, and does the same again from the same data and options. So a fit that
is taken up runs from its beginning: loops that had ended hand over what they ended with, the one that was under way
goes on from its last state, and what follows runs as ever. Neither loops nor stages know of files.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ..optimise import Iteration, Minimiser, Paused, StopReason
from .entry import Entry, JournalError
from .kept import MOST_COUNT, numbers, reason_of, rows_of, seconds_of, unlike


class Journal:
    """The loops of a fit, in their order.

    Args:
        entries: of a run of the same fit that was stopped.
        keep: called with no entries when the first loop begins, and with all of them whenever one has changed; None
            keeps nothing.
    """

    def __init__(self, entries: Sequence[Entry] = (), keep: Callable[[list[Entry]], None] | None = None):
        self.entries: list[Entry] = list(entries)
        self._keep = keep
        self._begun, self._closed = 0, False

    def loop(self, name: str, also: Callable[[], Mapping[str, Any]] = dict) -> "Loop":
        """The next loop.

        Args:
            also: arrays of what the loop changes beside its own state, which are kept with it.

        Raises:
            JournalError: if an entry is there that is not of this loop.
        """
        number, self._begun = self._begun, self._begun + 1
        # What a fit does after a loop was cut short, to come to an end, is no part of a fit that goes on.
        self._closed = self._closed or not self._ended(number)
        if self._closed or self._keep is None:
            return Loop(None, lambda entry: None, name, also)
        if number == 0 and not self.entries:  # those of a file stay there until one of them has changed
            self._keep(self.entries)
        saved = self.entries[number] if number < len(self.entries) else None
        if saved is not None and saved.name != name:
            raise JournalError(f"the fit that was stopped did {saved.name[:40]!r} where this one does {name!r}.")
        return Loop(saved, lambda entry: self._put(number, entry), name, also)

    def value(self, name: str, compute: Callable[[], float]) -> float:
        """A number that takes long to compute, or what it was."""
        loop = self.loop(name)
        if loop.saved is not None:
            return float(numbers(loop.saved, "value", finite=False))
        found = compute()
        loop.keep(True, {"value": np.asarray(found)})
        return found

    @property
    def complete(self) -> bool:
        """Whether every loop that has begun has ended."""
        return not self._closed and self._ended(self._begun)

    @property
    def run_s(self) -> float:
        """Seconds of running of all loops.

        Raises:
            JournalError: if an entry has kept other ones.
        """
        return sum(seconds_of(entry)[1] for entry in self.entries if "seconds" in entry.arrays)

    @property
    def compile_s(self) -> float:
        """Seconds of compiling of all loops, as `run_s`."""
        return sum(seconds_of(entry)[0] for entry in self.entries if "seconds" in entry.arrays)

    def _ended(self, count: int) -> bool:
        """Whether the first so many loops have ended."""
        return len(self.entries) >= count and all(entry.ended for entry in self.entries[:count])

    def _put(self, number: int, entry: Entry) -> None:
        if self._closed or self._keep is None:
            return
        self.entries[number:] = [entry]
        self._keep(self.entries)


@dataclass(frozen=True)
class Loop:
    """One loop: what is known of it from before, and where its states are kept."""

    saved: Entry | None
    put: Callable[[Entry], None]
    name: str
    also: Callable[[], Mapping[str, Any]]

    @property
    def had_ended(self) -> bool:
        return self.saved is not None and self.saved.ended

    def keep(self, ended: bool, arrays: Mapping[str, Any]) -> None:
        """The present state; arrays are never changed in place."""
        self.put(Entry(self.name, ended, {**arrays, **self.also()}))

    def of(self, minimiser: Minimiser, params: Any) -> dict[str, Any]:
        """The keywords with which `Minimiser.run` goes on from what was saved and is kept.

        Raises:
            JournalError: if what was saved is not of this minimiser.
        """
        paused = None if self.saved is None else paused_of(self.saved, minimiser, params)
        return {"paused": paused, "pause": self._keep_paused}

    def _keep_paused(self, paused: Paused) -> None:
        ended = paused.reason is not StopReason.RUNNING
        # The memory of a run that has ended is of no use any more.
        leaves = jax.tree.leaves(paused.state.progress if ended else paused.state)
        arrays = {f"state.{i}": leaf for i, leaf in enumerate(leaves)}
        arrays["history"] = history_array(paused.history)
        arrays["numbers"] = np.array([paused.reason.code, paused.loss, paused.restarted_at])
        arrays["seconds"] = np.array([paused.compile_s, paused.run_s])
        self.keep(ended, arrays)


class Ended(NamedTuple):
    """All that is kept of the state of a minimisation that has ended."""

    progress: Any


def paused_of(saved: Entry, minimiser: Minimiser, params: Any) -> Paused:
    """What was kept of a run of this minimiser.

    Raises:
        JournalError: if it is that of another one, or none that a run could have left.
    """
    shape = eqx.filter_eval_shape(minimiser.init, params)
    like = shape.progress if saved.ended else shape
    wanted, structure = jax.tree.flatten(like)
    names = [f"state.{i}" for i in range(len(wanted))]
    found = [saved.arrays.get(name) for name in names]
    for name, one, array in zip(names, wanted, found, strict=True):
        if array is None or (one.shape, one.dtype) != (array.shape, array.dtype):
            raise JournalError(f"the state of {saved.name!r} is that of another model or optimiser.")
        if array.dtype.kind == "i" and not ((array >= 0) & (array <= MOST_COUNT)).all():  # all of them count
            raise unlike(saved, name)
    state = structure.unflatten([jnp.asarray(array) for array in found])
    progress = state if saved.ended else state.progress
    code, loss, restarted_at = numbers(saved, "numbers", 3, finite=False).tolist()
    reason = reason_of(saved, "numbers", code)
    if not saved.ended:
        reason_of(saved, "reason", float(progress.reason))
    if not np.isfinite(progress.best_x).all():
        raise unlike(saved, "best_x")
    if not abs(restarted_at) <= MOST_COUNT:
        raise unlike(saved, "numbers")
    return Paused(
        Ended(state) if saved.ended else state, history_of(rows_of(saved)), reason, loss, int(restarted_at),
        *seconds_of(saved),
    )  # fmt: skip


def history_array(history: Sequence[Iteration]) -> np.ndarray:
    """A row an iteration, `(iterations, fields)`."""
    return np.array(history, np.float64).reshape(-1, len(Iteration._fields))


def history_of(rows: np.ndarray) -> list[Iteration]:
    """The iterations of an array of `history_array`."""
    found = []
    for iteration, evaluations, loss, gradient_norm, step_size, seconds, pairs, skipped, restarts in rows.tolist():
        floats = loss, gradient_norm, step_size, seconds
        found.append(Iteration(int(iteration), int(evaluations), *floats, int(pairs), int(skipped), int(restarts)))
    return found
