"""Hard objectives: each run ends with the right reason, and never worse than it started."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neuralode_lbfgs.optimise import LBFGS, Minimiser, StopReason, minimise


def rosenbrock(x):
    return jnp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def bowl(x):
    return jnp.sum(x**2)


def with_noise(x):
    """Values with errors of 1e-6 that the exact gradient does not know of."""
    return rosenbrock(x) + jax.lax.stop_gradient(1e-6 * jnp.sin(1e9 * jnp.sum(x)))


FLOOR = {StopReason.SEARCH_FAILED, StopReason.DECREASE, StopReason.GRADIENT}
WALL = {StopReason.SEARCH_FAILED, StopReason.DECREASE}
CASES = {
    # name: (objective, start, reasons, bound of the loss)
    "not finite at the start": (lambda x: jnp.sum(x) * jnp.nan, [1, 1], {StopReason.NONFINITE_START}, np.inf),
    "slope not finite at the start": (lambda x: jnp.sum(x**0.5), [0, 0], {StopReason.NONFINITE_START}, np.inf),
    "wall of NaN": (lambda x: jnp.where(x[0] < 0.5, jnp.nan, bowl(x)), [1, 1], WALL, 0.5001),
    "wall of inf": (lambda x: jnp.where(x[0] < 0.5, jnp.inf, bowl(x)), [1, 1], WALL, 0.5001),
    "wall of a logarithm": (lambda x: jnp.sum(x - jnp.log(x)), [5, 0.01], {StopReason.GRADIENT}, 2.000001),
    "constant": (lambda x: 0 * jnp.sum(x) + 3, [1, 1], {StopReason.GRADIENT}, 3.0),
    "linear": (jnp.sum, [1, 1], {StopReason.UNBOUNDED}, 0.0),
    "exponential": (lambda x: -jnp.sum(jnp.exp(x)), [1, 1], {StopReason.UNBOUNDED}, 0.0),
    "kink": (lambda x: jnp.sum(jnp.abs(x)), [1, 2.3], {StopReason.SEARCH_FAILED}, 1e-5),
    "high above zero": (lambda x: 1e3 + rosenbrock(x), [-1.2, 1], FLOOR, 1000.01),
    "noise": (with_noise, [-1.2, 1], FLOOR, 1e-3),
    "downhill is uphill": (lambda x: 2 * jax.lax.stop_gradient(bowl(x)) - bowl(x), [1, 1], WALL, 2.0),
    "saddle": (lambda x: x[0] ** 2 - x[1] ** 2 + x[1] ** 4, [1, 0.1], FLOOR, -0.249),
}


@pytest.fixture(scope="module")
def minimisers():
    """One program for all objectives in each precision: compiling is what takes the time."""
    objectives = [case[0] for case in CASES.values()]

    def value_fn(x, number):
        return jax.lax.switch(number, objectives, x)

    return {dtype: Minimiser(value_fn, jnp.zeros(2, dtype)) for dtype in (np.float32, np.float64)}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", CASES)
def test_it_ends_for_the_right_reason(name, dtype, minimisers):
    objective, start, reasons, bound = CASES[name]
    start = jnp.asarray(start, dtype)
    tolerances = {"gtol": 1e-8, "ftol": 1e-12} if dtype == np.float64 else {"gtol": 1e-4, "ftol": 1e-7}
    found = minimisers[dtype].run(start, list(CASES).index(name), max_evals=3000, **tolerances)
    assert found.reason in reasons
    assert found.loss <= bound
    assert found.evaluations < 1000
    assert found.failed_searches <= 2 or found.iterations > 0
    if found.reason is not StopReason.NONFINITE_START:
        assert found.loss <= float(objective(start))
        assert found.loss == pytest.approx(float(objective(found.params)), rel=1e-5)


def test_pairs_that_bend_downward_are_skipped_and_counted():
    """A long way over a hill, where the curvature is negative, before the valley."""
    found = minimise(
        lambda x: jnp.sum(jnp.cos(x) + 0.01 * (x - 3.0) ** 2),
        jnp.asarray([0.3]),
        optimizer=LBFGS(line_search="backtracking"),
    )
    assert found.history[-1].skipped > 0
    assert found.loss < -0.9


def test_something_unbounded_ends_after_one_search(minimisers):
    for dtype, minimiser in minimisers.items():
        assert minimiser.run(jnp.ones(2, dtype), list(CASES).index("linear")).evaluations == 21


def test_a_far_minimum_is_not_taken_for_an_unbounded_loss():
    found = minimise(lambda x: jnp.sqrt(1 + (x - 1e5) ** 2), jnp.asarray(0.0), optimizer=LBFGS(initial_step=1e-3))
    assert found.reason in FLOOR
    assert found.params == pytest.approx(1e5)


def test_where_no_step_helps_at_most_two_searches_fail(minimisers):
    """One with the memory, one along the steepest descent; then there is nothing left to try."""
    for dtype, minimiser in minimisers.items():
        start = jnp.ones(2, dtype)
        found = minimiser.run(start, list(CASES).index("downhill is uphill"))
        assert found.reason is StopReason.SEARCH_FAILED
        assert found.failed_searches <= 2
        np.testing.assert_array_equal(found.params, start)


def test_limits():
    start = -jnp.ones(4)
    run = Minimiser(rosenbrock, start).run
    by_iterations = run(start, max_iter=7)
    assert (by_iterations.reason, by_iterations.iterations) == (StopReason.MAX_ITER, 7)
    by_evaluations = run(start, max_evals=9)
    assert (by_evaluations.reason, by_evaluations.evaluations) == (StopReason.MAX_EVALS, 9)
    by_time = run(start, time_limit=0.0, chunk_evals=4)
    assert (by_time.reason, by_time.evaluations) == (StopReason.TIME_LIMIT, 4)
    flat = run(start, ftol=0.5, patience=2)
    assert flat.reason is StopReason.DECREASE
    last = [row.loss for row in flat.history[-3:]]
    assert last[0] - last[1] <= 0.5 * last[0]
    assert last[1] - last[2] <= 0.5 * last[1]


def test_every_reason_has_its_own_number_and_sentence():
    assert len({reason.code for reason in StopReason}) == len(StopReason)
    assert all(StopReason.from_code(reason.code) is reason for reason in StopReason)
    assert all(len(reason.sentence) > 10 for reason in StopReason)
