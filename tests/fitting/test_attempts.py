"""How much shooting is held back at first, and which attempts are none to keep."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import neuralode_lbfgs as nl
from neuralode_lbfgs.fitting import at_once, attempts
from neuralode_lbfgs.fitting.at_once import Attempt
from neuralode_lbfgs.fitting.attempts import HELD_BY, SMOOTH, first_smooth
from neuralode_lbfgs.fitting.course import Course


@pytest.mark.parametrize("rows", [10, HELD_BY // 2])
def test_little_data_are_held_back_by_the_same(rows):
    assert first_smooth(nl.from_arrays(np.arange(rows, dtype=float), np.zeros((rows, 2)))) == SMOOTH[0]


def test_ten_times_the_data_are_held_back_by_a_tenth():
    rows = 10 * HELD_BY
    data = nl.from_arrays(np.arange(rows, dtype=float), np.zeros((rows, 1)))
    assert first_smooth(data) == pytest.approx(SMOOTH[0] / 10)


def errors_kept(monkeypatch, made, *, hidden=True, held_out=None):
    """Of attempts `(error, whether its model stays)`."""
    monkeypatch.setattr(attempts, "stays", lambda course: course.stays)
    courses: list[Any] = [SimpleNamespace(hidden=hidden, stays=stay) for _, stay in made]
    tried = [Attempt(error, course, (), [], []) for (error, _), course in zip(made, courses, strict=True)]
    return [one.error for one in attempts._steady_first(tried, held_out)]


def test_a_model_with_hidden_states_that_runs_away_gives_way_to_one_that_stays(monkeypatch):
    assert errors_kept(monkeypatch, [(0.25, True), (0.02, False), (0.07, False)]) == [0.25, np.inf, np.inf]


def test_it_is_kept_where_no_other_is_near_unless_it_knows_little_itself(monkeypatch):
    assert errors_kept(monkeypatch, [(0.02, False), (0.07, False)]) == [0.02, 0.07]
    assert errors_kept(monkeypatch, [(0.02, False), (0.8, True)]) == [0.02, np.inf]
    assert errors_kept(monkeypatch, [(1.04, True), (0.85, False), (1.2, True)]) == [1.04, np.inf, 1.2]


def test_where_all_states_are_seen_or_runs_are_held_out_that_is_no_matter(monkeypatch):
    made = [(0.25, True), (0.02, False)]
    assert errors_kept(monkeypatch, made, hidden=False) == [0.25, 0.02]
    assert errors_kept(monkeypatch, made, held_out=nl.from_arrays([0.0, 1.0], np.zeros((2, 1)))) == [0.25, 0.02]


def test_a_model_that_only_the_steps_of_the_fit_can_follow_is_as_bad_as_it_predicts(monkeypatch):
    monkeypatch.setattr(at_once, "whole_loss", lambda course: 1e-4)
    monkeypatch.setattr(at_once, "error_as_solved", lambda course: 2.5)
    data = nl.from_arrays([0.0, 1.0], np.zeros((2, 2)))
    unseen = data.with_trajectories([replace(data[0], ys=np.full((2, 2), [0.0, np.nan]))])
    for seen, error in ((unseen, 2.5), (data, 1e-2)):
        course = object.__new__(Course)
        course.data, course.observe = seen, None
        assert at_once.attempt_of((), course, [], [], None).error == pytest.approx(error)
