"""Inputs between their rows: which are held, what blank cells mean, and where they end."""

import re

import numpy as np
import pytest

from neuralode_lbfgs.data import (
    DataError,
    describe,
    from_arrays,
    infer_roles,
    read_csv,
    read_table,
    to_trajectories,
    with_stretches,
)
from neuralode_lbfgs.data.driving import begin_anew

SMOOTH = [round(float(np.sin(k / 3)), 6) for k in range(8)]
SWITCH = [0, 0, 1, 0, 1, 1, 0, 0]
RAIN = [0, 0, 25.5, 0, 0, 40.9, 13.7, 0, 6, 0, 1.8, 9.9, 3.2, 0, 0, 0, 0, 7.9, 0, 1.8, 0, 5.5, 0, 0, 30, 3.5, 0, 0]
DAYLIGHT = [round(max(0.0, float(np.sin(k / 4) * (1 + np.sin(k)))), 3) for k in range(100)]
LEVELS = [5, 5, 5, 7.5, 7.5, 7.5, 2, 2]


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "mine.csv"
    rows = [f"{k},{k},{a},{b},{c},3" for k, (a, b, c) in enumerate(zip(SMOOTH, SWITCH, LEVELS, strict=True))]
    path.write_text("\n".join(["t,x,smooth,switch,levels,constant", *rows]) + "\n")
    return path


INPUTS = ("smooth", "switch", "levels", "constant")


@pytest.mark.parametrize(
    "words, hold",
    [
        ({}, (False, True, True, False)),
        ({"input_hold": ["smooth"]}, (True, True, True, False)),
        ({"input_linear": "levels", "input_hold": "constant"}, (False, True, False, True)),
    ],
)
def test_steps_are_held_unless_it_is_said_otherwise(table, words, hold):
    run = read_csv(table, inputs=INPUTS, **words)[0]
    assert run.hold == hold
    between = run.inputs_at(np.array([-1.0, 2.75, 3.0, 9.0]))
    rows = np.array([SMOOTH, SWITCH, LEVELS, [3] * 8]).T
    for i, keep in enumerate(hold):
        expected = rows[[0, 2, 3, 7], i] if keep else np.interp([-1, 2.75, 3, 9], np.arange(8), rows[:, i])
        np.testing.assert_allclose(between[:, i], expected)


@pytest.mark.parametrize(
    "us, held",
    [
        ([[0, 0, 0, 0.2, 0.9, 0.3, 0, 0, 0]], False),  # a pulse
        ([[3] * 20, SMOOTH], False),  # constant in one run
        ([[1, 2]], False),
        ([[20, 20, 20, 22, 22], [18, 18, 25, 25, 25]], True),
        ([[0, 1, 0, 1, 1, 0]], True),
        ([[400, 0, 0, 0, 200, 0, 0, 100, 0]], True),  # doses
        ([[1, 1, 7, 1, 1, 6, 6, 1], [2, 2, 9, 2, 2, 2]], True),  # upon a rate of its own in each run
        ([[0, 0, 120, 480, 510, 90, 0, 0, 0, 0, 60, 300, 110, 0, 0, 0]], False),  # daylight
        ([[0, 0, 2.1, 3.5, 0.4, 0, 0, 0, 0.8, 0, 0, 1.2, 4.4, 0]], False),  # showers
        ([RAIN], True),  # daily
        ([DAYLIGHT], False),
        ([[0, 0, 0, 2, 5, 2] * 6], False),  # showers of three rows
        ([[0, 0.3, 0, 0.7, 0.6, 0, 0.1, 0.9, 0.2, 0.4, 0, 0.5]], False),  # a heater that is seldom off
    ],
)
def test_what_looks_like_steps_or_pulses(tmp_path, us, held):
    rows = [f"{run},{k},{k},{u}" for run, column in enumerate(us) for k, u in enumerate(column)]
    (tmp_path / "mine.csv").write_text("\n".join(["run,t,x,u", *rows]) + "\n")
    assert read_csv(tmp_path / "mine.csv", inputs=["u"])[0].hold == (held,)


