"""A polynomial beside the network: where one leads to the data at once, it is kept.

Many laws are polynomials, and one that is found from data holds outside of them, too; a network knows nothing there.
The decay of the network rises until no more is left of it than the data ask for. But a polynomial that is only a fit
runs away beyond its data, where a network levels off: so it has to show that it stays.
"""

from copy import copy
from dataclasses import replace
from typing import Any

import equinox as eqx
import numpy as np
from scipy.special import ndtri

from ..data.trajectories import Trajectories
from ..models import EquationsOfMotion, Kinetics, MLPVectorField, SecondOrderField, plain
from .basin import FINE
from .course import Course
from .evidence import same_decay, squares_of
from .losses import Parameters
from .problems import newton_pays, whole_trajectories
from .run_on import MANY_TIMES, beyond, rows_of, run_on
from .running import error_of
from .settled import settled_loss
from .together import together
from .waking import woken

NOTHING_LEFT = 1e-9  # squared weights of order one
ROUNDING = 1e-6  # standard deviations: what of a loss may be the solver's error
BY_CHANCE = 0.02  # how often neighbours of nothing but noise go together so much
MOST_OFF = 5.0  # times the error of the fit, of one trajectory that is solved as predictions are
MOST_SOLVED = 20  # trajectories
DEAREST = 0.1  # of the loss: what the weights of a network may cost when it is woken


def with_polynomial(course: Course) -> Course | None:
    """The same fit at its beginning, of the field with a polynomial; None where none is wanted, or is affordable."""
    model = course.parameters.model
    field = extendable(model)
    degree = 0 if field is None else course.options.degree_beside(model.state_size + course.data.input_size)
    return begun_with(course, field.with_polynomial(degree)) if field is not None and degree else None


def with_forces(course: Course) -> Course | None:
    """The same fit at its beginning, of accelerations that are forces of the positions beside linear terms; None where
    states are not positions and velocities, it is not wanted, or affordable."""
    field = extendable(course.parameters.model)
    wanted = field is not None and field.has_positions and course.options.degree != 0
    return begun_with(course, field.of_positions()) if field is not None and wanted else None


def extendable(model: Any) -> MLPVectorField | None:
    """The field of a model, where it is a network alone."""
    field = model.vector_field
    return field if type(field) in (MLPVectorField, SecondOrderField) and field.polynomial is None else None


def begun_with(course: Course, field: MLPVectorField) -> Course | None:
    """The same fit at its beginning, of this field; None where its derivatives are not affordable."""
    other = copy(course)
    wider = eqx.tree_at(lambda m: m.vector_field, course.parameters.model, field)
    other.begun, other.parameters = wider, Parameters(wider, course.parameters.starts)
    other.decay = same_decay(wider, course.decay[0])
    return other if newton_pays(other) else None


def has_polynomial(model: Any) -> bool:
    """Whether there is one of all variables beside the network of a model's vector field, whose terms may be a law."""
    return is_wider(model) and not has_forces(model)


def has_forces(model: Any) -> bool:
    """Whether the network of a model's vector field gives forces of the positions alone."""
    return getattr(model.vector_field, "sees_positions", False)


def is_mechanical(model: Any) -> bool:
    """Whether a model's vector field is one of equations of motion."""
    return isinstance(law_in(model), EquationsOfMotion)


def is_kinetic(model: Any) -> bool:
    """Whether a model's vector field is one of rate laws that saturate."""
    return isinstance(law_in(model), Kinetics)


def law_in(model: Any) -> EquationsOfMotion | Kinetics | None:
    """The terms of a law in the place of the network of a model's vector field; None where there are none."""
    terms = getattr(getattr(model, "vector_field", None), "mlp", None)
    return terms if isinstance(terms, EquationsOfMotion | Kinetics) else None


def is_steered(model: Any) -> bool:
    """Whether they have inputs whose directions depend on the positions."""
    return is_mechanical(model) and model.vector_field.mlp.steered.size > 0


def has_terms(model: Any) -> bool:
    """Whether there are terms in a model's vector field, few of which may be a law."""
    return has_polynomial(model) or law_in(model) is not None


def is_wider(model: Any) -> bool:
    """Whether there is more than the network of a model's vector field: a polynomial, or linear terms beside forces."""
    return getattr(model.vector_field, "polynomial", None) is not None


def degree_alone(model: Any) -> int | None:
    """The degree of the polynomial that is all of a model; None where there is a network, too."""
    model = plain(model)
    if not is_wider(model):
        return None
    of_network, *powers = squares_of(model.vector_field)
    degree = max((number for number, squares in enumerate(powers, 1) if squares > NOTHING_LEFT), default=0)
    return None if of_network > NOTHING_LEFT else degree


def what_is_left(model: Any) -> list[str]:
    """In a sentence, that a fit has left nothing of the network beside a polynomial, or that there is none."""
    if (law := law_in(model)) is not None:
        return [f"the model is one of {law.called}: there is no network in it."]
    degree = degree_alone(model)
    return [] if degree is None else [f"the model is a polynomial of degree {degree}: nothing is left of the network."]


