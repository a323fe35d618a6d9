"""`fit` from data to result: recovers, is repeatable, copes with gaps, and says what went wrong."""

import gc
import itertools
import subprocess
import sys

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import neuralode_lbfgs as nl
from neuralode_lbfgs.compiling import Compiled, compile_seconds
from neuralode_lbfgs.fitting.batch import Shape, lane_lengths, make_batch
from neuralode_lbfgs.fitting.losses import Parameters, residuals
from neuralode_lbfgs.fitting.mesh import first_counts
from neuralode_lbfgs.fitting.scaling import find_coordinates
from neuralode_lbfgs.fitting.smoothing import smooth_all
from neuralode_lbfgs.models import Tableau, with_coordinates


def spiral(key=0, noise=0.0, num=30):
    return nl.simulate(
        "spiral_linear", num_trajectories=3, num=num, t1=3.0, noise=noise, relative_noise=True, key=jax.random.key(key)
    )


def model_for(data, seed=0):
    return nl.NeuralODE(nl.MLPVectorField(data.state_size, width_size=8, depth=1, key=jax.random.key(seed)))


@pytest.fixture(scope="module")
def data():
    return spiral(noise=0.02)


@pytest.fixture(scope="module")
def result(data):
    return nl.fit(model_for(data), data, max_evals=300)


def scaled_error(result, truth, data):
    scale = np.concatenate([t.ys for t in data]).std(axis=0)
    predicted = result.predict(truth, start="fitted")
    error = np.concatenate([(a.ys - b.ys) / scale for a, b in zip(predicted, truth, strict=True)])
    return float(np.sqrt(np.mean(error**2)))


def test_reaches_the_truth_below_the_noise(data, result):
    assert scaled_error(result, spiral(noise=0.0), data) < 0.01  # half of the noise of 0.02
    assert result.noise == pytest.approx(0.02, rel=0.3)
    assert result.loss < result.initial_loss < 1


def test_says_what_it_did(data, result):
    assert [stage.name for stage in result.stages] == ["matching", "polish", "polish"]
    assert "already explains 9" in result.stages[1].why
    assert result.stages[2].why.startswith("16 of the 20 terms of the polynomial, in the data's units, explain no more")
    assert result.stop_reason.sentence
    text = result.summary()
    assert "mean predictor" in text
    assert "stopped:" in text
    rows = result.history_rows()
    assert all(later["evaluations"] >= earlier["evaluations"] for earlier, later in itertools.pairwise(rows))
    assert max(len(line) for line in text.splitlines()[:3]) <= 80


def test_a_weight_decay_that_was_given_is_told_of_where_it_holds_the_model(data, result):
    assert result.held_by is None
    held = nl.fit(model_for(data), data, weight_decay=1.0, stages=["matching", "polish"])
    assert held.held_by == 1.0
    assert held.stages[-1].why.endswith("and the weight decay is the one that was given")
    assert any("--weight-decay 1 may be why" in one.finding for one in held.diagnose())
    free = nl.fit(model_for(data), data, weight_decay=1e-6, stages=["matching", "polish"])
    assert free.held_by is None


@pytest.mark.slow
def test_same_seed_same_result(data, result):
    again = nl.fit(model_for(data), data, max_evals=300)
    for a, b in zip(
        jax.tree.leaves(eqx.filter(result.model, eqx.is_array)),
        jax.tree.leaves(eqx.filter(again.model, eqx.is_array)),
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)


@pytest.mark.slow
def test_a_model_that_runs_away_is_begun_again_from_a_smoother_field(data, monkeypatch):
    from neuralode_lbfgs.fitting import at_once, given
    from neuralode_lbfgs.fitting.basin import Basin

    monkeypatch.setattr(given, "basin_of", lambda course: Basin(np.inf, np.inf, 0.0))  # all stages
    losses, real = iter([25.0]), at_once.whole_loss
    monkeypatch.setattr(at_once, "whole_loss", lambda course: next(losses, None) or real(course))
    result = nl.fit(model_for(data), data, max_evals=300, degree=0)
    once = ["shooting", "full", "polish"]
    assert [stage.name for stage in result.stages] == ["matching", *once, *once]
    assert any("tried 2 times, from ever smoother fields" in note and "5, 0.0" in note for note in result.notes)
    assert scaled_error(result, spiral(noise=0.0), data) < 0.01


