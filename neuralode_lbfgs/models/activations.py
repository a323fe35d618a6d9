"""Activations as plain functions: those of JAX are compiled ones, of which no model could be pickled."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array


def linear(x: Array) -> Array:
    """Of the last layer: x itself."""
    return x


def tanh(x: Array) -> Array:
    """`jax.numpy.tanh`."""
    return jnp.tanh(x)


def softplus(x: Array) -> Array:
    """`jax.nn.softplus`."""
    return jax.nn.softplus(x)


def silu(x: Array) -> Array:
    """`jax.nn.silu`."""
    return jax.nn.silu(x)


def relu(x: Array) -> Array:
    """`jax.nn.relu`."""
    return jax.nn.relu(x)


def gelu(x: Array) -> Array:
    """`jax.nn.gelu`."""
    return jax.nn.gelu(x)


def elu(x: Array) -> Array:
    """`jax.nn.elu`."""
    return jax.nn.elu(x)


def sin(x: Array) -> Array:
    """`jax.numpy.sin`."""
    return jnp.sin(x)


ACTIVATIONS: dict[str, Callable[..., Any]] = {
    one.__name__: one for one in (tanh, softplus, silu, relu, gelu, elu, sin)
}  # by the names that they are saved under
_OF_JAX = {name: getattr(jnp if name in ("tanh", "sin") else jax.nn, name) for name in ACTIVATIONS}


def plain_function(activation: Callable[..., Any]) -> Callable[..., Any]:
    """The plain function in place of one of JAX; any other as it is."""
    return next((ACTIVATIONS[name] for name, own in _OF_JAX.items() if own is activation), activation)
