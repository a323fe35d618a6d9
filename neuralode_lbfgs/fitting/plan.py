"""What a fit will do with a model and data, before it does any of it."""

from typing import NamedTuple

from ..data.trajectories import Trajectories
from ..models import NeuralODE
from .attempts import may_be_short, simpler_models
from .beginning import begin
from .constraints import with_constraints
from .driven_by_noise import STAGES, begin_with_all
from .large import first_part
from .mechanics import may_be_mechanical
from .optimizers import in_batches, optimizer_of
from .options import FitOptions
from .task import Task


class Plan(NamedTuple):
    """What comes after the first look at the data.

    Args:
        stages: that are run.
        may_be_short: whether shooting and full are left out where they are not needed.
        degree: of the polynomial that is tried beside the network; 0 where none is.
        motion: whether equations of motion are tried.
        forces: whether accelerations that are forces of the positions are tried.
        notes: what a person should know, one sentence each.
    """

    stages: tuple[str, ...]
    may_be_short: bool
    degree: int
    motion: bool
    forces: bool
    notes: tuple[str, ...]


def plan_of(model: NeuralODE, data: Trajectories, options: FitOptions) -> Plan:
    """As the fit itself decides: everything up to its first stage.

    Raises:
        ValueError: as `fit` does.
    """
    notes: list[str] = []
    model = with_constraints(model, options, notes)
    task = in_batches(Task(data, options, optimizer_of(None, None, options)))
    if options.process_noise:
        begun = begin_with_all(model, task, notes)
    else:
        begun = begin(model, first_part(model, task) or task, notes)
    short = may_be_short(begun.names, begun.course)
    fields = [one.begun.vector_field for one in simpler_models(begun.course)] if short else []
    degree = max((field.degree for field in fields if not field.sees_positions), default=0)
    if options.process_noise:
        return Plan(STAGES, False, degree, False, False, tuple(notes))
    motion = short and may_be_mechanical(begun.course)
    return Plan(begun.names, short, degree, motion, any(field.sees_positions for field in fields), tuple(notes))
