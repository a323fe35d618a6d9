"""Columns that were reckoned from others are told of, and what is suggested to type leaves out what is no state."""

import numpy as np
import pytest

from neuralode_lbfgs.data import DataError, read_table
from neuralode_lbfgs.data.derived import told_of_rates, told_of_sums
from neuralode_lbfgs.data.roles import infer_roles

TS = np.linspace(0, 6, 31)
A, B = np.round(3 + np.sin(TS), 4), np.round(2 + np.cos(2 * TS), 4)


def told(**columns):
    return list(told_of_sums({name: [column[:15], column[15:]] for name, column in columns.items()}))


def test_sums_are_told_of():
    (line,) = told(A=A, B=B, total=A + B)
    assert line.startswith("'total' is 'A' + 'B' in every row") and "--states A B (" in line
    assert told(A=A, B=B, other=A + B + 0.02 * np.sin(9 * TS)) == []
    assert told(A=A, B=B, still=0 * A) == []
    assert told(A=A, B=B) == []


def test_columns_that_are_named_as_rates_are_told_of():
    (line,) = told_of_rates(["x", "y", "dxdt", "dydt"])
    assert line.startswith("'dxdt', 'dydt' are named as rates of 'x', 'y'") and line.endswith("--rate x=dxdt y=dydt")
    assert "--states x y (" in line
    (line,) = told_of_rates(["angle", "angle_dot"])
    assert line.startswith("'angle_dot' is named as the rate of 'angle': if it was reckoned from there, leave it out")
    assert list(told_of_rates(["x", "dzdt"])) == []


def test_what_is_suggested_leaves_out_constants_and_flags_and_names_steps_as_inputs(tmp_path):
    rows = [
        f"{t:g},{a},{b},{1 if 2 < t < 4 else 0},3.7,{int(10 * t) % 3},ok\n" for t, a, b in zip(TS, A, B, strict=True)
    ]
    path = tmp_path / "mine.csv"
    path.write_text("t,Vm,w 1,Istim,Battery,quality,remark\n" + "".join(rows))
    with pytest.raises(DataError, match=r"--states Vm 'w 1' --inputs Istim \(states= in Python\)"):
        infer_roles(read_table(path))


def test_a_second_column_of_timestamps_is_left_out(tmp_path):
    path = tmp_path / "mine.csv"
    rows = [f"{170 + i},{a},2026-01-01T00:00:{i:02}\n" for i, a in enumerate(A)]
    path.write_text("unix_time,x,logged\n" + "".join(rows))
    with pytest.raises(DataError, match=r"is a timestamp and so is the whole .* the time is another one.*--states x "):
        infer_roles(read_table(path))
