"""Noise that moves the system itself: its size against draws and a dense Gaussian likelihood, and fits with it."""

import json
from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import neuralode_lbfgs as nl
from neuralode_lbfgs.cli import main
from neuralode_lbfgs.fitting import driven_by_noise
from neuralode_lbfgs.fitting.driven_by_noise import NOT_POSSIBLE, Tried
from neuralode_lbfgs.fitting.evidence import WeightGroups
from neuralode_lbfgs.fitting.gauss_newton import Point, gauss_newton
from neuralode_lbfgs.fitting.innovations import Filter
from neuralode_lbfgs.fitting.new_runs import Unseen
from neuralode_lbfgs.fitting.outcome import _said_of_noise, as_result
from neuralode_lbfgs.fitting.pieces import Cut, Ends, PieceSolver
from neuralode_lbfgs.fitting.process_noise import FEWEST, Ahead, ProcessNoise, errors_ahead
from neuralode_lbfgs.fitting.shooting import Shooting
from neuralode_lbfgs.fitting.staged import Fitted
from neuralode_lbfgs.fitting.task import Task
from neuralode_lbfgs.optimise import StopReason

DECAY = -0.2
STEP = 0.5


class Falling(PieceSolver):
    """ds/dt = x s, solved exactly, with one free number."""

    def __init__(self):
        self.groups = WeightGroups(np.array([-1]), 1)

    def derivatives(self, cuts, x, nodes):
        h, begin = cuts.h.sum(axis=1), cuts.begin
        factor = np.exp(x[0] * h[: begin.size])[:, None]
        ends = factor * nodes[begin]
        return Ends(ends, factor[..., None], (h[: begin.size, None] * ends)[..., None], np.zeros(begin.size))


def cuts_of(ys, sizes):
    """Pieces of one step between rows of one state."""
    first = np.cumsum([0, *sizes[:-1]])
    h = np.full((len(ys) - len(sizes), 1), STEP)
    weights = np.isfinite(ys) / np.sqrt(np.isfinite(ys).sum())
    nodes = np.nan_to_num(ys)
    return Cut(np.zeros_like(h), h, None, first, np.array(sizes), nodes, weights, nodes, (), (), ())


def moved(random, rows, moving, observed):
    """A state that noise moves, measured with noise."""
    states = [0.0]
    for _ in range(rows - 1):
        states.append(np.exp(DECAY * STEP) * states[-1] + np.sqrt(moving * STEP) * random.normal())
    return np.array(states)[:, None] + observed * random.normal(size=(rows, 1))


@pytest.mark.parametrize(("moving", "observed"), [(0.04, 0.02), (0.01, 0.1), (0.002, 0.05)])
def test_both_kinds_of_noise_are_told_by_errors_one_row_ahead(moving, observed):
    ys = moved(np.random.default_rng(0), 4000, moving, observed)
    ahead = errors_ahead(Falling(), cuts_of(ys, [4000]), np.array([DECAY]))
    assert ahead.is_enough and ahead.is_white
    assert ahead.noise.moving == pytest.approx(moving, rel=0.2)
    assert ahead.noise.observed == pytest.approx(observed, rel=0.2)


@pytest.mark.parametrize(
    ("moving", "observed", "rows", "shown"),
    [(0.04, 0.02, 60, True), (0.01, 0.1, 4000, True), (0.0, 0.1, 60, False), (0.0, 0.1, 4000, False)],
)
def test_noise_of_measurements_alone_is_told_from_noise_that_moves(moving, observed, rows, shown):
    ys = moved(np.random.default_rng(0), rows, moving, observed)
    assert errors_ahead(Falling(), cuts_of(ys, [rows]), np.array([DECAY])).is_shown == shown


