"""Accelerations of mechanical systems: a network of the positions alone, beside linear terms of all else."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

import neuralode_lbfgs as nl
from neuralode_lbfgs.fitting import at_once, attempts
from neuralode_lbfgs.fitting.beginning import begin
from neuralode_lbfgs.fitting.beside import has_forces, has_polynomial, with_forces
from neuralode_lbfgs.fitting.evidence import squares_of
from neuralode_lbfgs.fitting.options import FitOptions
from neuralode_lbfgs.fitting.plan import plan_of
from neuralode_lbfgs.fitting.running import run_stages
from neuralode_lbfgs.fitting.task import Task
from neuralode_lbfgs.outputs.store import load_model, save_model

TURNING, FRICTION = 1.5, 0.02


def rotor(t, y):
    """A particle in a round dip and a magnetic field across it: x'' = -2 x / (1 + x^2) + B v - c v."""
    x, v = y[:2], y[2:]
    return np.concatenate([v, -2 * x / (1 + x @ x) + TURNING * np.array([v[1], -v[0]]) - FRICTION * v])


def runs(starts, num=80):
    ts = np.linspace(0.0, 8.0, num)
    return ts, np.stack([solve_ivp(rotor, (0, 8), y, t_eval=ts, rtol=1e-8, atol=1e-8).y.T for y in starts])


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(5)
    ts, ys = runs(np.concatenate([rng.uniform(-1.5, 1.5, (3, 2)), rng.uniform(-1.0, 1.0, (3, 2))], axis=1))
    names = ["x", "y", "vx", "vy"]
    return nl.from_arrays(np.tile(ts, (3, 1)), ys + 0.01 * rng.normal(size=ys.shape), names=names)


def network(width=6, **options):
    rates = {0: 2, 1: 3}
    return nl.NeuralODE(nl.MLPVectorField(4, width, 1, rates=rates, key=jax.random.key(0), **options))


def course_of(data, model, **options):
    return begin(model, Task(data, FitOptions(**options), nl.LBFGS()), []).course


def test_what_the_network_sees():
    field = nl.MLPVectorField(4, 3, 1, input_size=1, rates={2: 0, 3: 1}, key=jax.random.key(0)).of_positions()
    assert field.has_positions and field.sees_positions
    where = lambda f: f.polynomial.coefficients[0].weight  # noqa: E731
    field = eqx.tree_at(where, field, jnp.array([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]]))
    v, x, u = jnp.array([0.5, -1.5]), jnp.array([0.3, 0.7]), jnp.array([2.0])
    found = field.normalised(jnp.array(0.0), jnp.concatenate([v, x]), u)
    linear = np.array([0.5 + 2 * -1.5 + 3 * 2.0, 0.0])
    np.testing.assert_allclose(found, [*(field.mlp(x) + linear), 0.5, -1.5], rtol=1e-6)
    with pytest.raises(ValueError, match="every other state is a velocity"):
        nl.MLPVectorField(3, rates={0: 1}, key=jax.random.key(0)).of_positions()
    second_order = nl.SecondOrderField(2, 3, 1, key=jax.random.key(0))
    assert not second_order.sees_positions and second_order.of_positions().sees_positions
    assert not has_polynomial(nl.NeuralODE(field))  # its linear terms alone are no law


def test_it_is_saved(tmp_path):
    for field in (network().vector_field, nl.SecondOrderField(2, 3, 1, input_size=1, key=jax.random.key(0))):
        model = nl.NeuralODE(field.of_positions())
        save_model(tmp_path / "model.safetensors", model)
        assert eqx.tree_equal(load_model(tmp_path / "model.safetensors").model, model)


def test_where_it_is_tried(data):
    assert with_forces(course_of(data, network())) is not None
    assert plan_of(network(), data, FitOptions()).forces
    assert with_forces(course_of(data, network(), degree=0)) is None  # the network alone is wanted
    assert with_forces(course_of(data, network(time_dependent=True))) is None
    free = nl.NeuralODE(nl.MLPVectorField(4, 3, 1, key=jax.random.key(0)))
    assert with_forces(course_of(data, free)) is None and not plan_of(free, data, FitOptions()).forces


def test_forces_of_few_runs_hold_for_others(data, monkeypatch):
    """Three runs tell little of four states, and enough of two positions: the network of all states misses new starts
    by 0.14."""
    ts, ys = runs(np.array([[0.8, -0.9, 0.5, 0.6], [-1.2, 0.4, -0.3, 0.9], [0.2, 1.1, 0.9, -0.4]]))
    monkeypatch.setattr(attempts, "may_be_mechanical", lambda course: False)
    result = nl.fit(network(), data, process_noise=False)
    assert has_forces(result.model)
    assert any("by a network of the positions alone" in stage.why and stage.kept for stage in result.stages)
    found = np.asarray(result.predict_many(ts, ys[:, 0]))
    assert np.sqrt(np.mean((found - ys) ** 2)) < 0.1 * ys.std()
    # The field turns velocities, and friction slows them: both are read off the linear terms.
    c, linear = result.model.coordinates, result.model.vector_field.polynomial.coefficients[0].weight
    unit = np.asarray(c.rate_scale * c.scale)[2:, None] / np.asarray(c.time_scale * c.scale[2:])
    np.testing.assert_allclose(linear * unit, [[-FRICTION, TURNING], [-TURNING, -FRICTION]], atol=0.1)


def test_a_network_that_slopes_have_put_to_sleep_is_woken(data, monkeypatch):
    """Along circles, velocities that turn explain as much of the accelerations as forces of the positions do."""
    course = with_forces(course_of(data, network()))
    assert course is not None
    where = lambda m: m.vector_field.mlp  # noqa: E731
    silent = jax.tree.map(lambda leaf: 0 * leaf if eqx.is_inexact_array(leaf) else leaf, where(course.begun))
    asleep = eqx.tree_at(where, course.begun, silent)
    ran = []

    def stages(names, course, held_out, callback):
        if names == ("matching",):
            course.replace(asleep)
        ran.append((names[0], float(squares_of(course.parameters.model)[0])))
        return run_stages(("polish",), course, held_out, callback)

    monkeypatch.setattr(at_once, "run_stages", stages)
    at_once.at_once(("matching", "polish"), course, None, None, "")
    assert [name for name, _ in ran] == ["matching", "polish"] and ran[0][1] == 0 < ran[1][1]
