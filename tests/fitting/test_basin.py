"""Where matching alone keeps in step with the data, polish follows at once; where it does not, or that ends badly, all
stages are run."""

from dataclasses import replace

import equinox as eqx
import jax
import numpy as np
import pytest

import neuralode_lbfgs as nl
from neuralode_lbfgs.fitting import at_once, attempts, given
from neuralode_lbfgs.fitting.attempts import ALL_STAGES
from neuralode_lbfgs.fitting.basin import Basin, basin_of
from neuralode_lbfgs.fitting.beginning import begin
from neuralode_lbfgs.fitting.journal import Journal
from neuralode_lbfgs.fitting.options import FitOptions
from neuralode_lbfgs.fitting.record import Stage
from neuralode_lbfgs.fitting.running import Reached, run_stages
from neuralode_lbfgs.fitting.task import Task

SHORT = ["matching", "polish"]


@pytest.fixture(scope="module")
def task():
    data = nl.simulate("spiral_linear", num_trajectories=2, num=14, t1=3.0, noise=0.02, key=jax.random.key(0))
    return Task(data, FitOptions(), nl.LBFGS(), journal=Journal(keep=lambda entries: None))


def course_of(task):
    model = nl.NeuralODE(nl.MLPVectorField(2, width_size=3, depth=1, key=jax.random.key(1)))
    return begin(model, task, []).course


def test_a_matched_model_is_near_and_one_of_random_weights_is_not(task):
    course = course_of(task)
    assert not basin_of(course).near
    assert sum(course.uncounted) == 1
    run_stages(("matching",), course, None, None)
    assert course.spent[0].evaluations > 1 and not course.uncounted
    matched = basin_of(course)
    assert matched.near and matched.beyond < matched.left < 0.05
    assert "already explains 9" in matched.why("the matched model")


def test_a_model_that_runs_away_is_not_near(task):
    course = course_of(task)
    course.replace(jax.tree.map(lambda a: 1e300 * a if eqx.is_inexact_array(a) else a, course.parameters.model))
    found = basin_of(course)
    assert not found.near
    assert found.left > 1


def test_the_decision_is_kept_in_the_journal(task):
    course = course_of(task)
    course.journal = Journal(keep=lambda entries: None)
    kept = Basin(0.25, 0.01, 0.125)
    for name, value in kept._asdict().items():
        course.journal.value(f"free run, {name}", lambda value=value: value)
    course.journal = Journal(course.journal.entries, lambda entries: None)
    assert basin_of(course) == kept
    assert course.journal.complete


@pytest.mark.parametrize(
    ("reason", "before", "after", "from_near", "from_far"),
    [
        ("DECREASE", 0.05, 0.02, True, True),  # twice what the curves leave
        ("MAX_ITER", 0.05, 0.03, True, False),
        ("SEARCH_FAILED", 1e-3, 1e-4, True, True),  # the floor of the arithmetic
        ("SEARCH_FAILED", 0.05, 0.04, False, False),
        ("NONFINITE_START", float("nan"), float("nan"), False, False),
        ("MAX_ITER", float("nan"), float("nan"), False, False),  # no step was left to take
        ("DECREASE", 0.005, 0.006, False, False),
    ],
)
def test_the_bottom(reason, before, after, from_near, from_far):
    ended = nl.StopReason[reason], before, after
    assert Basin(0.1, 0.05, 0.01).at_the_bottom(*ended) is from_near
    assert Basin(2.1, 2.05, 0.01).at_the_bottom(*ended) is from_far


NEAR, FAR, GONE = Basin(0.1, 0.05, 0.05), Basin(2.0, 1.95, 0.05), Basin(np.inf, np.inf, 0.05)


@pytest.fixture
def tried(monkeypatch, task):
    """The attempts of a fit whose stages end with these errors on held-out trajectories, in their order."""

    def attempted(errors, *, basin=NEAR, held_out=True, stages=(), ends=None):
        left, course = iter(errors), course_of(task)
        course.options = FitOptions(stages=tuple(stages))

        def ran(names, course, *_):
            reached = []
            for name in names:
                course.loss, course.initial_loss = next(left), 1.0
                reason = nl.StopReason.TIME_LIMIT if name == ends else nl.StopReason.DECREASE
                reached.append(Reached(Stage(name, "", reason, ()), course.parameters.model, np.ones(1), course.loss))
                if name == ends:
                    break
            return reached

        for module in (attempts, at_once):
            monkeypatch.setattr(module, "run_stages", ran)
        monkeypatch.setattr(given, "basin_of", lambda course: basin)
        made = attempts.attempts(stages or ALL_STAGES, course, task.data if held_out else None, None)
        return made, [[stage.name for stage in one.stages] for one in made], list(made[-1].notes)

    return attempted


