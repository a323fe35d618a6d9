"""Hostile objectives: each run ends for the right reason, soon after its floor, and never worse than it started."""

from collections.abc import Callable
from typing import Any, NamedTuple

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neuralode_lbfgs.models import Mesh, NeuralODE, Tableau, failed_solves_as_nan, solve_on_mesh, trainable
from neuralode_lbfgs.optimise import LBFGS, Minimiser, StopReason, free_vector, minimise

MINIMUM = {StopReason.GRADIENT}
FLOOR = {StopReason.SEARCH_FAILED, StopReason.DECREASE}
NOWHERE = {StopReason.SEARCH_FAILED}
NONFINITE = {StopReason.NONFINITE_START}
ENDLESS = {StopReason.UNBOUNDED}
LIMIT = {StopReason.MAX_ITER}


def rosenbrock(x):
    return jnp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def bowl(x):
    return jnp.sum(x**2)


def noisy_values(x):
    """Values with errors of 1e-6 that the exact gradient does not know of."""
    return rosenbrock(x) + jax.lax.stop_gradient(1e-6 * jnp.sin(1e9 * jnp.sum(x)))


def noisy(x):
    """Values and slopes with errors of 1e-6 that do not agree with each other."""
    return noisy_values(x) + 1e-6 * jnp.sum(jax.lax.stop_gradient(jnp.cos(1e8 * x)) * x)


def ill_conditioned(x):
    """A quadratic whose curvatures are 1 and 1e12, along no axis; it is zero at (0.2, 1.4)."""
    along, across = 0.8 * x[0] + 0.6 * x[1] - 1, 0.8 * x[1] - 0.6 * x[0] - 1
    return 0.5 * (1e12 * along**2 + across**2)


def blowing_up(x):
    """y' = x0 y^2 from y(0) = 1, on a mesh: y(1) = 5 at x0 = 0.8, and from 1 on it has no value."""
    t, h = np.linspace(0, 1, 21, dtype=x.dtype)[[0, *range(20)]], np.full(21, 1 / 20, x.dtype)
    mesh = Mesh(t[None], np.where(np.arange(21) == 0, 0, h)[None], np.where(np.arange(21) == 0, 0, -1)[None], None)
    ys = solve_on_mesh(lambda t, y, u: x[:1] * y**2, Tableau(diffrax.Tsit5()), mesh, jnp.ones((1, 1), x.dtype))
    return jnp.sum((ys[0, -1] - 5) ** 2) + (x[1] - 1) ** 2


def throwing(x):
    with failed_solves_as_nan():
        return bowl(eqx.error_if(x, x[0] < 0.5, "beyond the wall"))


class Case(NamedTuple):
    """An objective, where to start, and how it ends: `backtracking`, where that search has another end."""

    objective: Callable[[Any], Any]
    start: tuple[float, float]
    reasons: set[StopReason]
    bound: float = np.inf
    backtracking: set[StopReason] | None = None


