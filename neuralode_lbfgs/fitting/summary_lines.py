"""The few lines that a result says of itself in Python; the command line has its own."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..data.trajectories import Trajectories
from .diagnosis import Finding
from .error_table import error_table
from .law import law_table
from .physics import parameter_remarks, parameter_table
from .record import told
from .validation import why_not_held_out

if TYPE_CHECKING:
    from .result import FitResult

IN_PYTHON = "In Python --starts 8 is fit(..., starts=8), --train-until T is data.split(until=T), and others likewise."


def summary_of(
    result: "FitResult",
    test: Trajectories | None,
    fitted: Trajectories,
    held_out: Trajectories | None,
    found: Sequence[Finding],
) -> str:
    """Errors in the data's units, why the fit stopped, what it cost, and what was found.

    Args:
        test: held-out data.
        fitted, held_out: predicted of the training data, and of these.
    """
    lines = error_table(result.data, fitted, test, held_out)
    lines += [*parameter_table(result.parameters), *parameter_remarks(result.parameters)]
    lines += law_table(result.law)
    lines += told(result.stages)
    lines += why_not_held_out(result.data, test, result.validation)
    if result.luck is not None:
        lines.append(result.luck.sentence)
    lines.append(f"stopped: {result.stop_reason.sentence}")
    lines.append(
        f"{result.iterations} iterations, {result.evaluations} evaluations, "
        f"{result.compile_s:.1f} s compiling, {result.run_s:.1f} s running"
    )
    lines += [f"note: {note}" for note in result.notes]
    for one in found:
        lines += [f"diagnosis: {one.finding}.", f"  advice: {one.advice}."]
    lines += [IN_PYTHON] if any("--" in one.advice for one in found) else []
    return "\n".join(lines)
