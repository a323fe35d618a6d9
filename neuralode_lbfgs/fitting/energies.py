"""The law that equations of motion say: their energies and forces in the data's units, with uncertainties.

Accelerations are the same if all masses and forces are multiplied by one number. It is chosen so that the constant part
of the first inertia is one: the kinetic energy has half of the square of the first velocity.
"""

import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from ..models import EquationsOfMotion
from ..models.mechanics import BENT, FOURTH, SLOW, STRAIGHT, THIRD, entries, numbers_of, origin_of, products, singles
from .course import Course
from .law import Term, less, sds_of_terms

UNITS = (
    "the law is that of Lagrange's equations: accelerations follow from both energies and the forces, which are given "
    "so that the constant part of the first inertia is one."
)
KINETIC, POTENTIAL, FORCE = "kinetic energy", "potential energy", "force on {}"


class _Factor(NamedTuple):
    """A function of one position: its factors, as a person calls them, what to multiply it by, and its slope in the
    data's units as a sum of other such products."""

    factors: tuple[str, ...]
    unit: float
    slope: tuple[tuple[float, tuple[str, ...]], ...]


class _Label(NamedTuple):
    """What a number of order one is in the data's units: a part of the law, the factors of its term, what to multiply
    it by, and what it adds to the force on one position alone, if it does: products and their sizes."""

    part: str
    factors: tuple[str, ...]
    unit: float
    force: tuple[tuple[float, tuple[str, ...]], ...] = ()


def said_of_energies(law: Sequence[Term]) -> list[str]:
    """In what units the energies and forces of a law are; nothing of a law without."""
    return [UNITS] if any(term.rate == KINETIC for term in law) else []


def law_of_motion(course: Course) -> tuple[Term, ...]:
    """Of a fit of some terms of equations of motion, where it has ended; nothing of one of all terms."""
    if (kept := course.terms) is None:
        return ()
    model = course.parameters.model
    labels = list(_labels(course, model.vector_field.mlp))
    values, of_values = np.zeros(len(labels)), np.zeros(len(labels))
    # The first is the one that is chosen.
    values[1 + kept], of_values[1 + kept] = course.solver.numbers(model), sds_of_terms(course, kept)
    n = len(model.vector_field.rates)
    if n == 1 and kept[0] >= model.vector_field.mlp.mass.size:  # of one mass that is the same everywhere
        return _explicit(course, [labels[1 + i] for i in kept], values[1 + kept], of_values[1 + kept])
    constants = [number * len(products(n)) for number, (i, j) in enumerate(entries(n)) if i == j]
    values[constants] += 1.0
    parts = list(dict.fromkeys(label.part for label in labels))
    shown = sorted(np.union1d(constants, 1 + kept).tolist(), key=lambda i: parts.index(labels[i].part))
    return tuple(
        Term(
            labels[i].part,
            labels[i].factors,
            float(values[i] * labels[i].unit),
            float(of_values[i] * abs(labels[i].unit)),
        )
        for i in shown
    )


def _explicit(course: Course, labels: list[_Label], values: np.ndarray, sds: np.ndarray) -> tuple[Term, ...]:
    """The law of one position as its acceleration: less the slope of the potential, and the forces."""
    names, ((at, of),) = course.data.state_names, course.parameters.model.vector_field.rates
    rates, terms = [f"d {names[number]}/dt" for number in (at, of)], []
    for label, value, sd in zip(labels, values, sds, strict=True):
        for size, factors in label.force or [(label.unit, label.factors)]:
            terms.append(Term(rates[1], factors, float(value * size), float(sd * abs(size))))
    return (Term(rates[0], (names[of],), 1.0, 0.0), *terms)