def test_what_all_programs_took_to_compile_is_told(data):
    before = compile_seconds()
    told = nl.fit(model_for(data, seed=1), data, stages=["matching", "polish"], max_evals=20).compile_s
    assert told >= compile_seconds() - before > 0.0


def test_a_time_limit_holds_for_all_stages_together(data):
    hurried = nl.fit(model_for(data), data, time_limit=0.02, max_evals=300)
    assert hurried.stop_reason is nl.StopReason.TIME_LIMIT
    assert hurried.run_s < 1.0
    assert np.isfinite(hurried.loss)


def test_a_fit_that_runs_out_of_time_after_validation_keeps_the_better_model(monkeypatch):
    from neuralode_lbfgs.fitting import staged

    monkeypatch.setattr(staged, "best_of", lambda reached: 0)  # of the matched model, so that it is matched again
    monkeypatch.setattr(staged, "seconds_left", lambda limit, spent: 0.0)
    data = nl.simulate("spiral_linear", num_trajectories=6, num=60, t1=3.0, noise=0.01, key=jax.random.key(0))
    result = nl.fit(model_for(data), data, max_evals=300, degree=0)
    assert result.stop_reason is nl.StopReason.TIME_LIMIT
    assert [stage.name for stage in result.stages] == ["matching", "polish", "matching"]
    assert len(result.stages[-1].history) == 1
    assert result.loss < 0.1


@pytest.mark.slow
def test_units_of_a_power_of_two_change_nothing(data, result):
    """Coordinates bring everything to order one: other units are the same fit, bit for bit."""
    factor = 2.0**30
    stretched = data.with_trajectories(
        [nl.Trajectory(t.id, t.ts * factor, t.ys * np.array([factor, 1 / factor])) for t in data]
    )
    other = nl.fit(model_for(stretched), stretched, max_evals=300)
    assert other.loss == result.loss


def test_a_mesh_that_grows_finds_room():
    lengths = [100, 90, 30, 20]
    shape = Shape.fitting(lengths)
    assert shape.packed(lengths) == [[0], [1, 3], [2]]
    assert shape.grown([length + 2 for length in lengths]) == shape
    grown = shape.grown([120, 110, 40, 30])
    assert grown.steps >= 2 * 120
    # Lanes stay about as long as the longest trajectory, although there is room for two in one.
    assert len(grown.packed([120, 110, 40, 30]) or []) == grown.lanes == 3
    assert grown.grown([240, 220, 80, 60]) == grown
    assert grown.packed([grown.steps + 1]) is None


def test_what_would_fill_two_lanes_is_one():
    lengths = [100, *[2] * 60]
    shape = Shape.fitting(lengths)
    assert (shape.lanes, shape.steps) == (1, 224)
    assert shape.packed(lengths) == [[*range(61)]]


def test_unobserved_entries_change_nothing_else(data):
    """NaN in one state leaves the residuals of all other entries as they were."""
    curves = smooth_all(data)
    coordinates = find_coordinates(data, curves)
    model = with_coordinates(model_for(data), coordinates)
    tableau, counts = Tableau(model.solver), first_counts(data, coordinates)
    shape = Shape.fitting(lane_lengths(counts))
    starts = jnp.asarray(coordinates.states_in(np.stack([t.ys[0] for t in data])))

    def observed(some):
        batch, places = make_batch(some, coordinates, tableau, counts, shape, np.float64)
        gradient = jax.grad(lambda z: jnp.sum(residuals(Parameters(model, z), batch, tableau) ** 2))(starts)
        r = np.asarray(residuals(Parameters(model, starts), batch, tableau))
        lane, rows = places[0]
        return r[lane, rows] / np.sqrt(np.max(batch.weights)), gradient

    holes = data[0].ys.copy()
    holes[5:9, 1] = np.nan
    whole, _ = observed(data)
    gappy, gradient = observed(
        data.with_trajectories([nl.Trajectory("run1", data[0].ts, holes), *data.trajectories[1:]])
    )
    assert np.isfinite(gradient).all()
    assert (gappy[5:9, 1] == 0).all()
    kept = np.isfinite(holes)
    np.testing.assert_allclose(gappy[kept], whole[kept], rtol=1e-12)


