"""A hybrid neural ODE fitted with L-BFGS three times: as people write it, done right in bare optax, with the package.

python scripts/optax_recipe.py                 # float64, at most 200 iterations: a minute, nearly all of it compiling
python scripts/optax_recipe.py --seed 0        # first weights with which the usual version does not fail
python scripts/optax_recipe.py --float32       # the floor of single precision, where searches stall
python scripts/optax_recipe.py --variants      # done right, with other memories and first steps

The model and its names (`loss_fn`, `value_fn`, `make_step`) are those of optax issue 1304 and equinox issue 796, where
the question was how to give `optax.lbfgs` with its line search a model of one's own. docs/optax_recipe.md walks
through it.
"""

import argparse
import sys
import textwrap
import time
from collections.abc import Callable
from dataclasses import dataclass

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

import neuralode_lbfgs as nl
from neuralode_lbfgs.data import Trajectories
from neuralode_lbfgs.systems import simulate

STALLED = 20  # evaluations of one line search: optax's limit, so a search that needs them all has found nothing
GTOL, FTOL, PATIENCE = 1e-8, 1e-9, 5  # when the second and third version stop: gradient, relative decrease, how often


# The model: what is known of the rate (a constant loss), what is not (a network), and a solve around both.


class HybridField(eqx.Module):
    """dy/dt = mlp(y) - exp(log_gamma): an unknown production and a loss whose rate is positive by its logarithm."""

    mlp: eqx.nn.MLP
    log_gamma: Float[Array, " 1"]

    def __init__(self, key: Array):
        self.mlp = eqx.nn.MLP(1, 1, width_size=5, depth=2, activation=jnp.tanh, key=key)
        self.log_gamma = jnp.array([-3.0])

    def __call__(self, t, y: Float[Array, " 1"], args) -> Float[Array, " 1"]:
        return self.mlp(y) - jnp.exp(self.log_gamma)


class HybridODE(eqx.Module):
    """`model(ts, y0) -> ys`. Settings of the solver are static: part of the program, nothing to train."""

    vector_field: HybridField
    solver: diffrax.AbstractSolver = eqx.field(static=True, default=diffrax.Tsit5())
    rtol: float = eqx.field(static=True, default=1e-3)
    atol: float = eqx.field(static=True, default=1e-6)
    throw: bool = eqx.field(static=True, default=True)

    def __call__(self, ts: Float[Array, " times"], y0: Float[Array, " 1"]) -> Float[Array, "times 1"]:
        solution = diffrax.diffeqsolve(
            diffrax.ODETerm(self.vector_field),  # pyright: ignore[reportArgumentType]
            self.solver,
            t0=ts[0],
            t1=ts[-1],
            dt0=None,
            y0=y0,
            saveat=diffrax.SaveAt(ts=ts),
            stepsize_controller=diffrax.PIDController(rtol=self.rtol, atol=self.atol),
            throw=self.throw,
        )
        assert solution.ys is not None
        return solution.ys


def loss_fn(model: Callable, ts: Float[Array, " times"], ys: Float[Array, "times 1"]) -> Float[Array, ""]:
    """The mean squared error of one trajectory, solved from its first row."""
    return jnp.mean((model(ts, ys[0]) - ys) ** 2)


def measured_data() -> Trajectories:
    """dy/dt = 1 / (1 + y) - exp(-1) from y = 0: 50 points on [0, 20], without noise."""
    return simulate("saturation", y0=(0.0,), t1=20.0, num=50, key=jax.random.key(0))


# What each version is asked afterwards.


@dataclass(frozen=True)
class Fitted:
    """A fit, and what it cost. `trials` has the evaluations of each iteration's line search, if they can be seen."""

    model: HybridODE
    loss: float  # as the fit saw it, with the solver's tolerances of the fit
    stopped: str
    iterations: int
    evaluations: int  # of the loss and its gradient, that is, solves of the ODE
    repeated: int  # of those, evaluations at a point whose value and gradient were known already
    trials: tuple[int, ...]
    traces: int | None  # how often make_step was traced and compiled; None where there is none
    compile_s: float
    run_s: float


