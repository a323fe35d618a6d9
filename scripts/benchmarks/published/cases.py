"""Every published fit by its name."""

from . import kinetics, many_starts, standard, strategies, tutorial, universal
from .case import Case

CASES: dict[str, Case] = {
    case.name: case
    for family in (universal, kinetics, tutorial, standard, strategies, many_starts)
    for case in family.CASES
}
