"""Multiple shooting and the Gauss-Newton polish, against autodiff and dense linear algebra."""

import dataclasses

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neuralode_lbfgs.data import Trajectories, Trajectory
from neuralode_lbfgs.fitting import polish
from neuralode_lbfgs.fitting.gauss_newton import Point
from neuralode_lbfgs.fitting.mesh import Mesher
from neuralode_lbfgs.fitting.pieces import PieceSolver, cut
from neuralode_lbfgs.fitting.polish import WholeTrajectories
from neuralode_lbfgs.fitting.scaling import find_coordinates
from neuralode_lbfgs.fitting.shooting import Shooting
from neuralode_lbfgs.fitting.smoothing import smooth_all
from neuralode_lbfgs.models import MLPVectorField, NeuralODE, Tableau, with_coordinates


@pytest.fixture(scope="module")
def problem():
    """Two driven trajectories of unequal length with gaps, and a small network; several steps in some intervals."""
    random = np.random.default_rng(0)
    trajectories = []
    for name, rows in (("a", 9), ("b", 6)):
        ts = np.sort(random.uniform(0, 4, rows))
        ys = np.stack([np.sin(ts), np.cos(ts)], axis=1) + 0.1 * random.normal(size=(rows, 2))
        ys[3, 1] = np.nan
        trajectories.append(Trajectory(name, ts, ys, inputs=np.sin(2 * ts)[:, None]))
    data = Trajectories(tuple(trajectories), ("x", "y"), ("u",))
    curves = smooth_all(data)
    field = MLPVectorField(2, width_size=3, depth=1, input_size=1, key=jax.random.key(0))
    model = with_coordinates(NeuralODE(field, solver=diffrax.Heun()), find_coordinates(data, curves))
    coordinates = jax.tree.map(np.asarray, model.coordinates)
    tableau = Tableau(model.solver)
    counts = [1 + np.arange(trajectory.ts.size - 1) % 5 for trajectory in data]
    cuts = cut(data, curves, coordinates, tableau, counts)
    solver = PieceSolver(model, tableau)
    return data, Mesher(data, coordinates, tableau, np.float64), cuts, solver, solver.numbers(model)


def test_pieces_joined_are_the_whole_trajectory(problem):
    data, mesher, cuts, solver, x = problem
    whole = WholeTrajectories(data, mesher, solver, cuts, train_starts=True)
    nodes = whole.nodes(Point(x, cuts.guess[cuts.first]))
    ends = solver.derivatives(cuts, x, nodes)
    np.testing.assert_allclose(ends.states, nodes[cuts.begin + 1], atol=1e-12)
    assert nodes.shape == cuts.guess.shape == (cuts.sizes.sum(), 2)


def test_a_cut_keeps_the_shape_it_is_told_to(problem):
    data, mesher, cuts, *_ = problem
    fewer = [np.ones(trajectory.ts.size - 1, int) for trajectory in data]
    curves = smooth_all(data)
    again = cut(data, curves, mesher.coordinates, mesher.tableau, fewer, cuts)
    assert again.t.shape == cuts.t.shape
    assert cut(data, curves, mesher.coordinates, mesher.tableau, fewer).t.shape != cuts.t.shape
    np.testing.assert_array_equal([count.sum() for count in again.counts], [count.sum() for count in fewer])


@pytest.mark.parametrize("train_starts", [True, False])
def test_sensitivities_are_those_of_autodiff(problem, train_starts):
    data, mesher, cuts, solver, x = problem
    whole = WholeTrajectories(data, mesher, solver, cuts, train_starts=train_starts)
    point = Point(x, cuts.guess[cuts.first])
    whole.value(point)
    linear = whole.linearised(point)

    def residuals(x, starts):
        nodes = solver.solve(x, whole.mesh, starts)[whole.lane, whole.at]
        return (cuts.weights * (nodes - cuts.targets)).ravel()

    of_x, of_starts = jax.jacfwd(residuals, argnums=(0, 1))(jnp.asarray(point.x), jnp.asarray(point.states))
    assert linear.jacobian is not None
    np.testing.assert_allclose(linear.jacobian[:, : x.size], of_x, atol=1e-10)
    if not train_starts:
        np.testing.assert_allclose(linear.matrix, of_x.T @ of_x, atol=1e-10)
        return
    starts = np.asarray(of_starts).reshape(of_x.shape[0], -1)
    inside = np.linalg.inv(starts.T @ starts)
    dense = of_x.T @ of_x - of_x.T @ starts @ inside @ starts.T @ of_x
    np.testing.assert_allclose(linear.matrix, dense, atol=1e-9)


