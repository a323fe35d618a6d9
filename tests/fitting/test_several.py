"""Fits from several initial weights: an ensemble with a band, and starts of which the best is kept."""

from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import neuralode_lbfgs as nl
from neuralode_lbfgs.fitting import screening, several
from neuralode_lbfgs.fitting.band import band_of
from neuralode_lbfgs.fitting.luck import Luck
from neuralode_lbfgs.fitting.programs import Programs
from neuralode_lbfgs.fitting.task import Task
from neuralode_lbfgs.optimise import StopReason, minimise_many

TS = np.linspace(0.0, 2.0, 9)


def one(ys, ts=TS, names=("x",)):
    return nl.Trajectories((nl.Trajectory("a", ts, np.asarray(ys, float)),), names)


class Growing(eqx.Module):
    rate: jax.Array
    power: float

    def __call__(self, t, y, args):
        return self.rate * y**self.power


def grown(rate, power, loss=0.01):
    """A fit whose model grows from one by dy/dt = rate y^power."""
    model = nl.NeuralODE(Growing(jnp.array(rate), power), state_size=1)
    data = one(np.linspace(1.0, 2.0, TS.size)[:, None])
    return nl.FitResult(
        model, data, {"a": np.ones(1)}, (), StopReason.DECREASE, 3, 5, 1.0, 0.5, 1.0, loss, None, estimated=False
    )


def test_a_band_is_the_median_and_quantiles_of_those_that_reach_a_row():
    ys = np.arange(5.0)[:, None] * np.ones(9)
    ys[3:, 4:], ys[2, 6:] = np.nan, np.nan  # three of five are left, then two
    band = band_of([one(row[:, None]) for row in ys])
    np.testing.assert_allclose(band.middle[0].ys[:, 0], [2, 2, 2, 2, 1, 1, np.nan, np.nan, np.nan])
    np.testing.assert_allclose(band.low[0].ys[:5, 0], [0.4, 0.4, 0.4, 0.4, 0.2])
    np.testing.assert_allclose(band.high[0].ys[:5, 0], [3.6, 3.6, 3.6, 3.6, 1.8])
    assert band_of([one(TS[:, None])]).high[0].ys[:, 0] is not None
    assert band.middle.state_names == ("x",)


def test_luck_in_a_line():
    ensemble = Luck("ensemble", 4, (0.1, 0.101, 9.0, 0.104), left_out=(2,))
    assert ensemble.sentence == (
        "ensemble: 3 members (1 more left out), RMSE/sd 0.1 to 0.104, median 0.101; luck hardly mattered in training"
    )
    assert replace(ensemble, held_out=(0.2, 0.5, 0.25)).sentence.endswith(
        "median 0.101, held out 0.2 to 0.5, median 0.25; luck mattered much"
    )
    screened, stage = (0.5, 1, 2, 3, 4, 5.0), "matching and shooting"
    starts = Luck("starts", 6, (0.1, 0.2), validated=(0.3, 0.4), screened=screened, stage=stage)
    assert starts.sentence == (
        "luck: 6 starts, 4 culled by a screening (matching and shooting of each: 0.5 to 5, median 2.5); fitted to the "
        "end RMSE/sd 0.1 to 0.2, median 0.15, held out 0.3 to 0.4, median 0.35; luck mattered a little"
    )
    assert "luck mattered much" in Luck("starts", 2, (0.1, float("inf"))).sentence


class Hybrid(eqx.Module):
    network: eqx.nn.MLP
    stiffness: jax.Array

    def __call__(self, t, y, args):
        return self.network(y) - self.stiffness * y