def test_blank_cells_are_filled_by_the_rule_and_it_is_said(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("t,x,u,valve\n0,1,1,0\n1,2,,\n3,3,4,\n4,4,5,1\n6,5,5.5,1\n")
    table = read_table(path)
    roles = infer_roles(table, inputs=["u", "valve"], input_hold=["valve"])
    data = to_trajectories(table, roles)
    np.testing.assert_allclose(data[0].inputs_at(data[0].ts), [[1, 0], [2, 0], [4, 0], [5, 1], [5.5, 1]])
    lines = describe(table, roles, data).splitlines()
    assert "inputs: u (linear), valve (held from row to row)" in lines
    assert "note: 1 blank cell of the input 'u' was filled by straight lines" in lines
    assert "note: 2 blank cells of the input 'valve' were filled with the value before" in lines


@pytest.mark.parametrize(
    "text, message",
    [
        (
            "run,t,x,u\na,0,1,1\na,1,2,\na,2,,\nb,0,1,1\n",
            "mine.csv, line 3, column 'u': the input is blank from here to the end; it is known until time 0 and "
            "needed until 2: fill in the last row, or remove those after it.",
        ),
        (
            "t,x,u\n2024-01-02,1,\n2024-01-03,1,4\n",
            "mine.csv, line 2, column 'u': the input is blank where its trajectory begins, at time 2024-01-02; give it "
            "from the first row on.",
        ),
    ],
)
def test_inputs_that_do_not_cover_their_trajectory(tmp_path, monkeypatch, text, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.csv").write_text(text)
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        read_csv("mine.csv", inputs=["u"])


def test_names_that_are_no_inputs(table):
    with pytest.raises(DataError, match=r"each in one of them: 'levles' is no input \(did you mean 'levels'\?\)\.$"):
        read_csv(table, inputs=INPUTS, input_hold=["levles"])
    with pytest.raises(DataError, match="each in one of them: 'levels' is both"):
        read_csv(table, inputs=INPUTS, input_hold=["levels"], input_linear=["levels"])


def test_arrays_say_what_is_held_too():
    ts, us = np.arange(4.0), np.array([[0.0], [1.0], [3.0], [6.0]])
    held = from_arrays(ts, us, inputs=us, input_names=["u"], input_hold=["u"])
    linear = from_arrays(ts, us, inputs=us, input_names=["u"], input_linear=["u"])
    assert (held[0].hold, linear[0].hold) == ((True,), (False,))


@pytest.mark.parametrize(
    ("ts", "us", "anew"),
    [
        ([*range(8), *range(20, 28)], np.arange(16.0), [8]),
        ([*range(8), *range(20, 28)], np.ones(16), []),  # an input that never changes is known in between
        ([*range(8), *range(12, 20)], np.arange(16.0), []),  # a few steps
        (np.arange(16.0) ** 3, np.arange(16.0), []),  # uneven as they are meant to be
        ([0, 1, 2, 30, 31], np.arange(5.0), []),  # too few to say what is usual
    ],
    ids=["a gap", "constant", "short", "uneven", "few"],
)
def test_where_a_driven_run_begins_anew(ts, us, anew):
    ts = np.asarray(ts, float)
    assert begin_anew(ts, us[:, None]).tolist() == anew
    data = from_arrays(ts, np.sin(ts)[:, None], inputs=us[:, None])
    stretches = data.stretches()
    assert [run.ts.size for run in stretches] == (np.diff([0, *anew, ts.size]).tolist())
    kept = [run.inputs for run in stretches if run.inputs is not None]
    np.testing.assert_array_equal(np.concatenate(kept), us[:, None])
    assert all(" (" in run.id for run in stretches) == bool(anew)


@pytest.mark.parametrize("header", ["run", "run [no]", "run (no)"])
def test_runs_that_are_cut_at_gaps_keep_the_header_of_their_column(tmp_path, header):
    ts = [*range(15), *range(60, 75)]
    rows = [f"{t},{run},{np.sin(t)},{t % 4}" for run in (1, 2) for t in ts]
    (tmp_path / "mine.csv").write_text("\n".join([f"t [s],{header},x [m],u", *rows]) + "\n")
    table = read_table(tmp_path / "mine.csv")
    cut, roles = with_stretches(table, infer_roles(table, inputs=["u"]))
    assert [column.header for column in cut.columns] == ["t [s]", header, "x [m]", "u"]
    assert (cut.units, roles.trajectory) == (table.units, "run")
    assert to_trajectories(cut, roles).ids == ("1 (1)", "1 (2)", "2 (1)", "2 (2)")


def test_a_table_is_grouped_and_its_inputs_are_read_once(table):
    read = read_table(table)
    roles = infer_roles(read, inputs=list(INPUTS))
    describe(read, roles, to_trajectories(*with_stretches(read, roles)))
    assert sorted(key[0] for key in read.known if isinstance(key, tuple)) == [
        "read_inputs",
        "read_times",
        "rows_by_trajectory",
    ]