def test_noise_in_proportion_and_short_runs_are_no_noise_that_moves():
    random = np.random.default_rng(1)
    ys = np.concatenate([np.exp(DECAY * STEP * np.arange(8)) * (1 + 0.1 * random.normal(size=8)) for _ in range(12)])
    assert not errors_ahead(Falling(), cuts_of(ys[:, None], [8] * 12), np.array([DECAY])).is_shown
    # Nothing is left of a state until the next row: noise of both kinds is the same.
    white = random.normal(size=(200, 1))
    assert not errors_ahead(Falling(), cuts_of(white, [200]), np.array([-40.0])).is_shown


def test_what_a_model_misses_at_some_places_is_no_noise_that_moves():
    """A field that bends more than the model knows: what is missed goes with the state, and changes its sign too fast
    to be seen two rows apart. As much noise, drawn at random, moves the system."""
    random = np.random.default_rng(7)
    states = 2 * np.pi * random.random((800, 1))  # of runs that go round, where each row is far from the one before
    measured = 0.5 * random.normal(size=(801, 1))
    of_measuring = measured[1:] - 0.9 * measured[:-1]
    second = np.append(np.arange(1, 800), -1)
    third = np.where(second >= 0, second[second], -1)
    missed, moved = np.sin(states), random.permuted(np.sin(states), axis=0)
    ahead = Ahead(of_measuring + moved, np.full((800, 1, 1), 0.9), np.ones(800), second, third, np.roll(states, -1))
    assert ahead.is_white and ahead.is_shown
    missing = ahead._replace(errors=of_measuring + missed)
    assert missing.is_white and not missing.is_shown
    assert missing._replace(places=None).is_shown  # as the squares alone would have it


def test_measurements_of_all_states_are_in_the_errors_of_each():
    """Of a state that turns to another one from row to row, neighbours have little in common."""
    random, turn = np.random.default_rng(8), np.array([[0.3, 3.0], [0.0, 0.5]])
    measured = random.normal(size=(2001, 2))
    errors = measured[1:] - measured[:-1] @ turn.T
    second = np.append(np.arange(1, 2000), -1)
    third = np.where(second >= 0, second[second], -1)
    ahead = Ahead(errors, np.broadcast_to(turn, (2000, 2, 2)), np.ones(2000), second, third)
    assert not ahead.is_shown
    assert ahead._replace(errors=errors + random.normal(size=errors.shape)).is_shown


def test_an_input_that_was_taken_for_a_state_is_no_noise(measured):
    """It is told of as what it is; noise that would move the states as its steps do is not looked for."""
    _, task, before = measured
    (run,) = task.data
    steps = np.repeat([0.0, 2.0, 1.0, 3.0, 0.5, 2.5], 10)
    away = before._replace(course=before.course.apart(), validation=None)
    away.course.slopes, away.course.terms = object(), None
    with pytest.MonkeyPatch.context() as patch:
        for name, found in {"whole_loss": 1.0, "is_regular": True, "left_by_curves": 0.01, "_has_pieces": True}.items():
            patch.setattr(driven_by_noise, name, lambda *_, found=found: found)
        assert driven_by_noise._may_be_driven(away, task)
        with_input = task.data.with_trajectories([replace(run, ys=np.stack([run.ys[:, 0], steps], axis=1))])
        assert not driven_by_noise._may_be_driven(away, replace(task, data=with_input))


def test_what_is_regular_is_no_noise():
    errors = np.sin(0.3 * np.arange(200))[:, None] + 0.1 * np.random.default_rng(1).normal(size=(200, 1))
    second = np.append(np.arange(1, 200), -1)
    ahead = Ahead(errors, np.ones((200, 1, 1)), np.ones(200), second, np.where(second >= 0, second[second], -1))
    assert ahead.is_enough and not ahead.is_white
    assert not Ahead(*(one[:FEWEST] for one in ahead if one is not None))._replace(second=np.full(FEWEST, -1)).is_enough


