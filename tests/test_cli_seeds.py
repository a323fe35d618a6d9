"""An ensemble and several starts through the command line: from a file to predictions with a band, and back."""

import csv
import json

import numpy as np
import pytest

from neuralode_lbfgs.cli import main

SMALL = ("--width-size", "4", "--depth", "1", "--max-evals", "40", "--quiet")
TS = np.round(np.linspace(0.0, 3.0, 21), 3)


pytestmark = pytest.mark.usefixtures("one_cache")


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "decay.csv"
    off = 0.02 * np.random.default_rng(0).normal(size=(TS.size, 2))
    rows = [f"{t},{np.exp(-t) + a},{2 * np.exp(-0.5 * t) + b}" for t, (a, b) in zip(TS, off, strict=True)]
    path.write_text("t,x,y\n" + "\n".join(rows) + "\n")
    return str(path)


def columns(path):
    with open(path, newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    return dict(zip(header, np.array(rows, float).T, strict=True))


def test_an_ensemble_from_a_file_to_predictions_and_plots(table, tmp_path, capsys):
    run = tmp_path / "run"
    assert main(["fit", table, "--ensemble", "3", "--train-until", "2.5", "--no-plots", "--out", str(run), *SMALL]) == 0
    printed = capsys.readouterr().out
    assert ", held out " in " ".join(printed.partition("ensemble: ")[2].partition("; luck ")[0].split())
    assert max(map(len, printed.splitlines()[:-1])) <= 80
    metrics = json.loads((run / "metrics.json").read_text())
    kept = 3 - len(metrics["ensemble"]["left_out"])
    assert len(metrics["ensemble"]["held_out"]) == kept
    assert min(metrics["ensemble"]["held_out"]) < 2 * metrics["test"]["scaled_rmse"]
    assert (metrics["ensemble"]["begun"], len(metrics["ensemble"]["scaled_rmse"])) == (3, 3)
    assert metrics["ensemble"]["band"] == [0.1, 0.9]
    names = [f"{number}.safetensors" for number in range(1, kept + 1)]
    assert sorted(path.name for path in (run / "members").iterdir()) == names
    predicted = columns(run / "predictions.csv")
    assert list(predicted) == ["t", "x", "y", "x_low", "y_low", "x_high", "y_high"]
    assert (predicted["x_low"] <= predicted["x"]).all() and (predicted["x"] <= predicted["x_high"]).all()
    error = np.sqrt(np.mean((predicted["x"] - columns(table)["x"])[TS <= 2.5] ** 2))
    assert error == pytest.approx(metrics["train"]["rmse"]["x"])

    # The same from what was saved, and on into the future.
    out = tmp_path / "p.csv"
    assert main(["predict", str(run), "--data", table, "--start", "fitted", "--out", str(out)]) == 0
    again = columns(out)
    for name, values in predicted.items():
        np.testing.assert_allclose(again[name], values, rtol=1e-5, atol=1e-6)
    assert main(["predict", str(run), "--t1", "6", "--num", "7", "--out", str(out)]) == 0
    assert list(columns(out)) == list(predicted)
    starts = tmp_path / "starts.csv"
    starts.write_text("x,y\n1,2\n0.5,1\n")
    assert main(["predict", str(run), "--initial-states", str(starts), "--t1", "3", "--out", str(out)]) == 0
    many = columns(out)
    assert list(many) == ["trajectory", *predicted]
    assert (many["x_low"] <= many["x"]).all() and (many["x_low"] < many["x_high"]).any()
    # A file of several runs, where the model was trained on one that had no name.
    runs = tmp_path / "runs.csv"
    runs.write_text("run,t,x,y\n1,0,1,2\n1,3,,\n2,0,0.5,1\n2,3,,\n")
    assert main(["predict", str(run), "--data", str(runs), "--out", str(out)]) == 0
    there = columns(out)
    assert there["run"].tolist() == [1, 1, 2, 2]
    for at in (1, 3):
        assert there["x"][at] == pytest.approx(many["x"][at // 2 * 101 + 100], rel=1e-5)
    assert main(["plot", str(run)]) == 0
    assert (run / "trajectories.png").exists()

    # Another run in its place has no members any more; and of starts the best is a model like any other.
    assert main(["fit", table, "--starts", "3", "--no-plots", "--out", str(run), "--overwrite", *SMALL]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "luck: 3 starts, 1 culled by a screening (matching of each: " in printed
    assert not (run / "members").exists()
    metrics = json.loads((run / "metrics.json").read_text())
    assert (len(metrics["starts"]["screened"]), len(metrics["starts"]["scaled_rmse"])) == (3, 2)
    assert list(columns(run / "predictions.csv")) == ["t", "x", "y"]


def test_what_is_wrong_is_one_sentence(table, tmp_path, capsys):
    words = ["fit", table, "--ensemble", "2", "--starts", "2", "--out", str(tmp_path / "run")]
    assert main(words) == 2
    assert "give one of them" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
