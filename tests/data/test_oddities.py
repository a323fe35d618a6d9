"""Values that may not mean what they say are told of, and read as they stand."""

import numpy as np
import pytest

from neuralode_lbfgs.data import describe, infer_roles, read_table, to_trajectories

TS = np.arange(0.0, 40.0, 0.25)
SWING = 20 * np.exp(-TS / 20) * np.cos(TS)
WAVE = np.cos(TS)


def notes(tmp_path, header, *columns, rows=None):
    """What is said of a table with these columns of numbers."""
    lines = [",".join(f"{cell:.6g}" for cell in row) for row in zip(*columns, strict=True)] if rows is None else rows
    (tmp_path / "mine.csv").write_text("\n".join([header, *lines]) + "\n")
    table = read_table(tmp_path / "mine.csv")
    roles = infer_roles(table)
    told = describe(table, roles, to_trajectories(table, roles)).splitlines()
    return [line.removeprefix("note: ") for line in told if line.startswith("note: ")]


@pytest.mark.parametrize(
    "angle, told",
    [
        (SWING % 360, "'x' jumps by nearly 360 between rows 13 times"),
        ((200 * np.sin(TS / 20) + 180) % 360 - 180, "'x' jumps by nearly 360 between rows"),
        (0.8 * TS % (2 * np.pi), "'x' jumps by nearly 2 pi between rows 5 times"),
    ],
)
def test_an_angle_that_begins_anew_after_a_turn(tmp_path, angle, told):
    (note,) = notes(tmp_path, "t,x", TS, angle)
    assert note.startswith(told)
    assert "numpy.unwrap" in note


@pytest.mark.parametrize(
    "values",
    [
        180 + 175 * WAVE,  # of the range of an angle, without a jump
        np.where(TS % 10 < 5, 0.0, 6.0) + 0.01 * WAVE,  # jumps, but to 6.02 of 6.28
        1000.0 * (TS % 10 < 5) + WAVE,
    ],
)
def test_what_goes_round_or_jumps_otherwise_is_no_angle(tmp_path, values):
    assert not any("jumps by nearly" in note for note in notes(tmp_path, "t,x", TS, values))


def test_a_sensor_that_ends(tmp_path):
    (note,) = notes(tmp_path, "t,x", TS, np.minimum(12 * WAVE, 10.0))
    assert note.startswith("'x' is exactly 10, its largest value, in ")
    (note,) = notes(tmp_path, "t,x", TS, np.maximum(12 * WAVE, -10.0))
    assert note.startswith("'x' is exactly -10, its smallest value, in ")
    assert "to which it does not come smoothly" in note
    (note,) = notes(tmp_path, "t,x", TS, np.round(np.minimum(12 * np.cos(TS / 3), 10.0) / 0.05) * 0.05)  # coarse digits
    assert note.startswith("'x' is exactly 10, its largest value")


@pytest.mark.parametrize(
    "values", [np.minimum(np.exp(TS / 2), 50.0), np.minimum(3 * TS, 60.0), np.maximum(9 - TS, 2.0)]
)
def test_a_sensor_that_ends_before_the_record_does(tmp_path, values):
    (note,) = notes(tmp_path, "t,x", TS, values)
    assert "value, in " in note and "to which it does not come smoothly" in note


@pytest.mark.parametrize(
    "values",
    [
        np.round(1 - np.exp(-TS), 3),  # levels off
        1 - np.exp(-2 * TS),  # settles to the last digit
        10 / (1 + np.exp(-2 * (TS - 10))),  # of an S, too
        np.where(TS < 7.1, 7.1**2 - (7.1 - TS) ** 2, 7.1**2),  # brought to rest by friction
        np.round(10 * WAVE),  # counts
        np.maximum(WAVE, 0.0),  # nothing is there
        np.round(np.exp(-((TS - 20) ** 2) / 50), 2),  # comes to its top slowly
        np.round(5 + 10 * 0.1 ** (np.arange(TS.size) % 40), 2),  # rests again and again, a few rows after each push
    ],
)
def test_what_levels_off_is_no_sensor_that_ends(tmp_path, values):
    assert notes(tmp_path, "t,x", TS, values) == []


def test_times_that_start_again_may_be_those_of_several_runs(tmp_path):
    ts = TS[:20]
    (note,) = notes(tmp_path, "t,x", np.concatenate([ts, ts + 0.1]), np.concatenate([np.exp(-ts), 3 * np.exp(-ts)]))
    assert note.startswith("times start again in ")
    assert "mine.csv, line 22: if these are several runs" in note


@pytest.mark.parametrize(
    "ts, rows",
    [
        (TS[::-1], None),
        (np.concatenate([TS[80:], TS[:80]]), None),  # two parts of one record
        (None, [*(f"{t},{t},\n" for t in range(9)), *(f"{t + 0.5},,{t}\n" for t in range(9))]),  # two sensors
    ],
)
def test_times_in_another_order_are_sorted_with_a_word(tmp_path, ts, rows):
    said = notes(tmp_path, "t,x,y", ts, np.cos(ts), np.sin(ts)) if rows is None else notes(tmp_path, "t,x,y", rows=rows)
    assert said == ["the rows of 1 of 1 trajectory were not in the order of time and were sorted"]


