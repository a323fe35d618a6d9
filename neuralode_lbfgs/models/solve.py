"""Solving on a given mesh: many trajectories as lanes of one scan, gradients exact.

An adaptive solve chooses its steps inside the differentiated program, which compiles slowly, and its
gradient ignores how the steps depend on the weights. Here the steps are given: they are chosen
beforehand from the solver's own error estimate and enter as data. The scan takes plain Runge-Kutta
steps from the solver's Butcher tableau (Hairer, Norsett & Wanner, Solving ODEs I, section II.4), or
those of a Rosenbrock method where the solver is implicit.
"""

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from .rosenbrock import Rosenbrock


class Mesh(eqx.Module):
    """Steps for a scan, packed into lanes: a lane is one trajectory, or several one after another.

    Time runs in coordinates of order one.

    Args:
        t: where each step begins.
        h: its length; zero for padding and for the first step of a trajectory, which only sets the state.
        start: the row of the initial states that the step begins from, or -1 to go on.
        u: the inputs at every stage of the step.
        busy: whether any lane takes the step; idle ones are skipped. None if there are none to skip.
    """

    t: Float[Array | np.ndarray, "lanes steps"]
    h: Float[Array | np.ndarray, "lanes steps"]
    start: Int[Array | np.ndarray, "lanes steps"]
    u: Float[Array | np.ndarray, "lanes steps stages inputs"] | None
    busy: Bool[Array | np.ndarray, " steps"] | None = None


@runtime_checkable
class Steps(Protocol):
    """What a mesh takes steps by: the times of the stages in units of a step, the order, and one step of all lanes."""

    c: Float[np.ndarray, " stages"]
    order: float

    def stepper(self, rate: Callable, *, driven: bool, with_error: bool, rolled: bool) -> Callable:
        """`(z, t, h, u) -> end, error` of a step of many lanes, each array with them first.

        Args:
            rate: `(tau, z, u) -> dz/dtau` for one state.
            driven: whether there are inputs, `u (lanes, stages, inputs)`; else it is None.
            with_error: whether the error is wanted.
            rolled: whether stages may be the turns of a loop, which compiles in half the time; gradients of long scans
                run faster without.
        """
        ...


class Tableau:
    """The stages of an explicit Runge-Kutta solver that its result depends on."""

    a: Float[np.ndarray, "stages stages"]
    b: Float[np.ndarray, " stages"]
    b_error: Float[np.ndarray, " stages"]
    c: Float[np.ndarray, " stages"]
    stages: int
    order: float

    def __init__(self, solver: diffrax.AbstractSolver[Any]):
        tableau = getattr(solver, "tableau", None)
        if tableau is None or not isinstance(solver, diffrax.AbstractERK):
            raise ValueError(f"{type(solver).__name__} is not an explicit Runge-Kutta solver.")
        rows = [np.zeros(0), *(np.asarray(row, np.float64) for row in tableau.a_lower)]
        self.a = np.stack([np.pad(row, (0, len(rows) - len(row))) for row in rows])
        self.b = np.asarray(tableau.b_sol, np.float64)
        self.b_error = np.asarray(tableau.b_error, np.float64)
        self.c = np.concatenate([[0.0], np.asarray(tableau.c, np.float64)])
        # A last stage that serves only the next step (first same as last) or the error is left out.
        self.stages = int(np.flatnonzero(self.b)[-1]) + 1
        self.order = float(solver.order(None) or 1)  # pyright: ignore[reportArgumentType]

    def stepper(self, rate: Callable, *, driven: bool, with_error: bool, rolled: bool) -> Callable:
        """As in `Steps`."""
        count = len(self.c) if with_error else self.stages
        # Under jit it is traced once, not at every stage.
        batched = jax.jit(jax.vmap(rate, in_axes=(0, 0, 0 if driven else None)))

        def in_a_loop(z, t, h, u):
            def stage(stages, row):
                i, a, c, u = row
                rates = batched(t + c * h, z + h[:, None] * jnp.tensordot(a, stages, 1), u)
                return stages.at[i].set(rates), None

            cast = lambda a: jnp.asarray(a, z.dtype)  # noqa: E731
            of_stages = None if u is None else jnp.swapaxes(u, 0, 1)[:count]
            rows = np.arange(count), cast(self.a[:count, :count]), cast(self.c[:count]), of_stages
            stages, _ = jax.lax.scan(stage, jnp.zeros((count, *z.shape), z.dtype), rows)
            new, error = (h[:, None] * jnp.tensordot(cast(b[:count]), stages, 1) for b in (self.b, self.b_error))
            return z + new, error if with_error else None

        def step(z, t, h, u):
            stages = []
            for i in range(count):
                z_i = z + h[:, None] * _combine(self.a[i], stages) if i else z
                stages.append(batched(t + self.c[i] * h, z_i, None if u is None else u[:, i]))
            new = z + h[:, None] * _combine(self.b, stages)
            return new, h[:, None] * _combine(self.b_error, stages) if with_error else None

        return in_a_loop if rolled else step


def is_explicit(solver: diffrax.AbstractSolver[Any]) -> bool:
    """Whether `solver` can be stepped on a mesh."""
    return isinstance(solver, diffrax.AbstractERK) and getattr(solver, "tableau", None) is not None


def steps_of(solver: diffrax.AbstractSolver[Any]) -> Steps:
    """Those of an explicit solver are its own; in place of those of an implicit one stand those of `Rosenbrock`."""
    return Tableau(solver) if is_explicit(solver) else Rosenbrock()


def _combine(weights, stages):
    terms = [float(w) * k for w, k in zip(weights, stages, strict=False) if w != 0.0]
    return sum(terms[1:], terms[0]) if terms else 0.0


def solve_on_mesh(
    rate: Callable,
    tableau: Steps,
    mesh: Mesh,
    starts: Float[Array, "starts states"],
    *,
    with_error: bool = False,
    rolled: bool = False,
) -> Any:
    """The states after every step of the mesh, shape `(lanes, steps, states)`.

    Memory grows with steps x states: each step's stages are computed anew in the backward pass.

    Args:
        rate: `(tau, z, u) -> dz/dtau` for one state.
        tableau: of the solver.
        mesh: the steps.
        starts: initial states in coordinates of order one.
        with_error: return the error estimate of every step as well, of the same shape.
        rolled: as in `Steps`.
    """
    advance = tableau.stepper(rate, driven=mesh.u is not None, with_error=with_error, rolled=rolled)

    def step(z, row):
        t, h, start, u = row
        z = jnp.where((start >= 0)[:, None], starts[jnp.maximum(start, 0)], z)
        new, error = advance(z, t, h, u)
        # A padded step must hand on the state even if the field is not finite there.
        new = jnp.where((h == 0)[:, None], z, new)
        return new, (new, error) if with_error else new

    def idle(z, row):
        return z, (z, jnp.zeros_like(z)) if with_error else z

    def step_unless_idle(z, busy_and_row):
        busy, row = busy_and_row
        stepped = jax.checkpoint(step)
        return stepped(z, row) if busy is None else jax.lax.cond(busy, stepped, idle, z, row)

    def swap(a):
        return jnp.swapaxes(a, 0, 1)

    rows = jax.tree.map(swap, (mesh.t, mesh.h, mesh.start, mesh.u))
    initial = jnp.zeros((mesh.h.shape[0], starts.shape[1]), starts.dtype)
    _, out = jax.lax.scan(step_unless_idle, initial, (mesh.busy, rows))
    return jax.tree.map(swap, out)
