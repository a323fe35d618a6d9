"""Solves that do not reach their end: of the fitted model, and of models on the way to it."""

import numpy as np

from ...optimise import StopReason
from .kind import sentence
from .view import Finding, View, listed

FAILED, FEW_FAILED = 0.2, 10  # of all solves, and solves: a search that steps too far now and then is none the worse


def unfinished(view: View) -> Finding | None:
    """Training trajectories that the fitted model does not solve to their end."""
    lost = [run.id for run in view.train if not np.isfinite(view.fitted[run.id].ys).all()]
    if not lost:
        return None
    return Finding(
        f"the fitted model does not reach the end of trajectory {listed(lost)}",
        sentence(
            "fit a shorter part first (--train-until)",
            view.kind.choice("keep", "states positive that cannot be negative (--positive)"),
            "take an implicit solver where the system is stiff (--solver Kvaerno5)",
        ),
    )


def solver_failures(view: View) -> Finding | None:
    """Trial models that could not be solved."""
    stages = [stage for stage in view.stages if stage.kept]
    solves = sum(stage.history[-1].evaluations for stage in stages if stage.history and stage.name != "matching")
    failed = sum(stage.rejected for stage in stages)
    helps = (
        "try a smaller --initial-step, shorter trajectories (--train-until) or an implicit solver (--solver Kvaerno5)"
    )
    last = {stage.name: stage for stage in stages}  # what was done again, as of fewer terms, has made up for it
    lost = [name for name, stage in last.items() if stage.reason is StopReason.NONFINITE_START]
    if lost:
        return Finding(f"{listed(lost)} began from a model that could not be solved, and left it as it was", helps)
    if failed < FEW_FAILED or failed <= FAILED * solves:
        return None
    return Finding(f"{failed} of {solves} solves failed during the fit: the trial models diverged", helps)
