"""What a model is made of, and which advice goes with it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...models import MLPVectorField, NeuralODE, SecondOrderField, plain
from ..beside import degree_alone, has_polynomial, law_in
from ..doubts import DENSE, crowded
from ..law import Term
from ..library import monomials_of


@dataclass(frozen=True)
class Kind:
    """What a model is made of, as far as advice depends on it.

    Args:
        network: whether a network, or anything else that begins from random weights, is left in it.
        imitates: whether a polynomial is in it of so many terms that it may imitate a law of another kind.
        second_order: whether its states are positions and their velocities.
        own: whether the equations are a person's own.
        transformable: whether states may be kept positive, or modelled in logarithms.
        rates: whether rates of states are known to be other states, as those of positions are.
    """

    network: bool = True
    imitates: bool = True
    second_order: bool = False
    own: bool = False
    transformable: bool = True
    rates: bool = False

    def choice(self, verb: str, *options: str, then: str = "") -> str:
        """`try A, B, or C`, of the options that go with the model; an empty string where none does.

        Args:
            then: what is said after them.
        """
        left = [option for option in options if self.goes_with(option)]
        if not left:
            return ""
        joined = f"{', '.join(left[:-1])}{',' * (len(left) > 2)} or {left[-1]}" if len(left) > 1 else left[0]
        return f"{verb} {joined}{then}"

    def goes_with(self, words: str) -> bool:
        """Whether each flag that they name does something for such a model."""
        return all(suits(self) for flag, suits in SUITS.items() if flag in words)


ANY = Kind()  # of which nothing more is known
SUITS: Mapping[str, Callable[[Kind], bool]] = {
    "--width-size": lambda kind: kind.network and not kind.own,
    "--weight-decay": lambda kind: kind.network,
    "--starts": lambda kind: kind.network,
    "--seed": lambda kind: kind.network or kind.imitates,
    "--ensemble": lambda kind: kind.network,
    "--degree": lambda kind: kind.imitates,
    "--hidden-states": lambda kind: not kind.second_order,
    "--second-order": lambda kind: not (kind.own or kind.rates),
    "--rate": lambda kind: not (kind.own or kind.rates),
    "--positive": lambda kind: kind.transformable,
    "--transform": lambda kind: kind.transformable,
}


def sentence(*parts: str) -> str:
    """Parts of an advice, but for those that are empty."""
    return "; ".join(part for part in parts if part)


def kind_of(model: Any, law: Sequence[Term], observe: Callable | None) -> Kind:
    """Of the model of a fit, the terms of its law, and what is observed of its states."""
    field = plain(model).vector_field if isinstance(model, NeuralODE) else None
    second_order = isinstance(field, SecondOrderField)
    transformable = field is not None and observe is None and not second_order
    if not isinstance(field, MLPVectorField):
        return Kind(imitates=False, own=True, transformable=transformable)
    rates = bool(field.rates)
    if law_in(model) is not None:
        return Kind(False, bool(crowded(law)), second_order, False, transformable, rates)
    alone = degree_alone(model)
    few = alone == 1
    if law and not few:
        sparse = sum(term.sd > 0 for term in law) <= DENSE * field.learned.size * len(monomials_of(model))
        few = sparse and not crowded(law)
    return Kind(alone is None, has_polynomial(model) and not few, second_order, False, transformable, rates)
