"""`NeuralODE` and the solve on a mesh, against the matrix exponential and against each other."""

import itertools

import diffrax
import equinox as eqx
import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg

from neuralode_lbfgs.models import (
    Coordinates,
    LinearInputs,
    Mesh,
    MLPVectorField,
    NeuralODE,
    Tableau,
    is_explicit,
    solve_on_mesh,
    with_coordinates,
)

# A damped oscillation about (40, -3) in units of very different size.
MATRIX = np.array([[-0.3, 50.0], [-0.02, -0.1]])
EQUILIBRIUM = np.array([40.0, -3.0])
COORDINATES = Coordinates(
    np.array([38.0, -2.0]),
    np.array([30.0, 0.5]),
    np.ones(2),
    np.asarray(5.0),
    np.asarray(1.7),
    np.zeros(0),
    np.zeros(0),
)
Y0 = np.array([55.0, -2.5])
TS = np.array([5.0, 5.3, 6.1, 8.0, 9.5])


class Linear(eqx.Module):
    """y' = A (y - c), driven by the inputs where there are some."""

    matrix: jax.Array | np.ndarray

    def __call__(self, t, y, args):
        return self.matrix @ (y - EQUILIBRIUM) + (0.0 if args is None else args)


def exactly(ts, y0, matrix=MATRIX):
    return np.stack([EQUILIBRIUM + scipy.linalg.expm(matrix * (t - ts[0])) @ (y0 - EQUILIBRIUM) for t in ts])


def tight(field, **options):
    return NeuralODE(field, rtol=1e-11, atol=1e-11, coordinates=COORDINATES, **options)


@pytest.mark.parametrize(
    "coordinates, ts",
    [(COORDINATES, TS), (COORDINATES, TS[::-1]), (COORDINATES, TS[:1]), (Coordinates.identity(2), TS)],
    ids=["forward", "backward", "one time", "without coordinates"],
)
def test_a_linear_field_gives_the_matrix_exponential(coordinates, ts):
    model = NeuralODE(Linear(MATRIX), rtol=1e-11, atol=1e-11, coordinates=coordinates)
    np.testing.assert_allclose(model(ts, Y0), exactly(ts, Y0), rtol=1e-8)


def test_coordinates_change_the_network_but_not_the_units():
    field = MLPVectorField(2, 4, 1, key=jax.random.key(0))
    model = with_coordinates(NeuralODE(field), COORDINATES)
    y, t = jnp.asarray(Y0), 6.0
    z, tau = COORDINATES.states_in(y), jnp.asarray(COORDINATES.times_in(t))
    np.testing.assert_allclose(COORDINATES.rates_in(model.vector_field(t, y)), model.rate(tau, z, None), rtol=1e-12)


@pytest.mark.parametrize("solver", [diffrax.Tsit5(), diffrax.Dopri8(), diffrax.Heun()], ids=lambda s: type(s).__name__)
def test_an_implicit_or_explicit_solver_is_recognised(solver):
    assert is_explicit(solver)
    assert not is_explicit(diffrax.Kvaerno5())
    with pytest.raises(ValueError, match="Kvaerno5 is not an explicit Runge-Kutta solver"):
        Tableau(diffrax.Kvaerno5())


def mesh_of(ts, splits, row, steps=None):
    """One lane: `splits` equal steps per interval, then padding up to `steps`; and where the rows of ts lie."""
    taus = COORDINATES.times_in(ts)
    edges = np.concatenate([taus[:1], *(np.linspace(a, b, splits + 1)[1:] for a, b in itertools.pairwise(taus))])
    t, h = np.concatenate([edges[:1], edges[:-1]]), np.concatenate([[0.0], np.diff(edges)])
    start = np.full(len(t), -1)
    start[0] = row
    spare = (steps or len(t)) - len(t)
    return np.pad(t, (0, spare), "edge"), np.pad(h, (0, spare)), np.pad(start, (0, spare), constant_values=-1)


def on_mesh(model, lanes, starts):
    t, h, start = (np.stack(part) for part in zip(*lanes, strict=True))
    return solve_on_mesh(model.rate, Tableau(model.solver), Mesh(t, h, start, None), jnp.asarray(starts))


@pytest.mark.parametrize(
    "solver, tolerance", [(diffrax.Tsit5(), 1e-7), (diffrax.Dopri8(), 1e-9)], ids=["Tsit5", "Dopri8"]
)  # fmt: skip
def test_mesh_model_and_matrix_exponential_agree(solver, tolerance):
    model = tight(Linear(MATRIX), solver=solver)
    zs = on_mesh(model, [mesh_of(TS, 32, 0)], COORDINATES.states_in(Y0)[None])
    ys = COORDINATES.states_out(zs[0, ::32])
    np.testing.assert_allclose(ys, exactly(TS, Y0), rtol=tolerance)
    np.testing.assert_allclose(ys, model(TS, Y0), rtol=tolerance)


