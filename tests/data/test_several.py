"""Several files, NPZ files, arrays, frames and standard deviations, all to the same trajectories."""

import re

import numpy as np
import pandas
import pytest

from neuralode_lbfgs.data import DataError, from_arrays, from_frame, read_csv

TS = np.array([0.0, 0.5, 2.0])
YS = np.array([[[1.0, 2.0], [np.nan, 3.0], [0.1, 4.0]], [[5.0, 6.0], [7.0, 8.0], [9.0, 1e-3]]])
US = np.array([[0.0, 1.0, 1.0], [2.0, 2.0, 0.0]])


@pytest.fixture
def files(tmp_path, monkeypatch):
    """The same two trajectories as two files."""
    monkeypatch.chdir(tmp_path)
    for name, ys in zip(("first", "second"), YS, strict=True):
        rows = [f"{t!r},{x!r},{y!r}" for t, (x, y) in zip(TS.tolist(), ys.tolist(), strict=True)]
        (tmp_path / f"{name}.csv").write_text("\n".join(["t,x,y", *rows]) + "\n")
    return ["first.csv", "second.csv"]


@pytest.mark.parametrize("paths", [["first.csv", "second.csv"], "*.csv", ["fir*.csv", "second.csv"]])
def test_files_are_trajectories(files, paths):
    data = read_csv(paths)
    assert (data.ids, data.id_name, data.state_names) == (("first", "second"), "trajectory", ("x", "y"))
    np.testing.assert_array_equal([run.ys for run in data], YS)


def test_ids_inside_of_files_are_kept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("run,t,x\n1,0,1\n2,0,2\n")
    (tmp_path / "b.csv").write_text("t;x;run\n0,5;3,5;3\n")  # columns and marks of its own
    data = read_csv(["a.csv", "b.csv"])
    assert (data.ids, data.id_name) == (("1", "2", "3"), "run")
    assert data["3"].ys.tolist() == [[3.5]]


@pytest.mark.parametrize(
    "first, second, message",
    [
        ("t,x,y\n0,1,2\n", "t,x\n0,1\n", "b.csv has no column 'y', which a.csv has; all files need the same columns."),
        ("t,x\n0,1\n", "t,x,y\n0,1,2\n", "a.csv has no column 'y', which b.csv has; all files need the same columns"),
        ("t,x\n0,1\n", "t,x,on\n0,1,true\n", "a.csv has no column 'on', which b.csv has; all files need the same"),
        ("run,t,x\n1,0,1\n", "run,t,x\n1,1,1\n", "trajectory '1' is in a.csv and in b.csv; name trajectories"),
        ("t,x [m]\n0,1\n", "t,x [mm]\n0,1\n", "b.csv: column 'x' has the unit 'mm', but in a.csv it is 'm'; write all"),
        ("t,x\n0,1\n", "t,x\n0,1\n1,one\n", "b.csv, line 3, column 'x': 'one' is not a number"),
        ("t,x\n0,1\n", "t,x\n0,1\n0,2\n", "b.csv, lines 2 and 3: time 0 of trajectory 'b' comes twice"),
        ("t,x\n0,1\n", "t,x\n2024-01-01,1\n", "b.csv, line 2, column 't': '2024-01-01' is a timestamp among numbers"),
    ],
)  # fmt: skip
def test_files_that_do_not_fit_each_other(tmp_path, monkeypatch, first, second, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text(first)
    (tmp_path / "b.csv").write_text(second)
    with pytest.raises(DataError, match=f"^{re.escape(message)}"):
        read_csv(["a.csv", "b.csv"])


def test_files_that_are_one_or_none(files, tmp_path):
    with pytest.raises(DataError, match=r"^first\.csv is given twice; name every file once\.$"):
        read_csv(["*.csv", "first.csv"])
    with pytest.raises(DataError, match=r"^no file matches none\*\.csv\.$"):
        read_csv("none*.csv")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "first.csv").write_text("t,x,y\n0,1,2\n")
    with pytest.raises(DataError, match=r"^trajectory 'first' is in first\.csv and in other/first\.csv; rename one of"):
        read_csv(["first.csv", "other/first.csv"])