@pytest.mark.slow
def test_a_constant_column_and_a_column_of_zeros(data):
    still = np.array([7.0, 0.0])
    widened = nl.Trajectories(
        tuple(nl.Trajectory(t.id, t.ts, np.column_stack([t.ys, np.tile(still, (t.ts.size, 1))])) for t in data)
    )
    fitted = nl.fit(model_for(widened), widened, max_evals=100)
    predicted = fitted.predict(widened)
    np.testing.assert_allclose(predicted[0].ys[:, 2], 7.0, rtol=0.05)
    np.testing.assert_allclose(predicted[0].ys[:, 3], 0.0, atol=0.05)


def test_ragged_and_incomplete_first_rows(data):
    holes = data[1].ys.copy()
    holes[0, 0] = np.nan
    ragged = data.with_trajectories(
        [data[0].at(slice(0, 9)), nl.Trajectory("run2", data[1].ts, holes), data[2].at(slice(0, 20))]
    )
    fitted = nl.fit(model_for(ragged), ragged, max_evals=100)
    assert fitted.loss < 0.01
    with pytest.raises(ValueError, match="initial_states='estimate'"):
        nl.fit(model_for(ragged), ragged, initial_states="data")


def test_a_user_loss_module_and_optax(data):
    class Linear(eqx.Module):
        matrix: jax.Array

        def __call__(self, ts, y0):
            return jax.vmap(lambda t: jax.scipy.linalg.expm(self.matrix * (t - ts[0])) @ y0)(ts)

    def loss_fn(model, ts, ys):
        return jnp.mean((model(ts, ys[0]) - ys) ** 2)

    exact = spiral()
    fitted = nl.fit(Linear(jnp.array([[0.0, 1.0], [-1.0, 0.0]])), exact, loss=loss_fn)
    np.testing.assert_allclose(fitted.model.matrix, [[-0.1, 1.3], [-1.0, -0.1]], atol=1e-3)
    assert not fitted.notes
    assert fitted.compile_s > 0
    staged = nl.fit(fitted.model, exact, loss=loss_fn, stages=["matching", "full"], max_iter=1)
    assert "matching was left out: a loss or module of your own is fitted in the stage full alone." in staged.notes
    with_adam = nl.fit(Linear(jnp.array([[0.0, 1.0], [-1.0, 0.0]])), exact, optimizer=optax.adam(1e-2), max_iter=50)
    assert with_adam.loss < with_adam.initial_loss
    assert with_adam.stop_reason is nl.StopReason.MAX_ITER
    with pytest.raises(ValueError, match="batch_size needs a NeuralODE and no loss"):
        nl.fit(fitted.model, exact, nl.FitOptions(optimizer="adam", batch_size=1))


def test_adam_on_batches_of_trajectories():
    """Each step sees a few of them, and all are learned."""
    many = nl.simulate("spiral_linear", num_trajectories=12, num=10, t1=1.5, key=jax.random.key(1))
    some = nl.FitOptions(batch_size=3, stages=("full",), max_iter=300)
    found = nl.fit(model_for(many), many, some, optimizer="adam")
    assert found.loss < 0.1 * found.initial_loss
    own = nl.fit(model_for(many), many, some, optimizer=optax.adam(1e-2))
    assert own.loss == found.loss  # what the name stands for
    for optimizer in ("lbfgs", "optax-lbfgs"):
        with pytest.raises(ValueError, match="batch_size needs a stochastic optimiser"):
            nl.fit(model_for(many), many, some, optimizer=optimizer)