CASES = {
    "not finite at the start": Case(lambda x: jnp.sum(x) * jnp.nan, (1, 1), NONFINITE),
    "infinite at the start": Case(lambda x: bowl(x) + jnp.inf, (1, 1), NONFINITE),
    "slope not finite at the start": Case(lambda x: jnp.sum(x**0.5), (0, 0), NONFINITE),
    "wall of NaN": Case(lambda x: jnp.where(x[0] < 0.5, jnp.nan, bowl(x)), (1, 1), FLOOR, 0.5001),
    "wall of inf": Case(lambda x: jnp.where(x[0] < 0.5, jnp.inf, bowl(x)), (1, 1), FLOOR, 0.5001),
    "wall of -inf": Case(lambda x: jnp.where(x[0] < 0.5, -jnp.inf, bowl(x)), (1, 1), FLOOR, 0.5001),
    "wall of a logarithm": Case(lambda x: jnp.sum(x - jnp.log(x)), (5, 0.01), MINIMUM, 2.000001),
    "an ODE that blows up": Case(blowing_up, (-1, 0), MINIMUM, 1e-8),
    "an ODE that blows up at the start": Case(blowing_up, (5000, 0), NONFINITE),
    "a module that throws": Case(throwing, (1, 1), FLOOR, 0.5001),
    "a module that throws at the start": Case(throwing, (0, 1), NONFINITE),
    "constant": Case(lambda x: 0 * jnp.sum(x) + 3, (1, 1), MINIMUM, 3.0),
    # Backtracking takes the first step that lowers the loss, and never a longer one.
    "linear": Case(jnp.sum, (1, 1), ENDLESS, -1000, LIMIT),
    "a hill": Case(lambda x: -bowl(x), (1, 1), ENDLESS, -1000, LIMIT),
    "exponential": Case(lambda x: -jnp.sum(jnp.exp(x)), (1, 1), ENDLESS, -1e10),
    "kink": Case(lambda x: jnp.sum(jnp.abs(x)), (1, 2.3), FLOOR, 1e-5),
    "kink in a bowl": Case(lambda x: jnp.abs(x[0]) + x[0] ** 2 + (x[1] - 1) ** 2, (1, 2.3), FLOOR, 1e-2),
    "noise in values": Case(noisy_values, (-1.2, 1), FLOOR | MINIMUM, 1e-6),
    "noise in values and slopes": Case(noisy, (-1.2, 1), FLOOR | MINIMUM, 1e-6),
    "high above zero": Case(lambda x: 1e3 + rosenbrock(x), (-1.2, 1), FLOOR | MINIMUM, 1000.01),
    "condition 1e12": Case(ill_conditioned, (-1.2, 1), FLOOR | MINIMUM, 1),
    "huge": Case(lambda x: 1e15 * rosenbrock(x), (-1.2, 1), FLOOR | MINIMUM, 1e4),
    "downhill is uphill": Case(
        lambda x: 2 * jax.lax.stop_gradient(bowl(x)) - bowl(x), (1, 1), NOWHERE, 2, {StopReason.DECREASE}
    ),
    "saddle": Case(lambda x: x[0] ** 2 - x[1] ** 2 + x[1] ** 4, (1, 0.1), FLOOR | MINIMUM, -0.249),
}
TOLERANCES: dict[Any, dict[str, float]] = {
    np.float64: {"gtol": 1e-8, "ftol": 1e-12},
    np.float32: {"gtol": 1e-4, "ftol": 1e-7},
}
ALL = [(dtype, search) for dtype in TOLERANCES for search in ("wolfe", "backtracking")]


def around(x):
    """Parameters of every kind, of which only `x` is of use."""
    count = jnp.arange(3)
    return {
        "x": x,
        "count": count,
        "the same": count,
        "key": jax.random.key(7),
        "activation": jnp.tanh,
        "number": 2.0,
        "none": None,
        "empty": jnp.zeros(0, jnp.float16),
    }


@pytest.fixture(scope="module")
def minimisers():
    """One program for all objectives, for each precision and search: compiling is what takes the time."""
    objectives = [case.objective for case in CASES.values()]

    def value_fn(params, number):
        return jax.lax.switch(number, objectives, params["x"])

    return {
        (dtype, search): Minimiser(value_fn, around(jnp.zeros(2, dtype)), LBFGS(line_search=search))
        for dtype, search in ALL
    }


def failed_after_the_floor(run, found, ftol):
    """How many searches failed after the last iteration that lowered the loss by more than ftol."""
    losses = np.array([row.loss for row in found.history])
    fell = losses[:-1] - losses[1:] > ftol * np.maximum(abs(losses[:-1]), abs(losses[1:]))
    floor = found.history[int(np.max(np.flatnonzero(fell) + 1, initial=0))]
    if floor.evaluations == found.evaluations:
        return 0
    return found.failed_searches - run(max_evals=floor.evaluations).failed_searches