def test_other_starts_have_other_weights_of_the_same_size_and_the_same_physics():
    field = Hybrid(eqx.nn.MLP(2, 2, 50, 1, key=jax.random.key(0)), jnp.array(3.0))
    model = nl.NeuralODE(field, state_size=2)
    first, second, third = several.initial_models(model, 3, frozen=("network.layers.1",))
    assert first is model
    weights = [np.asarray(each.vector_field.network.layers[0].weight) for each in (first, second, third)]
    assert all(np.std(w) == pytest.approx(np.std(weights[0]), rel=0.2) for w in weights)
    assert not any(np.allclose(a, b) for a, b in [weights[:2], weights[1:]])
    assert float(second.vector_field.stiffness) == 3.0
    assert second.vector_field.network.layers[1].weight is first.vector_field.network.layers[1].weight
    assert several.initial_models([first, second], 2) == [first, second]
    with pytest.raises(ValueError, match="2 models for 3 fits"):
        several.initial_models([first, second], 3)
    with pytest.raises(ValueError, match="no network whose weights could be drawn anew"):
        several.initial_models(nl.NeuralODE(Growing(jnp.array(1.0), 1.0), state_size=1), 2)


def test_a_runaway_is_recognised_by_running_on():
    assert several.runs_away(grown(0.35, 1.0)) is None  # on to 4 where the data end at 2
    assert "leaves the range of the data" in str(several.runs_away(grown(1.0, 1.0)))
    assert "its solution ends" in str(several.runs_away(grown(0.35, 2.0)))  # infinite at t = 2.9
    assert "does not reach the end of the data" in str(several.runs_away(grown(0.35, 1.0, loss=float("nan"))))


def test_members_of_no_use_are_left_out_but_never_all():
    good, better, far, away = grown(0.35, 1.0), grown(0.34, 1.0, 0.008), grown(0.35, 1.0, 4.0), grown(2.0, 1.0)
    fits = [good, away, better, far]

    def fit_one(model, options, number):
        return fits[number]

    result = several.fit_ensemble(fit_one, [None] * 4, nl.FitOptions(ensemble=4))
    assert result.members == (good, better)
    assert result.model is better.model
    assert (result.iterations, result.run_s) == (12, 2.0)
    assert result.luck is not None and result.luck.left_out == (1, 3)
    assert [note.split(":")[0] for note in result.notes] == ["member 2 was left out", "member 4 was left out"]
    middle = result.predict(good.data, start="fitted")[0].ys
    np.testing.assert_allclose(middle, (good.predict(good.data)[0].ys + better.predict(good.data)[0].ys) / 2)
    fits = [away, replace(away, loss=0.02)]
    result = several.fit_ensemble(fit_one, [None] * 2, nl.FitOptions(ensemble=2))
    assert len(result.members) == 2  # a system that grows leaves the range of its data by rights


def test_the_best_validated_of_the_most_promising_starts_is_kept():
    fits = {i: replace(grown(0.35, 1.0, 0.01 * (i + 1)), validation=v) for i, v in enumerate((0.3, 0.1, 0.5, 0.05))}
    fits[3] = replace(fits[3], model=grown(2.0, 1.0).model)  # validates best, and runs away
    asked = []

    def fit_one(model, options, number):
        asked.append((number, options.time_limit))
        return fits[number]

    options = nl.FitOptions(starts=4, time_limit=3.0)
    result = several.fit_best(fit_one, list(range(4)), options, screened=(1.0, 0.5, np.inf, 0.4), stage="matching")
    assert asked == [(1, 1.5), (3, 2.5)]
    assert (result.validation, result.members) == (0.1, ())
    assert result.luck is not None
    assert result.luck.sentence.startswith("luck: 4 starts, 2 culled by a screening (matching of each: ")
    assert result.notes[-1].startswith("start 4 was not taken: run on for as long again")


def test_an_interrupt_keeps_what_was_fitted_to_the_end():
    def fit_one(model, options, number):
        if number == 1:
            return replace(grown(0.3, 1.0), stop_reason=StopReason.INTERRUPTED)
        return grown(0.35, 1.0)

    result = several.fit_ensemble(fit_one, [None] * 3, nl.FitOptions(ensemble=3))
    assert result.stop_reason is StopReason.INTERRUPTED
    assert len(result.members) == 1
    assert result.notes[-1] == "1 of 3 members were fitted before the end of the time."

    def raising(model, options, number):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        several.fit_ensemble(raising, [None] * 3, nl.FitOptions(ensemble=3))