def _labels(course: Course, motion: EquationsOfMotion) -> Iterator[_Label]:
    """Of the constant part of the first inertia, and then of each number of the equations, in their order."""
    c, names = course.coordinates, course.data.state_names
    (at, of), n = numbers_of(motion.rates), len(motion.rates)
    here = origin_of(c, motion.rates, np.asarray(motion.turn.value))
    per_velocity, scale = here.per_velocity, np.asarray(c.scale)[at]
    energy = 1 / per_velocity[0] ** 2
    velocities = [names[number] for number in of]
    sizes = np.asarray(c.input_scale)
    # Where something is counted from zero, so that the difference is none, to the last bit.
    centres = scale * (np.asarray(c.centre)[at] / scale - here.below)
    of_inputs = sizes * (np.asarray(c.input_centre) / sizes - here.below_inputs)
    factors = [
        _functions_of(names[number], *numbers) for number, *numbers in zip(at, scale, here.turn, centres, strict=True)
    ]

    def product(one: tuple[tuple[int, int], ...]) -> tuple[tuple[str, ...], float]:
        chosen = [factors[i][kind] for i, kind in one]
        return sum((f.factors for f in chosen), ()), float(np.prod([f.unit for f in chosen]))

    for i, j in entries(n):
        for one in products(n):
            factors_of, unit = product(one)
            share = energy * per_velocity[i] * per_velocity[j] * (0.5 if i == j else 1.0)
            yield _Label(KINETIC, (velocities[i], velocities[j], *factors_of), share * unit)
    for one in products(n, harmonics=True)[1:]:
        factors_of, unit = product(one)
        slope = factors[one[0][0]][one[0][1]].slope if len(one) == 1 else ()
        force = tuple((-energy * unit * size, of_slope) for size, of_slope in slope)
        yield _Label(POTENTIAL, factors_of, energy * unit, force)
    of_motion = [FORCE.format(names[number]) for number in at]
    for i in range(n):
        for j in range(n):
            yield _Label(of_motion[i], (velocities[j],), -energy / scale[i] * per_velocity[j])
    for i in range(n):
        slow = SLOW / per_velocity[i]
        yield _Label(of_motion[i], (f"tanh({velocities[i]}/{slow:.3g})",), -energy / scale[i])
    for i in range(n):
        yield _Label(of_motion[i], (f"|{velocities[i]}|", velocities[i]), -energy / scale[i] * per_velocity[i] ** 2)
    inputs = list(zip(map(less, course.data.input_names, of_inputs), sizes, strict=True))
    for i in range(n):
        yield _Label(of_motion[i], (), energy / scale[i])
        for name, size in inputs:
            yield _Label(of_motion[i], (name,), energy / scale[i] / size)
    for i, (name, size), one in itertools.product(
        range(n), inputs, products(n)[singles(n)] if motion.steered.size else []
    ):
        factors_of, unit = product(one)
        yield _Label(of_motion[i], (name, *factors_of), energy / scale[i] / size * unit)


def _functions_of(name: str, scale: float, turn: float, centre: float) -> dict[int, _Factor]:
    """The functions of a position of such a standard deviation, counted from there: of an angle its sine, and one less
    its cosine, of a length powers."""
    if turn == 0:
        x = less(name, centre)
        return {
            kind: _Factor((x,) * power, scale**-power, ((float(power), (x,) * (power - 1)),))
            for kind, power in zip((STRAIGHT, BENT, THIRD, FOURTH), range(1, 5), strict=True)
        }
    per_unit = turn / scale
    x, twice = (name if abs(size - 1) < 1e-9 else f"{name}*{size:.6g}" for size in (per_unit, 2 * per_unit))
    sine, cosine, bent = f"sin({x})", f"cos({x})", f"(1 - cos({x}))"
    of_sine, of_bent = 1 / turn, 2 / turn**2
    return {
        STRAIGHT: _Factor((sine,), of_sine, ((per_unit, (cosine,)),)),
        BENT: _Factor((bent,), of_bent, ((per_unit, (sine,)),)),
        THIRD: _Factor((sine, bent), of_sine * of_bent, ((per_unit, (cosine,)), (-per_unit, (f"cos({twice})",)))),
        FOURTH: _Factor((bent, bent), of_bent**2, ((2 * per_unit, (bent, sine)),)),
    }
