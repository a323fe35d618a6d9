"""Every kind of data from file to prediction through the command line, each against the same data as a plain CSV."""

import csv
import json
import tomllib
from dataclasses import replace

import numpy as np
import pytest

from neuralode_lbfgs import FitResult, StopReason, Trajectories, Trajectory, load_model, read_csv
from neuralode_lbfgs.cli import main
from neuralode_lbfgs.data import Clock

SMALL = ("--stages", "matching", "full", "--max-evals", "15", "--width-size", "4", "--depth", "1", "--quiet")
SMALL = (*SMALL, "--no-plots", "--no-report")
MINUTES = np.arange(0, 195, 15)
STARTS = {"a": (1.0, 2.0), "b": (2.0, 0.5)}


def states(minutes, start):
    return start[0] * np.exp(-minutes / 60), start[1] * np.exp(-minutes / 120)


def timestamp(minutes):
    return f"2024-03-31T{minutes // 60:02d}:{minutes % 60:02d}Z"


def table(header, rows, path):
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n")
    return path


def rows_of(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def numbers(path):
    """The two states at the end of each row of a file of predictions."""
    return np.array([[float(cell) for cell in row[-2:]] for row in rows_of(path)[1:]])


pytestmark = pytest.mark.usefixtures("one_cache")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def plain(folder):
    """The data as numbers in one file, and the run that all others are held against."""
    rows = [(run, t, *states(t, start)) for run, start in STARTS.items() for t in MINUTES.tolist()]
    path = table("run,t,x,y", rows, folder / "plain.csv")
    assert main(["fit", str(path), "--train-until", "150", "--out", str(folder / "run"), *SMALL]) == 0
    return folder / "run"


@pytest.fixture(scope="module")
def dated(folder):
    """The same with timestamps, its rows in disorder."""
    rows = [(run, timestamp(t), *states(t, start)) for run, start in STARTS.items() for t in MINUTES.tolist()]
    path = table("run,t,x,y", rows[::-1], folder / "dated.csv")
    words = ["--train-until", "2024-03-31T02:30Z", "--out", str(folder / "dated")]
    assert main(["fit", str(path), *words, *SMALL]) == 0
    return folder / "dated"


def test_timestamps_are_fitted_as_the_minutes_that_they_are(plain, dated, folder, capsys):
    assert [row[:2] for row in rows_of(dated / "predictions.csv")] == [row[:2] for row in rows_of(folder / "dated.csv")]
    np.testing.assert_allclose(numbers(dated / "predictions.csv")[::-1][:13], numbers(plain / "predictions.csv")[:13],
                               rtol=1e-3)  # fmt: skip
    saved = load_model(dated / "model.safetensors")
    assert (saved.columns.clock.origin, saved.columns.clock.unit) == ("2024-03-31T00:00Z", "min")
    words = ["fit", "--config", str(dated / "config.toml"), "--dry-run"]
    assert main(words) == 0
    printed = capsys.readouterr().out.replace("\n  ", " ")
    assert "time: t [minutes since 2024-03-31T00:00Z], from 2024-03-31T00:00:00Z to 2024-03-31T03:00:00Z" in printed
    assert "rows up to 2024-03-31T02:30:00Z; held out: 4 rows" in printed
    assert "the rows of 2 of 2 trajectories were not in the order of time and were sorted" in printed


def test_new_rows_with_timestamps_and_forecasts(plain, dated, folder, capsys):
    rows = [(timestamp(t).replace("T", " ").replace("Z", "+00:00"), *states(t, (1.5, 1.0))) for t in (30, 45, 52)]
    path = table("t,x,y", rows, folder / "new.csv")
    assert main(["predict", str(dated), "--data", str(path), "--out", str(folder / "p.csv")]) == 0
    predicted = rows_of(folder / "p.csv")
    assert [row[0] for row in predicted] == ["t", *(row[0] for row in rows)]
    np.testing.assert_allclose(numbers(folder / "p.csv"), [row[1:] for row in rows], rtol=0.1)
    out = str(folder / "f.csv")
    assert main(["predict", str(dated), "--t1", "2024-03-31T04:00Z", "--num", "9", "--out", out]) == 0
    times = [row[1] for row in rows_of(out)[1:]]
    assert times[:3] == ["2024-03-31T00:00:00Z", "2024-03-31T00:30:00Z", "2024-03-31T01:00:00Z"]
    assert times[8] == "2024-03-31T04:00:00Z"
    known = {tuple(row[:2]): row[2:] for row in rows_of(dated / "predictions.csv")}
    for run, time, *forecast in rows_of(out)[1:]:
        if (run, short := time.replace(":00Z", "Z")) in known:
            assert [float(x) for x in forecast] == pytest.approx([float(x) for x in known[run, short]], rel=1e-4)
    assert main(["predict", str(dated), "--t1", "240", "--num", "9", "--out", str(folder / "g.csv")]) == 0
    assert (folder / "g.csv").read_text() == (folder / "f.csv").read_text()  # in minutes from the origin
    capsys.readouterr()
    for data, words, message in (
        ("t,x,y\n0,1,1\n", [], "line 2, column 't': '0' is one of numbers, but the times that the model was trained"),
        ("t,x,y\n2024-03-31,1,1\n", [], "column 't': '2024-03-31' has no time zone, but the times that the model was"),
        (None, ["--t1", "2024-03-30T00:00Z"], "t1 must be after the start of trajectory 'b', 2024-03-31T00:00:00Z;"),
        (None, ["--t1", "soon"], "--t1: 'soon' is not a time; the times of the data want a timestamp such as"),
        (None, ["--t1", "1e12"], "is beyond the years 1 to 9999"),
    ):
        (folder / "bad.csv").write_text(data or "")
        words = words or ["--data", str(folder / "bad.csv")]
        assert main(["predict", str(dated), *words, "--out", str(folder / "h.csv")]) == 2
        assert message in capsys.readouterr().err
        assert not (folder / "h.csv").exists()


def test_in_python_new_data_may_be_counted_from_elsewhere(plain, folder):
    """Rows every two hours are counted in hours, those of the training data in minutes."""
    data, saved = read_csv(folder / "plain.csv"), load_model(plain / "model.safetensors")
    dated = Trajectories(data.trajectories, data.state_names, clock=Clock("2024-03-31T00:00Z", "min"))
    starts = {name: start.y for name, start in saved.starts.items()}
    result = FitResult(
        saved.model, dated, starts, (), StopReason.DECREASE, 0, 0, 0.0, 0.0, 0.0, 0.0, None, estimated=False
    )
    new = Trajectory("a", np.array([0.5, 2.5]), np.array([[1.0, 2.0], [np.nan, np.nan]]))
    hours = Trajectories((new,), data.state_names, clock=Clock("2024-03-31T06:00+02:00", "h"))
    for start in ("data", "fitted"):
        predicted = result.predict(hours, start=start)[0]
        assert predicted.ts.tolist() == [0.5, 2.5]
        minutes = replace(new, ts=np.array([270.0, 390.0]))
        expected = result.predict(dated.with_trajectories([minutes]), start=start)[0]
        np.testing.assert_allclose(predicted.ys, expected.ys)


def test_milliseconds_of_the_epoch_are_fitted_as_if_from_zero(plain, folder, capsys):
    """1.7e9 s and steps of 15 ms: float64 alone has them to 1.6e-5 of a step, and float32 not at all."""
    rows = [(run, f"1700000000.{t:03d}", *states(t, start)) for run, start in STARTS.items() for t in MINUTES.tolist()]
    path, run = table("run,t [s],x,y", rows, folder / "epoch.csv"), folder / "epoch"
    assert main(["fit", str(path), "--train-until", "1700000000.150", "--out", str(run), *SMALL]) == 0
    assert "time: t [s since 1700000000], from 1700000000 to 1700000000.18" in capsys.readouterr().err
    assert [row[1] for row in rows_of(run / "predictions.csv")[1:]] == [row[1] for row in rows]
    # Only a rounding of the scale of time tells the fits apart.
    expected = numbers(plain / "predictions.csv")
    np.testing.assert_allclose(numbers(run / "predictions.csv"), expected, rtol=1e-6)
    assert main(["predict", str(run), "--t1", "1700000000.18", "--num", "13", "--out", str(folder / "f.csv")]) == 0
    assert [row[1] for row in rows_of(folder / "f.csv")[1:4]] == ["1700000000", "1700000000.015", "1700000000.03"]
    np.testing.assert_allclose(numbers(folder / "f.csv"), expected, rtol=1e-5)
    assert main(["predict", str(run), "--data", str(path), "--out", str(folder / "p.csv")]) == 0
    assert rows_of(folder / "p.csv")[2][1] == "1700000000.015"
    np.testing.assert_allclose(numbers(folder / "p.csv"), expected, rtol=1e-5)


def test_several_files_are_fitted_as_the_one_that_they_are(plain, folder, capsys, monkeypatch):
    for run, start in STARTS.items():
        (folder / "parts").mkdir(exist_ok=True)
        table("t,x,y", [(t, *states(t, start)) for t in MINUTES.tolist()], folder / "parts" / f"{run}.csv")
    monkeypatch.chdir(folder)
    assert main(["fit", "parts/a.csv", "parts/b.csv", "--train-until", "150", *SMALL]) == 0
    run = folder / "runs" / "a_and_1_more"
    predicted = rows_of(run / "predictions.csv")
    assert predicted[0] == ["trajectory", "t", "x", "y"]
    assert predicted[1:] == rows_of(plain / "predictions.csv")[1:]
    assert tomllib.loads((run / "config.toml").read_text())["data"]["data"] == [
        "../../parts/a.csv",
        "../../parts/b.csv",
    ]
    capsys.readouterr()
    assert main(["fit", "--config", "runs/a_and_1_more/config.toml", "--dry-run"]) == 0
    assert "parts/a.csv, parts/b.csv: 26 rows, 2 trajectories (column 'trajectory': a, b)" in capsys.readouterr().out
    assert main(["fit", "parts/*.csv", "--test-trajectories", "b", "--dry-run"]) == 0
    assert "held out: b" in capsys.readouterr().out
    assert main(["predict", str(run), "--data", "parts/b.csv", "parts/a.csv", "--out", "both.csv"]) == 0
    assert [row[0] for row in rows_of("both.csv")[1:]] == ["b"] * 13 + ["a"] * 13
    assert main(["predict", str(run), "--data", "parts/b.csv", "--start", "fitted", "--out", "one.csv"]) == 0
    assert rows_of("one.csv")[0] == ["t", "x", "y"]
    np.testing.assert_array_equal(numbers("one.csv"), numbers(run / "predictions.csv")[13:])
    assert main(["plot", str(run)]) == 0


def test_an_npz_file_is_fitted_as_the_table_that_it_is(plain, folder, capsys):
    ys = np.array([np.stack(states(MINUTES, start), axis=1) for start in STARTS.values()])
    np.savez(folder / "arrays.npz", ts=MINUTES, ys=ys, ids=list(STARTS), names=["x", "y"])
    path = str(folder / "arrays.npz")
    assert main(["fit", path, "--train-until", "150", "--out", str(folder / "npz"), *SMALL]) == 0
    predicted, expected = rows_of(folder / "npz" / "predictions.csv"), rows_of(plain / "predictions.csv")
    assert (predicted[0], predicted[1:]) == (["trajectory", "t", "x", "y"], expected[1:])
    assert main(["predict", str(folder / "npz"), "--data", path, "--out", str(folder / "p.csv")]) == 0
    assert len(rows_of(folder / "p.csv")) == 27


def test_standard_deviations_take_the_weight_of_rows_that_are_far_off(folder, capsys):
    rng = np.random.default_rng(0)
    rows = []
    for run, start in STARTS.items():
        for t in MINUTES.tolist():
            off = t in (30, 75, 120)
            x, y = (z + 0.01 * rng.normal() for z in states(t, start))
            rows.append((run, t, x + 3 * off, y, 50 if off else 0.01))
    path = str(table("run,t,x,y,x_err", rows, folder / "doubtful.csv"))
    truth = np.array([states(t, start) for start in STARTS.values() for t in MINUTES.tolist()])
    words = ["--sd-columns", "x=x_err", "--noise", "y=0.01", "--train-until", "150"]
    assert main(["fit", path, *words, "--out", str(folder / "told"), *SMALL]) == 0
    assert "standard deviations: x x_err, y 0.01" in capsys.readouterr().err
    # It is above 0.3 where all rows count alike.
    assert np.sqrt(np.mean((numbers(folder / "told" / "predictions.csv") - truth) ** 2)) < 0.1
    config = tomllib.loads((folder / "told" / "config.toml").read_text())["data"]
    assert (config["sd_columns"], config["noise"]) == (["x=x_err"], ["y=0.01"])
    # Nor do these rows pull the start that a prediction is estimated from.
    assert main(["predict", str(folder / "told"), "--data", path, "--warmup", "8", "--out", str(folder / "w.csv")]) == 0
    assert np.sqrt(np.mean((numbers(folder / "w.csv") - truth) ** 2)) < 0.1


@pytest.mark.slow
def test_a_switch_is_held_between_rows(folder, capsys):
    """y' = u - y, u of two values switched at rows: exact row by row."""
    rng = np.random.default_rng(1)
    ts = np.arange(24) * 0.5
    us, y = rng.integers(0, 2, ts.size), 0.2
    rows = []
    for k, (t, u) in enumerate(zip(ts.tolist(), us.tolist(), strict=True)):
        # Recorded only where it changes: blank cells are as the one before.
        rows.append((t, y, u if k in (0, ts.size - 1) or u != us[k - 1] else ""))
        y = u + (y - u) * np.exp(-0.5)
    path = str(table("t,y,valve", rows, folder / "switch.csv"))
    words = ["--inputs", "valve", "--stages", "full", "--initial-states", "data", "--max-evals", "120", *SMALL[5:]]
    assert main(["fit", path, "--dry-run", "--inputs", "valve", "--input-linear", "valve"]) == 0
    assert "inputs: valve (linear)" in capsys.readouterr().out
    assert main(["fit", path, *words, "--out", str(folder / "held")]) == 0
    printed = capsys.readouterr().err.replace("\n  ", " ")
    assert "inputs: valve (held from row to row)" in printed
    assert "blank cells of the input 'valve' were filled with the value before" in printed
    assert json.loads((folder / "held" / "metrics.json").read_text())["train"]["scaled_rmse"] < 0.1
    saved = load_model(folder / "held" / "model.safetensors")
    assert saved.columns.hold == (True,)
    config = tomllib.loads((folder / "held" / "config.toml").read_text())["data"]
    assert (config["input_hold"], config["input_linear"]) == (["valve"], [])
    # New rows are held, too, and those of a forecast.
    rows, y, by_hand = [], 0.5, []
    for k in range(20):
        u = int(k % 8 < 3)
        rows.append((0.5 * k, y if k == 0 else "", u))
        by_hand.append(y)
        y = u + (y - u) * np.exp(-0.5)
    new = table("t,y,valve", rows, folder / "new_switch.csv")
    assert main(["predict", str(folder / "held"), "--data", str(new), "--out", str(folder / "p.csv")]) == 0
    np.testing.assert_allclose([float(row[1]) for row in rows_of(folder / "p.csv")[1:]], by_hand, atol=0.05)
    assert main(["predict", str(folder / "held"), "--t1", "11.5", "--num", "24", "--out", str(folder / "f.csv")]) == 0
    forecast = [float(row[1]) for row in rows_of(folder / "f.csv")[1:]]
    known = [float(row[1]) for row in rows_of(folder / "held" / "predictions.csv")[1:]]
    np.testing.assert_allclose(forecast, known, atol=1e-4)


def test_a_driven_run_begins_anew_after_a_gap(folder, capsys):
    """The input went up and down again where rows are missing: through the gap no model could follow."""
    ts = np.arange(0.0, 20.0, 0.25)
    u = ((ts > 3) & (ts < 5)) | ((ts > 9) & (ts < 14))
    x = np.zeros_like(ts)
    for i, step in enumerate(np.diff(ts)):  # dx/dt = u - x
        x[i + 1] = u[i] + (x[i] - u[i]) * np.exp(-step)
    seen = (ts < 8.5) | (ts > 14.5)
    both = list(zip(ts[seen], x[seen], u[seen].astype(int), strict=True))
    path, rows = table("t,x,u", both, folder / "gap.csv"), seen.sum()
    told = f"note: 1 gap in the rows (the first before {path}, line {int((ts < 8.5).sum()) + 2}, column 't')"
    assert main(["fit", str(path), "--inputs", "u", "--out", str(folder / "gap"), *SMALL]) == 0
    assert told in capsys.readouterr().err.replace("\n  ", " ")
    written = rows_of(folder / "gap" / "predictions.csv")
    assert len(written) == rows + 1
    assert {row[0] for row in written[1:]} == {"gap (1)", "gap (2)"}
    last = [float(row[-1]) for row in written if row[0] == "gap (2)"]
    assert last[0] == pytest.approx(x[ts > 14.5][0], abs=0.05)  # a start of its own
    assert main(["predict", str(folder / "gap"), "--data", str(path), "--out", str(folder / "gap.out.csv")]) == 0
    assert len(rows_of(folder / "gap.out.csv")) == rows + 1  # through the gap, with the inputs as they are given


def test_what_nobody_named_is_told_once_and_then_kept(folder, capsys):
    rows = [(t, *states(t, STARTS["a"]), t > 60, 5 * (t > 90)) for t in MINUTES.tolist()]
    path = table("t,x,y,fan,current", rows, folder / "roles.csv")
    assert main(["fit", str(path), "--dry-run"]) == 0
    printed = capsys.readouterr().out.replace("\n  ", " ")
    assert "states: x, y, current\ninputs: fan (held from row to row)\n" in printed
    assert (
        "note: 'current' looks like steps or pulses, as no state does; if it is known, give it as --inputs fan current"
        in printed
    )
    assert main(["fit", str(path), "--inputs", "current", "--out", str(folder / "roles"), *SMALL]) == 0
    capsys.readouterr()
    for words in ([str(path), "--inputs", "current"], ["--config", str(folder / "roles" / "config.toml")]):
        assert main(["fit", *words, "--dry-run"]) == 0
        printed = capsys.readouterr().out
        assert "states: x, y\ninputs: current (held from row to row), fan (held from row to row)\n" in printed
        assert "note" not in printed


def test_what_stands_alone_is_left_out(folder, capsys):
    ts = np.linspace(0.0, 5.0, 40)
    ys = np.exp(-ts[:, None] * [0.5, 0.2])
    right = table("t,x,y", zip(ts, *ys.T, strict=True), folder / "right.csv")
    blank = [(t, "" if i == 20 else x, y) for i, (t, (x, y)) in enumerate(zip(ts, ys, strict=True))]
    slipped = [(t, 7.5 if i == 20 else x, y) for i, (t, (x, y)) in enumerate(zip(ts, ys, strict=True))]
    blank = table("t,x,y", blank, folder / "blank.csv")
    slipped = table("t,x,y", slipped, folder / "slipped.csv")
    found = {}
    for name, words in {"blank": (blank,), "left": (slipped,), "kept": (slipped, "--keep-outliers")}.items():
        assert main(["fit", *map(str, words), "--out", str(folder / name), *SMALL]) == 0
        out, told = (" ".join(text.split()) for text in capsys.readouterr())  # wherever lines are broken
        assert ("1 value far off the rows around" in told) == (name == "left")
        assert (f"{slipped}, line 22, column 'x': 7.5" in told) == (name == "left")
        assert ("1 value far off the rows around was fitted, too" in out) == (name == "kept")
        assert main(["predict", str(folder / name), "--data", str(right), "--out", str(folder / "right.out")]) == 0
        found[name] = numbers(folder / "right.out")
    np.testing.assert_array_equal(found["left"], found["blank"])
    # Nor do they spoil a start, unless that is wanted.
    starts = {}
    words = ["predict", str(folder / "left"), "--warmup", "30", "--data"]
    for name, more in {"blank": (blank,), "slipped": (slipped,), "kept": (slipped, "--keep-outliers")}.items():
        assert main([*words, *map(str, more), "--out", str(folder / "start.out")]) == 0
        told = f"left out of the rows that starts are estimated from (--keep-outliers keeps them): {slipped}, line 22"
        assert (told in capsys.readouterr().err) == (name == "slipped")
        starts[name] = numbers(folder / "start.out")[0]
    np.testing.assert_array_equal(starts["slipped"], starts["blank"])
    assert np.abs(starts["kept"] - starts["blank"]).max() > 0.01
    assert np.abs(found["left"] - ys).max() < np.abs(found["kept"] - ys).max() / 3


def test_the_summary_begins_with_the_file_as_a_column_may_be_called_as_it_is(folder, capsys):
    path = table("t,x", [(t, *states(t, (1.0, 2.0))[:1]) for t in MINUTES.tolist()], folder / "train.csv")
    assert main(["fit", str(path), "--out", str(folder / "titled"), *SMALL]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith(f"train.csv: {MINUTES.size} rows of 1 trajectory") for line in lines)
    assert not any(line.startswith("train: ") for line in lines)
