"""Columns that nobody gave a role: those of true and false are inputs, and what is no usual state is told of."""

import numpy as np
import pytest

from neuralode_lbfgs.data import describe, from_frame, infer_roles, read_csv, read_table, to_trajectories

SMOOTH = [1, 0.9, 0.8, 0.72, 0.65, 0.58]


def write(tmp_path, columns, runs=1):
    """A table of `columns` beside the time and the smooth state x."""
    names = ["run", "t", "x", *columns]
    rows = [
        [str(run), str(t), str(x), *(str(column[run * len(SMOOTH) + t]) for column in columns.values())]
        for run in range(runs)
        for t, x in enumerate(SMOOTH)
    ]
    path = tmp_path / "mine.csv"
    path.write_text("\n".join(map(",".join, [names, *rows])) + "\n")
    return path


def described(path, **words):
    table = read_table(path)
    roles = infer_roles(table, **words)
    return describe(table, roles, to_trajectories(table, roles)).splitlines()


@pytest.mark.parametrize(
    "cells",
    [["TRUE", "FALSE"] * 3, ["false"] * 6, ["False", "", "True", "", "", "True"], ["on", "off"] * 3, ["No", "Yes"] * 3],
)
def test_true_and_false_are_an_input_that_is_held(tmp_path, cells):
    path = write(tmp_path, {"fan": cells})
    lines = described(path)
    assert "states: x" in lines
    assert "inputs: fan (held from row to row)" in lines
    data = read_csv(path)
    assert (data.state_names, data.input_names, data[0].hold) == (("x",), ("fan",), (True,))
    assert data[0].inputs_at(data[0].ts[:1])[0, 0] == (cells[0] in ("TRUE", "on"))


SAME = (
    "note: 'T' is the same all through each run, as conditions are, and taken for an input; name the states with "
    "--states (states= in Python) if not"
)


def test_what_is_the_same_all_through_each_run_is_an_input(tmp_path):
    path = write(tmp_path, {"T": 6 * [300] + 6 * [320]}, runs=2)
    lines = described(path)
    assert ("states: x" in lines, "inputs: T (held from row to row)" in lines) == (True, True)
    assert [line for line in lines if line.startswith("note")] == [SAME]
    assert read_csv(path)[1].inputs_at(np.array([2.5])).tolist() == [[320.0]]
    assert read_csv(path, states=["x", "T"]).state_names == ("x", "T")
    for columns in ({"T": 6 * [300] + 6 * [300]}, {"T": 6 * [300] + 5 * [320] + [321]}, {"x_sd": 6 * [1] + 6 * [2]}):
        assert read_csv(write(tmp_path, columns, runs=2)).input_names == ()


def test_so_it_is_where_each_run_has_a_file(tmp_path):
    for run, warm in enumerate((300, 320)):
        rows = [f"{t},{x},{warm}" for t, x in enumerate(SMOOTH)]
        (tmp_path / f"{run}.csv").write_text("\n".join(["t,x,T", *rows]) + "\n")
    data = read_csv([tmp_path / "0.csv", tmp_path / "1.csv"])
    assert (data.state_names, data.input_names) == (("x",), ("T",))


def test_true_and_false_go_with_what_is_said(tmp_path):
    path = write(tmp_path, {"fan": ["true", "false"] * 3, "u": SMOOTH})
    assert read_csv(path, inputs=["u"]).input_names == ("u", "fan")
    assert read_csv(path, input_linear=["fan"])[0].hold == (False,)
    assert read_csv(path, states=["x", "fan"]).state_names == ("x", "fan")
    assert read_csv(path, states=["x"]).input_names == ()


def test_a_frame_of_booleans():
    data = from_frame({"t": [0, 1, 2], "x": [1.0, 2, 3], "on": [True, False, False]})
    assert (data.state_names, data.input_names) == (("x",), ("on",))


STEPS = (
    "note: 'u' looks like steps or pulses, as no state does; if it is known, give it as --inputs u (inputs= in Python)"
)
TWO = (
    "note: 'u', 'the dose' look like steps or pulses, as no state does; if they are known, give them as --inputs u "
    "'the dose' "
)
STILL = (
    "note: 'y' stands still in every row: nothing shows what would change it, and in the model it may take the place "
    "of any constant; leave it out with --states (states= in Python)"
)
BOTH_STILL = (
    "note: 'y', 'z' stand still in every row: nothing shows what would change them, and in the model they may take the "
    "place of any constant; leave them out with --states (states= in Python)"
)
COUNTS = "note: 'frame' counts the rows, as no state does; leave it out with --states (states= in Python)"
PROGRAM = (
    "note: 'Step_Index' counts the steps of a program, as no state does; leave it out with --states (states= in Python)"
)
RUNS = (
    "note: {0!r}, {1!r} look like runs side by side: as states of one system each would drive the others; give each "
    "run rows of its own, with its name in a column (--trajectory)"
)
SD = "note: {0!r} looks like standard deviations of 'x'; if so, give --sd-columns x={0} (sd_columns= in Python)"


