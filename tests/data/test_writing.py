"""Trajectories and predictions to CSV: exact numbers, the person's own rows, whole files only."""

import os

import numpy as np
import pytest

from neuralode_lbfgs.data import (
    DataError,
    Trajectories,
    Trajectory,
    infer_roles,
    predictions_table,
    read_csv,
    read_table,
    write_csv,
    write_table,
)


def test_round_trip_is_exact(tmp_path):
    rng = np.random.default_rng(0)
    ys = rng.normal(size=(50, 3)) * 10.0 ** rng.integers(-300, 300, size=(50, 3))
    ys[rng.random(ys.shape) < 0.2] = np.nan
    runs = (
        Trajectory('a, "quoted"', np.cumsum(rng.random(50)), ys, inputs=rng.normal(size=(50, 1))),
        Trajectory("007", np.array([0.1 + 0.2]), np.array([[np.nan, 5e-324, -0.0]]), inputs=np.array([[1.0]])),
    )
    data = Trajectories(runs, ("x", "y [m]", "z"), ("u",), time_name="time", id_name="run")
    write_csv(data, tmp_path / "out.csv")
    back = read_csv(tmp_path / "out.csv", time="time", states=["x", "y [m]", "z"], inputs=["u"])
    assert (back.ids, back.id_name, back.time_name) == (data.ids, "run", "time")
    assert back.state_names == ("x", "y", "z")  # a unit in a name is understood on the way back
    for one, other in zip(data, back, strict=True):
        for name in ("ts", "ys", "inputs"):
            assert getattr(one, name).tobytes() == getattr(other, name).tobytes(), name


def test_predictions_keep_the_rows_as_written(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("x [m],note,run,t [s]\n1.50,ok,b,2.0e0\n,,a,+1\n2,,b,1.\n,late,a,02\n")
    table = read_table(path)
    roles = infer_roles(table, states=["x"])
    predictions = {
        "a": (np.array([1.0, 2.0]), np.array([[0.1], [1 / 3]])),
        "b": (np.array([1, 2]), np.array([[5], [6]])),
    }
    write_table(predictions_table(table, roles, predictions), tmp_path / "predictions.csv")
    assert (tmp_path / "predictions.csv").read_text() == (
        f"run,t [s],x [m]\nb,2.0e0,6.0\na,+1,0.1\nb,1.,5.0\na,02,{1 / 3!r}\n"
    )


def test_other_predictions_stand_beside_in_columns_of_their_own(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("t,x [m],y,x_low\n1,2,3,4\n")
    table = read_table(path)
    each = [{"mine": (np.array([1.0]), np.array([[a, b, c]]))} for a, b, c in ((1, 2, 3), (4, 5, 6), (7, 8, 9))]
    middle, low, high = each
    beside = predictions_table(table, infer_roles(table), middle, beside={"low": low, "high": high})
    names = ["t", "x [m]", "y", "x_low", "x_low_", "y_low", "x_low_low", "x_high", "y_high", "x_low_high"]
    assert [column.header for column in beside.columns] == names
    assert [column.cells[0] for column in beside.columns] == ["1", *(f"{k}.0" for k in range(1, 10))]


def test_predictions_without_ids_at_more_times_than_asked_for(tmp_path):
    path = tmp_path / "pond.csv"
    path.write_text("t,x\n2,\n0.1,\n")
    table = read_table(path)
    ts = np.array([2.0, 1.0, 0.1], dtype=np.float32)  # neither sorted nor in double precision
    predictions = {"pond": (ts, np.array([[np.nan], [8.0], [9.0]]))}
    assert predictions_table(table, infer_roles(table, states=["x"]), predictions).columns[1].cells == ("", "9.0")


def test_predictions_in_the_spelling_of_decimal_commas(tmp_path):
    path = tmp_path / "pond.csv"
    path.write_text("t;x\n0,50;1,5\n1;2\n")
    table = read_table(path)
    predicted = predictions_table(table, infer_roles(table), {"pond": (np.array([0.5, 1]), np.array([[0.25], [2e-9]]))})
    write_table(predicted, tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text() == "t;x\n0,50;0,25\n1;2e-09\n"
    np.testing.assert_array_equal(read_csv(tmp_path / "out.csv")[0].ys, [[0.25], [2e-9]])


@pytest.mark.parametrize(
    "predictions, message",
    [
        ({}, r"^there is no prediction for trajectory 'pond'\.$"),
        ({"pond": (np.array([0.0, 1.5]), np.ones((2, 1)))}, r"^trajectory 'pond' has no prediction at time 1\.$"),
        (
            {"pond": (np.array([0.0, 1.0]), np.ones((2, 2)))},
            r"\(times, states\) = \(2, 1\) .* they have shape \(2, 2\)",
        ),
    ],
)
def test_predictions_must_cover_the_rows(tmp_path, predictions, message):
    path = tmp_path / "pond.csv"
    path.write_text("t,x\n0,1\n1,2\n")
    table = read_table(path)
    with pytest.raises(ValueError, match=message):
        predictions_table(table, infer_roles(table), predictions)


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "out.csv"
    path.write_text("t,x\n0,1\n")
    data = read_csv(path)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(DataError, match="cannot be written: No space left on device"):
        write_csv(data, path)
    assert path.read_text() == "t,x\n0,1\n"
    assert os.listdir(tmp_path) == ["out.csv"]


def test_a_link_keeps_pointing_to_its_file(tmp_path):
    (tmp_path / "real.csv").write_text("t,x\n0,1\n")
    (tmp_path / "link.csv").symlink_to("real.csv")
    write_csv(read_csv(tmp_path / "link.csv"), tmp_path / "link.csv")
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text() == "trajectory,t,x\nlink,0.0,1.0\n"
