"""How much the initial weights mattered: what fits from several of them came to."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

HARDLY, MUCH = 1.1, 1.5  # times the lowest error, that of the highest


@dataclass(frozen=True)
class Luck:
    """Fits of one model from several initial weights.

    Args:
        kind: "ensemble", whose members are kept, or "starts", of which the best is.
        begun: how many there were; those that were not fitted to the end were culled.
        errors: of those fitted to the end, in their order: root mean square residual of the training data in standard
            deviations.
        left_out: of which of these nothing was kept, because they run away.
        validated: errors on trajectories held out inside the training data; empty if there were none.
        screened: where the starts were when the hopeless were culled, and what each had gone through: stages of
            its own, for the fit to the end may go another way.
        held_out: of an ensemble, errors of the members that are kept on data held out from all of them; empty if there
            were none.
    """

    kind: str
    begun: int
    errors: tuple[float, ...]
    left_out: tuple[int, ...] = ()
    validated: tuple[float, ...] = ()
    screened: tuple[float, ...] = ()
    stage: str = ""
    held_out: tuple[float, ...] = ()

    @property
    def sentence(self) -> str:
        """One line."""
        kept = [error for i, error in enumerate(self.errors) if i not in self.left_out]
        if self.kind == "ensemble":
            gone = f" ({len(self.left_out)} more left out)" if self.left_out else ""
            begun = f"ensemble: {len(kept)} members{gone}, RMSE/sd {spread(kept)}"
            return f"{begun}{_judged(self.held_out, kept)}"
        culled = ""
        if len(self.errors) < self.begun:
            by = f" by a screening ({self.stage} of each: {spread(self.screened)})" if self.screened else ""
            culled = f", {self.begun - len(self.errors)} culled{by}"
        ended = f"luck: {self.begun} starts{culled}; fitted to the end RMSE/sd {spread(self.errors)}"
        return f"{ended}{_judged(self.validated, self.errors)}"


def spread(errors: Sequence[float]) -> str:
    """The lowest, the highest and the median."""
    if len(errors) == 1:
        return f"{errors[0]:.3g}"
    return f"{min(errors):.3g} to {max(errors):.3g}, median {float(np.median(errors)):.3g}"


def _judged(held_out: Sequence[float], trained: Sequence[float]) -> str:
    """The end of the line; fits that are alike on their own data may differ on others, which have the say."""
    if held_out:
        return f", held out {spread(held_out)}; {_verdict(held_out)}"
    return f"; {_verdict(trained)} in training"


def _verdict(errors: Sequence[float]) -> str:
    lowest, highest = min(errors, default=np.nan), max(errors, default=np.nan)
    if highest <= HARDLY * lowest:
        return "luck hardly mattered"
    return "luck mattered much" if not highest <= MUCH * lowest else "luck mattered a little"