def test_near_is_enough(tried):
    (one,), names, notes = tried([0.2, 0.1])
    assert names == [SHORT] and list(one.names) == SHORT and not notes
    assert one.error == 0.1
    assert one.reached[-1].stage.why.startswith("the matched model, run freely, already explains 90 % of the variance")
    np.testing.assert_array_equal(one.course.decay, [attempts.SMOOTH[0]])
    (one,), names, _ = tried([0.2, 0.1], held_out=False)
    assert names == [SHORT] and one.error == pytest.approx(0.1**0.5)


def test_a_few_steps_where_it_is_far(tried):
    (one,), names, _ = tried([0.2, 0.1], basin=FAR)
    assert names == [SHORT] and one.course.trial == pytest.approx(0.25)
    assert one.reached[-1].stage.why.endswith("to the data; they do: shooting and full are left out")
    made, names, _ = tried([0.05, 0.1, 0.1, 0.1, 0.1], basin=FAR)  # what is held out was met better before
    assert names == [SHORT, [*ALL_STAGES][1:]]
    assert made[0].stages[1].why.endswith("; they do, but not to those that are held out: the fit goes on")
    made, names, notes = tried([0.5, 0.3, 0.2, 0.1, 0.1], basin=FAR)
    assert names == [SHORT, [*ALL_STAGES][1:]] and not notes
    assert made[0].stages[1].why.endswith("from the matched model to the data")


def test_all_stages_where_it_runs_away(tried):
    (one,), names, _ = tried([0.5, 0.3, 0.2, 0.1], basin=GONE)
    assert names == [[*ALL_STAGES]] and one.names == ALL_STAGES
    assert [reached.stage.name for reached in one.reached] == [*ALL_STAGES]


def test_all_stages_after_all_where_polish_led_nowhere(tried):
    made, names, notes = tried([0.2, 0.3, 0.15, 0.12, 0.1])
    assert names == [SHORT, [*ALL_STAGES][1:]]  # matching is told of once
    assert [one.error for one in made] == [0.3, 0.1]
    assert [reached.error for reached in made[1].reached] == [0.2, 0.15, 0.12, 0.1]
    assert notes == ["polish right after matching did not get to the bottom: the other stages were run after all."]
    assert made[0].notes == ()


@pytest.mark.parametrize("basin", [Basin(0.1, 0.05, 0.001), Basin(2.0, 1.95, 0.001)], ids=["near", "far"])
def test_all_stages_after_all_where_polish_ends_far_above_the_noise(tried, basin):
    made, names, notes = tried([0.2, 0.0099, 0.15, 0.12, 0.005], basin=basin, held_out=False)
    assert names == [SHORT, [*ALL_STAGES][1:]] and len(notes) == 1
    assert [one.error for one in made] == pytest.approx([0.0099**0.5, 0.005**0.5])
    assert tried([0.2, 0.0089], basin=basin, held_out=False)[1] == [SHORT]


def test_all_stages_where_others_are_predicted_much_worse(tried):
    """Here an error on others of 9 comes with one of 3 on those that were fitted."""
    for basin in (NEAR, FAR):
        assert tried([10.0, 9.0, 0.9, 0.8, 0.7], basin=basin)[1] == [SHORT, [*ALL_STAGES][1:]]


def test_what_is_cut_short_is_not_begun_again(tried):
    assert tried([0.2], ends="matching")[1] == [["matching"]]
    assert tried([0.2, 0.5], ends="polish")[1] == [SHORT]


def test_stages_of_ones_own_are_run_as_they_are(tried):
    assert tried([0.5, 0.3, 0.2, 0.1], stages=ALL_STAGES)[1] == [[*ALL_STAGES]]


def test_smoother_fields_begin_after_matching(tried):
    made, names, notes = tried([2.0, 3.0, 3.0, 3.0, 3.0, 3.0, 0.5], basin=GONE)
    assert [len(one) for one in names] == [4, 3]
    assert [one.error for one in made] == [2.0, 0.5]
    assert notes[0].startswith("tried 2 times") and notes[0].endswith("(RMSE/sd of what was held out: 2, 0.5).")


def test_a_model_that_predictions_cannot_follow_is_no_better_than_the_one_that_was_given(task, monkeypatch):
    course = course_of(task)
    assert not given.is_better(course.apart(), course, task.data)
    lost = replace(task.data, trajectories=tuple(replace(run, ys=np.nan * run.ys) for run in task.data))
    monkeypatch.setattr(given, "predict", lambda *_, **__: lost)
    assert given.is_better(course.apart(), course, task.data)