def test_arrays_stacked_and_in_rows(tmp_path):
    stacked = {"ts": TS, "ys": YS, "inputs": US, "ids": ["a", "b"], "names": ["x", "y"], "input_names": ["force"]}
    rows = {
        **stacked,
        "ts": np.tile(TS, 2),
        "ys": YS.reshape(6, 2),
        "inputs": US.ravel(),
        "ids": np.repeat(["a", "b"], 3),
    }
    for arrays in (stacked, rows):
        np.savez(tmp_path / "mine.npz", **arrays)
        for data in (from_arrays(**arrays), read_csv(tmp_path / "mine.npz")):
            assert (data.ids, data.state_names, data.input_names) == (("a", "b"), ("x", "y"), ("force",))
            np.testing.assert_array_equal([run.ys for run in data], YS)
            np.testing.assert_array_equal([run.ts for run in data], [TS, TS])
            np.testing.assert_array_equal([run.inputs for run in data], US[..., None])


def test_arrays_of_little(tmp_path):
    np.savez_compressed(tmp_path / "pond.npz", ts=TS, ys=YS[1, :, 0])
    data = read_csv(tmp_path / "pond.npz")
    assert (data.ids, data.state_names, data.input_size) == (("pond",), ("y",), 0)
    lengths = from_arrays(np.array([[0, 1, 2], [0, 1, np.nan]]), YS, sd=np.full(YS.shape, 0.5))
    assert [run.ts.size for run in lengths] == [3, 2]  # NaN in ts is padding
    np.testing.assert_array_equal(lengths["1"].sd, [[0.5, 0.5]] * 2)
    dated = from_arrays(np.array(["2024-01-31T00:00", "2024-01-31T06:00", "2024-02-01T12:00"], "M8[ns]"), YS[1])
    assert (dated.clock.unit, dated[0].ts.tolist()) == ("h", [0, 6, 36])


@pytest.mark.parametrize(
    "arrays, message",
    [
        ({"t": TS, "ys": YS[1]}, "m.npz: there is no array 'ts' (there is t, ys); ts and ys are needed"),
        ({"ts": TS[:2], "ys": YS[1]}, "m.npz: ts must have shape (3,), as ys has shape (3, 2); it has shape (2,), and"),
        ({"ts": TS, "ys": YS[None]}, "m.npz: ys must have shape (rows, states) or (runs, times, states); it has"),
        ({"ts": TS, "ys": YS[1], "names": ["x"]}, "m.npz: names has 1 names for 2 columns; give one for each."),
        ({"ts": TS, "ys": YS, "ids": ["a"]}, "m.npz: ids must have shape (2,), one for each run; it has shape (1,)."),
        ({"ts": TS, "ys": YS, "inputs": TS}, "m.npz: inputs must have shape (2, 3, 'inputs'), as ys has shape"),
        ({"ts": TS, "ys": YS[1], "sd": TS}, "m.npz: sd must have the shape of ys, (3, 2); it has shape (3, 1)."),
        ({"ts": TS, "ys": ["a", "b", "c"]}, "m.npz: ys must hold numbers; its type is <U1."),
        ({"ts": TS, "ys": np.array([{}, 1, 2], object)}, "m.npz: the array 'ys' is damaged or holds Python objects;"),
        ({"ts": TS, "ys": np.full((3, 1), np.inf)}, "m.npz, row 0, column 'y': 'inf' is infinite, and 2 more"),
        ({"ts": TS[[0, 1, 1]], "ys": YS[1]}, "m.npz, rows 1 and 2: time 0.5 comes twice"),
    ],
)
def test_bad_npz(tmp_path, monkeypatch, arrays, message):
    monkeypatch.chdir(tmp_path)
    np.savez("m.npz", **arrays)
    with pytest.raises(DataError, match=f"^{re.escape(message)}"):
        read_csv("m.npz")


