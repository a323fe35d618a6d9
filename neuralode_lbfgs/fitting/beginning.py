"""A fit before its first stage: the model in its coordinates, smooth curves, what is held out, and which stages."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ..data.trajectories import Trajectories
from ..models import NeuralODE, count_trained, steps_of
from ..optimise import LBFGS
from .attempts import ALL_STAGES, first_smooth
from .course import Course
from .dual import FEWEST_WEIGHTS
from .evidence import same_decay
from .hidden import are_derivatives, hidden_size, state_curves, unobserved
from .losses import Parameters
from .matching import collect_slopes
from .mesh import Mesher
from .observing import Observation
from .preparing import prepared
from .problems import newton_pays
from .scaling import find_coordinates
from .smoothing import SmoothTrajectory, smooth_all
from .starts import first_states
from .task import Task
from .transforms import transform_for, transformed
from .validation import hold_out

TIME_TO_CHOOSE = 0.6  # of the time limit, before the fit to all trajectories


class Begun(NamedTuple):
    """A fit before its first stage: model, data and curves as they are modelled, what is held out, stages to run."""

    model: NeuralODE
    data: Trajectories
    curves: Sequence[SmoothTrajectory]
    held_out: Trajectories | None
    course: Course
    names: tuple[str, ...]


def begin(model: NeuralODE, task: Task, notes: list[str]) -> Begun:
    """Everything up to the first stage."""
    measured, options, observe = task.data, task.options, task.observe
    transform = transform_for(model, measured, options, notes, observe)
    seen = transformed(measured, transform)
    held_out = hold_out(measured) if options.validation and not options.stages else None
    # Of hidden states curves are guesses that depend on the model; all others are those of the data.
    model_too = None if observe is None and hidden_size(model, seen) == 0 else model
    states, curves = task.programs.shared(
        "curves", (), (measured, transform, observe, model_too), lambda: state_curves(model, seen, observe)
    )
    model = prepared(model, states, curves, transform)
    data = states if observe is None else seen
    part = data if held_out is None else data.split(ids=held_out.ids)[0]
    by_id = dict(zip(data.ids, curves, strict=True))
    limit = options.time_limit
    time_to_choose = limit if limit is None or held_out is None else TIME_TO_CHOOSE * limit
    part_curves = tuple(by_id[name] for name in part.ids)
    course = new_course(model, task, part, part_curves, smooth=first_smooth(part), time_limit=time_to_choose)
    course.times_as_many = data.observed / part.observed
    return Begun(model, data, curves, held_out, course, _plan(course, notes))


def new_course(
    model: NeuralODE,
    task: Task,
    data: Trajectories,
    curves: Sequence[SmoothTrajectory],
    *,
    smooth: float,
    time_limit: float | None,
) -> Course:
    """Everything that stages share, at its beginning.

    Args:
        data: those of the task that are fitted, in the units of the model's coordinates.
        curves: through them.
    """
    options, observe, programs = task.options, task.observe, task.programs
    # In NumPy: every operation on JAX arrays outside a compiled program compiles a program of its own.
    coordinates, dtype = jax.tree.map(np.asarray, model.coordinates.linear), jnp.result_type(float)
    first = first_states(data if observe is None else unobserved(data, model), curves, options)
    columns, observation = coordinates, None
    if observe is not None:
        found = find_coordinates(data, smooth_all(data))
        columns = replace(coordinates, centre=found.centre, scale=found.scale, rate_scale=found.rate_scale)
        observation = Observation(observe, coordinates, columns)
    slopes, seen = None, np.isfinite(np.concatenate([run.ys for run in data])).any(axis=0)
    if observe is None and (are_derivatives(model) or seen.all()):
        slopes = collect_slopes(data, curves, coordinates, dtype)
    decay = smooth if options.weight_decay is None else options.weight_decay
    mesher = Mesher(data, columns, steps_of(model.solver), dtype)
    mesher.program = programs.shared("mesh", None, None, lambda: mesher.program)
    return Course(
        data=data,
        curves=curves,
        options=options,
        optimizer=task.optimizer,
        begun=model,
        parameters=Parameters(model, jnp.asarray(coordinates.states_in(first.states), dtype)),
        train_starts=first.estimated,
        first_rows=None if first.rows is None else coordinates.states_in(first.rows),
        mesher=mesher,
        decay=same_decay(model, decay),
        slopes=slopes,
        smooth=smooth,
        time_limit=time_limit,
        observe=observation,
        programs=programs,
        journal=task.journal,
    )


def _plan(course: Course, notes: list[str]) -> tuple[str, ...]:
    """The stages to run: those that were asked for, else those that suit the data and the model."""
    asked = course.options.stages
    newton = isinstance(course.optimizer, LBFGS) and newton_pays(course)
    # Of a large network, equations of all nodes and weights cost too much.
    large = count_trained(course.parameters.model) > FEWEST_WEIGHTS
    names = asked or tuple(
        name for name in ALL_STAGES if name in ("matching", "full") or (newton and not (large and name == "shooting"))
    )
    if course.slopes is None and "matching" in names:
        notes.append("derivative matching was left out: no trajectory shows the slopes of every state.")
        names = tuple(name for name in names if name != "matching")
    if not names:
        raise ValueError("no stage is left to run; add one with stages (full).")
    return tuple(names)