@pytest.fixture(scope="module")
def network():
    """A network with weights of order one everywhere."""
    model = tight(MLPVectorField(2, 4, 1, key=jax.random.key(1)))
    return with_coordinates(jax.tree.map(lambda w: 3 * w + 0.1 if eqx.is_inexact_array(w) else w, model), COORDINATES)


def test_a_step_is_that_of_diffrax(network):
    taus = jnp.asarray(COORDINATES.times_in(TS))
    reference = diffrax.diffeqsolve(
        diffrax.ODETerm(lambda t, z, args: network.rate(t, z, None)), diffrax.Tsit5(), taus[0], taus[-1], None,
        jnp.zeros(2), stepsize_controller=diffrax.StepTo(taus), saveat=diffrax.SaveAt(ts=taus),
    )  # fmt: skip
    assert reference.ys is not None
    ours = on_mesh(network, [mesh_of(TS, 1, 0)], np.zeros((1, 2)))[0]
    np.testing.assert_allclose(ours, np.asarray(reference.ys), rtol=1e-12)


def test_ragged_trajectories_packed_into_lanes_are_the_separate_solves(network):
    """Two trajectories share a lane, a third fills another; padding and idle starts change nothing."""
    times = [TS, TS[:2], TS[1:]]
    starts = np.random.default_rng(0).normal(size=(4, 2))
    alone = [on_mesh(network, [mesh_of(ts, 3, i)], starts)[0] for i, ts in enumerate(times)]
    first, second, third = (mesh_of(ts, 3, i) for i, ts in enumerate(times))
    shared = tuple(np.concatenate([a, b]) for a, b in zip(first, second, strict=True))
    padded = mesh_of(times[2], 3, 2, steps=len(shared[0]))
    packed = on_mesh(network, [shared, padded], starts)
    lengths = [len(solution) for solution in alone]
    np.testing.assert_allclose(packed[0, : lengths[0]], alone[0], rtol=1e-13)
    np.testing.assert_allclose(packed[0, lengths[0] :], alone[1], rtol=1e-13)
    np.testing.assert_allclose(packed[1, : lengths[2]], alone[2], rtol=1e-13)
    assert packed.shape[1] > lengths[2] == len(third[0])
    for padding in packed[1, lengths[2] :]:
        np.testing.assert_array_equal(padding, packed[1, lengths[2] - 1])


def test_idle_steps_are_skipped_without_a_trace(network):
    """The same states, errors and gradient with and without the steps that no lane takes."""
    t, h, start = (part[None] for part in mesh_of(TS, 3, 0, steps=24))
    busy = ((h != 0) | (start >= 0))[0]
    assert not busy.all()
    tableau = Tableau(network.solver)

    @jax.jit
    def solve(mesh):
        zs, errors = solve_on_mesh(network.rate, tableau, mesh, jnp.zeros((1, 2)), with_error=True)
        of_starts = jax.grad(lambda z: jnp.sum(solve_on_mesh(network.rate, tableau, mesh, z) ** 2))(jnp.zeros((1, 2)))
        return zs, errors, of_starts

    plain, skipping = solve(Mesh(t, h, start, None)), solve(Mesh(t, h, start, None, busy))
    for one, other in zip(plain[:2], skipping[:2], strict=True):
        np.testing.assert_allclose(one[:, busy], other[:, busy], rtol=1e-14, atol=1e-15)  # of order one
    np.testing.assert_allclose(plain[0], skipping[0], rtol=1e-14)
    idle = np.flatnonzero(~busy)
    # The loss counts idle steps as well here: the state that they hand on is the same one.
    np.testing.assert_allclose(plain[2], skipping[2], rtol=1e-12)
    np.testing.assert_array_equal(skipping[1][:, idle], 0)


def test_the_gradient_is_that_of_central_differences(network):
    free, fixed = eqx.partition(network, lambda leaf: eqx.is_inexact_array(leaf) and leaf.ndim > 0)
    vector, rebuild = jax.flatten_util.ravel_pytree((free, jnp.asarray([[0.4, -0.8]])))
    lane = mesh_of(TS, 2, 0, steps=12)

    @jax.jit
    def loss(x):
        free, starts = rebuild(x)
        return jnp.sum(on_mesh(eqx.combine(free, fixed), [lane], starts) ** 2)

    gradient = jax.grad(loss)(vector)
    direction = jnp.asarray(np.random.default_rng(2).normal(size=vector.size))
    step = 1e-5
    difference = (loss(vector + step * direction) - loss(vector - step * direction)) / (2 * step)
    assert float(gradient @ direction) == pytest.approx(float(difference), rel=1e-7)