def with_network(course: Course) -> Course | None:
    """The same fit with the network woken, which matching has put to sleep beside the polynomial; None if it has not,
    or where nothing is left to explain.

    Its weights cost little of the loss: else they would be drawn to zero before the network can show its use.
    """
    if not np.isfinite(course.loss) or course.loss <= ROUNDING**2:
        return None
    found, awake = woken(course.parameters.model, course.begun)
    if not awake.any():
        return None
    other = course.apart()
    other.trial = other.terms = other.zero = None
    other.replace(found)
    if course.options.weight_decay is None:
        cheap = DEAREST * course.loss / np.maximum(squares_of(found), 1e-300)
        before = course.decay if course.terms is None else course.smooth  # few terms have none
        other.decay = np.where(awake, np.minimum(course.smooth, cheap), before)
    return other


def criterion(course: Course) -> float:
    """What a fit leaves unexplained, and what its numbers cost that data determine; the least of several is believed.

    Schwarz, "Estimating the dimension of a model", Annals of Statistics 6 (1978), of Gaussian noise.
    """
    n = course.independent
    return float(n * np.log(max(course.loss, ROUNDING**2)) + np.log(n) * course.determined)


def explains_more(wider: Course, course: Course) -> bool:
    """Whether one model explains more than another by more than chance lets further numbers explain, one at least."""
    missing = 1.0 - min(wider.determined - course.determined, 1.0)  # of that one
    return criterion(wider) + float(np.log(course.data.observed)) * missing < criterion(course)


def is_regular(course: Course, by_chance: float = BY_CHANCE) -> bool:
    """Whether neighbouring residuals of any state go together, more than those of noise would but once in fifty, or as
    often as is given."""
    if course.loss <= ROUNDING**2:
        return False
    cuts = course.cut()
    residuals = whole_trajectories(course, cuts).residuals(course.point).reshape(cuts.weights.shape)
    sigmas = float(ndtri(1 - by_chance / np.shape(cuts.weights)[1]))
    for state, weights in zip(residuals.T, cuts.weights.T, strict=True):
        ends = cuts.first + cuts.sizes
        seen = [np.flatnonzero(weights[first:end]) + first for first, end in zip(cuts.first, ends, strict=True)]
        before, after = (state[np.concatenate(rows)] for rows in zip(*((r[:-1], r[1:]) for r in seen), strict=True))
        neighbours = together(before, after)
        if neighbours.correlation > sigmas * neighbours.by_chance:
            return True
    return False


def is_short(course: Course) -> bool:
    """Whether a law has no more terms than a linear one could have."""
    variables = course.data.state_size + course.data.input_size
    return course.terms is not None and course.terms.size <= course.begun.vector_field.learned.size * variables


def held_back(course: Course) -> bool:
    """Whether the decay takes more of what is minimised than the residuals do: it holds the model against the data."""
    pull = np.sum(course.decay * squares_of(course.parameters.model))
    return bool(pull > course.loss and pull > FINE**2)


def stays(course: Course) -> bool:
    """Whether the model, run on for as long again, stays within reach of the data, and under other steps.

    On the present mesh first, so that nothing compiles; as those steps suit other times, only a model that stays there
    is believed. Inputs are those of the data once more: a machine that a controller keeps upright falls under these, so
    that driven equations of motion need not stay.
    """
    model = course.parameters.model
    if np.isfinite(course.loss) and not np.isfinite(settled_loss(course)):
        return False
    measured = measured_by(course)
    if np.isfinite(course.loss) and _on_edge(course, measured):
        return False
    if is_mechanical(model) and course.data.input_size:
        return True
    cuts, point = course.cut(), course.point
    problem = whole_trajectories(course, cuts)
    with np.errstate(over="ignore", invalid="ignore"):
        ends = problem.nodes(point)[cuts.first + cuts.sizes - 1]
        nodes = problem.nodes(point._replace(states=ends))
    seen = np.where(cuts.weights > 0, cuts.targets, np.nan)
    if beyond(nodes, seen) <= MANY_TIMES:
        return True
    continued = run_on(model, measured, {name: start for name, (_, start) in course.known_starts.items()})
    return continued is None or beyond(rows_of(continued), rows_of(measured)) <= MANY_TIMES


def measured_by(course: Course) -> Trajectories:
    """What a course is fitted to, in the data's units."""
    back, data = course.coordinates.transform, course.data
    return data.with_trajectories(
        [replace(run, ts=back.times_back(run.ts), ys=np.asarray(back.states_back(run.ys))) for run in data]
    )


def _on_edge(course: Course, measured: Trajectories) -> bool:
    """Whether a few trajectories pass an unstable state so closely that the steps of the fit decide which way they go.

    Solved as predictions are, those leave the data, and others do not; of a chaotic system most would.
    """
    if len(measured) < 3:  # one of two is no few
        return False
    some = measured.some(MOST_SOLVED)
    most = max(MOST_OFF * np.sqrt(course.loss), 1.0)
    off = sum(error_of(course, measured.with_trajectories([run])) > most for run in some)
    return 0 < 2 * off < len(some)
