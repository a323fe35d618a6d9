"""A neural ODE: a vector field, a solver, and the coordinates in which the solve is of order one."""

from collections.abc import Callable
from typing import Any

import diffrax
import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..compiling import Compiled
from .alone import are_numbers, check_inputs, check_numbers, failure, stands_alone
from .constrained import Constrained
from .coordinates import Coordinates
from .inputs import Inputs, LinearInputs, SteppedInputs
from .transform import Transform
from .vector_fields import MLPVectorField

LONG = 10_000  # times, for which the solver may take its steps once more
GONE = 1e9  # times the start: a state that has run away, and would take all steps that there are


class NeuralODE(eqx.Module):
    """`model(ts, y0) -> ys`, all in the data's units, solved adaptively by diffrax.

    Steps end where linear inputs have kinks, and just before and after held ones jump.

    Args:
        vector_field: `(t, y, args) -> dy/dt` in the data's units, where `args` are the inputs at t,
            or None. `MLPVectorField`, known physics, or a module that adds the two.
        solver: a diffrax solver; an implicit one, such as `diffrax.Kvaerno5()`, for stiff systems.
        rtol, atol: tolerances in coordinates of order one. Loose ones make line searches fail: the
            gradient of an adaptive solve is only as exact as they are.
        max_steps: of the solver, per call; as many again for every ten thousand times that are asked for.
        coordinates: found by `fit` from the training data; the identity until then.
        state_size: of the identity coordinates; None to take it from the vector field.

    Raises:
        TypeError: if the vector field cannot be called.
        ValueError: if the vector field, or the coordinates, have another number of states.
    """

    vector_field: Any  # a callable; its other attributes are the user's own
    coordinates: Coordinates
    solver: diffrax.AbstractSolver[Any]
    rtol: float = eqx.field(static=True)
    atol: float = eqx.field(static=True)
    max_steps: int = eqx.field(static=True)

    def __init__(
        self,
        vector_field: Callable[..., Any],
        *,
        solver: diffrax.AbstractSolver[Any] | None = None,
        rtol: float = 1e-6,
        atol: float = 1e-6,
        max_steps: int = 16**4,
        coordinates: Coordinates | None = None,
        state_size: int | None = None,
    ):
        if not callable(vector_field):
            raise TypeError(
                f"the vector field is of type {type(vector_field).__name__}; give an MLPVectorField, or equations that "
                "are called as (t, y, args)."
            )
        if coordinates is None:
            coordinates = getattr(vector_field, "coordinates", None)
        if coordinates is None:
            # A user's own field: one scale for all states until `fit` has seen data.
            coordinates = Coordinates.identity(1 if state_size is None else state_size)
        elif state_size not in (None, size := coordinates.centre.shape[0]):
            raise ValueError(f"state_size is {state_size}, but the vector field has {size} states; leave it out.")
        self.vector_field = vector_field
        self.coordinates = coordinates
        self.solver = diffrax.Tsit5() if solver is None else solver
        self.rtol, self.atol, self.max_steps = rtol, atol, max_steps

    @property
    def state_size(self) -> int:
        """The number of states, observed and hidden; 1 for a field of your own of which it was not said."""
        return self.coordinates.centre.shape[0]

    @property
    def is_scaled(self) -> bool:
        """Whether the coordinates are those of data, so that the model has been fitted, or was given them."""
        c = self.coordinates
        same = np.all(np.asarray(c.scale) == 1) and np.all(np.asarray(c.centre) == 0) and float(c.time_scale) == 1
        return not (same and c.transform == Transform())

    def rate(
        self,
        tau: Float[Array, ""],
        z: Float[Array, " states"],
        u: Float[Array, " inputs"] | None,
    ) -> Float[Array, " states"]:
        """dz/dtau: the vector field in coordinates of order one; `u` are the inputs in theirs."""
        c, vector_field = self.coordinates, self.vector_field
        if isinstance(vector_field, Constrained):  # while it is fitted
            vector_field = vector_field.whole()
        normalised = getattr(vector_field, "normalised", None)
        if normalised is not None:
            return c.confined(normalised(tau, z, u), z)
        t, y = c.times_out(tau), c.states_out(z)
        args = None if u is None else u * c.input_scale + c.input_centre
        return c.confined(c.rates_in(vector_field(t, y, args), y, t), z)

    def __call__(
        self,
        ts: Float[Array | np.ndarray, " times"],
        y0: Float[Array | np.ndarray, " states"],
        inputs: Inputs | None = None,
        *,
        throw: bool = True,
    ) -> Float[Array, "times states"]:
        """The states at `ts`, starting from `y0` at `ts[0]`.

        Outside of other programs it is one by itself, compiled once for each number of times, unless the field is a
        plain function; `jax.jit`, `vmap` and `grad` go through it as through any other.

        Args:
            ts: increasing, or decreasing for a solve backward in time.
            y0: shape `(states,)`.
            inputs: an object with `evaluate(t)`, if the field is driven.
            throw: whether a solve that fails raises; else its remaining rows are infinite, and it ends where the state
                runs away.

        Raises:
            RuntimeError: if the solver needs more than `max_steps` steps, or the state diverges.
            ValueError: if a time or a state is not finite, or times do not follow on each other (they are not looked at
                within a program).
            TypeError: if a driven network gets no inputs, or they are not an object as above.
        """
        network = isinstance(self.vector_field, MLPVectorField)
        check_inputs(inputs, network and self.coordinates.input_centre.size > 0)
        if are_numbers(ts, y0):
            check_numbers(ts, y0, self.state_size if network else None)
        alone = stands_alone(self, ts, y0, inputs)
        ts, y0 = jnp.asarray(ts), jnp.asarray(y0)
        if not alone:
            return self._solve(ts, y0, inputs, throw, not throw)[0]
        ys, reached = _solved(self, ts, y0, inputs, not throw)
        if throw and not reached:
            raise RuntimeError(failure(ts, ys, self._most_steps(ts.size)))
        return ys

    def _most_steps(self, times: int) -> int:
        return self.max_steps * (1 + times // LONG)

    def _solve(self, ts: Array, y0: Array, inputs: Inputs | None, throw: bool, stop: bool) -> tuple[Array, Array]:
        """The states, and whether the end was reached; a state that has run away is to `stop`, and is infinite then."""
        c = self.coordinates
        taus = c.times_in(ts)
        controller: Any = diffrax.PIDController(rtol=self.rtol, atol=self.atol)
        if inputs is None:
            rate = lambda tau, z, _: self.rate(tau, z, None)  # noqa: E731
        elif isinstance(inputs, SteppedInputs):
            # In these coordinates, so that just before and just after a jump are told apart to the last bit.
            stepped = SteppedInputs(c.times_in(jnp.asarray(inputs.ts)), c.inputs_in(inputs.us), inputs.hold)
            rate = lambda tau, z, _: self.rate(tau, z, stepped.evaluate(tau))  # noqa: E731
            if stepped.ts.size > 1:
                controller = diffrax.ClipStepSizeController(controller, step_ts=stepped.kinks, jump_ts=stepped.jumps)
        else:
            rate = lambda tau, z, _: self.rate(tau, z, c.inputs_in(inputs.evaluate(c.times_out(tau))))  # noqa: E731
            if isinstance(inputs, LinearInputs):
                # An error estimate knows nothing of a kink within a step, least of all where inputs are noisy.
                controller = diffrax.ClipStepSizeController(controller, step_ts=c.times_in(inputs.kinks))
        z0 = c.states_in(y0)
        most = GONE * (1 + jnp.max(jnp.abs(z0)))
        # What has run away stands still, for an event would compile longer.
        field = rate if not stop else lambda tau, z, args: jnp.where(_within(z, most), rate(tau, z, args), 0.0)
        solution = diffrax.diffeqsolve(
            diffrax.ODETerm(field),  # pyright: ignore[reportArgumentType]
            self.solver,
            t0=taus[0],
            t1=taus[-1],
            dt0=None,
            y0=z0,
            saveat=diffrax.SaveAt(ts=taus),
            stepsize_controller=controller,
            max_steps=self._most_steps(taus.size),
            throw=throw,
        )
        zs = solution.ys
        assert zs is not None
        ys = c.states_out(jnp.where(_within(zs, most), zs, jnp.inf) if stop else zs)
        return ys, solution.result == diffrax.RESULTS.successful


def _within(z: Array, most: Array) -> Array:
    """Whether no state has run away, shape `(..., 1)`."""
    return jnp.max(jnp.abs(z), axis=-1, keepdims=True) <= most


def _alone(model: NeuralODE, ts: Array, y0: Array, inputs: Inputs | None, stop: bool) -> tuple[Array, Array]:
    return model._solve(ts, y0, inputs, False, stop)


_solved = Compiled(_alone)
