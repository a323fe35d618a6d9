"""Trajectories of a known vector field: accurate solutions from several starts, with noise and gaps if asked."""

from collections.abc import Callable, Sequence
from typing import Any

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from ..data.trajectories import Trajectories, Trajectory
from . import experiment
from .registry import get_system
from .system import System


def simulate(
    system: System | str | Callable[..., Any],
    *,
    key: PRNGKeyArray,
    y0: Any = None,
    num_trajectories: int = 1,
    ts: Any = None,
    t0: float | None = None,
    t1: float | None = None,
    num: int = 101,
    random_times: bool = False,
    noise: float | Sequence[float] | np.ndarray = 0.0,
    relative_noise: bool = False,
    missing: float = 0.0,
    inputs: Callable[..., Any] | None = None,
    start_box: Sequence[Sequence[float]] | np.ndarray | None = None,
    ids: Sequence[str] | None = None,
    state_names: Sequence[str] = (),
    input_names: Sequence[str] = (),
    units: dict[str, str] | None = None,
    stiff: bool | None = None,
    rtol: float = 1e-10,
    max_steps: int = 200_000,
) -> Trajectories:
    r"""Simulates a system from several starts and measures it, with noise and gaps if asked.

    Solves `y' = f(t, y, u(t))` from each start in float64 (whatever `jax.config` says), then records
    `y(t_k) + noise e_k` with `e_k ~ N(0, 1)`, independent for each state and time.

    Random starts, times, noise and gaps come from four separate streams of `key`. So the same key gives the
    same data, and the same call with `noise=0, missing=0` gives the noise-free truth behind them.

    Args:
        system: a `System`, the name of one, or a vector field `vector_field(t, y, args)` written with
            jax.numpy, where y and the result have shape `(states,)` and `args` is `inputs(t)` or None.
        key: a JAX random key, such as `jax.random.key(0)`.
        y0: starts, shape `(states,)` or `(trajectories, states)`. By default a single trajectory starts at
            the system's own `y0`, and several start in its `start_box`.
        num_trajectories: how many trajectories; with `y0` of shape `(states,)` all share that start.
        ts: times to record, shape `(num,)`, or `(trajectories, num)` if each has its own; increasing.
            By default `num` times over `[t0, t1]`.
        t0: the time of `y0`: 0 by default, or the first of `ts` if they are given.
        t1: the last time; by default the system's own.
        num: how many times.
        random_times: instead of evenly spread times, `t0` and then `num - 1` times drawn uniformly up to
            `t1`, new ones for each trajectory.
        noise: standard deviation of the noise in the data's units, one number or one per state.
        relative_noise: `noise` is a fraction of each state's standard deviation over the noise-free
            values of all trajectories and times.
        missing: the probability that a value is not observed, NaN. If that would leave a trajectory
            nothing at its first time, all its values there are kept.
        inputs: a known input `inputs(t)`, shape `(inputs,)`, written with jax.numpy; it is recorded at the
            times in `Trajectory.inputs`. By default the system's own.
        start_box: (low, high) for each state: the box in which starts are drawn uniformly. By default the
            system's own.
        ids: names of the trajectories; by default run1, run2, ...
        state_names: names of the states; by default the system's own, or y0, y1, ...
        input_names: names of the inputs; by default the system's own, or u0, u1, ...
        units: units of the columns by name; by default the system's own.

    Other arguments:
        stiff: solve with Kvaerno5 (implicit) rather than Dopri8 (explicit); by default as the system says.
        rtol: relative tolerance of the solve. The absolute one is 1e-4 of that, times the largest state
            at the start, so that small states beside large ones are accurate too.
        max_steps: steps of the solver after which a trajectory is given up.

    Returns:
        The trajectories, in the data's units. Of a system with log times, times are spread over log t, ten
        decades up to `t1`, and `y0` is still at `t0`.

    Raises:
        ValueError: if an option cannot be used, a shape is wrong, or a solution diverges.

    ```python
    data = nl.simulate("van_der_pol", num_trajectories=8, noise=0.02, relative_noise=True, key=jax.random.key(0))
    ```

    Source: Dormand and Prince's method of order 8, Hairer, Norsett and Wanner, "Solving Ordinary Differential
    Equations I", section II.5; Kvaerno 2004, "Singly diagonally implicit Runge-Kutta methods with an explicit
    first stage".
    """
    if isinstance(system, str):
        system = get_system(system)
    number = experiment.count(num_trajectories, y0, ts)
    log_times = False
    if isinstance(system, System):
        if y0 is None and start_box is None:
            y0, start_box = (system.y0, None) if number == 1 else (None, system.start_box)
        t1 = system.t1 if t1 is None and ts is None else t1
        inputs = system.inputs if inputs is None else inputs
        stiff = system.stiff if stiff is None else stiff
        state_names = state_names or system.state_names
        input_names = input_names or system.input_names
        units = system.units if units is None else units
        log_times = system.times == "log"
        vector_field = system.vector_field
    else:
        vector_field = system
    ids = tuple(f"run{i + 1}" for i in range(number)) if ids is None else tuple(ids)
    if len(ids) != number:
        raise ValueError(f"there are {len(ids)} ids for {number} trajectories; give one for each.")

    for_starts, for_times, for_noise, for_gaps = experiment.random_streams(key)
    starts = experiment.starts(y0, start_box, number, tuple(state_names), for_starts)
    times = experiment.times(ts, t0, t1, num, random_times, log_times, number, for_times)
    noise_levels = experiment.noise_levels(noise, starts.shape[1])
    gaps = experiment.gaps(missing, (*times.shape, starts.shape[1]), for_gaps)
    begins = times[:, 0] if t0 is None and ts is not None else np.full(number, 0.0 if t0 is None else t0)
    with jax.enable_x64(True):
        _check_functions(vector_field, inputs, begins[0], starts[0])
        solver = diffrax.Kvaerno5() if stiff else diffrax.Dopri8()
        solved = _solve(vector_field, inputs, solver, times, begins, starts, rtol, max_steps)
        truth, driven, finished = jax.tree.map(np.asarray, solved)
    _check_solution(truth, finished, times, ids)

    noise_sd = noise_levels * truth.std(axis=(0, 1)) if relative_noise else noise_levels
    ys = truth + noise_sd * for_noise.normal(size=truth.shape)
    ys[gaps] = np.nan
    trajectories = [
        Trajectory(id, times[i], ys[i], inputs=None if driven is None else driven[i]) for i, id in enumerate(ids)
    ]
    return Trajectories(tuple(trajectories), tuple(state_names), tuple(input_names), units=dict(units or {}))


