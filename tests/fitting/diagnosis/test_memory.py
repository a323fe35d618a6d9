"""Rows that follow from several rows before them, and not from one."""

import numpy as np
import pytest

from neuralode_lbfgs import Trajectories, Trajectory
from neuralode_lbfgs.fitting.diagnosis import View, diagnose
from neuralode_lbfgs.fitting.diagnosis.memory import memory

TS = np.arange(0.0, 20.0, 0.1)
DRIVE = np.sin(2 * TS)[:, None] + np.sin(0.7 * TS)[:, None]


def room_and_wall():
    """A room that is heated, and beside it a wall, which takes up heat and gives it back."""
    states = [np.zeros(2)]
    for u in DRIVE[:-1, 0]:
        room, wall = states[-1]
        states.append(states[-1] + [0.3 * (wall - room) + 0.2 * u, 0.05 * (room - wall) - 0.01 * wall])
    return np.array(states)


def view_of(states, missed, ts=TS, **words):
    names = tuple("ab"[: states.shape[1]])
    whole = Trajectories((Trajectory("house", ts, states, inputs=DRIVE),), names, ("heat",))
    train, test = whole.split(until=12.0)
    held_out = test.with_trajectories([Trajectory("house", test[0].ts, test[0].ys + missed, inputs=test[0].inputs)])
    return View(train, train, test, held_out, **words)


def test_a_wall_that_nobody_measured_is_told_of_where_held_out_rows_are_missed():
    seen = room_and_wall()[:, :1]
    found = memory(view := view_of(seen, 0.5))
    assert found is not None
    assert found.several < 0.01 and found.one > 0.1
    (told,) = diagnose(view)
    assert "a linear recurrence of 4 rows misses them by" in told.finding and "that is in no column" in told.finding
    assert told.advice.startswith("give the model states that are not in the columns (--hidden-states 1")
    assert diagnose(view_of(seen, 1e-4)) == ()  # the model knows as much


@pytest.mark.parametrize("words", [{"hidden": 1}, {}], ids=["hidden", "complete"])
def test_nothing_is_said_of_memory_where_the_model_has_it_or_the_columns_are_all(words):
    states = room_and_wall()
    (told,) = diagnose(view_of(states[:, :1] if words else states, 0.5, **words))
    assert "the fit does not carry over" in told.finding


def test_rows_that_are_not_even_or_not_whole_tell_nothing():
    seen = room_and_wall()[:, :1]
    assert memory(view_of(seen, 0.5, ts=TS + 0.04 * np.sin(TS))) is None
    assert memory(view_of(np.where(np.arange(200) == 70, np.nan, seen.T).T, 0.5)) is None
