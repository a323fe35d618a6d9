"""Where a descent by Gauss-Newton stands after a step: with it, it goes on to the same bits."""

from typing import Any, NamedTuple

import numpy as np

from ..optimise import Iteration, StopReason
from .entry import Entry, JournalError
from .evidence import Evidence
from .journal import history_array, history_of
from .kept import count_of, numbers, reason_of, rows_of, seconds_of, unlike


class Standing(NamedTuple):
    """All that the next step needs but the linearised problem, which is computed anew.

    Args:
        x, states: the point.
        mean_square, initial: of the residuals, here and at the start.
        evidence: here, of a descent that has ended; before, where it was last asked.
        decay: here.
        damping, growth: as in `Damping`.
        flat: steps in a row that gained little.
        evaluations, rejected, history, compile_s, run_s: up to here.
        reason: why it ended, or that it is running.
    """

    x: np.ndarray
    states: np.ndarray
    mean_square: float
    initial: float
    evidence: Evidence
    decay: np.ndarray
    damping: float
    growth: float
    flat: int
    evaluations: int
    rejected: int
    history: list[Iteration]
    compile_s: float
    run_s: float
    reason: StopReason

    def arrays(self) -> dict[str, Any]:
        """All of it as arrays."""
        numbers = (
            self.mean_square, self.initial, self.damping, self.growth, self.flat, self.evaluations, self.rejected,
            self.reason.code,
        )  # fmt: skip
        return {
            "x": self.x,
            "states": self.states,
            "decay": self.decay,
            "evidence.decay": self.evidence.decay,
            "evidence": np.array([self.evidence.noise, self.evidence.determined]),
            "numbers": np.array(numbers, np.float64),
            "history": history_array(self.history),
            "seconds": np.array([self.compile_s, self.run_s]),
        }


def standing_of(saved: Entry | None, x: np.ndarray, states: np.ndarray, decay: np.ndarray) -> Standing | None:
    """What was kept by `Standing.arrays`, of the shapes of `x`, `states` and `decay`; None if nothing was.

    Raises:
        JournalError: if it is that of another problem, or none that a descent could have left.
    """
    if saved is None:
        return None
    shapes = [getattr(saved.arrays.get(name), "shape", None) for name in ("x", "states")]
    if shapes != [x.shape, states.shape]:
        raise JournalError(f"the state of {saved.name[:40]!r} is that of another model or of other data.")
    *real, flat, evaluations, rejected, code = numbers(saved, "numbers", 8, finite=False).tolist()
    mean_square, initial, damping, growth = real
    if not (0 <= damping < np.inf and 1 <= growth < np.inf):  # else raising it would never end
        raise unlike(saved, "numbers")
    noise, determined = numbers(saved, "evidence", 2, finite=False).tolist()
    flat, evaluations, rejected = (count_of(saved, "numbers", value) for value in (flat, evaluations, rejected))
    decays = (numbers(saved, name, *decay.shape, least=0.0) for name in ("evidence.decay", "decay"))
    evidence = Evidence(noise, next(decays), determined)
    return Standing(
        numbers(saved, "x", *x.shape), numbers(saved, "states", *states.shape), mean_square, initial, evidence,
        next(decays), damping, growth, flat, evaluations, rejected, history_of(rows_of(saved)), *seconds_of(saved),
        reason_of(saved, "numbers", code),
    )  # fmt: skip