def test_padding_hands_on_the_state_where_the_field_is_not_finite():
    model = NeuralODE(lambda t, y, args: jnp.where(t > 1.5, jnp.nan, 1.0) * y, state_size=1)
    t, h, start = np.array([[0.0, 0.0, 2.0]]), np.array([[0.0, 0.5, 0.0]]), np.array([[0, -1, -1]])

    zs = solve_on_mesh(model.rate, Tableau(model.solver), Mesh(t, h, start, None), jnp.full((1, 1), 2.0))
    np.testing.assert_allclose(zs[0, :, 0], [2, 2 * np.exp(0.5), 2 * np.exp(0.5)], rtol=1e-5)


def test_the_error_estimate_falls_with_the_order_of_the_solver(network):
    def largest(splits):
        t, h, start = mesh_of(TS, splits, 0)
        mesh = Mesh(t[None], h[None], start[None], None)
        _, errors = solve_on_mesh(network.rate, Tableau(diffrax.Tsit5()), mesh, jnp.zeros((1, 2)), with_error=True)
        return float(jnp.max(jnp.abs(errors)))

    assert 2**4 < largest(8) / largest(16) < 2**6


def test_inputs_drive_the_model_in_their_own_units():
    """y' = A (y - c) + B u with u constant moves the equilibrium."""
    coordinates = eqx.tree_at(
        lambda c: (c.input_centre, c.input_scale), COORDINATES, (np.array([2.0, 1.0]), np.array([5.0, 3.0]))
    )
    push = np.array([4.0, 0.01])
    model = NeuralODE(Linear(MATRIX), rtol=1e-11, atol=1e-11, coordinates=coordinates)
    inputs = LinearInputs(TS[[0, -1]], np.stack([push, push]))
    moved = np.linalg.solve(MATRIX, push)
    np.testing.assert_allclose(model(TS, Y0, inputs), exactly(TS, Y0 + moved) - moved, rtol=1e-8)


def test_steps_end_where_linear_inputs_have_kinks():
    """x'' = -x / 4 - x' / 20 + u with u noise, straight from row to row: each interval by a matrix exponential."""
    ts = 0.2 * np.arange(300)
    u = np.random.default_rng(1).normal(size=300)
    matrix = np.array([[0.0, 1.0, 0.0, 0.0], [-0.25, -0.05, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0], np.zeros(4)])
    one_row = np.asarray(scipy.linalg.expm(0.2 * matrix))
    ys = np.zeros((300, 2))
    for i, (now, then) in enumerate(itertools.pairwise(u)):
        ys[i + 1] = (one_row @ [*ys[i], now, (then - now) / 0.2])[:2]
    field = lambda t, y, args: jnp.stack([y[1], -y[0] / 4 - y[1] / 20 + args[0]])  # noqa: E731
    model = NeuralODE(field, coordinates=Coordinates.identity(2, 1))
    np.testing.assert_allclose(model(ts, jnp.zeros(2), LinearInputs(ts, u[:, None])), ys, atol=2e-5)
    back = model(ts[::-1], jnp.array(ys[-1]), LinearInputs(ts, u[:, None]))
    np.testing.assert_allclose(back[::-1], ys, atol=2e-4)


def test_a_solve_that_diverges_raises_or_is_not_finite():
    model = NeuralODE(lambda t, y, args: y**2, state_size=1, max_steps=256)
    ts = np.array([0.0, 0.5, 2.0])  # y = 1 / (1 - t) has no value at 2
    ys = model(ts, np.ones(1), throw=False)
    np.testing.assert_allclose(ys[:2, 0], [1.0, 2.0], rtol=1e-4)
    assert not np.isfinite(ys[2]).any()


def test_a_solve_that_diverges_raises_by_default(monkeypatch):
    monkeypatch.setattr("equinox._errors.EQX_ON_ERROR", "raise")
    model = NeuralODE(lambda t, y, args: y**2, state_size=1, max_steps=250)
    with pytest.raises(RuntimeError, match="maximum number of solver steps"):
        jax.block_until_ready(model(np.array([0.0, 2.0]), np.ones(1)))


def test_a_long_solve_may_take_more_steps():
    """A hundred thousand rows cannot be reached in the steps that are plenty for a thousand."""
    model = NeuralODE(lambda t, y, args: jnp.cos(t)[None], state_size=1, max_steps=1000)
    ts = np.linspace(0.0, 1000.0, 30_001)
    np.testing.assert_allclose(model(ts, jnp.zeros(1))[:, 0], np.sin(ts), atol=1e-3)
    assert not np.isfinite(model(ts[::4], jnp.zeros(1), throw=False)).all()
