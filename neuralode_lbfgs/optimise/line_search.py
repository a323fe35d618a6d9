"""A strong-Wolfe line search as a state machine: one trial step in, the next trial step out.

Nocedal & Wright, Numerical Optimization (2nd ed.), algorithms 3.5 (bracketing) and 3.6 (zoom),
with cubic interpolation (3.59) kept inside the bracket as in Moré & Thuente (ACM TOMS 20, 1994),
and the approximate Wolfe conditions of Hager & Zhang (SIAM J. Optim. 16, 2005, eq. 4.1), which
still recognise a minimum when the decrease of the loss drowns in rounding errors.
"""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

SUFFICIENT_DECREASE = 1e-4  # c1 of Nocedal & Wright (3.7a)
CURVATURE = 0.9  # c2 of (3.7b): loose, because an exact search wastes ODE solves
MAX_TRIALS = 20  # what MINPACK's dcsrch and SciPy allow
GROWTH = (1.1, 4.0)  # bounds of an extrapolated step in units of the last one, Moré & Thuente section 4


class Bracket(eqx.Module):
    """What a search knows: `low` is the best point with sufficient decrease, `high` the other end."""

    step_low: Float[Array, ""]
    value_low: Float[Array, ""]
    slope_low: Float[Array, ""]
    step_high: Float[Array, ""]
    value_high: Float[Array, ""]
    slope_high: Float[Array, ""]
    closed: Bool[Array, ""]  # whether `high` is known, so that a minimum lies between the two
    trials: Int[Array, ""]


class Advice(NamedTuple):
    """What follows from one trial."""

    bracket: Bracket
    accept: Bool[Array, ""]  # the trial satisfies the (approximate) Wolfe conditions
    failed: Bool[Array, ""]  # the search has used up its trials, or its bracket has closed on nothing
    endless: Bool[Array, ""]  # it failed because the loss falls, as steeply as at the start, as far as it went
    is_low: Bool[Array, ""]  # the trial became the bracket's low end
    next_step: Float[Array, ""]


def open_bracket(value: Float[Array, ""], slope: Float[Array, ""]) -> Bracket:
    """The bracket before the first trial: its low end is the start itself."""
    zero = jnp.zeros_like(value)
    return Bracket(zero, value, slope, zero, value, slope, jnp.asarray(False), jnp.asarray(0, jnp.int32))


def _cubic_minimum(a, value_a, slope_a, b, value_b, slope_b):
    """The minimum of the cubic through two values and slopes, Nocedal & Wright (3.59); NaN if it has none."""
    d1 = slope_a + slope_b - 3 * (value_a - value_b) / (a - b)
    d2 = jnp.sign(b - a) * jnp.sqrt(d1**2 - slope_a * slope_b)
    return b - (b - a) * (slope_b + d2 - d1) / (slope_b - slope_a + 2 * d2)


def advance(
    bracket: Bracket,
    step: Float[Array, ""],
    value: Float[Array, ""],
    slope: Float[Array, ""],
    start_value: Float[Array, ""],
    start_slope: Float[Array, ""],
    *,
    wolfe: bool = True,
) -> Advice:
    """Judge one trial and say where to try next.

    A value or slope that is not finite is a wall: the bracket closes in front of it.

    Args:
        bracket: what the search knows so far.
        step, value, slope: the trial, the loss there, and the loss's derivative along the direction.
        start_value, start_slope: the same at step zero; the slope must be negative.
        wolfe: False for plain backtracking, which asks for sufficient decrease alone.
    """
    finite = jnp.isfinite(value) & jnp.isfinite(slope)
    value = jnp.where(finite, value, jnp.inf)
    slope = jnp.where(finite, slope, 0.0)
    rounding = 10 * jnp.finfo(value.dtype).eps * jnp.abs(start_value)

    decrease = value <= start_value + SUFFICIENT_DECREASE * step * start_slope
    strong = decrease & (jnp.abs(slope) <= -CURVATURE * start_slope)
    approximate = (
        (value <= start_value + rounding)
        & (slope <= (2 * SUFFICIENT_DECREASE - 1) * start_slope)
        & (slope >= CURVATURE * start_slope)
    )
    accept = finite & ((strong | approximate) if wolfe else decrease)

    # Algorithm 3.6: the trial is beyond the minimum, or it is the new best with the minimum ahead or behind.
    beyond = ~finite | ~decrease | (value >= bracket.value_low)
    uphill = jnp.where(bracket.closed, slope * (bracket.step_high - bracket.step_low) >= 0, slope >= 0)

    def choose(if_beyond, if_uphill, otherwise):
        return jnp.where(beyond, if_beyond, jnp.where(uphill, if_uphill, otherwise))

    new = Bracket(
        step_low=jnp.where(beyond, bracket.step_low, step),
        value_low=jnp.where(beyond, bracket.value_low, value),
        slope_low=jnp.where(beyond, bracket.slope_low, slope),
        step_high=choose(step, bracket.step_low, bracket.step_high),
        value_high=choose(value, bracket.value_low, bracket.value_high),
        slope_high=choose(slope, bracket.slope_low, bracket.slope_high),
        closed=bracket.closed | beyond | uphill,
        trials=bracket.trials + 1,
    )

    width = new.step_high - new.step_low
    cubic = _cubic_minimum(new.step_low, new.value_low, new.slope_low, new.step_high, new.value_high, new.slope_high)
    # Behind a wall nothing is known about the far end: stay near the good one. And every fourth trial
    # halves the bracket, so that a cubic that keeps to one end cannot use up the search.
    blind = ~jnp.isfinite(new.value_high)
    inside = jnp.where(jnp.isfinite(cubic), (cubic - new.step_low) / width, 0.5)
    inside = jnp.where(new.trials % 4 == 0, 0.5, jnp.clip(inside, 0.1, 0.9))
    interpolated = new.step_low + jnp.where(blind, 0.2, inside) * width

    last = step - bracket.step_low
    ahead = _cubic_minimum(bracket.step_low, bracket.value_low, bracket.slope_low, step, value, slope)
    growth = jnp.where(jnp.isfinite(ahead) & (ahead > step), (ahead - step) / last, GROWTH[1])
    extrapolated = step + jnp.clip(growth, *GROWTH) * last

    next_step = jnp.where(new.closed, interpolated, extrapolated)
    closed_on_nothing = new.closed & (
        jnp.abs(width) <= 4 * jnp.finfo(value.dtype).eps * jnp.maximum(new.step_low, new.step_high)
    )
    failed = ~accept & ((new.trials >= MAX_TRIALS) | closed_on_nothing | ~jnp.isfinite(next_step))
    return Advice(new, accept, failed, failed & ~new.closed, ~beyond, next_step)