def test_rows_with_gaps_are_left_out():
    ys = moved(np.random.default_rng(2), 20, 0.01, 0.0)
    ys[7] = np.nan
    ahead = errors_ahead(Falling(), cuts_of(ys, [12, 8]), np.array([DECAY]))
    assert len(ahead.errors) == 10 - 1 + 7  # neither from the gap nor to it, nor from one trajectory to the other
    assert list(ahead.second[:6]) == [1, 2, 3, 4, 5, -1]
    assert list(ahead.third[:6]) == [2, 3, 4, 5, -1, -1]


def test_the_likelihood_is_that_of_the_whole_gaussian():
    """Its difference between two models is that of the observations, the states integrated out; nothing is known of the
    first."""
    ys = moved(np.random.default_rng(3), 12, 0.03, 0.1)
    ys[5] = np.nan
    cuts, seen = cuts_of(ys, [12]), np.isfinite(ys[:, 0])

    def dense(x, moving, observed, wide=1e4):
        a = np.exp(x * STEP)
        powers = a ** np.clip(np.subtract.outer(np.arange(12), np.arange(12)), 0, None)
        of_noise = np.tril(powers)[:, 1:] * np.sqrt(moving * STEP)
        covariance = of_noise @ of_noise.T + wide**2 * np.outer(powers[:, 0], powers[:, 0]) + observed**2 * np.eye(12)
        covariance, y = covariance[np.ix_(seen, seen)], ys[seen, 0]
        return np.linalg.slogdet(covariance)[1] + y @ np.linalg.solve(covariance, y)

    def ours(x, moving, observed):
        solver, number = Falling(), np.array([x])
        of_start = solver.derivatives(cuts, number, cuts.guess).of_start
        filtered = Filter.of(cuts, of_start, ProcessNoise(np.array([observed]), np.array([moving])))
        predicted = np.zeros((12, 1))
        for row in range(11):
            corrected, _ = filtered.corrected(cuts, predicted)
            predicted[row + 1] = np.exp(x * STEP) * corrected[row]
        return filtered.surprise(cuts, predicted)

    one, other = (-0.1, 0.03, 0.1), (-0.4, 0.05, 0.07)
    assert ours(*one) - ours(*other) == pytest.approx(dense(*one) - dense(*other), abs=1e-3)


def test_errors_that_grow_beyond_all_numbers_end_a_filter_and_no_fit(monkeypatch):
    """A model of which nothing can be reckoned is none of those to choose from."""
    ys = moved(np.random.default_rng(6), 40, 0.03, 0.1)
    with pytest.raises(np.linalg.LinAlgError):
        Filter.of(cuts_of(ys, [40]), np.full((39, 1, 1), np.nan), ProcessNoise(np.ones(1), np.ones(1)))

    def unreckoned(*_):
        raise np.linalg.LinAlgError("Singular matrix")

    monkeypatch.setattr(driven_by_noise, "run_stages", unreckoned)
    model = nl.NeuralODE(nl.MLPVectorField(2, width_size=3, depth=1, key=jax.random.key(0)))
    task = Task(nl.from_arrays(*shaken_spring(60)), nl.FitOptions(degree=1), nl.LBFGS())
    assert driven_by_noise._tried(model, task, None, []).course is None


def test_the_number_is_found_through_both_kinds_of_noise():
    random = np.random.default_rng(4)
    ys = moved(random, 1500, 0.04, 0.1)
    cuts, at = cuts_of(ys, [1500]), np.array([-1.0])
    for _ in range(3):
        noise, of_start = errors_ahead(Falling(), cuts, at).noise, Falling().derivatives(cuts, at, cuts.guess).of_start
        problem = Shooting(Falling(), cuts, 1500, process=Filter.of(cuts, of_start, noise))
        problem.continuity = 1e6
        at = gauss_newton(problem, Point(at, cuts.guess), np.zeros(1), choose=None, max_steps=20).point.x
    assert at[0] == pytest.approx(DECAY, abs=0.05)


