"""Trajectory and Trajectories: splits, windows, and errors that say what is wrong."""

import re
from dataclasses import replace

import numpy as np
import pytest

from neuralode_lbfgs.data import Trajectories, Trajectory


def run(id="a", times=5, states=2, start=0.0):
    ts = start + np.arange(times, dtype=float)
    return Trajectory(id, ts, np.arange(times * states, dtype=float).reshape(times, states))


def test_split_by_time_cuts_every_trajectory():
    data = Trajectories((run("a"), run("b", times=2), run("c", start=10.0)), state_names=("x", "y"))
    train, test = data.split(until=1.0)
    assert train.ids == ("a", "b")
    assert test.ids == ("a", "c")
    np.testing.assert_array_equal(train["a"].ts, [0, 1])
    np.testing.assert_array_equal(test["a"].ts, [2, 3, 4])
    np.testing.assert_array_equal(np.concatenate([train["a"].ys, test["a"].ys]), data["a"].ys)
    assert test.state_names == ("x", "y")


def test_split_by_id_holds_trajectories_out():
    data = Trajectories((run("a"), run("b"), run("c")))
    train, test = data.split(ids=["b"])
    assert (train.ids, test.ids) == (("a", "c"), ("b",))
    train, test = data.split(ids="b")
    assert (train.ids, test.ids) == (("a", "c"), ("b",))


def test_a_trajectory_is_among_them_by_its_id():
    data = Trajectories((run("a"), run("b")))
    assert "b" in data and data[0] in data
    assert "c" not in data and run("c") not in data


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({}, "split by time (until=) or by trajectory (ids=): give exactly one of them."),
        ({"until": 1.0, "ids": ["a"]}, "split by time (until=) or by trajectory (ids=): give exactly one of them."),
        ({"until": 9.0}, "splitting at t = 9 leaves nothing to test on."),
        ({"until": -1.0}, "splitting at t = -1 leaves nothing to train on."),
        ({"ids": ["z"]}, "no trajectory has the id 'z'; there are a, b."),
        ({"ids": ["a", "b"]}, "splitting at the test trajectories ['a', 'b'] leaves nothing to train on."),
    ],
)
def test_split_errors(arguments, message):
    data = Trajectories((run("a"), run("b")))
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        data.split(**arguments)


def test_windows_share_the_row_at_the_seam():
    pieces = Trajectories((run("a", times=6), run("b", times=2))).windows(3)
    assert pieces.ids == ("a:0", "a:1", "a:2", "b:0")
    assert [piece.ts.tolist() for piece in pieces] == [[0, 1, 2], [2, 3, 4], [4, 5], [0, 1]]
    np.testing.assert_array_equal(pieces["a:0"].ys[-1], pieces["a:1"].ys[0])
    # Every interval of the data is in exactly one piece.
    assert sum(piece.ts.size - 1 for piece in pieces) == 5 + 1


def test_windows_keep_single_rows_inputs_and_deviations():
    trajectory = Trajectory(
        "a", np.arange(3.0), np.ones((3, 1)), sd=np.full((3, 1), 2.0), inputs=np.arange(3.0)[:, None]
    )
    pieces = Trajectories((trajectory,)).windows(2)
    np.testing.assert_array_equal(pieces["a:1"].inputs, [[1], [2]])
    np.testing.assert_array_equal(pieces["a:1"].sd, [[2], [2]])
    assert Trajectories((run("a", times=1),)).windows(2).ids == ("a:0",)
    with pytest.raises(ValueError, match=r"^a window needs at least two rows; length is 1\.$"):
        pieces.windows(1)


ts, ys = np.arange(3.0), np.zeros((3, 2))


@pytest.mark.parametrize(
    "arguments, message",
    [
        ((ts[:, None], ys), "ts must have shape (times,) with at least one time; it has shape (3, 1)."),
        ((ts[:0], ys[:0]), "ts must have shape (times,) with at least one time; it has shape (0,)."),
        ((ts, ys[:2]), "ys must have shape (times, states) = (3, ...); it has shape (2, 2)."),
        ((ts, ys, np.ones((3, 1))), "sd must have the shape of ys, (3, 2); it has shape (3, 1)."),
        ((ts, ys, np.zeros((3, 2))), "sd must be positive wherever a state was observed."),
        ((ts, ys, None, ts), "inputs must have shape (times, inputs) = (3, ...); it has shape (3,)."),
        ((ts, ys, None, np.full((3, 1), np.nan)), "inputs must be finite at every time of the trajectory."),
        ((np.array([0, np.nan, 1]), ys), "every time must be a finite number."),
        (
            (np.array([0.0, 2.0, 1.5]), ys),
            "times must increase, but 1.5 follows 2; sort the rows and remove duplicate times.",
        ),
        ((ts, ys + np.inf), "ys holds an infinite value; leave the entry NaN if it was not observed."),
    ],
)
def test_a_trajectory_says_what_is_wrong(arguments, message):
    with pytest.raises(ValueError, match=f"^trajectory 'run 1': {re.escape(message)}$"):
        Trajectory("run 1", *arguments)


@pytest.mark.parametrize(
    "trajectories, names, message",
    [
        ((), {}, "there is no trajectory: at least one is needed."),
        (
            (run("a"), run("b", states=1)),
            {},
            "trajectory 'b' has 1 states and 0 inputs, but 'a' has 2 and 0; all must have the same columns.",
        ),
        ((run("a"), run("a")), {}, "two trajectories have the id 'a'; ids must differ."),
        ((run("a"),), {"state_names": ("x",)}, "1 state names ['x'] for 2 state columns."),
        ((run("a"),), {"input_names": ("u",)}, "1 input names ['u'] for 0 input columns."),
        (
            (run("a"),),
            {"state_names": ("x", "t")},
            "time, states and inputs need different names; they have ['t', 'x', 't'].",
        ),
    ],
)
def test_trajectories_say_what_is_wrong(trajectories, names, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Trajectories(trajectories, **names)


def test_they_say_what_they_hold_in_a_line():
    runs = [replace(run(id=str(i)), inputs=np.zeros((5, 1))) for i in range(7)]
    data = Trajectories(tuple(runs), ("x", "v"), ("valve",), units={"x": "m", "t": "s"})
    assert repr(data) == (
        "Trajectories(7 trajectories: 0, 1, 2, 3, 4, ...; 35 rows, t [s] from 0 to 4; states x [m], v; inputs valve)"
    )
    assert repr(data[1]) == "Trajectory('1', 5 rows from 0 to 4, 2 states, 1 input)"


def test_looking_up_and_counting():
    ys = np.array([[1.0, np.nan], [2.0, 3.0]])
    data = Trajectories((run("a"), Trajectory("b", np.array([0, 1]), ys)), units={"y1": "m"})
    assert len(data) == 2
    assert data[1] is data["b"]
    assert data["b"].ts.dtype == np.float64
    assert data.observed == 10 + 3
    assert (data.label("y1"), data.label("y0")) == ("y1 [m]", "y0")
    with pytest.raises(KeyError, match=r"no trajectory has the id 'z'; there are a, b\."):
        data["z"]