class StepClock:
    """Tells calls that compile from calls that run: a jitted function runs its Python body only to be traced."""

    def __init__(self):
        self.traces, self.compile_s, self.run_s = 0, 0.0, 0.0

    def traced(self):
        self.traces += 1

    def __call__(self, make_step, *args):
        traces, started = self.traces, time.perf_counter()
        result = jax.block_until_ready(make_step(*args))
        seconds = time.perf_counter() - started
        if self.traces > traces:
            self.compile_s += seconds
        else:
            self.run_s += seconds
        return result


def line_search_trials(opt_state) -> int:
    """The evaluations of the last line search: the first number to watch when L-BFGS is slow or stands still."""
    return int(optax.tree_utils.tree_get(opt_state, "num_linesearch_steps"))


# (a) The usual version. It runs, and each comment is something that it gets wrong.


def fit_as_usual(model: HybridODE, ts, ys, iterations: int) -> Fitted:
    """`optax.lbfgs` as it is found in most scripts."""
    clock = StepClock()
    optimizer = optax.lbfgs()
    # Any array counts as a parameter: an integer array or a random key in the model breaks the gradient.
    opt_state = optimizer.init(eqx.filter(model, eqx.is_array))

    @eqx.filter_jit
    def make_step(model, opt_state, ts, ys):
        clock.traced()
        params, static = eqx.partition(model, eqx.is_array)

        def value_fn(params):
            return loss_fn(eqx.combine(params, static), ts, ys)

        # The search of the step before ended at this very point: its value and gradient are in opt_state.
        value, grad = eqx.filter_value_and_grad(loss_fn)(model, ts, ys)
        updates, opt_state = optimizer.update(grad, opt_state, params, value=value, grad=grad, value_fn=value_fn)
        return eqx.apply_updates(model, updates), opt_state, value

    trials, value, stopped = [], jnp.inf, "never: out of iterations"
    # A fixed number of iterations: nothing notices when the search has stopped finding anything. And the types of
    # opt_state change in the first step (`init` fills in Python numbers), so the second call compiles all over again.
    for _ in range(iterations):
        try:  # not in the usual script, which ends here with all that it had reached
            model, opt_state, value = clock(make_step, model, opt_state, ts, ys)
        except RuntimeError:
            stopped = f"by an exception in iteration {len(trials) + 1}: the ODE of a trial could not be solved"
            break
        trials.append(line_search_trials(opt_state))
    # `value` belongs to the model before the last step; the model returned is the last one, not the best.
    return Fitted(
        model=model,
        loss=float(value),
        stopped=stopped,
        iterations=len(trials),
        evaluations=len(trials) + sum(trials),
        repeated=max(len(trials) - 1, 0),
        trials=tuple(trials),
        traces=clock.traces,
        compile_s=clock.compile_s,
        run_s=clock.run_s,
    )


# (b) The same optimiser, done right.


def prepared(model: HybridODE) -> HybridODE:
    """The model with a solver fit for a line search.

    The steps of an adaptive solve change with the parameters, its gradient takes them as fixed: at rtol 1e-3 value and
    gradient disagree by more than an iteration near the minimum gains, and what is fitted is partly the solver's error.
    With 1e-6 (1e-5 in float32, whose own rounding is next) they agree to six digits for a few times the steps.
    `throw=False`: a trial whose solve fails gives infinity, which a line search turns down; an exception ends the fit.
    """
    rtol = 1e-6 if model.vector_field.log_gamma.dtype == jnp.float64 else 1e-5
    return HybridODE(model.vector_field, rtol=rtol, atol=rtol, throw=False)


