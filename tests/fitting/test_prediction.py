"""Predictions and the states they start from."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import neuralode_lbfgs as nl
from neuralode_lbfgs.fitting import FitResult, estimate_starts, predict
from neuralode_lbfgs.fitting import result as fit_result
from neuralode_lbfgs.fitting.diagnosis import Finding
from neuralode_lbfgs.optimise import StopReason


class Oscillator(eqx.Module):
    """Position and velocity of a damped mass on a spring, driven if there is an input."""

    stiffness: jax.Array

    def __call__(self, t, y, args):
        force = 0.0 if args is None else args[0]
        return jnp.array([y[1], -self.stiffness * y[0] - 0.1 * y[1] + force])


NOISE = 0.05
TS = np.linspace(5.0, 15.0, 60)


@pytest.fixture(scope="module")
def model():
    return nl.NeuralODE(Oscillator(jnp.array(2.0)), coordinates=nl.Coordinates.identity(2, input_size=1))


def truth(model, y0, inputs=None):
    blank = np.full((TS.size, 2), np.nan)
    asked = nl.Trajectories(
        (nl.Trajectory("a", TS, blank, inputs=inputs),), ("x", "v"), () if inputs is None else ("u",)
    )
    return predict(model, asked, starts={"a": (TS[0], np.asarray(y0))})


def measured(true, seed=0):
    random = np.random.default_rng(seed)
    runs = [nl.Trajectory(t.id, t.ts, t.ys + NOISE * random.normal(size=t.ys.shape), inputs=t.inputs) for t in true]
    return true.with_trajectories(runs)


@pytest.mark.parametrize("inputs", [None, np.sin(TS)[:, None]])
def test_many_noisy_rows_give_a_better_start_than_one(model, inputs):
    true = truth(model, [1.0, -0.5], inputs)
    several = [measured(true, seed) for seed in range(6)]
    found = [estimate_starts(model, data, warmup=40)["a"] for data in several]
    assert {time for time, _ in found} == {TS[0]}
    error = np.std([y0 - true[0].ys[0] for _, y0 in found])
    assert error < 0.4 * np.std([data[0].ys[0] - true[0].ys[0] for data in several])
    data = several[0]
    # By default it is the first half: what comes later has no say.
    later = data[0].ys.copy()
    later[30:] += 1.0
    changed = data.with_trajectories([nl.Trajectory("a", TS, later, inputs=inputs)])
    np.testing.assert_array_equal(estimate_starts(model, changed)["a"][1], estimate_starts(model, data)["a"][1])


def test_a_state_that_is_never_observed_follows_from_the_others(model):
    true = truth(model, [1.0, -0.5])
    ys = true[0].ys.copy()
    ys[:, 1] = np.nan
    ys[:3] = np.nan  # nor anything in the first rows
    data = true.with_trajectories([nl.Trajectory("a", TS, ys)])
    np.testing.assert_allclose(estimate_starts(model, data, warmup=20)["a"][1], [1.0, -0.5], atol=0.02)
    with pytest.raises(ValueError, match="warmup"):
        predict(model, data)
    with pytest.raises(ValueError, match="nothing is observed"):
        estimate_starts(model, data, warmup=0)


def test_a_start_is_found_for_a_model_that_diverges(model):
    class Exploding(eqx.Module):
        def __call__(self, t, y, args):
            return y**3

    true = truth(model, [1.0, -0.5])
    exploding = nl.NeuralODE(Exploding(), state_size=2)
    assert np.isfinite(estimate_starts(exploding, true)["a"][1]).all()


@pytest.mark.parametrize("inputs", [None, np.sin(TS)[:, None]])
def test_what_was_held_out_starts_as_the_training_data_did(model, inputs):
    true = truth(model, [1.0, -0.5], inputs)
    data = measured(true)
    train, test = data.split(until=10.0)
    result = FitResult(
        model, train, {"a": true[0].ys[0]}, (), StopReason.DECREASE, 0, 0, 0.0, 0.0, 1.0, 0.1, NOISE, True
    )
    # A continuation goes on from the fitted start, under the inputs before it.
    np.testing.assert_allclose(result.predict_held_out(test)[0].ys, true[0].ys[TS > 10.0], atol=1e-5)
    other = data.with_trajectories([nl.Trajectory("b", TS, data[0].ys, inputs=inputs)])
    assert np.abs(result.predict_held_out(other)[0].ys - true[0].ys).max() < NOISE
    np.testing.assert_array_equal(result.predict(other)[0].ys[0], data[0].ys[0])
    warmed = result.predict(other, warmup=40)[0].ys
    assert np.abs(warmed - true[0].ys).max() < NOISE
    with pytest.warns(UserWarning, match="--warmup 61: trajectory 'b' has 60 rows with observations, and its start"):
        result.predict(other, warmup=61)
    with pytest.raises(ValueError, match="so many first rows of the data, at least 1"):
        result.predict(other, warmup=0)
    with pytest.raises(ValueError, match="so many first rows of the data, at least 1"):
        result.predict(other, warmup=5, start="fitted")


def test_a_start_is_given_back_to_its_last_digit():
    rng = np.random.default_rng(0)
    coordinates = nl.Coordinates.identity(2, input_size=1)
    scaled = eqx.tree_at(lambda c: (c.centre, c.scale), coordinates, (jnp.array([87.3, 51.7]), jnp.array([31.1, 7.3])))
    model = nl.NeuralODE(Oscillator(jnp.array(2.0)), coordinates=scaled)
    for start in rng.integers(0, 200, (5, 2)):
        assert (truth(model, start.astype(float))[0].ys[0] == start).all()


def test_columns_are_found_by_name(model):
    true = truth(model, [1.0, -0.5])
    result = FitResult(
        model, true, {"a": true[0].ys[0]}, (), StopReason.DECREASE, 0, 0, 0.0, 0.0, 1.0, 0.1, None, False
    )
    turned = nl.from_frame({"t": TS, "v": true[0].ys[:, 1], "x": true[0].ys[:, 0]})
    for predicted in (result.predict(turned), result.predict_held_out(turned)):
        assert predicted.state_names == ("x", "v")
        np.testing.assert_allclose(predicted[0].ys, true[0].ys, atol=1e-5)
    assert float(result.summary(turned).splitlines()[1].split()[2]) < 1e-4
    with pytest.raises(nl.DataError, match="has no column 'x'"):
        result.predict(nl.from_frame({"t": TS, "v": true[0].ys[:, 1]}))


def test_a_summary_says_once_what_flags_are_in_python(model, monkeypatch):
    true = truth(model, [1.0, -0.5])
    result = FitResult(
        model, true, {"a": true[0].ys[0]}, (), StopReason.DECREASE, 0, 0, 0.0, 0.0, 1.0, 0.1, None, False
    )
    assert "In Python" not in result.summary()
    found = (Finding("it is far off", "try other initial weights (--starts 8)"),) * 2
    monkeypatch.setattr(fit_result, "diagnose", lambda view: found)
    assert result.summary().count("In Python --starts 8 is fit(..., starts=8)") == 1
