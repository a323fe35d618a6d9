"""Learned vector fields. Any Equinox module called as `(t, y, args)` can stand beside them."""

from collections.abc import Callable, Mapping

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from ..compiling import Compiled
from .activations import linear, plain_function, tanh
from .coordinates import Coordinates
from .kinetics import Kinetics
from .mechanics import EquationsOfMotion
from .polynomial import Polynomial


class MLPVectorField(eqx.Module):
    """A network as the right-hand side: dz/dtau = rate_scale * mlp(z, u), and a polynomial of z and u beside it, maybe.

    It takes and returns the data's units, so that it can be added to a physical term, but the
    network itself sees the `Coordinates`: states and inputs of order one.

    Args:
        state_size: the number of states.
        width_size, depth: of the hidden layers, as in `equinox.nn.MLP`.
        input_size: the number of known inputs u(t), which arrive as `args`.
        time_dependent: whether the network sees the time as well.
        activation: of the hidden layers; a lambda cannot be pickled, a function of a module can.
        rates: states whose time derivative is exactly another state, in the data's units, by their numbers:
            `{0: 1}` says dy0/dt = y1. The network learns the rates of the others.
        degree: of the polynomial, which never sees the time; 0 for a network alone, beside which `fit` tries one.
        key: for the initial weights.

    Raises:
        ValueError: if a size is not positive, or `rates` names what is no state or leaves nothing to learn.
    """

    mlp: eqx.nn.MLP
    polynomial: Polynomial | None
    coordinates: Coordinates
    time_dependent: bool = eqx.field(static=True)
    rates: tuple[tuple[int, int], ...] = eqx.field(static=True)

    def __init__(
        self,
        state_size: int,
        width_size: int = 16,
        depth: int = 2,
        *,
        input_size: int = 0,
        time_dependent: bool = False,
        activation: Callable = tanh,
        rates: Mapping[int, int] | None = None,
        degree: int = 0,
        key: PRNGKeyArray,
    ):
        for name, value, least in (
            ("state_size", state_size, 1),
            ("width_size", width_size, 1),
            ("depth", depth, 0),
            ("input_size", input_size, 0),
            ("degree", degree, 0),
        ):
            if value < least:
                raise ValueError(f"{name} must be at least {least}; it is {value}.")
        self.rates = tuple(sorted((rates or {}).items()))
        for state, rate in self.rates:
            if not (0 <= state < state_size and 0 <= rate < state_size and state != rate):
                raise ValueError(f"rates: {{{state}: {rate}}} must be two of the states 0 to {state_size - 1}.")
        if len(self.rates) == state_size:
            raise ValueError("rates gives the rate of every state, so there is nothing to learn; leave one out.")
        in_size, out_size = state_size + input_size, state_size - len(self.rates)
        self.mlp = _initialised(in_size + time_dependent, out_size, width_size, depth, plain_function(activation), key)
        self.coordinates = Coordinates.identity(state_size, input_size)
        self.polynomial = self._polynomial(degree)
        self.time_dependent = time_dependent

    def normalised(
        self,
        tau: Float[Array, ""],
        z: Float[Array, " states"],
        u: Float[Array, " inputs"] | None,
    ) -> Float[Array, " states"]:
        """dz/dtau in coordinates of order one: what a solve uses directly, free of rounding in the units."""
        x = z if u is None else jnp.concatenate([z, u])
        seen = jnp.append(x, tau) if self.time_dependent else x
        if self.sees_positions:
            positions = np.array(self._positions)
            seen, x = z[positions], jnp.delete(x, positions, assume_unique_indices=True)
        c, learned = self.coordinates, self.mlp(seen)
        if self.polynomial is not None:
            learned = learned + self.polynomial(x)
        if not self.rates:
            return jnp.asarray(c.rate_scale) * learned
        y = c.states_out(z)
        is_exact, source, number = self._sources
        exact = c.rates_in(y[source], y, c.times_out(tau))
        return jnp.where(is_exact, exact, jnp.asarray(c.rate_scale) * learned[number])

    def __call__(
        self,
        t: Float[Array, ""] | float,
        y: Float[Array, " states"],
        args: Float[Array, " inputs"] | None = None,
    ) -> Float[Array, " states"]:
        """dy/dt in the data's units."""
        c = self.coordinates
        u = None if args is None else c.inputs_in(args)
        dy_dt = c.rates_out(self.normalised(jnp.asarray(c.times_in(t)), c.states_in(y), u), y, t)
        if not self.rates:
            return dy_dt
        is_exact, source, _ = self._sources
        return jnp.where(is_exact, y[source], dy_dt)  # not by way of the coordinates, which would round

    @property
    def degree(self) -> int:
        """Of the polynomial; 0 if there is none."""
        return 0 if self.polynomial is None else self.polynomial.degree

    @property
    def learned(self) -> np.ndarray:
        """The states whose rates are learned, by their numbers: all but those of `rates`."""
        return np.flatnonzero(~self._sources[0])

    def with_polynomial(self, degree: int) -> "MLPVectorField":
        """The same with a polynomial of this degree, all of whose coefficients are zero; 0 for none."""
        polynomial = self._polynomial(degree)
        return eqx.tree_at(lambda field: field.polynomial, self, polynomial, is_leaf=lambda node: node is None)

    @property
    def has_positions(self) -> bool:
        """Whether each learned rate is an acceleration, that of a velocity, and depends on no time."""
        return bool(self.rates) and not self.time_dependent and {v for _, v in self.rates} == set(self.learned.tolist())

    @property
    def sees_positions(self) -> bool:
        """Whether the network sees the positions alone, as in `of_positions`."""
        return bool(self.rates) and not self.is_law and self.mlp.in_size == len(self.rates)

    def of_positions(self) -> "MLPVectorField":
        """The same, but that the network sees the positions alone, beside linear terms of all else.

        Accelerations a(x) + D v + B u: any forces of the positions, linear friction, turning in a magnetic field or a
        rotating frame, and inputs. The network begins from the weights that it had for the positions.

        Raises:
            ValueError: if it does not have positions, as `has_positions` says.
        """
        if not self.has_positions:
            raise ValueError("of_positions needs rates by which every other state is a velocity, and no time.")
        where = lambda field: (field.mlp, field.polynomial)  # noqa: E731
        parts = (_of_some(self.mlp, self._positions), self._polynomial(1, without=len(self.rates)))
        return eqx.tree_at(where, self, parts, is_leaf=lambda node: node is None)

    @property
    def is_mechanical(self) -> bool:
        """Whether equations of motion are in the place of the network, as in `of_motion`."""
        return isinstance(self.mlp, EquationsOfMotion)

    def of_motion(self, turn: np.ndarray, steered: bool = False) -> "MLPVectorField":
        """The same, but with equations of motion in the place of the network.

        Args:
            turn: radians in a standard deviation of each position that is an angle, 0 of the others, `(positions,)`.
            steered: whether the directions of inputs depend on the positions.

        Raises:
            ValueError: if it does not have positions, as `has_positions` says.
        """
        if not self.has_positions:
            raise ValueError("of_motion needs rates by which every other state is a velocity, and no time.")
        where = lambda field: (field.mlp, field.polynomial)  # noqa: E731
        parts = (EquationsOfMotion(self.coordinates, self.rates, turn, steered), None)
        return eqx.tree_at(where, self, parts, is_leaf=lambda node: node is None)

    @property
    def is_kinetic(self) -> bool:
        """Whether rate laws that saturate are in the place of the network, as in `of_kinetics`."""
        return isinstance(self.mlp, Kinetics)

    def of_kinetics(self, typical: np.ndarray, degree: int, steps: float = 0.0) -> "MLPVectorField":
        """The same, but with rate laws that saturate in the place of the network.

        Args:
            typical: of each state and input that may saturate a value at which it half does, in standard deviations;
                zero of those that may not, `(states + inputs,)`.
            degree: factors of a term, at most.
            steps: of all Hill exponents to begin with: 0 for one, 1 for two.

        Raises:
            ValueError: if it depends on time.
        """
        if self.time_dependent:
            raise ValueError("of_kinetics needs rates that do not depend on time.")
        where = lambda field: (field.mlp, field.polynomial)  # noqa: E731
        parts = (Kinetics(self.coordinates, self.learned.size, typical, degree, steps), None)
        return eqx.tree_at(where, self, parts, is_leaf=lambda node: node is None)

    @property
    def is_law(self) -> bool:
        """Whether terms of a law are in the place of the network: of equations of motion, or of rates that saturate."""
        return self.is_mechanical or self.is_kinetic

    @property
    def _positions(self) -> tuple[int, ...]:
        return tuple(position for position, _ in self.rates)

    def _polynomial(self, degree: int, without: int = 0) -> Polynomial | None:
        size = self.coordinates.centre.shape[0]
        variables = size + self.coordinates.input_centre.shape[0] - without
        return Polynomial(variables, size - len(self.rates), degree) if degree else None

    @property
    def _sources(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Per state: whether its rate is another state, which one, and else which output of the network it is."""
        size = self.coordinates.centre.shape[0]
        is_exact, source = np.zeros(size, bool), np.arange(size)
        for state, rate in self.rates:
            is_exact[state], source[state] = True, rate
        return is_exact, source, np.maximum(np.cumsum(~is_exact) - 1, 0)


def _initialised(in_size, out_size, width_size, depth, activation, key):
    """LeCun-normal weights, zero biases, and a small last layer: a first solve that stays near the data."""
    mlp = eqx.filter_eval_shape(
        eqx.nn.MLP, in_size, out_size, width_size, depth, activation=activation, final_activation=linear, key=key
    )
    shapes = tuple(layer.weight.shape for layer in mlp.layers)
    drawn = _drawn(shapes, jax.random.key_data(key), str(jax.random.key_impl(key)))
    return eqx.tree_at(_numbers, mlp, drawn)


def _numbers(mlp):
    """The weights and biases of all layers."""
    return [part for layer in mlp.layers for part in (layer.weight, layer.bias)]


def _of_some(mlp: eqx.nn.MLP, variables: tuple[int, ...]) -> eqx.nn.MLP:
    """A network of some of its variables, from the weights that it has for them; what comes in varies as before."""
    shape = eqx.filter_eval_shape(
        eqx.nn.MLP, len(variables), mlp.out_size, mlp.width_size, mlp.depth, activation=mlp.activation,
        final_activation=linear, key=np.zeros(2, np.uint32),
    )  # fmt: skip
    first, *others = _numbers(mlp)
    return eqx.tree_at(_numbers, shape, [_columns(first, variables), *others])


def _some_columns(weight, variables):
    return weight[:, np.array(variables)] * np.sqrt(weight.shape[1] / len(variables))


def _weights_and_biases(shapes, key_data, implementation):
    keys = jax.random.split(jax.random.wrap_key_data(key_data, impl=implementation), len(shapes))
    sizes = [1.0] * (len(shapes) - 1) + [0.1]
    return tuple(
        part
        for key, shape, size in zip(keys, shapes, sizes, strict=True)
        for part in (jax.random.normal(key, shape) * (size / np.sqrt(shape[1])), jnp.zeros(shape[0]))
    )


# Every operation on its own would cost a compilation.
_drawn = Compiled(_weights_and_biases)
_columns = Compiled(_some_columns)
