"""From a file that shows positions only to predictions of a new one, through the command line."""

import csv
import json
import re

import numpy as np
import pytest

from neuralode_lbfgs import load_model
from neuralode_lbfgs.cli import main

TS = np.round(np.linspace(0.0, 6.0, 40), 4)
SMALL = ("--width-size", "4", "--depth", "1", "--max-evals", "300", "--quiet", "--no-report")


def rows_of(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def swing(x0, v0):
    """x'' = -4 x - 0.4 x', exactly."""
    w = np.sqrt(3.96)
    return np.exp(-0.2 * TS) * (x0 * np.cos(w * TS) + (v0 + 0.2 * x0) / w * np.sin(w * TS))


def written(path, runs, rows=40):
    lines = ["run,t,x"]
    for name, start in runs.items():
        x = swing(*start)
        lines += [f"{name},{t},{x[i] if i < rows else ''}" for i, t in enumerate(TS)]
    path.write_text("\n".join(lines) + "\n")
    return path


pytestmark = pytest.mark.usefixtures("one_cache")


@pytest.mark.parametrize("flags", [pytest.param(("--hidden-states", "1"), marks=pytest.mark.slow), ("--second-order",)])
def test_from_positions_to_predictions(tmp_path, capsys, flags):
    table = written(tmp_path / "swing.csv", {"a": (1.0, 0.0), "b": (-0.5, 1.5), "c": (0.3, -2.0), "d": (-1.0, 0.8)})
    folder = tmp_path / "run"
    assert main(["fit", str(table), "--out", str(folder), "--test-trajectories", "d", *flags, *SMALL]) == 0
    said = capsys.readouterr().out
    assert "1 state and 1 hidden" in said
    warmup = re.search(r"held out: (initial values of the hidden states .* first \d+ rows)", " ".join(said.split()))
    assert warmup
    assert json.loads((folder / "metrics.json").read_text())["test"]["scaled_rmse"] < 0.03
    assert rows_of(folder / "predictions.csv")[0] == ["run", "t", "x"]
    assert (folder / "trajectories.png").exists()
    assert load_model(folder / "model.safetensors").starts["a"].y.shape == (2,)

    # A new file of which only the first 25 rows are known.
    new = written(tmp_path / "new.csv", {"e": (0.7, -1.2)}, rows=25)
    out = tmp_path / "out.csv"
    assert main(["predict", str(folder), "--data", str(new), "--out", str(out)]) == 0
    assert warmup[1] in capsys.readouterr().err
    x = np.array([float(row[2]) for row in rows_of(out)[1:]])
    np.testing.assert_allclose(x, swing(0.7, -1.2), atol=0.03)
    capsys.readouterr()
    assert main(["predict", str(folder), "--data", str(new), "--warmup", "25", "--out", str(out)]) == 0
    assert "--warmup" not in capsys.readouterr().err
    assert main(["predict", str(folder), "--data", str(new), "--warmup", "4", "--out", str(out)]) == 0
    assert "warning: --warmup 4 estimates hidden states from fewer rows than tell of them" in capsys.readouterr().err
    assert main(["predict", str(folder), "--data", str(table), "--start", "fitted", "--out", str(out)]) == 2
    assert "no fitted start" in capsys.readouterr().err

    only = written(tmp_path / "only.csv", {"b": (-0.5, 1.5)}, rows=0)
    assert main(["predict", str(folder), "--data", str(only), "--start", "fitted", "--out", str(out)]) == 0
    x = np.array([float(row[2]) for row in rows_of(out)[1:]])
    np.testing.assert_allclose(x, swing(-0.5, 1.5), atol=0.03)
    assert main(["predict", str(folder), "--t1", "9", "--num", "4", "--trajectory", "a", "--out", str(out)]) == 0
    assert rows_of(out)[0] == ["run", "t", "x"]
    assert main(["plot", str(folder)]) == 0

    # The config file has all that is needed to run it again.
    again = tmp_path / "again"
    arguments = ["fit", "--config", str(folder / "config.toml"), "--out", str(again), "--dry-run"]
    assert main(arguments) == 0
    assert "for 2 states, 1 of them hidden" in capsys.readouterr().out


def test_second_order_and_hidden_states_are_one_or_the_other(tmp_path, capsys):
    table = written(tmp_path / "swing.csv", {"a": (1.0, 0.0)})
    assert main(["fit", str(table), "--second-order", "--hidden-states", "1", "--dry-run"]) == 2
    assert "leave out --hidden-states" in capsys.readouterr().err


def test_a_law_that_is_at_its_best_from_the_first_step_is_no_failure(tmp_path, capsys):
    x = [f"2024-03-{1 + k // 24:02d},{k % 24},{20 + 3 * np.sin(k / 4):.4g}" for k in range(49)]
    (tmp_path / "room.csv").write_text("\n".join(["date,hour,temp", *x]) + "\n")
    words = ["fit", str(tmp_path / "room.csv"), "--hidden-states", "1", "--out", str(tmp_path / "run"), "--no-plots"]
    assert main([*words, *SMALL]) == 0
    assert "the law is linear; its eigenvalues" in " ".join(capsys.readouterr().out.split())
