"""The law that saturating rates say: terms, half-saturations and Hill exponents in the data's units."""

import numpy as np

from ..models import Kinetics
from ..models.kinetics import FALLING, POWER, Factor, hill_exponent, zero_of_kinetics
from .course import Course
from .law import Term, less, sds_of_terms

STEP = 1e-4  # for a slope
UNKNOWN = 1.0  # of the steps of an exponent, as in `hill_exponent`: its standard deviation
HALF, EXPONENT = "half-saturation", "Hill exponent"


def law_of_kinetics(course: Course) -> tuple[Term, ...]:
    """Of a fit of some terms of rate laws, where it has ended; nothing of one of all terms."""
    if (kept := course.terms) is None:
        return ()
    model, c, data = course.parameters.model, course.coordinates, course.data
    law: Kinetics = model.vector_field.mlp
    names, scales = [*data.state_names, *data.input_names], np.concatenate([c.scale, c.input_scale])
    sds, shapes = np.split(sds_of_terms(course, kept), [kept.size])
    functions = _shapes(law, names, scales, law.with_shapes(kept)[kept.size :] - len(law.terms), shapes)
    saturating = np.array(law.variables, int)
    # Where something is counted from zero, so that the difference is none, to the last bit.
    centres = np.concatenate([c.centre, c.input_centre]) / scales - zero_of_kinetics(c, saturating)
    called = list(map(less, names, centres * scales))

    def named(factor: Factor) -> str:
        if factor.kind == POWER:
            return called[factor.variable]
        name, (half, exponent) = names[factor.variable], _of_one(law, scales, factor.variable)
        power = "" if exponent == 1 else f"^{exponent:.4g}"
        half = f"{half:.4g}{power}"
        return f"{half if factor.kind == FALLING else name + power}/({half} + {name}{power})"

    terms, learned, every = [], model.vector_field.learned, law.terms
    for number, value, sd in zip(kept, course.solver.numbers(model), sds, strict=False):
        rate, factors = every[number]
        state = learned[rate]
        unit = c.rate_scale[state] * c.scale[state] / c.time_scale
        unit /= np.prod([scales[factor.variable] for factor in factors if factor.kind == POWER])
        term = Term(f"d {names[state]}/dt", tuple(map(named, factors)), float(value * unit), float(sd * unit))
        terms.append((state, term))
    return (*(term for _, term in sorted(terms, key=lambda one: one[0])), *functions)


def _shapes(law: Kinetics, names: list[str], scales: np.ndarray, numbers: np.ndarray, sds: np.ndarray) -> list[Term]:
    """The half-saturations and exponents that were fitted, by their numbers after all terms."""
    found = []
    for number, sd in zip(numbers, sds, strict=True):
        is_exponent, place = divmod(int(number), len(law.variables))
        variable = law.variables[place]
        half, exponent = _of_one(law, scales, variable)
        if is_exponent:
            at = float(law.exponent[place])
            slope = (hill_exponent(at + STEP) - hill_exponent(at - STEP)) / (2 * STEP)
            known = slope != 0 and sd < UNKNOWN  # else it is at a bound, or nearly anything
            found.append(Term(EXPONENT, (names[variable],), exponent, float(sd * abs(slope)) if known else np.nan))
        else:
            found.append(Term(HALF, (names[variable],), half, float(sd * half)))
    return found


def _of_one(law: Kinetics, scales: np.ndarray, variable: int) -> tuple[float, float]:
    """The half-saturation of a state or input, in its unit, and its Hill exponent."""
    place = law.variables.index(variable)
    typical = float(law.typical.value[variable]) * scales[variable]
    return float(typical * np.exp(law.half[place])), float(hill_exponent(float(law.exponent[place])))