def shaken_spring(rows=400, seed=0):
    """dx/dt = v, dv/dt = -4 x - 0.6 v with noise on v, all of it seen; Euler-Maruyama in fine steps."""
    random, fine, dt = np.random.default_rng(seed), 50, 0.1
    y, ys = np.array([1.0, 0.0]), [np.array([1.0, 0.0])]
    for _ in range(rows - 1):
        for _ in range(fine):
            rate = np.array([y[1], -4 * y[0] - 0.6 * y[1]])
            y = y + dt / fine * rate + np.sqrt(dt / fine) * np.array([0, 0.8 * random.normal()])
        ys.append(y)
    return dt * np.arange(rows), np.stack(ys)


@pytest.fixture(scope="module")
def spring_file(tmp_path_factory):
    ts, ys = shaken_spring()
    path = tmp_path_factory.mktemp("spring") / "spring.csv"
    np.savetxt(path, np.column_stack([ts, ys]), delimiter=",", header="t,x,v", comments="", fmt="%.9g")
    return path


@pytest.fixture(scope="module")
def fitted(spring_file):
    """From file to result through the command line: pieces of a spring that is shaken, forecast from its last rows."""
    out = spring_file.parent / "run"
    words = ["fit", spring_file, "--train-until", "30", "--process-noise", "--degree", "1", "--width-size", "3"]
    assert main([str(word) for word in [*words, "--out", out, "--quiet", "--no-plots", "--no-report"]]) == 0
    return out


def test_a_shaken_spring_has_the_law_of_a_spring(fitted):
    metrics = json.loads((fitted / "metrics.json").read_text())
    law = {(one["rate"], one["term"]): (one["coefficient"], one["sd"]) for one in metrics["law"]}
    true = {("d x/dt", "v"): 1.0, ("d v/dt", "x"): -4.0, ("d v/dt", "v"): -0.6}
    assert set(law) <= set(true) and {("d x/dt", "v"), ("d v/dt", "x")} <= set(law)
    for term, (value, sd) in law.items():
        assert abs(value - true[term]) < 3.5 * sd and sd < 0.35


def test_what_comes_later_is_forecast_from_the_last_row(fitted, spring_file, tmp_path):
    data = np.loadtxt(spring_file, delimiter=",", skiprows=1)
    predicted = np.loadtxt(fitted / "predictions.csv", delimiter=",", skiprows=1)
    last = np.flatnonzero(data[:, 0] <= 30)[-1]
    jump = np.abs(predicted[last + 1, 1:] - data[last + 1, 1:])
    assert (jump < 4 * np.abs(np.diff(data[:, 1:], axis=0)).std(axis=0)).all()
    assert main(["predict", str(fitted), "--t1", "31", "--num", "32", "--out", str(tmp_path / "f.csv")]) == 0
    forecast = np.loadtxt(tmp_path / "f.csv", delimiter=",", skiprows=1)
    assert forecast[-1, 1:] == pytest.approx(predicted[last + 10, 1:], rel=1e-4, abs=1e-4)


def test_a_saved_model_keeps_its_ends(fitted):
    saved = nl.load_model(fitted / "model.safetensors")
    (start,) = saved.starts.values()
    assert start.last is not None
    t, y = start.last
    assert t == pytest.approx(30.0) and y.shape == (2,)


def test_no_such_fit_of_hidden_states_or_few_rows():
    ts, ys = shaken_spring(30)
    model = nl.NeuralODE(nl.MLPVectorField(2, width_size=3, depth=1, key=jax.random.key(0)))
    with pytest.raises(ValueError, match=r"process_noise needs"):
        nl.fit(model, nl.from_arrays(ts, ys), process_noise=True, degree=0)
    assert str(FEWEST) in NOT_POSSIBLE.format(FEWEST)
    one_seen = nl.from_arrays(*(part[:, :1] if part.ndim == 2 else part for part in shaken_spring(100)))
    with pytest.raises(ValueError, match=r"process_noise needs"):
        nl.fit(model, one_seen, process_noise=True, degree=0)
    with pytest.raises(ValueError, match=r"leave out"):
        nl.FitOptions(process_noise=True, stages=("full",))


