"""The command line as a person meets it: every verb, every exit code, and what is on disk afterwards."""

import csv
import dataclasses
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import jax
import numpy as np
import pytest

from neuralode_lbfgs import LinearInputs, NeuralODE, load_model, read_csv
from neuralode_lbfgs.cli import app, main
from neuralode_lbfgs.commands.interrupts import Interrupts
from neuralode_lbfgs.commands.telling import contents_of_folder

SMALL = ("--max-iter", "20", "--width-size", "4", "--depth", "1", "--quiet")
HELD_OUT = ("--states", "x", "y", "--test-trajectories", "b")
CONTINUED = ("--states", "x", "y", "--train-until", "2")
PLOTS = ("trajectories", "phase_portrait", "residuals", "history")
FILES = {"model.safetensors", "config.toml", "history.csv", "metrics.json", "predictions.csv"}
FILES |= {"report.json", "report.html"}
FILES |= {f"{plot}.{ending}" for plot in PLOTS for ending in ("png", "svg")}


def rows_of(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


pytestmark = pytest.mark.usefixtures("one_cache")


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Two decaying runs, the second out of order and with a gap; times as a person writes them."""
    path = tmp_path_factory.mktemp("data") / "decay.csv"
    lines = ["run,t,x,y,comment"]
    for run, (x0, y0) in {"a": (1.0, 2.0), "b": (2.0, 0.5)}.items():
        times = [f"{0.25 * k:.2f}" for k in range(13)]
        if run == "b":
            times[3], times[4] = times[4], times[3]
        for text in times:
            t = float(text)
            x = "" if run == "b" and text == "1.00" else repr(float(x0 * np.exp(-t)))
            lines.append(f"{run},{text},{x},{float(y0 * np.exp(-0.5 * t))!r},")
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def run(table, tmp_path_factory):
    """A run of `fit`: its folder. The one fit that most tests look at."""
    folder = tmp_path_factory.mktemp("runs") / "decay"
    assert main(["fit", str(table), "--out", str(folder), *HELD_OUT, *SMALL]) == 0
    return folder


def test_fit_writes_a_whole_folder_and_nothing_beside_it(run):
    assert {path.name for path in run.iterdir()} == FILES
    assert [path.name for path in run.parent.iterdir()] == [run.name]


def test_metrics_have_the_promised_keys(run):
    metrics = json.loads((run / "metrics.json").read_text())
    assert list(metrics) == [
        "stop_reason", "iterations", "evaluations", "compile_s", "run_s", "total_s", "train", "test", "baseline",
        "diagnosis",
    ]  # fmt: skip
    for errors in (metrics["train"], metrics["test"], metrics["baseline"]["train"], metrics["baseline"]["test"]):
        assert set(errors) == {"rmse", "scaled_rmse"}
        assert set(errors["rmse"]) == {"x", "y"}
    assert metrics["train"]["scaled_rmse"] < 0.2 < metrics["baseline"]["train"]["scaled_rmse"] == pytest.approx(1)
    assert metrics["total_s"] >= metrics["compile_s"] + metrics["run_s"]


def test_predictions_have_the_rows_of_the_data_in_their_order_and_writing(run, table):
    data, predicted = rows_of(table), rows_of(run / "predictions.csv")
    assert [row[:2] for row in predicted] == [row[:2] for row in data]
    assert predicted[0] == ["run", "t", "x", "y"]
    values = np.array([[float(cell) for cell in row[2:]] for row in predicted[1:]])
    assert np.isfinite(values).all()  # also where the data have a gap


def test_metrics_agree_with_the_predictions(run, table):
    metrics = json.loads((run / "metrics.json").read_text())
    data = read_csv(table, states=["x", "y"])["a"]
    predicted = read_csv(run / "predictions.csv")["a"]
    rmse = np.sqrt(np.mean((predicted.ys - data.ys) ** 2, axis=0))
    assert rmse == pytest.approx(list(metrics["train"]["rmse"].values()))


def test_history_counts_on_over_the_stages(run):
    header, *rows = rows_of(run / "history.csv")
    assert header == ["stage", "iteration", "evaluations", "loss", "gradient_norm", "step_size", "seconds"]
    evaluations = [int(float(row[2])) for row in rows]
    assert evaluations == sorted(evaluations)
    assert float(rows[-1][3]) < float(rows[0][3])


def test_the_saved_model_is_a_neural_ode_in_the_units_of_the_data(run, table):
    saved = load_model(run / "model.safetensors")
    assert isinstance(saved.model, NeuralODE)
    assert (saved.columns.time, saved.columns.trajectory, saved.columns.states) == ("t", "run", ("x", "y"))
    assert list(saved.starts) == ["a"]
    predicted = read_csv(run / "predictions.csv")["a"]
    ys = saved.model(predicted.ts, saved.starts["a"].y)
    assert np.asarray(ys) == pytest.approx(predicted.ys, rel=1e-9, abs=1e-9)


def test_config_runs_the_fit_again_and_flags_win_over_it(run, tmp_path, capsys):
    config = tomllib.loads((run / "config.toml").read_text())
    assert list(config) == ["data", "model", "fit", "run", "record"]
    assert config["model"]["width_size"] == 4
    assert config["data"]["test_trajectories"] == ["b"]
    words = ["fit", "--config", str(run / "config.toml"), "--out", str(tmp_path / "again"), "--dry-run"]
    assert main(words) == 0
    assert "2-4-2" in (printed := capsys.readouterr().out)
    assert "held out: b" in printed
    assert main([*words, "--width-size", "7", "--train-until", "2"]) == 0
    assert "2-7-2" in (printed := capsys.readouterr().out)
    assert "rows up to 2; held out: 8 rows" in printed


def test_a_config_file_names_its_data_from_where_it_is(run, table, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "decay.csv").write_text(table.read_text())
    assert main(["fit", "decay.csv", *CONTINUED, "--out", "runs/one", "--no-plots", *SMALL]) == 0
    assert tomllib.loads(Path("runs/one/config.toml").read_text())["data"]["data"] == "../../decay.csv"
    assert not list(Path("runs/one").glob("*.png"))
    monkeypatch.chdir("runs/one")
    capsys.readouterr()
    assert main(["plot", "."]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "trajectories.png"
    assert set(FILES) == {path.name for path in Path().iterdir()}
    metrics = json.loads(Path("metrics.json").read_text())
    assert set(metrics["test"]["rmse"]) == {"x", "y"}
    assert len(rows_of("predictions.csv")) == 27  # the continuation as well


def test_the_summary_fits_a_terminal_and_has_the_errors(table, run, tmp_path, capsys):
    words = [*HELD_OUT, "--no-plots", "--no-report", *SMALL, "--overwrite"]
    (tmp_path / "notes.txt").write_text("mine")
    assert main(["fit", str(table), "--out", str(tmp_path), *words]) == 0
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    assert max(len(line) for line in lines if not line.startswith("results: ")) <= 80  # but for the folder's name
    assert any(line.split()[:1] == ["RMSE"] and "held out" in line for line in lines)
    assert any(line.startswith("stopped: ") for line in lines)
    assert "26 rows, 2 trajectories" in " ".join(printed.err.split())
    assert (tmp_path / "notes.txt").read_text() == "mine"  # what else is in the folder stays


def test_dry_run_says_what_would_be_done_and_writes_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["fit", "mass_spring_forced", "--dry-run"]) == 0
    printed = capsys.readouterr().out
    assert "states: x [m], v [m/s]\ninputs: u [N]" in printed
    assert "8 of 12 trajectories; held out: test1, test2, test3, test4" in printed
    assert "layers 3-16-16-2" in printed
    assert "beside it: a polynomial of degree 3, kept if it leads to the data" in printed
    assert "stages: matching, shooting, full, polish, as far as they are needed;\n  at most" in printed
    for words, stages in (
        ("--degree 0", "matching, shooting, full, polish, as far as they are needed"),
        ("--ensemble 3", "matching, shooting, full, polish, as far as they are needed"),
        ("--stages full", "full"),
        ("--optimizer adam", "matching, full"),
        ("--width-size 300", "matching, full"),
    ):
        assert main(["fit", "mass_spring_forced", "--dry-run", *words.split()]) == 0
        printed = capsys.readouterr().out
        assert "polynomial" not in printed
        assert f"stages: {stages}; at most" in printed.replace("\n  ", " ")
    assert main(["fit", "mass_spring_forced", "--dry-run", "--test-trajectories"]) == 0
    assert "nothing is held out" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


def test_many_columns_are_listed_within_80(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = [f"temperature_{place} [degC]" for place in range(12)]
    rows = [",".join(str(float(t + place)) for place in range(13)) for t in range(5)]
    (tmp_path / "wide.csv").write_text("\n".join([",".join(["t", *names]), *rows]) + "\n")
    assert main(["fit", "wide.csv", "--dry-run"]) == 0
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= 80
    assert all(name in printed for name in names)  # each with its unit in one line
    assert f"states: {', '.join(names)}\n" in printed.replace("\n  ", " ")


def told_by(path):
    """The words of a report."""
    text = re.sub(r"<script>.*?</script>|<style>.*?</style>", "", path.read_text(), flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", text).split())


def test_report_is_the_same_again_and_asks_for_no_fit(run, table, capsys):
    before = told_by(run / "report.html")
    assert "explains 26 rows of 2 trajectories?" in before
    assert f"--config {run}/config.toml" in before
    rmse = json.loads((run / "metrics.json").read_text())["test"]["rmse"]["x"]
    assert f" {rmse:.3g} " in before
    (run / "report.html").unlink()
    assert main(["report", str(run)]) == 0
    assert capsys.readouterr().out.strip() == str(run / "report.html")
    assert told_by(run / "report.html") == before


def test_report_says_what_is_missing_or_has_changed(run, table, tmp_path, capsys):
    """A run that was copied without its data, with other data, and one of an older version."""
    copy = tmp_path / "runs" / "copy"
    shutil.copytree(run, copy)
    config = copy / "config.toml"
    there = tmp_path / "decay.csv"
    config.write_text(re.sub(r'(?m)^data = ".*"', f'data = "{there}"', config.read_text()))
    gone = contents_of_folder(copy)
    assert gone.rows is None and "The data cannot be read any more" in gone.remarks[0]
    assert main(["report", str(copy), "--phase", "y", "x"]) == 0
    words = told_by(copy / "report.html")
    assert "The data cannot be read any more" in words and "x against y" in words
    shutil.copy(table, there)
    assert contents_of_folder(copy).remarks == ()
    there.write_text(table.read_text().replace("a,0.00,1.0,", "a,0.00,1.5,"))
    assert "The data have changed" in contents_of_folder(copy).remarks[0]
    there.write_text(table.read_text() + "a,9,1,1,\n")
    moved = contents_of_folder(copy)
    assert moved.rows is None and "do not go with the predictions" in moved.remarks[0]
    shutil.copy(table, there)
    (copy / "report.json").unlink()
    older = contents_of_folder(copy)
    assert "An older version" in older.remarks[0] and [one.id for one in older.drawn] == ["a", "b"]
    capsys.readouterr()
    for words, why in (
        ([str(tmp_path)], "holds no run (metrics.json is missing)"),
        ([str(copy), "--phase", "x", "z"], "no state 'z'"),
        ([str(copy), "--phase", "x", "x"], "two different states"),
    ):
        assert main(["report", *words]) == 2
        assert why in capsys.readouterr().err


def test_predict_on_a_file(run, table, tmp_path):
    assert main(["predict", str(run), "--data", str(table), "--out", str(tmp_path / "p.csv")]) == 0
    data, predicted = rows_of(table), rows_of(tmp_path / "p.csv")
    assert [row[:2] for row in predicted] == [row[:2] for row in data]
    assert predicted[1][2:] == data[1][2:4]  # each starts from its own first row


@pytest.mark.parametrize("name, words", [("series", []), ("where", ["--trajectory", "where"])])
def test_predict_on_runs_that_a_column_of_another_name_tells_apart(run, table, tmp_path, name, words, capsys):
    (tmp_path / "new.csv").write_text(table.read_text().replace("run,", f"{name},", 1))
    asked = ["predict", str(run), "--data", str(tmp_path / "new.csv"), "--out", str(tmp_path / "p.csv")]
    assert main([*asked, *words]) == 0
    assert [row[:2] for row in rows_of(tmp_path / "p.csv")[1:]] == [row[:2] for row in rows_of(table)[1:]]
    assert main([*asked, "--trajectory", "a", "b"]) == 2
    assert "--trajectory names one column with --data" in capsys.readouterr().err


def test_predict_says_where_a_warmup_is_longer_than_the_rows(run, table, tmp_path, capsys):
    few = tmp_path / "few.csv"
    few.write_text("\n".join(line for line in table.read_text().splitlines() if not line.startswith("b")))
    words = ["predict", str(run), "--out", str(tmp_path / "p.csv")]
    for path, number, told in (
        (few, 100, "note: --warmup 100: trajectory 'a' has 13 rows with observations, and its start is estimated"),
        (
            table,
            14,
            "note: --warmup 14: 2 trajectories have fewer rows with observations (13 of 'a'), and their starts are",
        ),
        (table, 13, ""),
    ):
        assert main([*words, "--data", str(path), "--warmup", str(number)]) == 0
        said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("note: --warmup")]
        assert len(said) == bool(told)
        assert all(line.startswith(told) for line in said)


def test_predict_from_a_start_estimated_from_several_rows(run, table, tmp_path):
    path = tmp_path / "incomplete.csv"
    header, *rows = [line.split(",") for line in table.read_text().splitlines()]
    states = [i for i, name in enumerate(header) if name in ("x", "y")]
    for number, row in enumerate(rows):
        row[states[number % 2]] = ""
    path.write_text("\n".join(",".join(row) for row in [header, *rows]) + "\n")
    words = ["predict", str(run), "--data", str(path), "--out", str(tmp_path / "p.csv")]
    assert main(words) == 2  # no row is complete
    assert main([*words, "--warmup", "8"]) == 0
    known = {tuple(row[:2]): row[2:] for row in rows_of(run / "predictions.csv")[1:]}
    off = [
        abs(float(a) - float(b))
        for row in rows_of(tmp_path / "p.csv")[1:]
        if row[0] == "a"
        for a, b in zip(row[2:], known[tuple(row[:2])], strict=True)
    ]
    assert len(off) == 26
    assert max(off) < 0.02


def test_predict_from_the_fitted_start(run, table, tmp_path, capsys):
    # Rows after the start, in a file without the column of trajectories, whose states are blank.
    path = tmp_path / "later.csv"
    path.write_text("t,x,y\n2.00,,\n0.50,,\n")
    words = ["predict", str(run), "--data", str(path), "--out", str(tmp_path / "p.csv")]
    assert main(words) == 2
    assert "no row in which every state is given" in capsys.readouterr().err
    assert not (tmp_path / "p.csv").exists()
    assert main([*words, "--warmup", "5"]) == 2
    assert "nothing is observed" in capsys.readouterr().err
    assert main([*words, "--start", "fitted"]) == 0
    known = {row[1]: row[2:] for row in rows_of(run / "predictions.csv") if row[0] == "a"}
    predicted = rows_of(tmp_path / "p.csv")
    assert [row[0] for row in predicted] == ["t", "2.00", "0.50"]
    for time_text, *states in predicted[1:]:
        assert [float(s) for s in states] == pytest.approx([float(s) for s in known[time_text]], rel=1e-4)
    assert main(["predict", str(run), "--data", str(table), "--start", "fitted", "--out", str(tmp_path / "q.csv")]) == 2
    assert "trajectory 'b' has no fitted start" in capsys.readouterr().err


def test_forecast(run, tmp_path, capsys):
    assert main(["predict", str(run), "--t1", "5", "--num", "6", "--out", str(tmp_path / "f.csv")]) == 0
    rows = rows_of(tmp_path / "f.csv")
    assert rows[0] == ["run", "t", "x", "y"]
    assert [row[:2] for row in rows[1:]] == [["a", f"{t}.0"] for t in range(6)]
    assert main(["predict", str(run), "--t1", "5", "--trajectory", "c", "--out", str(tmp_path / "g.csv")]) == 2
    assert "no training trajectory 'c'" in capsys.readouterr().err


def test_datasets(capsys):
    assert main(["datasets"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[:2]] == ["name", "alpha_pinene"]
    assert max(map(len, lines)) <= 80


def test_generate(tmp_path, capsys):
    out = tmp_path / "vdp.csv"
    words = ["generate", "van_der_pol", "--out", str(out), "--num-trajectories", "2", "--num", "5", "--t1", "2"]
    words += ["--noise", "0.1", "--relative-noise", "--missing", "0.2", "--random-times", "--seed", "3"]
    assert main(words) == 0
    data = read_csv(out)
    assert (len(data), data.state_names, data[0].ts.size) == (2, ("x", "v"), 5)
    assert f"neuralode-lbfgs fit {out}" in capsys.readouterr().err
    assert main(["generate"]) == 0
    assert "van_der_pol " in capsys.readouterr().out
    assert main(["generate", "vanderpol", "--out", str(out)]) == 2
    assert "did you mean 'van_der_pol'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words,message",
    [
        ("fit", "name the data"),
        ("fit no_such.csv", "neither a file nor a bundled data set"),
        ("fit hare_lynks", "did you mean 'hare_lynx'"),
        ("fit hare_lynx --widht-size 3", 'Did you mean --width-size'),
        ("fit hare_lynx --width-size 0", "width_size must be at least 1; it is 0"),
        ("fit hare_lynx --width-size 8.5", "--width-size needs a whole number; it is 8.5"),
        ("fit hare_lynx --rtol 0", "rtol must be between 0 and 1"),
        ("fit hare_lynx --solver Tsit6", "Tsit5"),
        ("fit -", "'-' names no file here; give a path: /dev/stdin"),
        ("predict run --t1 3 --out -", "'-' names no file here"),
        ("fit hare_lynx --stages macthing", "there is no stage 'macthing'"),
        ("fit hare_lynx --states hare lynks", "lynks"),
        ("fit hare_lynx --train-until 99", "--train-until: splitting at t = 99 leaves nothing to test on"),
        ("fit lotka_volterra --test-trajectories nobody", "no trajectory has the id 'nobody'"),
        ("fit lotka_volterra --train-until 3 --test-trajectories test1", "give one of them"),
        ("fit hare_lynx --config nothing.toml", "nothing.toml cannot be read"),
        ("fit hare_lynx --out taken", "taken is a file"),
        ("predict nowhere --t1 3 --out p.csv", "nowhere holds no run"),
        ("predict nowhere --out p.csv", "either --data FILE"),
        ("predict nowhere --t1 3 --out no/p.csv", "does not exist"),
        ("predict nowhere --t1 3 --warmup 3 --out p.csv", "--warmup N estimates"),
        ("predict nowhere --data p.csv --warmup 0 --out p.csv", "N is at least 1"),
        ("plot nowhere", "nowhere holds no run"),
        ("generate van_der_pol", "--out"),
        ("generate van_der_pol --out v.csv --missing 2", "missing"),
        ("fitt hare_lynx", 'Did you mean "fit"'),
    ],
)  # fmt: skip
def test_bad_input_is_one_sentence_and_writes_nothing(words, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").touch()
    assert main(words.split()) == 2
    printed = capsys.readouterr()
    assert message in printed.err.splitlines()[-1]
    assert printed.err.count("error: ") == 1
    assert "Traceback" not in printed.err
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


@pytest.mark.parametrize(
    "text,message",
    [
        ("[modle]\n", "did you mean 'model'"),
        ("[model]\nwitdh_size = 3\n", "no option 'witdh_size' in [model] (did you mean 'width_size'?)"),
        ("[model]\nwidth_size = 3.5\n", "whole number"),
        ("[model]\nwidth_size = 'wide'\n", "wide"),
        ("[model\n", "is not TOML"),
        ("width_size = 3\n", "its sections are data, model, fit, run"),
    ],
)
def test_a_config_file_that_is_wrong(text, message, tmp_path, capsys):
    (tmp_path / "c.toml").write_text(text)
    assert main(["fit", "hare_lynx", "--config", str(tmp_path / "c.toml"), "--dry-run"]) == 2
    assert message in capsys.readouterr().err


def test_a_folder_that_holds_a_run_is_refused(run, table, capsys):
    before = {path: path.read_bytes() for path in run.iterdir()}
    assert main(["fit", str(table), "--states", "x", "y", "--out", str(run), *SMALL]) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in run.iterdir()} == before


def test_a_held_out_trajectory_without_a_start_is_refused_before_the_fit(tmp_path, capsys):
    (tmp_path / "d.csv").write_text("id,t,x,y\na,0,1,1\na,1,2,2\nb,0,1,\nb,1,,1\n")
    assert main(["fit", str(tmp_path / "d.csv"), "--test-trajectories", "b", *SMALL]) == 2
    assert "trajectory 'b' is held out, but has no row" in capsys.readouterr().err


@pytest.mark.parametrize("words, told", [([], 1), (["--dry-run"], 1), (["--transform", "log=n"], 0)])
def test_states_over_decades_are_told_of_before_the_fit(tmp_path, monkeypatch, capsys, words, told):
    def stopped(*_):
        raise ValueError("no fit")

    monkeypatch.setattr("neuralode_lbfgs.commands.fit._fitted", stopped)
    monkeypatch.chdir(tmp_path)
    rows = [f"{t},{10.0 ** (6 - t)}" for t in range(9)]
    Path("n.csv").write_text("\n".join(["t,n", *rows]) + "\n")
    assert main(["fit", "n.csv", *words]) == (0 if "--dry-run" in words else 2)
    assert "".join(capsys.readouterr()).count("note: n: over more than 4 powers of ten") == told


def test_what_was_told_before_the_fit_is_not_told_again(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rows = [f"{t},{10.0 ** (6 - t)}" for t in range(9)]
    Path("n.csv").write_text("\n".join(["t,n", *rows]) + "\n")
    main(["fit", "n.csv", "--width-size", "2", "--max-evals", "3", "--no-plots", "--no-report"])
    assert " ".join("".join(capsys.readouterr()).split()).count("note: n: over more than 4 powers of ten") == 1


def test_a_fit_that_is_no_better_than_its_start_ends_with_1(table, tmp_path, monkeypatch, capsys):
    from neuralode_lbfgs.fitting import fit as real
    from neuralode_lbfgs.optimise import StopReason

    def stuck(*args, **keywords):
        result = real(*args, **keywords)
        stages = tuple(dataclasses.replace(stage, history=stage.history[:1]) for stage in result.stages)
        return dataclasses.replace(
            result, stages=stages, loss=result.initial_loss, stop_reason=StopReason.SEARCH_FAILED
        )

    monkeypatch.setattr("neuralode_lbfgs.fitting.fit", stuck)
    words = [*CONTINUED, "--no-plots", "--no-report", "--out", str(tmp_path / "run"), *SMALL]
    assert main(["fit", str(table), *words]) == 1
    assert "no better than where it started: no step along" in capsys.readouterr().err
    assert (tmp_path / "run" / "metrics.json").exists()


@pytest.fixture
def _signals_are_heeded():
    """Under nohup a program inherits that SIGINT is ignored, and `Interrupts` keeps to that."""
    handlers = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("_signals_are_heeded")
@pytest.mark.parametrize("number,code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_first_signal_asks_and_the_second_stops(number, code):
    with Interrupts() as interrupts:
        interrupts.check()
        signal.raise_signal(number)
        assert interrupts.came
        assert interrupts.exit_code == code
        with pytest.raises(KeyboardInterrupt):
            interrupts.check()
        with interrupts.held():
            signal.raise_signal(number)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
        assert interrupts.exit_code == code
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_interrupted_fit_saves_the_best_model(tmp_path):
    words = ["fit", "hare_lynx", "--out", str(tmp_path / "run"), "--no-report", "--ftol", "0", "--width-size", "4"]
    words += ["--max-iter", "1000000", "--max-evals", "1000000"]
    with subprocess.Popen(
        [sys.executable, "-m", "neuralode_lbfgs", *words], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("matching:"):  # the other stage is about to compile
                break
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=120)
    assert process.returncode == 143, err
    assert "stopped: interrupted" in out
    assert err.count("stopping; the best model") == 1
    assert f"no plots of a fit that was interrupted: for them neuralode-lbfgs plot {tmp_path / 'run'}\n" in out
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics["stop_reason"] == "interrupted"
    assert metrics["train"]["scaled_rmse"] is not None
    assert (tmp_path / "run" / "model.safetensors").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_help_needs_nothing_heavy():
    code = (
        "import sys\nfrom neuralode_lbfgs.cli import main\nassert main(['--help']) == 0\n"
        "heavy = {'jax', 'numpy', 'scipy', 'pandas', 'matplotlib', 'bokeh', 'jinja2'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert "predict" in done.stdout
    assert done.stderr == ""


def test_help_of_an_option_is_one_paragraph(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["fit", "--help"]) == 0
    lines = [line.strip("│╭╮╰╯─ \n") for line in capsys.readouterr().out.splitlines()]
    text = " ".join(" ".join(lines).split())
    assert "to see which stage predicts best" in text
    assert "[default: ()]" not in text
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize(
    "flag, wanted", [("--no-validation", False), ("--validation=false", False), ("--validation", True)]
)
def test_validation_can_be_left_out(flag, wanted):
    _, bound, _ = app.parse_args(["fit", "hare_lynx", flag], exit_on_error=False)
    assert bound.arguments["fit_options"].validation is wanted


def test_the_fit_script_is_the_same_front_door(tmp_path):
    script = Path(__file__).parents[1] / "scripts" / "fit.py"
    words = [sys.executable, str(script), "hare_lynx", "--dry-run"]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60, cwd=tmp_path)
    assert "hare [thousands of pelts]" in done.stdout


def test_a_forecast_is_driven_by_all_inputs_and_ends_with_them(tmp_path, capsys):
    from neuralode_lbfgs.outputs.spec import ModelSpec, build_model
    from neuralode_lbfgs.outputs.store import Columns, Start, save_model

    model = build_model(ModelSpec(1, 1, width_size=3, depth=1), jax.random.key(0))
    ts = np.linspace(0.0, 4.0, 41)
    start = Start(0.0, np.array([1.0]), ts, np.sin(5 * ts)[:, None])
    (tmp_path / "run").mkdir()
    columns = Columns("t", None, ("x",), ("u",))
    save_model(tmp_path / "run" / "model.safetensors", model, starts={"a": start}, columns=columns)
    for num in (3, 41):
        words = [
            "predict",
            str(tmp_path / "run"),
            "--t1",
            "4",
            "--num",
            str(num),
            "--out",
            str(tmp_path / f"{num}.csv"),
        ]
        assert main(words) == 0
    coarse, fine = rows_of(tmp_path / "3.csv"), rows_of(tmp_path / "41.csv")
    assert coarse[0] == ["t", "x"]
    assert float(coarse[-1][1]) == pytest.approx(float(fine[-1][1]), abs=1e-9)
    assert float(coarse[-1][1]) != pytest.approx(1.0, abs=1e-6)
    assert main([*words[:2], "--t1", "5", "--out", str(tmp_path / "p.csv")]) == 2
    assert (
        "are known up to 4, where its rows in training end, not to 5: give its later times and inputs in a file"
        in capsys.readouterr().err
    )
    # Rows without states, as it says, and the inputs that the model knows before them.
    (tmp_path / "to_come.csv").write_text("t,x,u\n4.5,,0.5\n5,,-1\n")
    words = [*words[:2], "--data", str(tmp_path / "to_come.csv"), "--start", "fitted", "--out", str(tmp_path / "p.csv")]
    assert main(words) == 0
    known = LinearInputs(np.array([*ts, 4.5, 5.0]), np.array([*np.sin(5 * ts), 0.5, -1.0])[:, None])
    expected = np.asarray(model(np.array([0.0, 4.5, 5.0]), np.array([1.0]), known))[1:, 0]
    assert [float(row[1]) for row in rows_of(tmp_path / "p.csv")[1:]] == pytest.approx(expected, rel=1e-4)


@pytest.fixture
def driven_run(tmp_path):
    """The folder of a model with an input that is held from row to row, and units."""
    from neuralode_lbfgs.outputs.spec import ModelSpec, build_model
    from neuralode_lbfgs.outputs.store import Columns, Start, save_model

    model = build_model(ModelSpec(1, 1, width_size=3, depth=1), jax.random.key(0))
    start = Start(0.0, np.array([1.0]), np.arange(3.0), np.array([[0.0], [1.0], [0.0]]))
    units = {"t": "h", "x": "mg", "u": "mL"}
    columns = Columns("t", "run", ("x",), ("u",), units, hold=(True,))
    (tmp_path / "run").mkdir()
    save_model(tmp_path / "run" / "model.safetensors", model, starts={"a": start}, columns=columns)
    return tmp_path / "run"


def test_a_run_of_one_row_is_predicted_with_a_held_input(driven_run, tmp_path):
    data, out = tmp_path / "new.csv", tmp_path / "p.csv"
    data.write_text("run,t,x,u\na,0,1,0\na,1,,1\nb,0,3,4\n")
    assert main(["predict", str(driven_run), "--data", str(data), "--out", str(out)]) == 0
    rows = rows_of(out)
    assert [row[:2] for row in rows[1:]] == [["a", "0"], ["a", "1"], ["b", "0"]]
    assert float(rows[-1][2]) == 3.0


@pytest.mark.parametrize(
    "header, wrong",
    [
        ("run,t [min],x,u", "column 't' is in min, but the model was trained on h; convert it"),
        ("run,t [h],x [ug],u", "column 'x' is in ug, but the model was trained on mg; convert it"),
        ("run,t [H],x [mg],u (L)", "column 'u' is in L, but the model was trained on mL; convert it"),
    ],
)
def test_numbers_in_other_units_are_not_predicted(driven_run, tmp_path, capsys, header, wrong):
    data, out = tmp_path / "new.csv", tmp_path / "p.csv"
    data.write_text(f"{header}\na,0,1,0\na,1,,1\n")
    assert main(["predict", str(driven_run), "--data", str(data), "--out", str(out)]) == 2
    assert wrong in capsys.readouterr().err
    assert not out.exists()