def fit_with_optax(
    model: HybridODE,
    ts,
    ys,
    iterations: int,
    *,
    memory_size: int = 50,
    initial_step: float | Callable | None = None,
) -> Fitted:
    """`optax.lbfgs` with its traps avoided.

    Args:
        memory_size: curvature pairs. optax's default of 10 is meant for thousands of parameters, where memory and
            the products with it count; here an ODE solve costs more than all of them.
        initial_step: where each search starts, in units of the quasi-Newton step (1, which is right near a minimum): a
            number or an optax schedule. Smaller ones at first help where a full step leaves the region in which the
            ODE can be solved.
    """
    clock = StepClock()
    # The learning rate of optax.lbfgs scales the direction before the search, so it is the search's first trial.
    optimizer = optax.lbfgs(initial_step, memory_size=memory_size)
    # Only what has a gradient is trained, and as one vector: nothing of the model's structure can get in the way.
    params, static = eqx.partition(model, eqx.is_inexact_array)
    x, unravel = ravel_pytree(params)

    def value_fn(x, ts, ys):
        return loss_fn(eqx.combine(unravel(x), static), ts, ys)

    # Strong types from the start: the second call then finds the program of the first.
    opt_state = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.result_type(leaf)), optimizer.init(x))

    @eqx.filter_jit
    def make_step(x, opt_state, ts, ys):
        clock.traced()
        # Value and gradient of the search's last point; evaluated only in the first step, where there is no search yet.
        value, grad = optax.value_and_grad_from_state(value_fn)(x, ts, ys, state=opt_state)
        # Data are arguments all the way: closed over, they would be constants of the program.
        updates, opt_state = optimizer.update(
            grad, opt_state, x, value=value, grad=grad, value_fn=value_fn, ts=ts, ys=ys
        )
        return optax.apply_updates(x, updates), opt_state, value

    best_x, best, previous, flat, trials = x, float("inf"), float("inf"), 0, []
    stopped = "the iteration limit was reached"
    for iteration in range(iterations):
        start = x
        x, opt_state, start_value = clock(make_step, x, opt_state, ts, ys)
        trials.append(line_search_trials(opt_state))
        if iteration == 0:
            best_x, best = start, float(start_value)
            previous = best
            if not np.isfinite(best):
                stopped = "the loss is not finite at the start"
                break
        # The state holds value and gradient at the new point: the stop rule costs no evaluation.
        value = float(optax.tree_utils.tree_get(opt_state, "value"))
        gradient = float(jnp.max(jnp.abs(optax.tree_utils.tree_get(opt_state, "grad"))))
        if value < best:  # a search that fails may still step, uphill too
            best_x, best = x, value
        decrease = (previous - value) / max(abs(previous), abs(value), np.finfo(x.dtype).tiny)
        flat = flat + 1 if decrease <= FTOL else 0
        previous = value
        if not (np.isfinite(value) and np.isfinite(gradient)):
            stopped = "the loss or its gradient is no longer finite"
            break
        if gradient <= GTOL:
            stopped = "the gradient is below gtol"
            break
        if flat >= PATIENCE:
            stopped = "the loss no longer falls"
            break
    return Fitted(
        model=eqx.combine(unravel(best_x), static),
        loss=best,
        stopped=stopped,
        iterations=len(trials),
        evaluations=1 + sum(trials),  # 1: the start
        repeated=0,
        trials=tuple(trials),
        traces=clock.traces,
        compile_s=clock.compile_s,
        run_s=clock.run_s,
    )


# (c) The same with the package: partition, ravelling, strong types, reuse, stop rule and best point are its business.


def fit_with_package(model: HybridODE, data: Trajectories, iterations: int) -> Fitted:
    """The same model, data and loss, in one call."""
    # `memory_size` and `initial_step` (a number or an optax schedule) are keywords of `fit` as well.
    result = nl.fit(model, data, loss=loss_fn, max_iter=iterations, gtol=GTOL, ftol=FTOL)
    evaluations = [row.evaluations for row in result.stages[-1].history]
    assert isinstance(result.model, HybridODE)
    return Fitted(
        model=result.model,
        loss=result.loss,
        stopped=result.stop_reason.sentence,
        iterations=result.iterations,
        evaluations=result.evaluations,
        repeated=0,
        trials=tuple(int(number) for number in np.diff(evaluations)),
        traces=None,
        compile_s=result.compile_s,
        run_s=result.run_s,
    )


# The measurements.


