"""What is asked of a fit: everything but the model, of which several fits may begin from different weights."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..data.trajectories import Trajectories
from ..optimise import LBFGS, Optax
from .journal import Journal
from .options import FitOptions
from .programs import Programs


@dataclass(frozen=True)
class Task:
    """The data, and how they are to be fitted.

    Args:
        data: what was measured.
        options: of the fit.
        optimizer: of the full horizon.
        loss: a person's own, of one trajectory.
        observe: a person's own: what is seen of a state.
        journal: of the loops of a fit that may be stopped.
        programs: compiled for all fits of this task.
        written: the module whose parameters are trained, as its author wrote it: without bounds, in its own units.
    """

    data: Trajectories
    options: FitOptions
    optimizer: LBFGS | Optax
    loss: Callable | None = None
    observe: Callable | None = None
    journal: Journal = field(default_factory=Journal)
    programs: Programs = field(default_factory=Programs)
    written: Any = None
