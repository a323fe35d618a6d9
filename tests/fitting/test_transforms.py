"""Fits of states and times under a transform: from data to predictions in the data's units, and what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import neuralode_lbfgs as nl
from neuralode_lbfgs.fitting.decades import over_decades
from neuralode_lbfgs.fitting.options import FitOptions
from neuralode_lbfgs.fitting.transforms import is_log_spaced, transform_for


def model_for(data, **keywords):
    field = nl.MLPVectorField(data.state_size, width_size=6, depth=1, key=jax.random.key(0), **keywords)
    return nl.NeuralODE(field)


def one_run(ts, **columns):
    return nl.Trajectories((nl.Trajectory("a", ts, np.stack(list(columns.values()), axis=1)),), tuple(columns))


def scaled_error(result, data):
    predicted = result.predict(data, start="fitted")
    scale = np.concatenate([run.ys for run in data]).std(axis=0)
    error = np.concatenate([(a.ys - b.ys) / scale for a, b in zip(predicted, data, strict=True)])
    return float(np.sqrt(np.mean(error**2)))


def pendulum(noise):
    return nl.simulate(
        "pendulum_damped", num_trajectories=3, num=25, t1=3.0, noise=noise, relative_noise=True, key=jax.random.key(0)
    )


@pytest.mark.slow
def test_a_pendulum_whose_velocity_is_its_angles_rate():
    noisy, truth = pendulum(0.05), pendulum(0.0)
    stages = ("matching", "shooting")  # the others would go on from there
    plain = nl.fit(model_for(noisy), noisy, stages=stages)
    exact = nl.fit(model_for(noisy, rates={0: 1}), noisy, stages=stages)
    assert scaled_error(exact, truth) <= scaled_error(plain, truth)
    y = jnp.array([1.23, -0.7])
    assert exact.model.vector_field(0.0, y)[0] == y[1]
    assert plain.model.vector_field(0.0, y)[0] != y[1]
    # Along a prediction: the angle is the integral of the velocity (Simpson's rule).
    ts = np.linspace(0.0, 3.0, 301)
    angle, velocity = np.asarray(exact.model(ts, y)).T
    integral = (velocity[:-2:2] + 4 * velocity[1:-1:2] + velocity[2::2]).sum() * 0.01 / 3
    assert angle[-1] - angle[0] == pytest.approx(integral, abs=1e-5)


DECAY_TS = np.linspace(0.0, 9.0, 19)


def test_a_rate_in_other_units_is_refused():
    """Degrees beside radians a second."""
    ts = np.linspace(0.0, 6.0, 40)
    data = one_run(ts, angle=np.degrees(np.sin(2 * ts)), omega=2 * np.cos(2 * ts))
    with pytest.raises(ValueError, match=r"the slope of angle is 57.\d times omega, which cannot be its rate as it is"):
        nl.fit(model_for(data, rates={0: 1}), data, max_evals=1)


@pytest.mark.slow
def test_a_state_in_logarithms_is_fitted_over_decades():
    cells, substrate = np.exp(-2 * DECAY_TS), 3 - 2 * np.exp(-DECAY_TS)
    data = one_run(DECAY_TS, cells=cells, substrate=substrate)
    result = nl.fit(model_for(data), data, max_evals=100, transform="log=cells")
    predicted = result.predict(data)[0].ys
    np.testing.assert_allclose(predicted[:, 0], cells, rtol=0.05)  # the last one is 1e-8
    np.testing.assert_allclose(predicted[:, 1], substrate, rtol=0.05)
    assert result.starts["a"] == pytest.approx([1.0, 1.0], rel=0.05)
    assert not result.notes


def test_zeros_in_logarithms_are_said_and_negative_values_refused():
    cells = np.exp(-DECAY_TS)
    cells[-3:] = 0.0
    data = one_run(DECAY_TS, cells=cells)
    result = nl.fit(model_for(data), data, max_evals=50, transform=("log=cells",))
    least = cells[cells > 0].min()
    said = f"cells is modelled in logarithms: 3 zeros enter as {least / 2:.3g}, half of its smallest positive value."
    assert result.notes[0] == said
    predicted = result.predict(data)[0].ys[:, 0]
    assert (predicted > 0).all()
    np.testing.assert_allclose(predicted[:-3], cells[:-3], rtol=0.2)
    with pytest.raises(ValueError, match=r"cells has 16 negative values, down to -1, without a logarithm; make those"):
        nl.fit(model_for(data), one_run(DECAY_TS, cells=-cells), transform="log=cells")
    with pytest.raises(ValueError, match="cells is never positive"):
        nl.fit(model_for(data), one_run(DECAY_TS, cells=0 * cells), transform="log=cells")


@pytest.mark.parametrize(
    "options, words",
    [
        ({"transform": "log=cell"}, r"transform: there is no state 'cell' \(did you mean 'cells'\?\)"),
        ({"transform": "cells"}, "transform is log=STATE,STATE, such as log=cells,substrate; it is 'cells'"),
        ({"transform": "sqrt=cells"}, "it is 'sqrt=cells'"),
        ({"transform": "log=cells,"}, "it is 'log=cells,'"),
        ({"positive": "celsl"}, r"positive: there is no state 'celsl' \(did you mean 'cells'\?\)"),
        ({"transform": "log=cells", "positive": "cells"}, "'cells' is modelled in logarithms, so it is positive"),
    ],
)
def test_bad_transforms_give_one_sentence(options, words):
    data = one_run(DECAY_TS, cells=np.exp(-DECAY_TS))
    with pytest.raises(ValueError, match=words):
        nl.fit(model_for(data), data, **options)


def test_transforms_are_for_models_with_coordinates():
    data = one_run(DECAY_TS, cells=np.exp(-DECAY_TS), speed=-np.exp(-DECAY_TS))
    with pytest.raises(ValueError, match="are for a NeuralODE"):
        nl.fit(lambda ts, y0: y0 * ts[:, None], data, positive=("cells",))
    with pytest.raises(ValueError, match="the rate of 'cells' is another state"):
        nl.fit(model_for(data, rates={0: 1}), data, positive=("cells",))


@pytest.mark.slow
def test_values_below_zero_that_a_positive_state_cannot_reach_are_told_of():
    ts = np.linspace(0.0, 3.0, 12)
    below = nl.from_frame({"t": ts, "a": np.exp(-ts) - 0.2, "b": np.exp(ts)})
    result = nl.fit(model_for(below), below, positive=["a", "b"], stages=["matching"], max_evals=2)
    told = [note for note in result.notes if "below zero" in note]
    assert told == [
        "6 values of 'a' below zero, down to -0.15: a state that is kept positive (--positive, positive= in Python) "
        "cannot reach them."
    ]


@pytest.mark.slow
def test_positive_states_with_zeros_stay_positive_far_beyond_the_data():
    """The flu begins and ends near zero, and the convalescents are exactly zero for four days."""
    data = nl.load_dataset("boarding_school_flu")
    stages = ("matching", "full")
    plain = nl.fit(model_for(data), data, max_evals=300, stages=stages)
    kept = nl.fit(model_for(data), data, max_evals=300, stages=stages, positive=data.state_names)
    assert scaled_error(kept, data) <= 1.3 * scaled_error(plain, data)
    ts = np.linspace(0.0, 140.0, 300)
    for start in (kept.starts["school_1978"], data[0].ys[0]):
        ys = np.asarray(kept.model(ts, start))
        assert np.isfinite(ys).all()
        assert (ys > 0).all()


@pytest.mark.slow
def test_log_spaced_times_are_noticed_and_solved_in_their_logarithm():
    ts = np.concatenate([[0.0], np.geomspace(1e-3, 1e3, 25)])
    data = one_run(ts, y=1 / (1 + ts))
    result = nl.fit(model_for(data), data, max_evals=100, time_scale="log")
    np.testing.assert_allclose(result.predict(data)[0].ys, data[0].ys, atol=1e-2)
    assert result.notes == (
        "solved in the logarithm of t + 0.001, because times begin at 0: the first time of all becomes the first "
        "interval.",
    )
    ahead = np.asarray(result.model(np.array([0.0, 1.0, 2e3]), np.array([1.0])))
    assert ahead[1, 0] == pytest.approx(0.5, abs=0.02)
    assert ahead[2, 0] == pytest.approx(0.0, abs=0.02)
    early = one_run(np.array([-0.5, 1.0]), y=np.array([1.0, 0.5]))
    with pytest.raises(ValueError, match=r"has the time -0.5, but .* knows only times after -0.001"):
        result.predict(early)
    with pytest.raises(ValueError, match="fitted with other transforms"):
        nl.fit(result.model, data, positive=("y",))
    plain = nl.fit(model_for(data), data, max_evals=5)
    assert any("--time-scale log" in note for note in plain.notes)


def test_states_over_decades_are_noticed():
    ts = np.linspace(0.0, 10.0, 12)
    data = one_run(ts, virus=1e6 * np.exp(-2 * ts), cells=1 + ts)
    notes = []
    transform_for(model_for(data), data, FitOptions(), notes)
    assert len(notes) == 1 and notes[0].startswith("virus: over more than 4 powers of ten")
    assert "--transform 'log=virus'" in notes[0]
    transform_for(model_for(data), data, FitOptions(transform=("log=virus",)), notes)
    transform_for(model_for(data), data, FitOptions(positive=("virus",)), notes)
    swings = nl.NeuralODE(nl.SecondOrderField(2, 6, 1, key=jax.random.key(0)))
    transform_for(swings, data, FitOptions(), notes)
    assert len(notes) == 1


@pytest.mark.parametrize(
    "relative, absolute, noticed", [(0.1, 0, True), (0, 0, False), (0, 0.02, False), (1.0, 0, False)]
)
def test_so_are_those_with_errors_in_proportion(relative, absolute, noticed):
    ts, rng = np.linspace(0.0, 10.0, 60), np.random.default_rng(0)
    exact = np.exp(-0.7 * ts)
    ys = exact * np.exp(relative * rng.normal(size=60)) + absolute * np.abs(rng.normal(size=60))
    notes = []
    data = one_run(ts, virus=ys)
    transform_for(model_for(data), data, FitOptions(), notes)
    assert [note.startswith("virus: over more than 2 powers of ten") for note in notes] == [True] * noticed


@pytest.mark.parametrize("rate, relative, absolute, noticed", [(0.8, 0.25, 0, True), (1.5, 0, 3e-4, False)])
def test_over_three_powers_of_ten_errors_in_proportion_may_be_larger(rate, relative, absolute, noticed):
    """A few rows of each patient."""
    ts, rng = np.array([0.0, 1, 2, 4, 6, 8, 10]), np.random.default_rng(0)
    runs = []
    for name in "abcdefgh":
        ys = np.exp(-rate * ts + relative * rng.normal(size=7)) + absolute * np.abs(rng.normal(size=7))
        runs.append(nl.Trajectory(name, ts, ys[:, None]))
    told = over_decades(nl.Trajectories(tuple(runs), ("virus",)), [], [])
    assert (told is not None and told.startswith("virus: over more than 3 powers of ten")) == noticed


def test_an_input_that_nobody_named_has_none():
    doses = np.zeros(60)
    doses[::5] = 10.0 ** np.linspace(0.0, 6.0, 12)
    data = one_run(np.arange(60.0), x=np.ones(60), doses=doses)
    assert over_decades(data, [], []) is None


def test_nor_has_what_is_zero_for_long():
    eaten = np.maximum(0.0, np.arange(60.0) - 12)
    data = one_run(np.arange(60.0), x=np.ones(60), appearing=np.round(eaten * np.exp(-eaten / 3), 4))
    assert over_decades(data, [], []) is None
    assert over_decades(nl.Trajectories((data[0].at(slice(12, None)),), data.state_names), [], []) is not None


@pytest.mark.parametrize("relative, absolute, noticed", [(0.1, 0, True), (0.03, 0, False), (0, 0.01, False)])
def test_over_one_power_of_ten_they_are_if_large_values_have_the_same(relative, absolute, noticed):
    ts, rng = np.linspace(0.0, 10.0, 60), np.random.default_rng(0)
    runs = []
    for name, start in (("a", 1.0), ("b", 0.3), ("c", 2.0)):
        grown = start * np.exp(0.25 * ts) * np.exp(relative * rng.normal(size=60)) + absolute * rng.normal(size=60)
        runs.append(nl.Trajectory(name, ts, grown[:, None]))
    notes = []
    data = nl.Trajectories(tuple(runs), ("volume",))
    transform_for(model_for(data), data, FitOptions(), notes)
    assert [note.startswith("volume: over more than 1 power of ten") for note in notes] == [True] * noticed


def test_runs_without_small_values_have_no_part_in_that():
    ts, rng = np.linspace(0.0, 10.0, 60), np.random.default_rng(0)
    falls = np.exp(-0.7 * ts) * np.exp(0.1 * rng.normal(size=60))
    runs = [nl.Trajectory("falls", ts, falls[:, None]), nl.Trajectory("stays", ts, np.ones((60, 1)))]
    notes = []
    data = nl.Trajectories(tuple(runs), ("virus",))
    transform_for(model_for(data), data, FitOptions(), notes)
    assert len(notes) == 1 and notes[0].startswith("virus: over more than 2 powers of ten")


def test_what_counts_as_log_spaced():
    assert is_log_spaced(np.geomspace(1e-4, 1e3, 30))
    assert is_log_spaced(np.geomspace(1.0, 2000.0, 20))
    assert is_log_spaced(10 ** np.sort(np.random.default_rng(0).uniform(-5, 5, 40)))
    assert not is_log_spaced(np.geomspace(1.0, 30.0, 30))
    assert not is_log_spaced(np.sort(np.random.default_rng(0).uniform(0, 1e5, 40)))
    assert not is_log_spaced(np.linspace(0.0, 1e5, 1000))
    assert not is_log_spaced(np.array([1.0, 1e4, 2e4]))
    assert not is_log_spaced(np.cumsum(np.random.default_rng(0).exponential(size=500)))


def test_a_driven_model_has_no_logarithmic_time():
    ts = np.geomspace(1.0, 100.0, 9)
    data = nl.Trajectories((nl.Trajectory("a", ts, ts[:, None], inputs=ts[:, None]),))
    with pytest.raises(ValueError, match="does not go with inputs"):
        nl.fit(model_for(data, input_size=1), data, time_scale="log")


@pytest.mark.slow
def test_robertsons_kinetics_from_log_spaced_times():
    """Ten decades of time, every third row left out and predicted back, by an explicit solver."""
    truth = nl.simulate("robertson", num_trajectories=1, num=60, key=jax.random.key(0))
    ys = truth[0].ys.copy()
    ys[1::3] = np.nan
    data = truth.with_trajectories([nl.Trajectory(truth[0].id, truth[0].ts, ys)])
    field = nl.MLPVectorField(3, width_size=16, depth=2, key=jax.random.key(0))
    result = nl.fit(nl.NeuralODE(field), data, time_scale="log")
    error = result.predict(data)[0].ys[1::3] - truth[0].ys[1::3]
    assert (np.sqrt(np.mean(error**2, axis=0)) <= 0.02 * truth[0].ys.max(axis=0)).all()
