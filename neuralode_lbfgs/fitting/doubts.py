"""Why the terms of a law may not be the truth, or their standard deviations too small.

Few terms that nothing else can replace are hardly there by chance. But a polynomial of enough terms follows any law
where the data are, and a standard deviation knows of noise alone.
"""

from collections.abc import Sequence

import numpy as np

from ..data.trajectories import Trajectories
from .beside import degree_alone, is_regular
from .course import Course
from .law import Term
from .library import every_term, powers_of
from .new_runs import NewRuns

OPEN = 2.0  # standard deviations from zero, below which the data do not ask for a term
DENSE = 0.5  # of the terms that there are: a law that needs more of them is not sparse
HANDFUL = 5  # terms of one rate: laws that are written in books have no more
UNSURE = 0.2  # of a coefficient: its standard deviation, from which on another term would do as well
SELDOM = 1e-3  # so often noise looks regular: who reads many laws believes no doubt that comes up once in fifty
CHOICE = 10  # terms that there are, at least: of fewer a law may well need most
IMITATES = (
    "imitate a law of another kind where the data are, and its terms are not to be read as causes; compare with the "
    "network alone (--degree 0) on runs held out"
)
WHOLE = (
    "the polynomial needs all of its {} coefficients, from {} numbers: so many may only imitate a law of another kind "
    "where the data are; compare with the network alone (--degree 0) on runs held out."
)
REGULAR = (
    "what the law leaves of the data is regular, so that it is not all, or not at its best: its standard deviations, "
    "which know of noise alone, are too small."
)


def doubts_of(course: Course, law: Sequence[Term], new_runs: NewRuns | None = None) -> list[str]:
    """In sentences; nothing where there is no law, nor a whole polynomial in its place, or no doubt.

    Args:
        law: of the fit, with its terms in the data's units.
        new_runs: how runs are predicted that the fit had not seen.
    """
    if course.terms is None and degree_alone(course.parameters.model) is not None and is_dense(course):
        return [WHOLE.format(every_term(course).size, course.data.observed)]
    if not law or course.terms is None:
        return []
    doubts = [REGULAR] if course.process is None and is_regular(course, SELDOM) else []
    if few := sum(abs(term.value) < OPEN * term.sd for term in law):
        doubts.append(
            f"{few} of the {len(law)} coefficients {'is' if few == 1 else 'are'} within {OPEN:g} standard deviations "
            "of zero: the data do not tell these terms from others, and the law only imitates another where the data "
            "are."
        )
    if is_dense(course):
        doubts.append(
            f"the law needs {course.terms.size} of the {every_term(course).size} terms that there are: so many may "
            f"only {IMITATES}."
        )
    elif rates := crowded(law):
        doubts.append(f"{', '.join(rates)}, some of powers or hardly determined: so many may only {IMITATES}.")
    elif new_runs is not None and new_runs.are_beyond_noise:
        doubts.append(f"new runs are missed from their first row, by more than its noise: the law may only {IMITATES}.")
    return doubts + _of_curved_inputs(course.data, law)


def crowded(law: Sequence[Term]) -> list[str]:
    """The rates that are sums of many terms, with their numbers, where some of these are of the third degree, which no
    law of few causes needs beside so many others, or are hardly determined; linear rates may well have as many."""
    of_rates: dict[str, list[Term]] = {}
    for term in law:
        of_rates.setdefault(term.rate, []).append(term)
    return [
        f"{rate} has {len(terms)} terms"
        for rate, terms in of_rates.items()
        if rate.startswith("d")  # no energy or force
        and len(terms) > HANDFUL
        and any(len(term.factors) > 1 for term in terms)
        and any(len(term.factors) > 2 or term.sd > UNSURE * abs(term.value) for term in terms)
    ]


def is_dense(course: Course) -> bool:
    """Whether a polynomial that is not linear needs most of its terms, and these are many."""
    every = every_term(course)
    terms = every if course.terms is None else course.terms
    is_linear = powers_of(course.parameters.model)[terms].max() <= 1
    return not is_linear and every.size >= CHOICE and terms.size > DENSE * every.size


def _of_curved_inputs(data: Trajectories, law: Sequence[Term]) -> list[str]:
    """Of inputs that curve between rows, where they are taken for lines."""
    told = []
    for number, name in enumerate(data.input_names):
        missed = share_missed(data, number)
        if any(name in term.factors and term.sd < missed * abs(term.value) for term in law):
            told.append(f"{name} ({missed:.2g})")
    if not told:
        return []
    return [
        "inputs are taken as straight lines between rows. If they curve there, as they do from row to row, these are "
        f"nearer to their means by about this share: {', '.join(told)}; their coefficients are then too large by as "
        "much, more than their standard deviations, and more rows would help."
    ]


def share_missed(data: Trajectories, number: int) -> float:
    """How much less an input moves along lines between its rows than along the curve through them, as a share.

    A curve is above the middle of the line between its neighbours by d = -h^2 u''/2, and above lines between rows by
    -h^2 u''/12 in the mean, a sixth of it. In the share, sum d u / (6 sum u^2), noise of a row is in d and u alike, and
    that of its neighbours against each other: beside twice their middle it counts for nothing.
    """
    along = across = 0.0
    runs = [
        (run.ts, run.inputs[:, number])
        for run in data if run.inputs is not None and not (run.hold and run.hold[number])
    ]  # fmt: skip
    if not runs:
        return 0.0
    mean = np.concatenate([values for _, values in runs]).mean()
    for ts, values in runs:
        u, h = values - mean, np.diff(ts)
        middle = (h[1:] * u[:-2] + h[:-1] * u[2:]) / (h[1:] + h[:-1])
        along += float(np.sum((u[1:-1] - middle) * (u[1:-1] + 2 * middle) / 3))
        across += float(np.sum(u[1:-1] ** 2))
    return max(along / (6 * across), 0.0) if across > 0 else 0.0