@pytest.mark.parametrize("given", [False, True])
def test_the_banded_step_is_that_of_dense_equations(problem, given):
    _, _, cuts, solver, x = problem
    starts = cuts.guess[cuts.first] - 0.2 if given else None
    shooting = Shooting(solver, cuts, observed=26, starts=starts)
    shooting.continuity = 30.0
    point = Point(x, cuts.guess + 0.1)
    value = shooting.value(point)
    linear = shooting.linearised(point)

    def residuals(v):
        x, states = v[:x_size], v[x_size:].reshape(cuts.guess.shape)
        ends = jax.vmap(lambda z, t, h, u: _end(solver, x, z, t, h, u))(
            states[cuts.begin], *(jnp.asarray(a[: len(cuts.begin)]) for a in (cuts.t, cuts.h, cuts.u))
        )
        jumps = [(ends - states[cuts.begin + 1]).ravel()]
        if starts is not None:
            jumps.append((states[cuts.first] - starts).ravel())
        misfit = (cuts.weights * (states - cuts.targets)).ravel()
        return jnp.concatenate([misfit, np.sqrt(30.0 / 26) * jnp.concatenate(jumps)])

    x_size = x.size
    v = jnp.concatenate([jnp.asarray(x), jnp.asarray(point.states).ravel()])
    r, jacobian = residuals(v), np.asarray(jax.jacfwd(residuals)(v))
    assert value == pytest.approx(float(r @ r), rel=1e-12)
    ridge, damping = solver.groups.ridge(np.array([1e-3])), 1e-2
    normal = jacobian.T @ jacobian
    added = np.concatenate(
        [
            ridge + damping * np.diag(normal)[:x_size].max(),
            np.full(v.size - x_size, damping * np.max(linear.blocks)),
        ]
    )
    gradient = jacobian.T @ np.asarray(r) + np.concatenate([ridge * x, np.zeros(v.size - x_size)])
    expected = -np.linalg.solve(normal + np.diag(added), gradient)
    step = linear.step(ridge, damping)
    np.testing.assert_allclose(np.concatenate([step.change.x, step.change.states.ravel()]), expected, atol=1e-8)


def _end(solver, x, z, t, h, u):
    """A piece by Heun's rule, written out."""
    rate = solver.model(x).rate
    for i in range(len(t)):
        first = rate(t[i], z, u[i, 0])
        second = rate(t[i] + h[i], z + h[i] * first, u[i, 1])
        z = z + h[i] * (first + second) / 2
    return z


def test_a_row_without_observations_changes_nothing_else(problem):
    data, mesher, cuts, *_ = problem
    first = data[0]
    ys = first.ys.copy()
    ys[4] = np.nan
    gappy = dataclasses.replace(data, trajectories=(dataclasses.replace(first, ys=ys), *data.trajectories[1:]))
    again = cut(gappy, smooth_all(gappy), mesher.coordinates, mesher.tableau, cuts.counts, cuts)
    there = again.weights > 0
    np.testing.assert_array_equal(again.targets[there], cuts.targets[there])
    assert (cuts.weights > 0).sum() - there.sum() == 2


@pytest.mark.parametrize("at_once", [1, 3, 7])
def test_sensitivities_added_up_part_by_part_are_those_of_the_whole(problem, monkeypatch, at_once):
    """Wherever a part ends: within a trajectory, or with one."""
    data, mesher, cuts, solver, x = problem
    whole = WholeTrajectories(data, mesher, solver, cuts, train_starts=True)
    point = Point(x, cuts.guess[cuts.first])
    whole.value(point)
    linear = whole.linearised(point)
    errors = whole.errors
    monkeypatch.setattr(polish, "MOST_KEPT", 0)
    monkeypatch.setattr(polish, "MOST_AT_ONCE", at_once * 2 * x.size)
    in_parts = whole.linearised(point)
    assert in_parts.jacobian is None
    for name in ("full", "gradient", "starts", "coupling", "gradient_of_starts", "matrix"):
        np.testing.assert_allclose(getattr(in_parts, name), getattr(linear, name), atol=1e-12, err_msg=name)
    np.testing.assert_allclose(whole.errors, errors, atol=1e-12)
    step = in_parts.step(solver.groups.ridge(np.array([1e-3])), 1e-2)
    assert np.isfinite(step.change.x).all()
    assert step.promised > 0
