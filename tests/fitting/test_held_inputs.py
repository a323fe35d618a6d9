"""Inputs that are held from row to row: the adaptive solve and the mesh switch exactly at the rows."""

import diffrax
import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from neuralode_lbfgs import NeuralODE
from neuralode_lbfgs.data import Trajectories, Trajectory
from neuralode_lbfgs.fitting.batch import Shape, lane_lengths, make_batch
from neuralode_lbfgs.fitting.prediction import predict
from neuralode_lbfgs.models import Coordinates, SteppedInputs, Tableau, solve_on_mesh

TS = np.array([10.0, 10.7, 11.1, 12.9, 13.0, 14.2])
US = np.array([[1.0, 0.0], [1.0, 0.5], [-2.0, 1.0], [0.5, 1.0], [0.5, 2.0], [9.0, 1.5]])
HOLD = (True, False)
COORDINATES = Coordinates(
    np.array([0.3]), np.array([2.0]), np.array([1.0]), np.asarray(10.0), np.asarray(1.3), np.array([0.5, 1.0]),
    np.array([2.0, 0.7]),
)  # fmt: skip


class Driven(eqx.Module):
    """y' = -y + u + 2 v."""

    def __call__(self, t, y, args):
        return -y + args[0] + 2 * args[1]


def exact(y):
    """Row by row: y' = -y + u_i + 2 (v_i + slope (t - t_i)) has one solution by hand."""
    ys = [y]
    for i, h in enumerate(np.diff(TS)):
        slope = 2 * (US[i + 1, 1] - US[i, 1]) / h
        level = US[i, 0] + 2 * US[i, 1]
        y = level + slope * (h - 1) + (y - level + slope) * np.exp(-h)
        ys.append(y)
    return np.array(ys)[:, None]


@pytest.fixture(scope="module")
def model():
    return NeuralODE(Driven(), rtol=1e-10, atol=1e-10, coordinates=COORDINATES)


def trajectory(ys):
    return Trajectories((Trajectory("a", TS, ys, None, US, HOLD),))


def test_an_adaptive_solve_forward_and_backward(model):
    ys = exact(1.5)
    blank = np.full(ys.shape, np.nan)
    for row in (0, 3):  # from a row amid the others also backward in time
        known = blank.copy()
        known[row] = ys[row]
        np.testing.assert_allclose(predict(model, trajectory(known))[0].ys, ys, atol=1e-8)


def test_a_row_has_its_own_value_and_jumps_are_where_a_held_value_changes():
    inputs = SteppedInputs(TS, US, HOLD)
    np.testing.assert_allclose([inputs.evaluate(t) for t in TS], US)
    before = np.array([inputs.evaluate(np.nextafter(t, 0)) for t in TS[1:]])
    np.testing.assert_allclose(before[:, 0], US[:-1, 0])
    np.testing.assert_allclose(before[:, 1], US[1:, 1])
    jumps = np.asarray(inputs.jumps)
    assert jumps[jumps <= TS[-1]].tolist() == [11.1, 12.9, 14.2]


def test_the_mesh_solves_the_same(model):
    data = trajectory(exact(1.5))
    counts = [np.array([4, 3, 9, 1, 6])]
    tableau = Tableau(diffrax.Dopri8())
    shape = Shape.fitting(lane_lengths(counts))
    batch, places = make_batch(data, COORDINATES, tableau, counts, shape, np.float64)
    starts = jnp.asarray(COORDINATES.states_in(np.array([[1.5]])))
    lane, rows = places[0]
    zs = np.asarray(solve_on_mesh(model.rate, tableau, batch.mesh, starts))[lane, rows]
    np.testing.assert_allclose(COORDINATES.states_out(zs), data[0].ys, atol=1e-8)
