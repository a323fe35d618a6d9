"""Trajectories held out inside the training data say which stage is kept."""

import jax
import numpy as np
import pytest

import neuralode_lbfgs as nl
from neuralode_lbfgs.fitting import running
from neuralode_lbfgs.fitting.validation import error_of_runs, hold_out, predict_unseen, why_not_held_out


def spirals(number, num, noise=0.0):
    return nl.simulate(
        "spiral_linear",
        num_trajectories=number,
        num=num,
        t1=4.0,
        noise=noise,
        relative_noise=True,
        key=jax.random.key(0),
    )


def test_it_is_said_where_data_are_too_few_to_hold_any_of_them_out():
    few = spirals(4, 20)
    (line,) = why_not_held_out(few, None, None)
    assert line.startswith("not validated: of so few numbers (160)") and "--test-trajectories run4 (" in line
    assert why_not_held_out(few, few, None) == why_not_held_out(few, None, 0.1) == []
    assert why_not_held_out(spirals(8, 30), None, None) == why_not_held_out(spirals(2, 20), None, None) == []


def test_a_quarter_is_held_out_where_it_can_be_spared():
    assert hold_out(spirals(2, 200)) is None  # two trajectories
    assert hold_out(spirals(4, 20)) is None  # 160 numbers
    held_out = hold_out(spirals(8, 30))
    assert held_out is not None
    assert len(held_out) == 2
    held_out = hold_out(spirals(24, 30))
    assert held_out is not None
    assert held_out.ids == tuple(f"run{i}" for i in range(19, 25))  # of many the last
    data = spirals(4, 60)
    ys = data[3].ys.copy()
    ys[0, 1] = np.nan
    incomplete = data.with_trajectories([*data.trajectories[:3], nl.Trajectory("run4", data[3].ts, ys)])
    held_out = hold_out(incomplete)
    assert held_out is not None
    assert len(held_out) == 1 and held_out.ids != ("run4",)  # a free run begins at a complete row
    pairs = [nl.Trajectory(f"pair{i}", run.ts[:2], run.ys[:2]) for i, run in enumerate(data)]
    assert hold_out(data.with_trajectories([*data, *pairs])) is None  # two rows beside sixty say little


def test_what_is_held_out_is_like_what_is_left():
    ts = np.linspace(0, 6, 60)
    radii = {"large": 3.0, "a": 1.0, "small": 0.2, "b": 1.1, "c": 1.2}
    runs = [nl.Trajectory(name, ts, r * np.stack([np.cos(ts), np.sin(ts)], axis=1)) for name, r in radii.items()]
    held_out = hold_out(nl.Trajectories(tuple(runs), ("x", "y")))
    assert held_out is not None and held_out.ids == ("b",)
    gappy = runs[3].ys.copy()
    gappy[5:9, 0], gappy[7:12, 1] = np.nan, np.nan  # a blank counts as if it lay between its neighbours
    runs[3] = nl.Trajectory("b", ts, gappy)
    held_out = hold_out(nl.Trajectories(tuple(runs), ("x", "y")))
    assert held_out is not None and held_out.ids == ("b",)


@pytest.fixture(scope="module")
def noisy():
    return spirals(4, 60, noise=0.05)


@pytest.fixture(scope="module")
def result(noisy):
    model = nl.NeuralODE(nl.MLPVectorField(2, width_size=8, depth=1, key=jax.random.key(0)))
    return nl.fit(model, noisy, max_evals=200)


def test_the_kept_stage_is_run_again_with_all_trajectories(noisy, result):
    assert any("(RMSE/sd: matching" in note for note in result.notes if note.startswith("held out run"))
    assert result.stages[-1].why == "again, with all trajectories"
    assert set(result.starts) == set(noisy.ids)
    truth = spirals(4, 60)
    scale = np.concatenate([t.ys for t in noisy]).std(axis=0)
    errors = [(a.ys - b.ys) / scale for a, b in zip(result.predict(noisy, start="fitted"), truth, strict=True)]
    assert np.sqrt(np.mean(np.concatenate(errors) ** 2)) < 0.02  # the noise is 0.05


def test_how_trajectories_were_predicted_before_they_were_seen_is_kept(noisy, result):
    assert result.unseen is not None and result.validation is not None
    seen = noisy.split(ids=result.unseen.ids)[1]
    scale = np.asarray(result.model.coordinates.scale)
    errors = [(a.ys - b.ys) / scale for a, b in zip(result.unseen, seen, strict=True)]
    assert np.sqrt(np.nanmean(np.concatenate(errors) ** 2)) == pytest.approx(result.validation, rel=0.01)


def test_noise_in_a_first_row_is_not_held_against_the_model(noisy, result):
    from_one_row, estimated = (
        error_of_runs(result.model, noisy, predict_unseen(result.model, noisy, noisy=starts))
        for starts in (False, True)
    )
    assert estimated == pytest.approx(0.05, rel=0.1)
    assert from_one_row > 1.1 * estimated


def test_the_last_stage_unless_it_is_clearly_worse_and_then_the_earliest_that_is_as_good():
    def ended(error):
        return running.Reached(None, None, np.zeros(1), error)  # pyright: ignore[reportArgumentType]

    assert running.best_of([ended(e) for e in (1.0, 0.105, 0.1, 0.12)]) == 3
    assert running.best_of([ended(e) for e in (1.0, 0.105, 0.1, 0.2)]) == 1
    assert running.best_of([ended(e) for e in (1.0, 0.2, float("inf"), 0.1)]) == 3
