"""Networks that a decay has put to sleep.

The slopes of smooth curves are not exact enough to tell what a polynomial or known physics leaves to a network: its
decay rises until nothing of it is left. Whole trajectories may tell, but all derivatives of a network of zeros are
zero, and it would never come back.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .evidence import is_node, squares_of, trained_weights

ASLEEP = 1e-2  # of the squared weights that it was drawn with


def is_asleep(found: Any, drawn: Any) -> np.ndarray:
    """Which groups of weights a decay has put to sleep, shape `(groups,)`; arguments as in `woken`."""
    return squares_of(found) < ASLEEP * squares_of(drawn)


def woken(found: Any, drawn: Any) -> tuple[Any, np.ndarray]:
    """A model whose sleeping networks are as they were drawn, but for a last layer of zeros: the same field.

    Args:
        found: where a fit with decay has ended.
        drawn: where it began.

    Returns:
        The model, and which groups of weights have been woken, shape `(groups,)`.
    """
    asleep = is_asleep(found, drawn)
    if not asleep.any():
        return found, asleep
    group = iter(range(len(asleep)))

    def network(now: Any, first: Any) -> Any:
        if not trained_weights(now):
            return now
        number = next(group)
        asleep[number] &= isinstance(now, eqx.nn.MLP)
        return _silent(first) if asleep[number] else now

    return jax.tree.map(network, found, drawn, is_leaf=is_node), asleep


def held_by(given: float | None, drawn: Any, found: Any, loss: float) -> float | None:
    """The weight decay that a person gave, where it may well be what holds a network from the data; else None.

    To it, the weights that the network was drawn with, or has come to, cost more than the residuals that are left: to
    explain these would not pay.

    Args:
        given: None where the evidence of the data has set the decay.
        drawn, found: as in `woken`.
        loss: mean square of the residuals, of order one.
    """
    if given is None:
        return None
    weights = max(float(squares_of(model).sum()) for model in (drawn, found))
    return given if given * weights > loss else None


def _silent(network: eqx.nn.MLP) -> eqx.nn.MLP:
    zeros = lambda leaf: jnp.asarray(np.zeros(leaf.shape, leaf.dtype)) if eqx.is_inexact_array(leaf) else leaf  # noqa: E731
    return eqx.tree_at(lambda m: m.layers[-1], network, jax.tree.map(zeros, network.layers[-1]))
