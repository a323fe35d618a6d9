"""Parameters that are frozen, or stay between bounds, while a model is fitted.

A constrained module holds numbers without bounds in the place of those that have them, and what is frozen among its
constants. Every stage of a fit trains it as it trains any other module; `plain` gives back the module as it was
written. The maps are those of Stan (reference manual, "Constraint transforms"), but for softplus in place of exp,
which would carry a large parameter away in one step.
"""

from collections.abc import Collection, Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .coordinates import Constant, is_constant

Range = tuple[float, float]  # lowest and highest; infinite where there is no bound


def leaf_names(module: Any) -> dict[str, Any]:
    """The leaves of a module by their paths, `network.layers.0.weight`; constants are leaves as a whole."""
    leaves = jax.tree_util.tree_flatten_with_path(module, is_leaf=is_constant)[0]
    return {jax.tree_util.keystr(at, simple=True, separator="."): leaf for at, leaf in leaves}


class Constrained(eqx.Module):
    """A module some of whose numbers are not free; see `constrained` and `plain`.

    Args:
        trained: the leaves that are trained as they are; None in the place of all others.
        raw: what is trained for each leaf with a range or a scale, by its path.
        kept: all other leaves, and the scales of the raw ones.
        ranges: by path, of the raw ones.
    """

    trained: Any
    raw: Mapping[str, Float[Array | np.ndarray, " ..."]]
    kept: Constant
    ranges: tuple[tuple[str, Range], ...] = eqx.field(static=True)

    def whole(self) -> Any:
        """The module as it was written, with its present numbers."""
        kept, scales = self.kept.value
        ranges = dict(self.ranges)

        def filled(at, leaf):
            name = jax.tree_util.keystr(at, simple=True, separator=".")
            return inside(self.raw[name], ranges[name], scales[name]) if name in ranges else leaf

        return eqx.combine(self.trained, jax.tree_util.tree_map_with_path(filled, kept))

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        return self.whole()(*args, **keywords)


def constrained(
    module: Any, frozen: Collection[str], ranges: Mapping[str, Range], scales: Mapping[str, np.ndarray]
) -> Any:
    """The module with some leaves frozen and some kept in their ranges; the module itself if there is nothing to do.

    Args:
        module: a vector field, or any other module.
        frozen, ranges: by the paths of `leaf_names`; every number lies strictly within its range.
        scales: of each number with a range, about as large as it is, or as it is away from its only bound.
    """
    if not (frozen or ranges):
        return module
    raw = {
        name: _outside(leaf, ranges[name], scales[name]) for name, leaf in leaf_names(module).items() if name in ranges
    }

    def is_trained(at, leaf):
        name = jax.tree_util.keystr(at, simple=True, separator=".")
        return name not in frozen and name not in ranges and not is_constant(leaf) and eqx.is_inexact_array(leaf)

    spec = jax.tree_util.tree_map_with_path(is_trained, module, is_leaf=is_constant)
    trained, kept = eqx.partition(module, spec)
    return Constrained(trained, raw, Constant((kept, dict(scales))), tuple(ranges.items()))


def plain(module: Any) -> Any:
    """The module with nothing constrained in it any more: what a person wrote, with the numbers of the fit."""
    return jax.tree.map(
        lambda node: node.whole() if isinstance(node, Constrained) else node,
        module,
        is_leaf=lambda node: isinstance(node, Constrained),
    )


def inside(raw: Float[Array | np.ndarray, " ..."], bounds: Range, scale: Float[Array | np.ndarray, " ..."]) -> Array:
    """Numbers strictly between the bounds for any numbers; without bounds, those times the scale."""
    low, high = bounds
    if np.isinf(low) and np.isinf(high):
        return jnp.asarray(raw * scale)
    if np.isinf(high):
        value = low + scale * jax.nn.softplus(raw)
    elif np.isinf(low):
        value = high - scale * jax.nn.softplus(raw)
    else:
        value = low + (high - low) * jax.nn.sigmoid(raw)
    # Rounding may reach a bound, and a logarithm or a quotient may not.
    least, most = innermost(bounds, jnp.result_type(raw))
    return jnp.clip(value, least, most)


def innermost(bounds: Range, dtype: Any) -> Range:
    """The least and the largest number of a precision strictly between the bounds."""
    return _above(bounds[0], dtype), -_above(-bounds[1], dtype)


def _above(bound: float, dtype: Any) -> float:
    """The first number above; the next one but denormal ones, which are flushed to zero."""
    number, limits = np.asarray(bound, dtype)[()], np.finfo(dtype)
    while not float(number) > bound and np.isfinite(number):
        number = np.nextafter(number, limits.max)
    return float(limits.tiny if 0 < number < limits.tiny else number)


def _outside(value, bounds: Range, scale) -> np.ndarray:
    """The numbers without bounds for which `inside` gives `value`."""
    low, high = bounds
    value = np.asarray(value)
    exact = np.asarray(value, np.float64)
    if np.isinf(low) and np.isinf(high):
        raw = exact / scale
    elif np.isinf(low) or np.isinf(high):
        away = (exact - low if np.isinf(high) else high - exact) / scale
        raw = away + np.log(-np.expm1(-away))
    else:
        raw = np.log(exact - low) - np.log(high - exact)
    return np.asarray(raw, value.dtype)
