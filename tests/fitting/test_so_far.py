"""A fit that is cut short keeps the best that it had come to."""

import equinox as eqx
import jax
import numpy as np
import pytest

import neuralode_lbfgs as nl
from neuralode_lbfgs.fitting import running, so_far
from neuralode_lbfgs.fitting.course import Course
from neuralode_lbfgs.optimise import StopReason


def nearest_of(monkeypatch, *reached):
    """Of courses `(loss, error as solved)`: which is nearest, and which have been solved to see it."""
    courses, asked = [object.__new__(Course) for _ in reached], []
    number = {id(course): i for i, course in enumerate(courses)}

    def solved(course):
        asked.append(number[id(course)])
        return reached[asked[-1]][1]

    monkeypatch.setattr(so_far, "whole_loss", lambda course: reached[number[id(course)]][0])
    monkeypatch.setattr(so_far, "error_as_solved", solved)
    return number[id(so_far.nearest(courses))], asked


def test_the_model_that_misses_least_as_solved_is_kept_and_those_beaten_are_not_solved(monkeypatch):
    assert nearest_of(monkeypatch, (9.0, 3.0), (0.01, 0.1), (0.04, 0.2)) == (1, [1])
    assert nearest_of(monkeypatch, (9.0, 3.0), (0.01, 4.0), (0.04, 0.2)) == (2, [1, 2])


def test_a_model_that_cannot_be_solved_is_kept_only_where_none_can(monkeypatch):
    assert nearest_of(monkeypatch, (0.01, np.inf), (np.nan, 1.0), (0.25, 0.5)) == (2, [0, 2])
    assert nearest_of(monkeypatch, (0.04, np.inf), (0.01, np.inf)) == (0, [1, 0])


def test_where_the_fit_is_stays_unless_another_is_clearly_nearer(monkeypatch):
    assert nearest_of(monkeypatch, (0.0104, 0.05), (0.01, 0.1))[0] == 0
    assert nearest_of(monkeypatch, (0.0144, 0.05), (0.01, 0.1))[0] == 1


def spirals(count):
    ts, size = np.linspace(0.0, 6.0, 60), np.linspace(0.5, 1.0, count)[:, None]
    ys = np.exp(-0.2 * ts) * np.stack([np.cos(2 * ts), np.sin(2 * ts)])
    return nl.Trajectories(tuple(nl.Trajectory(str(i), ts, (s * ys).T) for i, s in enumerate(size)))


def cut_short_in(monkeypatch, stage, reason, factor, *, at=1):
    """Let a stage, when it is run so often, end with a worse model."""
    whole, calls = running.STAGES[stage], []

    def cut_short(course, record):
        calls.append(stage)
        if len(calls) < at:
            return whole(course, record)
        model = course.parameters.model
        worse = jax.tree.map(lambda leaf: factor * leaf if eqx.is_inexact_array(leaf) else leaf, model.vector_field)
        course.replace(eqx.tree_at(lambda m: m.vector_field, model, worse))
        course.loss = float("nan")
        return reason

    monkeypatch.setitem(running.STAGES, stage, cut_short)


def network():
    return nl.NeuralODE(nl.MLPVectorField(2, width_size=4, depth=1, key=jax.random.key(0)))


ALONE, HELD_OUT = (1, {"stages": ("matching", "polish")}), (4, {"degree": 0})  # one of four runs is held out


@pytest.mark.parametrize(
    "runs, keywords, reason, factor",
    [
        (*ALONE, StopReason.INTERRUPTED, 0.0),
        (*ALONE, StopReason.TIME_LIMIT, 1e3),
        (*HELD_OUT, StopReason.INTERRUPTED, 0.0),
        (*HELD_OUT, StopReason.INTERRUPTED, 1e3),
    ],
)
def test_what_a_stage_had_found_outlives_a_later_one_that_was_cut_short(monkeypatch, runs, keywords, reason, factor):
    cut_short_in(monkeypatch, "polish", reason, factor)
    result = nl.fit(network(), spirals(runs), **keywords)
    assert result.stop_reason is reason and np.sqrt(result.loss) < 0.7
    assert [(stage.name, stage.kept) for stage in result.stages] == [("matching", True), ("polish", False)]


def test_what_was_found_without_some_runs_outlives_a_fit_to_all_that_was_cut_short(monkeypatch):
    cut_short_in(monkeypatch, "polish", StopReason.TIME_LIMIT, 0.0)
    cut_short_in(monkeypatch, "matching", StopReason.TIME_LIMIT, 0.0, at=2)
    result = nl.fit(network(), spirals(4), degree=0)
    assert result.stop_reason is StopReason.TIME_LIMIT and np.sqrt(result.loss) < 0.7
    assert [stage.kept for stage in result.stages] == [True, False, False]


def test_runs_that_were_held_out_then_start_with_hidden_states_that_suit_the_model(monkeypatch):
    cut_short_in(monkeypatch, "polish", StopReason.INTERRUPTED, 0.0)
    ts = np.linspace(0.0, 6.0, 110)
    ys = [np.exp(-0.2 * ts) * np.cos(2 * ts + phase) for phase in (0.0, 1.6, 3.1, 4.7)]
    data = nl.Trajectories(tuple(nl.Trajectory(str(i), ts, y[:, None]) for i, y in enumerate(ys)))
    result = nl.fit(network(), data, degree=0)
    assert result.stop_reason is StopReason.INTERRUPTED
    for run in data:
        solved = np.asarray(result.model(run.ts, result.starts[run.id]))[:, 0]
        assert np.std(solved - run.ys[:, 0]) < 0.1 * np.std(run.ys)
