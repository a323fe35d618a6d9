"""Networks as their authors wrote them, on the data's own units."""

from collections.abc import Callable, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray


def bell(x: Float[Array, "..."]) -> Float[Array, "..."]:
    """exp(-x^2), the activation of the universal differential equations."""
    return jnp.exp(-(x**2))


class Chain(eqx.Module):
    """Linear layers with an activation of its own after each but the last, as Lux and Flux begin them.

    Weights are uniform within sqrt(6 / (inputs + outputs)) (Glorot), biases zero.
    """

    layers: tuple[eqx.nn.Linear, ...]
    activations: tuple[Callable, ...] = eqx.field(static=True)

    def __init__(self, sizes: Sequence[int], activations: Sequence[Callable], *, key: PRNGKeyArray):
        keys = jax.random.split(key, len(sizes) - 1)
        self.layers = tuple(
            _glorot(size, next_size, key) for size, next_size, key in zip(sizes, sizes[1:], keys, strict=False)
        )
        self.activations = tuple(activations)

    def __call__(self, y: Float[Array, " inputs"]) -> Float[Array, " outputs"]:
        for layer, activation in zip(self.layers, self.activations, strict=False):
            y = activation(layer(y))
        return self.layers[-1](y)


def _glorot(size: int, next_size: int, key: PRNGKeyArray) -> eqx.nn.Linear:
    layer = eqx.nn.Linear(size, next_size, key=key)
    weight = jax.nn.initializers.glorot_uniform(in_axis=1, out_axis=0)(key, (next_size, size))
    return eqx.tree_at(lambda it: (it.weight, it.bias), layer, (weight, jnp.zeros(next_size)))


class NetworkField(eqx.Module):
    """dy/dt = network(features(y))."""

    network: Callable
    features: Callable = eqx.field(static=True, default=lambda y: y)

    def __call__(self, t, y: Float[Array, " states"], args) -> Float[Array, " states"]:
        return self.network(self.features(y))