@pytest.mark.parametrize(
    "columns, runs, note",
    [
        ({"u": [12, 12, 12, 0, 0, 0]}, 1, STEPS),
        ({"u": [100, 0, 0, 0, 0, 0]}, 1, STEPS),
        ({"u": [0, 0, 5, 5, 7, 7]}, 1, STEPS),
        ({"u": [0, 40, 0, 0, 25, 0, 0, 60]}, 1, STEPS),
        ({"u": [*2 * [2, 2, 0, 0, 2, 2], 5, 5, 0, 0, 5, 5]}, 3, STEPS),  # a switch of another height in each run
        ({"u": [1, 1, 1, 0, 0, 0], "the dose": [5, 0, 0, 0, 0, 0]}, 1, TWO + "(inputs= in Python)"),
        *(({name: 6 * [0.1]}, 1, SD.format(name)) for name in ("x_sd", "X_std", "x_err", "se_x", "x.sem", "sigma_x")),
        ({"x_sd": [1, 1, 1, 2, 2, 2]}, 1, SD.format("x_sd")),
        ({"y": [3] * 6}, 1, STILL),
        ({"y": [3] * 6, "z": [4] * 6}, 1, BOTH_STILL),
        ({"y_run1": SMOOTH, "y_run2": SMOOTH}, 1, RUNS.format("y_run1", "y_run2")),
        ({"y (Rep 1)": SMOOTH, "y (Rep 2)": SMOOTH}, 1, RUNS.format("y (Rep 1)", "y (Rep 2)")),
        ({"y_1": SMOOTH, "y_2": np.add(SMOOTH, 0.01)}, 1, RUNS.format("y_1", "y_2")),
        ({"A1": SMOOTH, "A12": [*SMOOTH[:-1], ""]}, 1, RUNS.format("A1", "A12")),
        ({"frame": [4, 5, 6, 7, 8, 9]}, 1, COUNTS),
        ({"frame": [*range(6), *range(6)]}, 2, COUNTS),
        ({"Step_Index": [1, 1, 1, 2, 2, 2, 2, 3, 3, 4, 4, 4]}, 2, PROGRAM),
        ({"Step_Index": [*[1, 1, 1, 2, 2, 2], *[3, 3, 3, 1, 1, 1], *[2, 2, 2, 3, 3, 3]]}, 3, PROGRAM),
    ],
)
def test_states_that_look_like_something_else_are_told_of_once(tmp_path, columns, runs, note):
    path = write(tmp_path, columns, runs)
    assert [line for line in described(path) if line.startswith("note")] == [note]
    assert not any("note" in line for line in described(path, states=["x", *columns]))
    assert not any("note" in line for line in described(path, states=["x"]))


@pytest.mark.parametrize("names", [["run0", "run1", "run2"], ["rep1", "rep2", "rep3"], ["Run 1", "Run 2"]])
def test_columns_that_are_called_as_runs_are_runs(tmp_path, names):
    rows = [[i, *(n + y for n in range(len(names)))] for i, y in enumerate(SMOOTH)]
    lines = [",".join(map(str, row)) for row in [["t", *names], *rows]]
    (tmp_path / "wide.csv").write_text("\n".join(lines) + "\n")
    (note,) = [line for line in described(tmp_path / "wide.csv") if line.startswith("note")]
    assert "look like runs side by side" in note


@pytest.mark.parametrize(
    "columns, runs",
    [
        ({"y": SMOOTH}, 1),
        ({"y1": SMOOTH, "y2": SMOOTH[::-1], "y_3": SMOOTH, "rerun1": SMOOTH, "trial2": SMOOTH, "y_run1": SMOOTH}, 1),
        ({"y": [1, 2, 3, 4, 5, 7]}, 1),
        ({"y": [20.1, 20.1, 20.2, 20.2, 20.3, 20.3]}, 1),  # slow, in few digits
        ({"y": [0, 0, 0.2, 0.9, 0.3, 0]}, 1),
        ({"y": [20.1, 20.1, 20.2, 20.2, 20.3, 20.3, *[20.2, 20.2, 20.1, 20.1, 20.2, 20.2]]}, 2),
        ({"cells": [1, 1, 1, 2, 2, 2, 2, 3, 3, 4, 4, 4]}, 2),  # counted
        ({"step_response": [1, 1, 1, 2, 2, 2, 2, 3, 3, 2, 2, 2]}, 2),
        ({"x_err": [0.1, -0.2, 0.1, 0.3, -0.4, 0.2]}, 1),  # a deviation that is no standard deviation
        ({"y_sd": np.round(np.sin(range(6)) ** 2, 3)}, 1),  # of a state that is not there
    ],
)
def test_usual_states_are_not_doubted(tmp_path, columns, runs):
    assert not any("note" in line for line in described(write(tmp_path, columns, runs)))


@pytest.mark.parametrize("name", ["No.", "sample_no", "Record", "Point", "obs", "rn"])
def test_a_column_that_numbers_the_rows_is_left_out(tmp_path, name):
    lines = described(write(tmp_path, {name: range(1, 7)}, 1))
    assert (f"not used: {name}" in lines, "states: x" in lines) == (True, True)
    assert f"states: x, {name}" in described(write(tmp_path, {name: [1, 2, 3, 5, 6, 7]}, 1))


def test_deviations_of_a_mean(tmp_path):
    rows = [f"{t},{x},0.{9 - t},{2 * x},0.2" for t, x in enumerate(SMOOTH)]
    (tmp_path / "mine.csv").write_text("\n".join(["t,x_mean,x_std_dev,mean y,y ± SD", *rows]))
    assert [line for line in described(tmp_path / "mine.csv") if line.startswith("note")] == [
        "note: 'x_std_dev', 'y ± SD' look like standard deviations of 'x_mean', 'mean y'; if so, give --sd-columns "
        "x_mean=x_std_dev 'mean y=y ± SD' (sd_columns= in Python)"
    ]


def test_where_all_look_like_steps_nothing_is_said(tmp_path):
    (tmp_path / "mine.csv").write_text("t,u\n0,1\n1,1\n2,1\n3,5\n4,5\n5,2\n")
    assert not any("note" in line for line in described(tmp_path / "mine.csv"))
