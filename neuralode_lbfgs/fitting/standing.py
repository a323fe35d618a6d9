"""Where a descent by Gauss-Newton stands after a step: with it, it goes on to the same bits."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ..optimise import Iteration, StopReason
from .entry import Entry
from .evidence import Evidence
from .journal import JournalError, history_array, history_of


class Standing(NamedTuple):
    """All that the next step needs but the linearised problem, which is computed anew.

    Args:
        x, states: the point.
        mean_square, initial: of the residuals, here and at the start.
        evidence, decay: here.
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


def standing_of(saved: Entry | None, x: np.ndarray, states: np.ndarray) -> Standing | None:
    """What was kept by `Standing.arrays`, for a point of the shapes of `x` and `states`; None if nothing was.

    Raises:
        JournalError: if it is that of another problem.
    """
    if saved is None:
        return None
    kept: Mapping[str, Any] = saved.arrays
    if (kept["x"].shape, kept["states"].shape) != (x.shape, states.shape):
        raise JournalError(f"the state of {saved.name!r} is that of another model or of other data.")
    mean_square, initial, damping, growth, flat, evaluations, rejected, code = map(float, kept["numbers"])
    noise, determined = map(float, kept["evidence"])
    compile_s, run_s = map(float, kept["seconds"])
    return Standing(
        kept["x"], kept["states"], mean_square, initial, Evidence(noise, kept["evidence.decay"], determined),
        kept["decay"], damping, growth, int(flat), int(evaluations), int(rejected), history_of(kept["history"]),
        compile_s, run_s, StopReason.from_code(int(code)),
    )  # fmt: skip