def test_fits_at_the_noise_of_measurements_are_not_asked_for_more(monkeypatch):
    ts = np.linspace(0, 6, 80)
    ys = np.exp(-0.3 * ts)[:, None] * np.stack([np.cos(2 * ts), np.sin(2 * ts)], axis=1)
    ys = ys + 0.02 * np.random.default_rng(5).normal(size=ys.shape)
    tried = []
    monkeypatch.setattr(driven_by_noise, "_tried", lambda *_: tried.append(1))
    model = nl.NeuralODE(nl.MLPVectorField(2, width_size=3, depth=1, key=jax.random.key(0)))
    result = nl.fit(model, nl.from_arrays(ts, ys), degree=1)
    assert not tried and result.ahead is None and not result.ends


@pytest.fixture(scope="module")
def measured():
    """A spiral with noise of measurements alone, and a fit of it that has not begun."""
    ts = np.linspace(0, 6, 60)
    ys = np.exp(-0.3 * ts)[:, None] * np.stack([np.cos(2 * ts), np.sin(2 * ts)], axis=1)
    data = nl.from_arrays(ts, ys + 0.02 * np.random.default_rng(5).normal(size=ys.shape))
    model = nl.NeuralODE(nl.MLPVectorField(2, width_size=3, depth=1, key=jax.random.key(0)))
    task = Task(data, nl.FitOptions(degree=1), nl.LBFGS())
    course = driven_by_noise.begin_with_all(model, task, []).course
    course.loss, course.determined = 0.05, 9.0
    return model, task, Fitted(course, [], [], StopReason.DECREASE)


def test_pieces_that_follow_whole_runs_to_the_noise_of_measurements_are_a_fit_of_the_usual_kind(measured, monkeypatch):
    model, task, before = measured
    monkeypatch.setattr(driven_by_noise, "_may_be_driven", lambda *_: True)
    # The runs that were held out of the fit before, as it predicted them, and what is told of it.
    before = before._replace(unseen=Unseen(task.data, None), notes=("held out r4",))
    fitted = driven_by_noise.unless_driven_by_noise(model, task, before, None)
    assert fitted.ahead is None and fitted.course.process is None and fitted.course.ends is None
    assert fitted.unseen is before.unseen
    assert fitted.notes == ("of a fit that was given up for the one by way of short pieces: held out r4",)
    assert np.sqrt(fitted.course.loss) == pytest.approx(0.02 / np.mean(fitted.course.coordinates.scale), rel=0.3)
    kept = [stage for stage in fitted.stages if stage.kept]
    assert kept[0].name == "matching" and kept[-1].name == "polish"
    assert any(stage.why == driven_by_noise.WHY_WHOLE for stage in fitted.stages)
    result = as_result(task, fitted, [])
    assert not result.ends and not any("noise moves" in note for note in result.notes)
    with monkeypatch.context() as worse:  # from first rows
        worse.setattr(driven_by_noise, "_missed", lambda course, _: 0.0 if course is before.course else 1.0)
        kept_before = driven_by_noise.unless_driven_by_noise(model, task, before, None)
        assert kept_before.course is before.course and kept_before.ahead is None
        assert kept_before.notes == before.notes
    monkeypatch.setattr(driven_by_noise, "criterion", lambda course: 0.0)  # no better than the fit before
    assert driven_by_noise.unless_driven_by_noise(model, task, before, None).course is before.course