def tight_loss(model: HybridODE, data: Trajectories) -> float:
    """The loss with the ODE solved to nine digits in float64: what the fit is worth, not what it saw."""
    with jax.enable_x64(True):
        field = jax.tree.map(
            lambda leaf: leaf.astype(jnp.float64) if eqx.is_inexact_array(leaf) else leaf, model.vector_field
        )
        tight = HybridODE(field, rtol=1e-9, atol=1e-9)
        return float(eqx.filter_jit(loss_fn)(tight, jnp.asarray(data[0].ts), jnp.asarray(data[0].ys)))


def a_search(trials: tuple[int, ...]) -> str:
    return f"{np.mean(trials):.1f}" if trials else "-"


def table(fits: dict[str, Fitted], data: Trajectories) -> str:
    """What each fit did and cost, a column each."""
    rows: dict[str, Callable[[Fitted], str]] = {
        "make_step compiled, times": lambda fit: "-" if fit.traces is None else str(fit.traces),
        "seconds compiling": lambda fit: f"{fit.compile_s:.1f}",
        "seconds running": lambda fit: f"{fit.run_s:.2f}",
        "iterations": lambda fit: str(fit.iterations),
        "evaluations": lambda fit: str(fit.evaluations),
        "  known already": lambda fit: f"{fit.repeated / max(fit.evaluations, 1):.0%}",
        "  a search, first 20": lambda fit: a_search(fit.trials[:20]),
        "  a search, last 20": lambda fit: a_search(fit.trials[-20:]),
        f"searches of {STALLED} or more": lambda fit: str(sum(number >= STALLED for number in fit.trials)),
        "loss, as fitted": lambda fit: f"{fit.loss:.1e}",
        "loss, tight solve": lambda fit: f"{tight_loss(fit.model, data):.1e}",
        "log_gamma (truth -1)": lambda fit: f"{float(fit.model.vector_field.log_gamma[0]):.2f}",
    }
    lines = [" " * 26 + "".join(f"{name:>18}" for name in fits)]
    lines += [f"{title:<26}" + "".join(f"{cell(fit):>18}" for fit in fits.values()) for title, cell in rows.items()]
    stops = [textwrap.fill(f"{name} stopped: {fit.stopped}", 80, subsequent_indent="  ") for name, fit in fits.items()]
    return "\n".join([*lines, "", *stops])


def main(argv: list[str] | None = None) -> int:
    """Fit, measure, print; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--iterations", type=int, default=200, help="at most, of each version (default: 200)")
    parser.add_argument("--seed", type=int, default=1, help="of the network's first weights (default: 1)")
    parser.add_argument("--float32", action="store_true", help="in single precision, where searches stall")
    parser.add_argument("--variants", action="store_true", help="done right, with other memories and first steps")
    args = parser.parse_args(argv)
    if args.iterations < 1:
        parser.error(f"--iterations must be at least 1; it is {args.iterations}.")
    # Near a minimum the loss changes by less than float32 can hold. The switch must come before the first array.
    with jax.enable_x64(not args.float32):
        data = measured_data()
        dtype = jnp.result_type(float)
        ts, ys = jnp.asarray(data[0].ts, dtype), jnp.asarray(data[0].ys, dtype)
        model = HybridODE(HybridField(jax.random.key(args.seed)))
        right = prepared(model)
        if args.variants:
            schedule = optax.linear_schedule(0.1, 1.0, transition_steps=20)
            fits = {
                "memory 50": fit_with_optax(right, ts, ys, args.iterations),
                "memory 5": fit_with_optax(right, ts, ys, args.iterations, memory_size=5),
                "scheduled": fit_with_optax(right, ts, ys, args.iterations, initial_step=schedule),
            }
        else:
            fits = {
                "as usual": fit_as_usual(model, ts, ys, args.iterations),
                "done right": fit_with_optax(right, ts, ys, args.iterations),
                "the package": fit_with_package(right, data, args.iterations),
            }
        print(table(fits, data))
    # Any constant moves freely between the two terms of mlp(y) - exp(log_gamma).
    print("\nlog_gamma is not identifiable: the network's last bias takes up what it lacks,")
    print("at the same loss. To learn it, fix the network's level, or measure it alone.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