# One solve is run, not thousands: optimising the program less takes a third off its compilation.
_COMPILE: dict[str, Any] = {"compiler_options": {"xla_backend_optimization_level": 1}}


@eqx.filter_jit(**_COMPILE)
def _solve(vector_field, inputs, solver, times, begins, starts, rtol, max_steps):
    """Solves from all starts at once: states `(trajectories, num, states)`, inputs, and whether each finished."""

    def rate(t, y, args):
        # A field that answers with a list, or in float32, is as good as any other.
        return jnp.asarray(vector_field(t, y, None if inputs is None else inputs(t)), y.dtype)

    def one(ts, begin, y0):
        largest = jnp.max(jnp.abs(y0))
        atol = 1e-4 * rtol * jnp.where(largest > 0, largest, 1.0)
        solution = diffrax.diffeqsolve(
            diffrax.ODETerm(rate),
            solver,
            begin,
            ts[-1],
            None,
            y0,
            saveat=diffrax.SaveAt(ts=ts),
            stepsize_controller=diffrax.PIDController(rtol=rtol, atol=atol),
            max_steps=max_steps,
            adjoint=diffrax.ForwardMode(),  # nobody asks for a gradient here, and this loop compiles faster
            throw=False,
        )
        return solution.ys, solution.result == diffrax.RESULTS.successful

    truth, finished = jax.vmap(one)(times, begins, starts)
    driven = None if inputs is None else jax.vmap(jax.vmap(lambda t: jnp.asarray(inputs(t), t.dtype)))(times)
    return truth, driven, finished


def _check_functions(vector_field, inputs, t, y) -> None:
    """Calls the user's functions once on shapes alone, where a mistake can still be named."""
    args = None
    if inputs is not None:
        args = jax.eval_shape(lambda t: jnp.asarray(inputs(t)), t)
        if len(args.shape) != 1:
            raise ValueError(f"inputs(t) must return an array of shape (inputs,); it returns shape {args.shape}.")
    rate = jax.eval_shape(lambda t, y, args: jnp.asarray(vector_field(t, y, args)), t, y, args)
    if rate.shape != y.shape:
        raise ValueError(
            f"the vector field must return dy/dt with the shape of y, {y.shape}; it returns shape {rate.shape}."
        )


def _check_solution(truth, finished, times, ids) -> None:
    good = finished & np.isfinite(truth).all(axis=(1, 2))
    if good.all():
        return
    bad = int(np.flatnonzero(~good)[0])
    last = np.flatnonzero(np.isfinite(truth[bad]).all(axis=-1))
    reached = times[bad, last[-1]] if last.size else times[bad, 0]
    raise ValueError(
        f"the solution of trajectory {ids[bad]!r} could not be followed beyond t = {reached:.6g}: it diverges or is "
        "too stiff; end the span earlier (t1), start closer in (y0, start_box), or try stiff=True or more max_steps."
    )