@pytest.mark.parametrize(
    ("usual_is_moved", "astray", "one_row", "told"),
    [(True, False, 0.1, True), (False, False, 0.1, False), (False, True, 0.1, True), (True, False, 0.6, False)],
    ids=["driven", "whole runs are met", "bent to follow the noise", "no small noise"],
)
def test_noise_is_told_where_whole_runs_are_missed_farther_than_one_row_ahead(
    measured, monkeypatch, usual_is_moved, astray, one_row, told
):
    model, task, before = measured
    pieces = before.course.apart()
    ahead = Ahead(np.full((50, 2), one_row), np.ones((50, 2, 2)), np.ones(50), np.arange(50), np.arange(50))
    assert ahead.of_measuring_alone == pytest.approx(one_row / np.sqrt(2))
    for name, found in {
        "_may_be_driven": True,
        "_tried": Tried(pieces, True, [], []),
        "ahead_of": ahead,
        "_is_likelier": True,
        "_leads_astray": astray,
    }.items():
        monkeypatch.setattr(driven_by_noise, name, lambda *_, found=found: found)
    monkeypatch.setattr(driven_by_noise, "is_moved", lambda course, _: course is pieces or usual_is_moved)
    monkeypatch.setattr(driven_by_noise, "_missed", lambda course, _: 1.0 if course is pieces else 0.5)
    fitted = driven_by_noise.unless_driven_by_noise(model, task, before, None)
    assert fitted.course is before.course and (fitted.ahead is ahead) == told
    draws = one_row * np.random.default_rng(0).normal(size=(50, 2))
    not_shown = ahead._replace(errors=draws, of_start=np.zeros((50, 2, 2)), second=np.arange(1, 51) % 50)
    monkeypatch.setattr(driven_by_noise, "ahead_of", lambda *_: not_shown)
    assert driven_by_noise.unless_driven_by_noise(model, task, before, None).ahead is None


def test_what_measurements_alone_may_do_is_not_said_to_move_the_system(measured):
    _, _, before = measured
    course = before.course.apart()
    course.process = ProcessNoise(np.ones(2), np.ones(2))
    errors = 1e-3 * np.random.default_rng(0).normal(size=(50, 2))
    after = np.arange(1, 51) % 50
    ahead = Ahead(errors, np.zeros((50, 2, 2)), np.ones(50), after, after)
    assert _said_of_noise(course, ahead)[0].startswith("these rows do not tell whether noise moves the system itself")
    walk = ahead._replace(errors=np.full((50, 2), 1e-3))
    assert _said_of_noise(course, walk)[0].startswith("noise moves the system itself")


@pytest.mark.parametrize(("validation", "kept"), [(0.2, True), (0.3, False), (None, False)])
def test_a_fit_that_has_foretold_runs_is_kept(measured, monkeypatch, validation, kept):
    """Whole runs are missed by half a standard deviation here."""
    _, _, before = measured
    monkeypatch.setattr(driven_by_noise, "whole_loss", lambda course: 0.25)
    assert driven_by_noise._foretells(before._replace(validation=validation), before.course) is kept


def test_own_equations_and_what_noise_cannot_be():
    """A spring that is shaken, by its own equation; and by one that cannot turn, which misses what is regular."""
    ts, ys = shaken_spring(300, seed=1)
    spring = nl.NeuralODE(Spring(), state_size=2)
    result = nl.fit(spring, nl.from_arrays(ts, ys), process_noise=True)
    assert not any("something regular" in note for note in result.notes)
    for one, true in zip(result.parameters, (4.0, 0.6), strict=True):
        assert one.sd is not None and abs(one.end - true) < 3.5 * one.sd < 1.5
    alone = nl.NeuralODE(nl.MLPVectorField(1, width_size=3, depth=1, key=jax.random.key(0)))
    result = nl.fit(alone, nl.from_arrays(ts, ys[:, :1]), process_noise=True, degree=1)
    assert any("something regular was missed" in note for note in result.notes)


class Spring(eqx.Module):
    k: jax.Array = eqx.field(default_factory=lambda: jnp.array(2.0))
    c: jax.Array = eqx.field(default_factory=lambda: jnp.array(0.1))

    def __call__(self, t, y, args):
        return jnp.stack([y[1], -self.k * y[0] - self.c * y[1]])
