"""L-BFGS against SciPy, exact solutions and a plain two-loop recursion."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import scipy.optimize

from neuralode_lbfgs.optimise import LBFGS, Minimiser, StopReason, minimise
from neuralode_lbfgs.optimise.lbfgs import empty_memory, quasi_newton_direction, remember


def rosenbrock(x):
    return jnp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


@pytest.mark.parametrize("size", [2, 10, 50])
def test_rosenbrock_takes_about_as_many_evaluations_as_scipy(size):
    start = np.tile([-1.2, 1.0], size // 2)
    reference = scipy.optimize.minimize(
        jax.jit(jax.value_and_grad(rosenbrock)), start, jac=True, method="L-BFGS-B",
        options={"maxcor": 10, "gtol": 1e-6, "ftol": 0.0},
    )  # fmt: skip
    optimizer = LBFGS(memory_size=10, scaling="standard")
    ours = minimise(rosenbrock, jnp.asarray(start), optimizer=optimizer, gtol=1e-6, ftol=0.0)
    assert ours.reason is StopReason.GRADIENT
    np.testing.assert_allclose(ours.params, np.ones(size), atol=1e-5)
    assert ours.evaluations <= 1.3 * reference.nfev + 5


@pytest.mark.parametrize("line_search", ["wolfe", "backtracking"])
def test_an_ill_conditioned_quadratic_reaches_its_exact_solution(line_search):
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.normal(size=(20, 20)))[0]
    matrix = basis @ np.diag(np.logspace(0, 4, 20)) @ basis.T
    offset = rng.normal(size=20)
    found = minimise(
        lambda x, matrix, offset: 0.5 * x @ matrix @ x - offset @ x, jnp.zeros(20), matrix, offset,
        optimizer=LBFGS(line_search=line_search), gtol=1e-5, ftol=0.0,
    )  # fmt: skip
    assert found.reason is StopReason.GRADIENT
    np.testing.assert_allclose(found.params, np.linalg.solve(matrix, offset), atol=1e-5)
    assert found.evaluations < 300


def two_loop_recursion(pairs, gradient, scaling):
    """Nocedal & Wright, algorithm 7.4, as printed there, begun from one of two multiples of the identity."""
    q, alphas = gradient.copy(), []
    for s, y in reversed(pairs):
        alphas.append(s @ q / (s @ y))
        q = q - alphas[-1] * y
    s, y = pairs[-1] if pairs else (np.ones(1), np.ones(1))
    r = (np.linalg.norm(s) / np.linalg.norm(y) if scaling == "geometric" else (s @ y) / (y @ y)) * q
    for (s, y), alpha in zip(pairs, reversed(alphas), strict=True):
        r = r + s * (alpha - y @ r / (s @ y))
    return -r


@pytest.mark.parametrize("scaling", ["geometric", "standard"])
@pytest.mark.parametrize("number", [0, 1, 3, 5, 12])
def test_the_direction_is_that_of_the_two_loop_recursion(number, scaling):
    """Also when the memory of five is not full, or has been full for long."""
    rng = np.random.default_rng(number)
    memory, pairs = empty_memory(5, jnp.zeros(7)), []
    for _ in range(number):
        s = rng.normal(size=7)
        y = s * rng.uniform(0.1, 10, size=7)
        memory = jax.jit(remember)(memory, s, y)
        memory = jax.jit(remember)(memory, s, -y)  # bends the wrong way: not kept
        memory = jax.jit(remember)(memory, s, jnp.full(7, jnp.nan))
        pairs.append((s, y))
    gradient = rng.normal(size=7)
    assert int(memory.kept) == min(number, 5)
    direction = jax.jit(quasi_newton_direction, static_argnums=2)(memory, gradient, scaling)
    np.testing.assert_allclose(direction, two_loop_recursion(pairs[-5:], gradient, scaling), rtol=1e-10)


def test_the_direction_and_the_points_are_those_of_optax():
    """On smooth problems whose unit step both searches take, the two walk over the same points."""
    scales = jnp.asarray([1.0, 2.0, 3.0, 5.0])

    def loss(x):
        return jnp.sum(scales * (x - 1.0) ** 2) / 10 + jnp.sum((x - 1.0) ** 4) / 50

    start = jnp.asarray([0.6, 1.3, 0.8, 1.1])
    optax_lbfgs = optax.lbfgs(
        memory_size=10, linesearch=optax.scale_by_zoom_linesearch(30, initial_guess_strategy="one")
    )
    x, state = start, optax_lbfgs.init(start)

    @jax.jit
    def optax_step(x, state):
        value, gradient = optax.value_and_grad_from_state(loss)(x, state=state)
        updates, state = optax_lbfgs.update(gradient, state, x, value=value, grad=gradient, value_fn=loss)
        return optax.apply_updates(x, updates), state

    minimiser = Minimiser(loss, start, LBFGS(memory_size=10, scaling="standard"))
    ours, step = minimiser.init(start), jax.jit(minimiser.step)
    ours = step(ours)
    for _ in range(8):
        before = x
        x, state = optax_step(x, state)
        # The step is what moved it, so equal points are equal directions where the unit step is taken.
        ours = step(ours)
        np.testing.assert_allclose(ours.x, x, rtol=1e-9)
        assert not np.allclose(x, before, rtol=0, atol=1e-13)


def primitives(jaxpr, name):
    """How often a primitive occurs in a program, inner programs included."""
    count = 0
    for equation in jaxpr.eqns:
        count += equation.primitive.name == name
        for inner in jax.tree.leaves(list(equation.params.values()), is_leaf=lambda p: hasattr(p, "eqns")):
            inner = getattr(inner, "jaxpr", inner)
            count += primitives(inner, name) if hasattr(inner, "eqns") else 0
    return count


def test_the_program_holds_one_copy_of_the_objective_and_is_compiled_once():
    traces = []

    def loss(x, data):
        traces.append(x)
        return jnp.sum(jnp.tan(x - data) ** 2)

    start = jnp.zeros(3)
    minimiser = Minimiser(loss, start)
    first = minimiser.run(start, np.full(3, 0.2))
    second = minimiser.run(start + 0.1, np.full(3, 0.3), max_iter=3, gtol=1e-3, ftol=1e-3, chunk_evals=2)
    assert (len(traces), minimiser.chunk.compiles) == (1, 1)
    np.testing.assert_allclose(first.params, 0.2, atol=1e-8)
    np.testing.assert_allclose(second.params, 0.3, atol=1e-2)

    # One tan in the forward pass; its derivative is written with the same value.
    program = jax.make_jaxpr(minimiser.chunk.plain)(first.state, _limits(), (np.full(3, 0.2),))
    assert primitives(program.jaxpr, "tan") == 1


def _limits():
    from neuralode_lbfgs.optimise.progress import Limits

    return Limits.of(jnp.zeros(()).dtype)


def test_initial_step_as_number_and_schedule_is_the_first_trial():
    def first_trial(initial_step):
        seen = []

        def loss(x):
            jax.debug.callback(lambda x: seen.append(float(x)), x)
            return 0.5 * (x - 0.4) ** 2

        minimise(loss, jnp.asarray(0.0), optimizer=LBFGS(initial_step=initial_step), max_evals=2)
        return seen[1] / 0.4  # along the steepest descent, whose norm is 0.4

    assert first_trial(1.0) == pytest.approx(1.0)
    assert first_trial(0.25) == pytest.approx(0.25)
    assert first_trial(lambda iteration: 0.5 / (1 + iteration)) == pytest.approx(0.5)


@pytest.mark.parametrize(
    "options, words",
    [
        ({"memory_size": 0}, "memory_size must be at least 1"),
        ({"initial_step": 0.0}, "initial_step must be positive"),
        ({"line_search": "zoom"}, "line_search is 'wolfe' or 'backtracking'; it is 'zoom'"),
    ],
)
def test_options_are_checked(options, words):
    with pytest.raises(ValueError, match=words):
        LBFGS(**options)