def test_programs_are_shared_by_what_they_hold_and_nothing_else():
    programs, made = Programs(), []

    def ask(purpose, free, fixed):
        return programs.shared(purpose, free, fixed, lambda: made.append(1) or len(made))

    assert ask("a", np.zeros(2), {"k": np.ones(1)}) == 1
    assert ask("a", np.ones(2), {"k": np.ones(1)}) == 1  # other numbers to be trained
    assert ask("a", np.ones(3), {"k": np.ones(1)}) == 2  # of another shape
    assert ask("a", np.ones(2), {"k": np.zeros(1)}) == 3  # other constants
    assert ask("b", np.ones(2), {"k": np.ones(1)}) == 4
    assert ask("a", np.ones(2, np.float32), {"k": np.ones(1)}) == 5
    assert ask("a", np.ones(2), {"k": np.ones(1), "f": jnp.tanh}) == 6
    assert ask("a", np.ones(2), {"k": np.ones(1), "f": jnp.tanh}) == 6


@pytest.fixture(scope="module")
def data():
    """Two inward spirals with a little noise."""
    ts, rng = np.linspace(0.0, 3.0, 20), np.random.default_rng(0)
    turn = np.exp(-0.3 * ts)[:, None] * np.stack([np.cos(2 * ts), np.sin(2 * ts)], axis=1)
    runs = [
        nl.Trajectory(name, ts, size * turn + 0.01 * rng.normal(size=turn.shape)) for name, size in (("a", 1), ("b", 2))
    ]
    return nl.Trajectories(tuple(runs), ("x", "y"))


def model_for(data):
    return nl.NeuralODE(nl.MLPVectorField(data.state_size, width_size=4, depth=1, key=jax.random.key(0)))


def test_an_ensemble_is_compiled_once_and_predicts_the_median(data):
    heard = []
    quick = {"stages": ["matching", "full"], "max_evals": 40}
    result = nl.fit(model_for(data), data, ensemble=3, callback=lambda event: heard.append(event.run), **quick)
    assert set(heard) == {"1 of 3", "2 of 3", "3 of 3"}
    assert len(result.members) >= 2
    assert result.members[1].compile_s < 0.5 * result.members[0].compile_s
    band = result.band(data, start="fitted")
    each = np.stack([np.concatenate([run.ys for run in m.predict(data, start="fitted")]) for m in result.members])
    np.testing.assert_allclose(np.concatenate([run.ys for run in band.middle]), np.median(each, axis=0))
    assert all((low.ys <= high.ys).all() for low, high in zip(band.low, band.high, strict=True))
    assert "ensemble: " in result.summary()
    assert result.evaluations == sum(m.evaluations for m in result.members)


@pytest.mark.slow  # what is left of it is under test from the command line
def test_starts_are_screened_and_the_best_is_fitted_to_the_end(data):
    result = nl.fit(model_for(data), data, starts=4, max_evals=60)
    assert result.luck is not None
    assert (len(result.luck.screened), len(result.luck.errors), result.luck.stage) == (4, 2, "matching")
    assert result.loss**0.5 == pytest.approx(min(result.luck.errors))
    assert "luck: 4 starts, 2 culled by a screening (matching of each:" in result.summary()


def test_the_full_horizon_from_many_starts_is_one_program(data, monkeypatch):
    asked = []
    monkeypatch.setattr(
        screening, "minimise_many", lambda *args, **keys: asked.append(keys) or minimise_many(*args, **keys)
    )
    models, options = several.initial_models(model_for(data), 3), nl.FitOptions(starts=3, stages=("full",))
    found = screening.screened(models, Task(data, options, nl.LBFGS()), lambda number: None)
    assert found is not None and found.stage == "50 evaluations"
    assert [keys["lanes"] for keys in asked] == [3]
    assert len(set(found.errors)) == 3
    assert max(found.errors) < 1  # each is better than the mean


def test_options_that_contradict_each_other():
    with pytest.raises(ValueError, match="ensemble and starts are two uses"):
        nl.FitOptions(ensemble=2, starts=2)
    with pytest.raises(ValueError, match="starts must be at least 1; it is 0"):
        nl.FitOptions(starts=0)
