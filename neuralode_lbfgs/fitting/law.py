"""The law that a polynomial model says: its terms in the data's units, with the uncertainty of each coefficient."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..data.trajectories import Trajectories
from ..models import Coordinates, all_monomials
from .aligned import aligned, sd_text
from .course import Course
from .terms import variances_of
from .uncertainty import noise_of

WIDTH = 80  # of a terminal
MOST_TERMS = 40  # that a person reads
MANY_TERMS = "law: its {} terms are in metrics.json and report.html with standard deviations (in Python: result.law)"
DIGITS = 6  # of a coefficient: no fit is surer of one


@dataclass(frozen=True)
class Term:
    """One term of a rate of change: `value` times the product of its factors, which are states and inputs.

    Args:
        rate: what it is a term of, such as `d prey/dt`, or `kinetic energy` and `force on x` of equations of motion.
        factors: names of columns, once for each power; `(T - 293.15)` where a column is counted from its mean, `ln x`
            where one is modelled in logarithms. None of them for a constant.
        value, sd: the coefficient, in the data's units, and its standard deviation from the noise that was found.
            Zero where it is exact, NaN where it is unknown: of a Hill exponent that may be nearly any.
    """

    rate: str
    factors: tuple[str, ...]
    value: float
    sd: float

    @property
    def name(self) -> str:
        """The product, such as `x^2*y`; 1 for a constant."""
        powers = {name: self.factors.count(name) for name in self.factors}
        return "*".join(name if power == 1 else f"{name}^{power}" for name, power in powers.items()) or "1"


def law_of(course: Course) -> tuple[Term, ...]:
    """Of a fit of some terms of a polynomial, where it has ended; nothing of any other."""
    if (kept := course.terms) is None:
        return ()
    model, c = course.parameters.model, course.coordinates
    exact, learned = dict(model.vector_field.rates), model.vector_field.learned.tolist()
    scales, centres = np.concatenate([c.scale, c.input_scale]), np.concatenate([c.centre, c.input_centre])
    names, rates = _names(c, course.data, np.where(course.origin == 0, centres, 0.0)), _rates(c, course.data)
    monomials = all_monomials(len(names), model.vector_field.degree)
    sds = sds_of_terms(course, kept)
    law = {number: [Term(rates[number], (names[source],), 1.0, 0.0)] for number, source in exact.items()}
    for term, value, sd in zip(kept, course.solver.numbers(model), sds, strict=True):
        of_value, monomial = divmod(int(term), len(monomials))
        number, factors = learned[of_value], monomials[monomial]
        unit = c.rate_scale[number] * c.scale[number] / c.time_scale / np.prod(scales[list(factors)])
        one = Term(rates[number], tuple(names[factor] for factor in factors), float(value * unit), float(sd * unit))
        law.setdefault(number, []).append(one)
    return tuple(term for number in sorted(law) for term in law[number])


def sds_of_terms(course: Course, kept: np.ndarray) -> np.ndarray:
    """Standard deviations of the terms that are kept, of order one; never zero, which is the sign of what is exact."""
    return np.maximum(noise_of(course) * np.sqrt(np.maximum(variances_of(course, kept), 0.0)), np.finfo(float).tiny)


def less(name: str, centre: float) -> str:
    """A name, less from where it is counted."""
    return name if centre == 0 else f"({name} {'-' if centre > 0 else '+'} {abs(centre):.6g})"


def _names(c: Coordinates, data: Trajectories, centres: np.ndarray) -> list[str]:
    """What each variable is called, less its centre."""
    columns = list(data.state_names)
    for number, floor in c.transform.log:
        columns[number] = f"ln {columns[number]}"
        centres[number] += np.log(floor)
    columns += data.input_names
    return [less(name, centre) for name, centre in zip(columns, centres, strict=True)]


def _rates(c: Coordinates, data: Trajectories) -> list[str]:
    logarithms = {number for number, _ in c.transform.log}
    time = "t"
    if c.transform.log_time is not None:
        shift = c.transform.log_time[0]
        time = " ln(t)" if shift == 0 else f" ln(t {'+' if shift > 0 else '-'} {abs(shift):.6g})"
    columns = [f"ln({name})" if i in logarithms else f" {name}" for i, name in enumerate(data.state_names)]
    return [f"d{column}/d{time}" for column in columns]


def law_table(law: Sequence[Term]) -> list[str]:
    """A line for each term, or more where its name is long; nothing where there is no law, and of one that nobody can
    read where its terms are."""
    if not law:
        return []
    if len(law) > MOST_TERMS:
        return textwrap.wrap(MANY_TERMS.format(len(law)), WIDTH, subsequent_indent="  ")
    numbers = [(f"{term.value:.{DIGITS}g}", sd_text(term.sd)) for term in law]
    others = [max(map(len, column)) for column in zip(("coefficient", "sd"), *numbers, strict=True)]
    room = WIDTH - sum(2 + width for width in (max(len(term.rate) for term in law), *others))
    of_rates = all(term.rate.startswith("d") for term in law)  # else of energies and forces
    rows, last = [("rate" if of_rates else "part", "term", "coefficient", "sd")], ""
    for term, number in zip(law, numbers, strict=True):
        *above, name = _broken(term.name, room)
        rates = ["" if term.rate == last else term.rate, *[""] * len(above)]
        rows += [(rate, part, "", "") for rate, part in zip(rates, above, strict=False)]
        rows.append((rates[len(above)], name, *number))
        last = term.rate
    return aligned(rows, left=2)


def _broken(name: str, room: int) -> list[str]:
    """A product in lines of so many columns, which end with its signs; a factor stays whole."""
    lines = [""]
    for factor in name.split("*"):
        if lines[-1] and len(lines[-1]) + len(factor) + 2 > room:
            lines[-1] += "*"
            lines.append(f"  {factor}")
        else:
            lines[-1] += f"*{factor}" if lines[-1] else factor
    return lines