def test_what_is_no_optimizer_is_refused():
    """In a process without the type checks of the tests, which would refuse it first."""
    code = """
import neuralode_lbfgs as nl, numpy as np
data = nl.from_arrays(np.arange(3.0), np.arange(3.0)[:, None])
for optimizer in ("adamw", 1e-2):
    try:
        nl.fit(lambda ts, y0: None, data, optimizer=optimizer, loss=lambda model, ts, ys: 0.0)
    except (ValueError, TypeError) as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout.splitlines() == [
        "there is no optimizer 'adamw'; the optimizers are lbfgs, optax-lbfgs, adam.",
        "optimizer is of type float; give a name, an LBFGS or an optax transformation.",
    ], done.stderr


def test_a_gradient_that_is_not_that_of_the_loss_is_said(data):
    class Decay(eqx.Module):
        rate: jax.Array

        def __call__(self, ts, y0):
            return y0 * jnp.exp(-self.rate * (ts - ts[0]))[:, None]

    @jax.custom_jvp
    def doubled(x):
        return x

    doubled.defjvp(lambda primals, tangents: (primals[0], 2 * tangents[0]))
    wrong = nl.fit(
        Decay(jnp.array(0.3)),
        data,
        loss=lambda m, ts, ys: doubled(jnp.mean((m(ts, ys[0]) - ys) ** 2)),
        max_iter=2,
    )
    assert any("the slope of the loss is" in note for note in wrong.notes)


def test_a_throwing_module_is_a_bad_trial(data):
    """A model that raises beyond a wall: the fit goes on in front of it."""

    class Walled(eqx.Module):
        rate: jax.Array

        def __call__(self, ts, y0):
            rate = eqx.error_if(self.rate, self.rate < -2.0, "too fast")
            return y0 * jnp.exp(rate * (ts - ts[0]))[:, None]

    ts = np.linspace(0, 1, 10)
    decay = nl.Trajectories((nl.Trajectory("a", ts, np.exp(-1.9 * ts)[:, None]),))
    fitted = nl.fit(Walled(jnp.array(0.0)), decay, initial_step=50.0)
    assert float(fitted.model.rate) == pytest.approx(-1.9, abs=1e-3)


def test_bad_models_give_one_sentence(data):
    class Field(eqx.Module):
        rate: jax.Array | float

        def __call__(self, t, y, args):
            return -self.rate * y[:1]

    with pytest.raises(ValueError, match=r"must return dy/dt of shape \(2,\)"):
        nl.fit(nl.NeuralODE(Field(jnp.array(1.0)), state_size=2), data)
    runs = tuple(nl.Trajectory(run.id, run.ts, run.ys, None, run.ys[:, :1]) for run in data)
    driven = nl.Trajectories(runs, data.state_names)
    with pytest.raises(ValueError, match=r"for 2 states and 1 input \(.*\): make a network with input_size"):
        nl.fit(model_for(data), driven)
    with pytest.raises(ValueError, match="nothing to train"):
        nl.fit(nl.NeuralODE(Field(1.0), state_size=2), data)
    with pytest.raises(TypeError, match="did you mean 'max_iter'"):
        nl.fit(model_for(data), data, max_itr=3)
    with pytest.raises(ValueError, match="max_evals must be at least 1"):
        nl.fit(model_for(data), data, max_evals=0)
    with pytest.raises(ValueError, match="scalar"):
        nl.fit(model_for(data), data, loss=lambda model, ts, ys: ys)


def test_programs_of_a_fit_are_freed_when_it_is_done(data):
    """Not when the garbage collector comes: by then a dozen fits take all the mappings that a process may have."""
    alive = lambda: sum(isinstance(one, Compiled) for one in gc.get_objects())  # noqa: E731
    gc.collect()
    before = alive()
    gc.disable()
    try:
        result = nl.fit(model_for(data), data, max_evals=60)
        assert result.stages and alive() <= before
    finally:
        gc.enable()


def test_callback_sees_every_stage(data):
    seen = []
    nl.fit(model_for(data), data, max_evals=60, callback=seen.append)
    assert {event.stage for event in seen} == {"matching", "polish"}
    assert seen[-1].evaluations >= 1


def test_a_fit_that_is_interrupted_while_runs_are_held_out_is_diagnosed_and_predicts_them():
    data = nl.simulate("lotka_volterra", num_trajectories=4, num=60, t1=8.0, key=jax.random.key(0))
    model = nl.NeuralODE(nl.MLPVectorField(2, width_size=4, depth=1, key=jax.random.key(0)))

    def stop(progressed):
        raise KeyboardInterrupt

    result = nl.fit(model, data, callback=stop, degree=0)
    assert result.stop_reason is nl.StopReason.INTERRUPTED
    assert set(result.starts) == set(data.ids)
    np.testing.assert_allclose([result.starts[run.id] for run in data], [run.ys[0] for run in data], rtol=0.05)
    result.diagnose()
    assert result.predict_held_out(data).ids == data.ids