@pytest.mark.parametrize("shape, axis", [((12, 3, 2), 0), ((3, 2, 12), 2), ((2, 12), 1)])
def test_times_on_another_axis(shape, axis):
    ys = np.arange(float(np.prod(shape))).reshape(shape)
    with pytest.raises(DataError, match=rf"so many entries has axis {axis} of ys: .*numpy\.moveaxis\(ys, {axis}, -2\)"):
        from_arrays(np.arange(12), ys)
    assert from_arrays(np.arange(12), np.moveaxis(ys, axis, -2))[0].ts.size == 12


def test_frames_of_timestamps_and_dicts_of_columns():
    times = pandas.date_range("2024-03-30 22:00", periods=4, freq="h", tz="Europe/Berlin")  # over a change of the clock
    data = from_frame(pandas.DataFrame({"time": times, "x": [1, 2, 3, 4]}))
    assert (data.clock.unit, data[0].ts.tolist()) == ("h", [0, 1, 2, 3])
    columns = {"time": np.array(["2024-01-01", "2024-01-02"], "M8[D]"), "x": [1, None], "run": ["a", "a"]}
    data = from_frame(columns)
    assert (data.ids, data.clock.origin) == (("a",), "2024-01-01")
    np.testing.assert_array_equal(data[0].ys, [[1], [np.nan]])
    with pytest.raises(DataError, match="has columns of 1 and of 2 rows"):
        from_frame({"t": [0, 1], "x": [1]})


def test_frames_like_those_of_polars():
    class Series(list):
        def to_list(self):
            return list(self)

    class Frame:  # all that is asked of a polars frame
        columns = ("t", "x")

        def __getitem__(self, name):
            return Series({"t": [0, 1], "x": [0.1, None]}[name])

    data = from_frame(Frame())
    np.testing.assert_array_equal(data[0].ys, [[0.1], [np.nan]])


WITH_SD = "t,x,x_sd,y,u\n0,1,0.1,1,0\n1,,,2,0\n2,3,0.2,,1\n"


def test_standard_deviations(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text(WITH_SD)
    data = read_csv(path, inputs=["u"], sd_columns={"x": "x_sd"}, noise={"y": 2})
    assert data.state_names == ("x", "y")  # the column of standard deviations is no state
    np.testing.assert_array_equal(data[0].sd, [[0.1, 2], [np.nan, 2], [0.2, np.nan]])
    np.testing.assert_array_equal(read_csv(path, states=["y"], noise={"y": 0.5})[0].sd, [[0.5], [0.5], [np.nan]])


@pytest.mark.parametrize(
    "words, message",
    [
        ({"sd_columns": {"x": "x_sd"}}, "state 'y' has no standard deviation, but others have; give it one with"),
        ({"sd_columns": {"x": "x_s"}}, "mine.csv has no column 'x_s' (did you mean 'x_sd'?); it has"),
        ({"sd_columns": {"x": "y"}, "states": ["x", "y"]}, "state 'y' has no standard deviation"),
        ({"sd_columns": {"x": "u"}, "states": ["x"], "inputs": ["u"]}, "column 'u' is named as an input and as a sta"),
        ({"sd_columns": {"z": "x_sd"}}, "a standard deviation is given for 'z', which is no state; the states are"),
        ({"noise": {"X": 1}}, "a standard deviation is given for 'X', which is no state (did you mean 'x'?)"),
        ({"noise": {"x": 0, "y": 1}}, "the noise of state 'x' must be a positive number; it is 0."),
        ({"sd_columns": {"x": "x_sd"}, "noise": {"x": 1}, "states": ["x"]}, "state 'x' has a column of standard dev"),
        ({"sd_columns": {"y": "x_sd"}, "states": ["y"]}, "mine.csv, line 3, column 'x_sd': the standard deviation of"),
        ({"sd_columns": {"x": "u"}, "states": ["x"]}, "mine.csv, line 2, column 'u': the standard deviation of 'x' is"),
    ],
)
def test_bad_standard_deviations(tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.csv").write_text(WITH_SD)
    with pytest.raises(DataError, match=f"^{re.escape(message)}"):
        read_csv("mine.csv", **words)