def test_a_trajectory_of_one_row(tmp_path):
    rows = [*(f"{run},{t},{np.cos(t):.3f}" for run in "ab" for t in range(6)), "mean,3,0.1"]
    (note,) = notes(tmp_path, "run,t,x", rows=rows)
    assert note.startswith("1 trajectory of one row (the first is 'mean')")
    (note,) = notes(tmp_path, "run,t,x", rows=[*rows[:6], rows[-1]])
    assert note.startswith("1 trajectory of one row (the first is 'mean')")


def test_what_rests_because_an_input_steps_is_no_sensor_that_ends(tmp_path):
    current = np.array([1.0, 0.0, -1.0, 0.0])[(TS // 4).astype(int) % 4]
    charge = 2 + np.append(0.0, np.cumsum(current * 0.25)[:-1]) ** 1.5
    rows = [f"{t:g},{q:g},{u:g}" for t, q, u in zip(TS, charge, current, strict=True)]
    (tmp_path / "mine.csv").write_text("\n".join(["t,charge,current", *rows]) + "\n")
    table = read_table(tmp_path / "mine.csv")
    for inputs, told in ((("current",), False), ((), True)):
        roles = infer_roles(table, states=("charge",), inputs=inputs)
        assert ("its largest value" in describe(table, roles, to_trajectories(table, roles))) is told


@pytest.mark.parametrize("header", ["angle_rad", "theta [rad]", "heading (deg)"])
def test_an_angle_that_goes_round(tmp_path, header):
    turn = 360 if "deg" in header else 2 * np.pi
    (note,) = notes(tmp_path, f"t,{header}", TS, turn * (0.1 * TS + 0.02 * np.sin(TS)))
    assert " goes round 4 times" in note and "give its sine and cosine" in note
    assert notes(tmp_path, f"t,{header}", TS, 0.3 * turn * np.sin(TS)) == []


@pytest.mark.parametrize("header", ["omega [rad/s]", "angle_rate_rad", "omega_rads", "position", "theta"])
def test_what_is_no_angle_or_of_a_unit_that_nobody_knows(tmp_path, header):
    assert notes(tmp_path, f"t,{header}", TS, TS + np.sin(TS)) == []


CURRENT = np.where(TS % 10 < 5, 0.0, 2.0) + (TS > 22)
SLOW = 0.002 * np.append(0.0, np.cumsum(CURRENT)[:-1])
NOISE = 0.004 * np.random.default_rng(0).normal(size=TS.size)


def driven(tmp_path, voltage):
    rows = [f"{t:g},{v:.6g},{u:g}" for t, v, u in zip(TS, voltage, CURRENT, strict=True)]
    (tmp_path / "mine.csv").write_text("\n".join(["t,voltage,current", *rows]) + "\n")
    table = read_table(tmp_path / "mine.csv")
    roles = infer_roles(table, inputs=("current",))
    told = describe(table, roles, to_trajectories(table, roles)).splitlines()
    return [line.removeprefix("note: ") for line in told if line.startswith("note: ")]


def test_a_state_that_jumps_at_once_with_an_input(tmp_path):
    (note,) = driven(tmp_path, 3.7 - SLOW - 0.03 * CURRENT + NOISE / 4)
    assert note.startswith("'voltage' jumps at once where 'current' steps, by -0.03 for each 1 of it")
    assert "subtract -0.03 times 'current'" in note


@pytest.mark.parametrize(
    "voltage",
    [
        3.7 - SLOW + NOISE,  # bends there
        3.7 - 20 * np.append(SLOW[1:], SLOW[-1]),  # bends a row early
        np.where(TS % 7 < 3, 0.0, 1.0) + NOISE,  # jumps elsewhere
        np.full(TS.size, 1.0) + NOISE,
    ],
    ids=["bends", "bends early", "jumps elsewhere", "noise"],
)
def test_what_does_not_jump_with_an_input(tmp_path, voltage):
    assert not any("jumps at once" in note for note in driven(tmp_path, voltage))


def test_a_state_of_very_few_values_is_told_of(tmp_path):
    rows = [
        f"{t},{x},{y if i in (10, 50, 90) else ''}" for i, (t, x, y) in enumerate(zip(TS, WAVE, SWING, strict=True))
    ]
    (note,) = notes(tmp_path, "t,x,y", rows=rows)
    assert note.startswith(
        "of 'y' there are 3 values only, of another state 160: a model meets so few whatever it does"
    )
    rows = [f"{t},{x},{y if i % 10 == 0 else ''}" for i, (t, x, y) in enumerate(zip(TS, WAVE, SWING, strict=True))]
    assert notes(tmp_path, "t,x,y", rows=rows) == []
