"""Large data: a part of them first, then all.

Multiple shooting and Gauss-Newton find a model in few steps, but their Jacobian grows with the data. A part settles the
model but for its last digits. A few steps of Gauss-Newton with all do those, whose Jacobian is never held whole; of a
large network a few of L-BFGS.
"""

import itertools
from dataclasses import replace

import numpy as np

from ..data.trajectories import Trajectories
from ..models import NeuralODE, count_trained
from ..optimise import LBFGS
from .beginning import TIME_TO_CHOOSE, new_course
from .course import Course
from .driven_by_noise import unless_driven_by_noise, with_process_noise
from .dual import FEWEST_WEIGHTS
from .hidden import hidden_size, with_hidden
from .outcome import as_result
from .problems import most_numbers
from .record import seconds_left
from .result import FitResult
from .running import Watcher, run_stages
from .smoothing import SmoothTrajectory, each_state, lines_through
from .staged import Fitted, best_stages, stages_of, starts_of_all, terms_of_all
from .task import Task
from .transforms import transformed

ENOUGH = 30  # numbers for each weight of the model: it is then known to a fifth of the noise
WINDOWS = 8  # that the part consists of, at least: some are held out, and they lie all over the data


def fit_in_parts(model: NeuralODE, task: Task, callback: Watcher, notes: list[str]) -> FitResult:
    """`best_stages`; where the data are too many for Gauss-Newton, with a part of them first."""
    options, weights = task.options, _weights(model)
    if options.process_noise:
        return as_result(task, with_process_noise(model, task, callback, notes), notes)
    some = first_part(model, task)
    if some is None:
        fitted = best_stages(model, task, callback, notes)
        return as_result(task, unless_driven_by_noise(model, task, fitted, callback), notes)
    part = some.data
    notes.append(
        f"large data: {part.observed:,} of {task.data.observed:,} numbers first, in {len(part)} pieces; "
        f"then {'polish' if weights <= FEWEST_WEIGHTS else 'L-BFGS'} with all."
    )
    limit = options.time_limit
    sooner = replace(options, time_limit=None if limit is None else TIME_TO_CHOOSE * limit)
    first = best_stages(model, replace(some, options=sooner), callback, notes)
    course = _course_of_all(task, first)
    course.terms, course.zero = first.course.terms, first.course.zero
    if options.weight_decay is None:  # it counts against the mean over the observations
        course.decay = first.course.decay * part.observed / task.data.observed
    stages, reason = first.stages, first.reason
    if not reason.cut_short:
        # J J^T of a large network grows with the square of the data: L-BFGS, and no longer than it gains much.
        name, course.brief = ("polish", False) if weights <= FEWEST_WEIGHTS else ("full", True)
        finished = run_stages((name,), course, None, callback)
        stages = [*stages, replace(finished[-1].stage, why="all data, beginning with the model of the part")]
        course, last, more = terms_of_all(course, finished, callback)
        stages += stages_of(more, course)
        reason = last.stage.reason
    fitted = Fitted(course, stages, [*first.spent, *course.spent], reason, first.validation, notes=first.notes)
    return as_result(task, fitted, notes)


def first_part(model: NeuralODE, task: Task) -> Task | None:
    """The same with the part of the data that is fitted first; None where that is all of them."""
    given = task.options.stages or not isinstance(task.optimizer, LBFGS)
    part = None if given else part_of(task.data, _weights(model))
    return None if part is None else replace(task, data=part)


def _weights(model: NeuralODE) -> int:
    return max(count_trained(model), 1)  # of one without any the stages say so


def _course_of_all(task: Task, first: Fitted) -> Course:
    """All data with the model of a part of them; no curve is smoothed, which takes longer than a fit of so many."""
    options, model = task.options, first.course.parameters.model
    known = "estimate" if first.course.train_starts else "data"
    left = seconds_left(options.time_limit, sum(record.run_s for record in first.spent))
    data = transformed(task.data, model.coordinates.transform)
    if task.observe is None and hidden_size(model, data):
        data = with_hidden(data, model)
    task = replace(task, options=replace(options, initial_states=known))
    unknown = SmoothTrajectory((None,) * model.state_size)
    curves = tuple(each_state(run, lines_through) if task.observe is None else unknown for run in data)
    course = new_course(model, task, data, curves, smooth=first.course.smooth, time_limit=left)
    course.noise = first.course.noise
    if course.hidden:
        course.replace(model, starts_of_all(first.course, data, data.ids))
    return course


def part_of(data: Trajectories, weights: int) -> Trajectories | None:
    """Trajectories, or windows of long ones, evenly spread, as many as are enough; None if Gauss-Newton can do all.

    Args:
        weights: numbers of the model that are trained.
    """
    rows, most = sum(run.ts.size for run in data), most_numbers(weights) // data.state_size
    some = min(most, ENOUGH * weights // data.state_size)
    if rows <= most or some < 2 * WINDOWS:
        return None
    pieces = [run for run in data.windows(some // WINDOWS) if np.isfinite(run.ys).any()]
    every = next(k for k in itertools.count(1) if sum(run.ts.size for run in pieces[::k]) <= some)
    return data.with_trajectories(pieces[::every])