@pytest.mark.parametrize("search", ["wolfe", "backtracking"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", CASES)
def test_it_ends_for_the_right_reason(name, dtype, search, minimisers):
    case, number = CASES[name], list(CASES).index(name)
    params = around(jnp.asarray(case.start, dtype))

    def run(max_evals=3000):
        return minimisers[dtype, search].run(params, number, max_evals=max_evals, **TOLERANCES[dtype])

    found = run()
    assert found.reason in (case.backtracking if search == "backtracking" and case.backtracking else case.reasons)
    assert found.evaluations <= (1001 if found.reason is StopReason.MAX_ITER else 1500)
    assert failed_after_the_floor(run, found, TOLERANCES[dtype]["ftol"]) <= 2
    assert_only_x_changed(found.params, params)
    if found.reason is StopReason.NONFINITE_START:
        assert (found.loss, found.evaluations) == (np.inf, 1)
        np.testing.assert_array_equal(found.params["x"], params["x"])
    else:
        assert found.loss <= min(case.bound, float(case.objective(params["x"])))
        # A float32 sum in another order; where the loss vanishes, its terms do not.
        assert found.loss == pytest.approx(float(case.objective(found.params["x"])), rel=1e-5, abs=1e-6)


def assert_only_x_changed(found, params):
    assert jax.tree.structure(found) == jax.tree.structure(params)
    for name in ("x", "empty"):
        assert (found[name].shape, found[name].dtype) == (params[name].shape, params[name].dtype)
    for name in ("count", "the same", "key", "activation", "number", "none"):
        assert found[name] is params[name] or jnp.array_equal(found[name], params[name])


@pytest.mark.parametrize("search", ["wolfe", "backtracking"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", ["noise in values", "noise in values and slopes", "kink in a bowl", "saddle", "huge"])
def test_no_start_makes_a_run_creep_along_its_floor(name, dtype, search, minimisers):
    """Without a gradient that is small enough: until nothing helps."""
    number = list(CASES).index(name)
    for start in np.random.default_rng(1).uniform(0.6, 2.5, size=(10, 2)):
        params, ftol = around(jnp.asarray(start, dtype)), TOLERANCES[dtype]["ftol"]

        def run(max_evals=3000, params=params, ftol=ftol):
            return minimisers[dtype, search].run(params, number, max_evals=max_evals, gtol=0.0, ftol=ftol)

        found = run()
        assert found.reason in FLOOR | MINIMUM
        assert failed_after_the_floor(run, found, ftol) <= 2
        assert found.loss <= found.history[0].loss


def test_something_unbounded_ends_after_one_search(minimisers):
    for dtype in TOLERANCES:
        found = minimisers[dtype, "wolfe"].run(around(jnp.ones(2, dtype)), list(CASES).index("linear"))
        assert found.evaluations == 21


def test_where_no_step_helps_nothing_is_moved(minimisers):
    """One search along the steepest descent; then there is nothing left to try."""
    for dtype in TOLERANCES:
        params = around(jnp.ones(2, dtype))
        found = minimisers[dtype, "wolfe"].run(params, list(CASES).index("downhill is uphill"))
        assert (found.reason, found.failed_searches) == (StopReason.SEARCH_FAILED, 1)
        np.testing.assert_array_equal(found.params["x"], params["x"])


@pytest.mark.parametrize("search", ["wolfe", "backtracking"])
@pytest.mark.parametrize("dtype, reached", [(np.float64, 1e-24), (np.float32, 1e-6)])
def test_twelve_curvatures_up_to_1e12(dtype, reached, search):
    """Of 1 to 1e12, along no axis: also where single precision cannot tell the smallest from the largest."""
    rng = np.random.default_rng(0)
    root = np.diag(np.logspace(0, 6, 12)) @ np.linalg.qr(rng.normal(size=(12, 12)))[0]
    solution = rng.normal(size=12)
    found = minimise(
        lambda x, root, solution: 0.5 * jnp.sum((root @ (x - solution)) ** 2), jnp.zeros(12, dtype),
        root.astype(dtype), solution.astype(dtype), optimizer=LBFGS(line_search=search), gtol=0.0, ftol=0.0,
    )  # fmt: skip
    assert found.reason in (*FLOOR, StopReason.GRADIENT)  # the very minimum may be a number, with a gradient of zero
    assert found.loss <= reached * found.history[0].loss
    assert found.evaluations < 600


def test_a_far_minimum_is_not_taken_for_an_unbounded_loss():
    found = minimise(lambda x: jnp.sqrt(1 + (x - 1e5) ** 2), jnp.asarray(0.0), optimizer=LBFGS(initial_step=1e-3))
    assert found.reason in FLOOR | MINIMUM
    assert found.params == pytest.approx(1e5)


def test_an_adaptive_solve_that_blows_up_is_a_bad_trial():
    """y' = rate y^2: with throw=False its rows are infinite from rate = 1 on, and their slopes are not finite."""

    class Growth(eqx.Module):
        rate: jax.Array

        def __call__(self, t, y, args):
            return self.rate * y**2

    model = NeuralODE(Growth(jnp.asarray(-1.0)), state_size=1, max_steps=64, rtol=1e-9, atol=1e-9)
    free, fixed = trainable(model)

    def loss(free):
        ys = eqx.combine(free, fixed)(np.array([0.0, 1.0]), jnp.ones(1), throw=False)
        return jnp.sum((ys[-1] - 5.0) ** 2)

    minimiser = Minimiser(loss, free)
    found = minimiser.run(free, gtol=1e-4)
    assert (found.reason, found.failed_searches) == (StopReason.GRADIENT, 0)
    assert found.rejected > 0
    assert float(found.params.vector_field.rate) == pytest.approx(0.8, abs=1e-6)
    beyond = eqx.tree_at(lambda m: m.vector_field.rate, free, jnp.asarray(3.0))
    assert minimiser.run(beyond).reason is StopReason.NONFINITE_START


def test_a_module_that_throws_ends_the_run_unless_its_errors_are_made_nan(monkeypatch):
    """`failed_solves_as_nan` is what the fit uses; a minimisation of one's own raises what Equinox raises."""
    monkeypatch.setattr("equinox._errors.EQX_ON_ERROR", "raise")

    def throws(x, message):
        return bowl(eqx.error_if(x, x[0] < 0.5, message))

    with pytest.raises(RuntimeError, match="said aloud"):
        minimise(lambda x: throws(x, "said aloud"), jnp.ones(2))
    with failed_solves_as_nan():
        found = minimise(lambda x: throws(x, "said aloud"), jnp.ones(2))
    assert found.reason is StopReason.SEARCH_FAILED
    assert found.loss <= 0.5001


def test_an_error_while_tracing_is_the_user_s_own():
    def wrong(x):
        raise LookupError("of the user")

    with pytest.raises(LookupError, match="of the user"):
        minimise(wrong, jnp.ones(2))


def test_every_kind_of_leaf_and_mixed_precision():
    """Each trained leaf keeps its precision, down to whose floor the loss falls."""
    params = around(jnp.zeros((2, 2))) | {
        "value": jnp.zeros(()),
        "single": jnp.zeros(3, jnp.float32),
        "half": jnp.zeros(2, jnp.bfloat16),
    }
    trained = ("x", "value", "single", "half")

    def chained(p):
        return p["number"] * rosenbrock(jnp.concatenate([p[name].astype(float).ravel() for name in trained]))

    def apart(p):
        return p["number"] * sum(jnp.sum((p[name].astype(float) - 1.0) ** 2) for name in trained)

    run = Minimiser(lambda p, together: jnp.where(together, chained(p), apart(p)), params).run
    for loss, reasons in ((chained, FLOOR), (apart, MINIMUM)):
        found = run(params, loss is chained)
        assert found.reason in reasons
        assert found.loss <= float(loss(params))
        assert found.loss == pytest.approx(float(loss(found.params)), rel=1e-6, abs=1e-12)
        assert_only_x_changed(found.params, params)
        for name in trained:
            assert (found.params[name].shape, found.params[name].dtype) == (params[name].shape, params[name].dtype)
    for name in trained:
        np.testing.assert_allclose(np.asarray(found.params[name], float), 1.0, atol=1e-6)


def test_half_precision_ends_at_its_floor():
    found = minimise(rosenbrock, jnp.zeros(4, jnp.bfloat16))
    assert found.reason in FLOOR
    assert found.params.dtype == jnp.bfloat16
    assert found.loss < 0.01


def test_an_array_that_occurs_twice_is_two_unless_it_is_tied():
    def loss(pair):
        return jnp.sum((pair[0] - 1.0) ** 2 + (pair[1] - 3.0) ** 2)

    array = jnp.zeros(2)
    apart = minimise(loss, (array, array)).params
    np.testing.assert_allclose(apart, [[1, 1], [3, 3]], atol=1e-6)
    tied = eqx.nn.Shared((array, array), where=lambda pair: pair[1], get=lambda pair: pair[0])
    found = minimise(lambda shared: loss(shared()), tied).params
    assert jax.tree.structure(found) == jax.tree.structure(tied)
    np.testing.assert_allclose(found(), [[2, 2], [2, 2]], atol=1e-6)


def test_what_cannot_be_trained_is_refused():
    with pytest.raises(ValueError, match="nothing to train: the parameters hold no array of floating-point numbers"):
        free_vector({"a": jnp.arange(3), "b": 1.0})
    with pytest.raises(ValueError, match="complex; give its real and imaginary parts as two real arrays"):
        minimise(lambda z: jnp.abs(z).sum(), jnp.ones(2) * 1j)


def test_data_of_another_precision():
    found = minimise(lambda x, y: jnp.sum((x - y) ** 2), jnp.zeros(2, jnp.float32), np.array([0.5, 2.0]))
    assert found.params.dtype == jnp.float32
    np.testing.assert_allclose(found.params, [0.5, 2.0], rtol=1e-5)


@pytest.mark.parametrize("name", ["not finite at the start", "linear"])
def test_a_run_that_cannot_go_on_says_so_again_when_it_is_taken_up(name, minimisers):
    case, minimiser = CASES[name], minimisers[np.float64, "wolfe"]
    params, number = around(jnp.asarray(case.start, np.float64)), list(CASES).index(name)
    first = minimiser.run(params, number)
    again = minimiser.run(params, number, state=first.state)
    assert first.reason in case.reasons
    assert (again.reason, again.evaluations) == (first.reason, first.evaluations)
