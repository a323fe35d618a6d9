"""What is known of states and time, from a file to predictions through the command line, and saved with the model."""

import json
import tomllib

import jax.numpy as jnp
import numpy as np
import pytest

from neuralode_lbfgs import load_model, read_csv
from neuralode_lbfgs.cli import main
from neuralode_lbfgs.models import Transform

SMALL = ("--max-iter", "40", "--width-size", "5", "--depth", "1", "--quiet", "--no-plots", "--no-report")


pytestmark = pytest.mark.usefixtures("one_cache")


def write(path, **columns):
    rows = zip(*columns.values(), strict=True)
    lines = [",".join(columns), *(",".join("" if v is None else repr(float(v)) for v in row) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def test_a_rate_that_is_another_state(tmp_path, capsys):
    t = np.linspace(0.0, 5.0, 21)
    data = write(tmp_path / "swing.csv", t=t, angle=np.sin(t) + 3, velocity=np.cos(t))
    words = ["fit", data, "--rate", "angle=velocity", "--out", str(tmp_path / "run"), *SMALL]
    assert main([*words, "--dry-run"]) == 0
    printed = capsys.readouterr().out
    assert "layers 2-5-1" in printed
    assert "exact: d angle/dt = velocity" in printed
    assert main(words) == 0
    assert tomllib.loads((tmp_path / "run" / "config.toml").read_text())["model"]["rate"] == ["angle=velocity"]
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["train"]["scaled_rmse"] < 0.05
    saved = load_model(tmp_path / "run" / "model.safetensors")
    assert saved.model.vector_field(0.0, jnp.array([2.5, 0.125]))[0] == 0.125
    assert main(["predict", str(tmp_path / "run"), "--data", data, "--out", str(tmp_path / "p.csv")]) == 0
    assert read_csv(tmp_path / "p.csv")[0].ys == pytest.approx(read_csv(data)[0].ys, abs=0.1)


@pytest.mark.slow
def test_logarithms_of_states_and_time_and_a_state_that_stays_positive(tmp_path, capsys):
    t = np.concatenate([[0.0], np.geomspace(1e-3, 1e2, 24)])
    cells, substrate = (1 + t) ** -2.0, np.maximum(0.0, 1 - t / 5)
    cells[-1] = 0.0
    data = write(tmp_path / "d.csv", t=t, cells=cells, substrate=substrate)
    run, words = str(tmp_path / "run"), ["--transform", "log=cells", "--positive", "substrate", "--time-scale", "log"]
    assert main(["fit", data, *words, "--out", run, *SMALL]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "cells is modelled in logarithms: 1 zero enters as" in printed
    assert "solved in the logarithm of t + 0.001" in printed
    # A forecast and a prediction need no flags.
    assert main(["predict", run, "--t1", "1000", "--num", "500", "--out", str(tmp_path / "f.csv")]) == 0
    forecast = read_csv(tmp_path / "f.csv")[0].ys
    assert np.isfinite(forecast).all() and (forecast > 0).all()
    words = ["--start", "fitted"]  # cells leave one so slowly that the first row does not tell when
    assert main(["predict", run, "--data", data, *words, "--out", str(tmp_path / "p.csv")]) == 0
    predicted = read_csv(tmp_path / "p.csv")[0].ys
    np.testing.assert_allclose(predicted[:-1, 0], cells[:-1], rtol=0.3)  # over four decades
    np.testing.assert_allclose(predicted[:, 1], substrate, atol=0.1)
    saved = load_model(tmp_path / "run" / "model.safetensors")
    transform = saved.model.coordinates.transform
    assert transform == Transform(((0, transform.log[0][1]),), (1,), (1e-3, 1e-3))
    config = tomllib.loads((tmp_path / "run" / "config.toml").read_text())["fit"]
    assert (config["transform"], config["positive"], config["time_scale"]) == (["log=cells"], ["substrate"], "log")


@pytest.mark.parametrize(
    "words, message",
    [
        ("--rate angle", "--rate is STATE=STATE, such as angle=velocity; it is 'angle'"),
        ("--rate angel=velocity", "--rate: there is no state 'angel' (did you mean 'angle'?)"),
        ("--rate angle=angle", "a state cannot be its own rate"),
        ("--rate angle=velocity angle=velocity", "the rate of 'angle' twice"),
        ("--rate angle=velocity velocity=angle", "nothing to learn"),
        ("--transform log=angle,velocity", "d.csv, line 3, column 'velocity': -0.5 is negative, and has no logarithm"),
        ("--transform log=x", "--transform: there is no state 'x'; the states are angle, velocity"),
        ("--transform angle", "transform is log=STATE,STATE"),
        ("--positive x", "--positive: there is no state 'x'"),
        ("--time-scale cubic", "cubic"),
    ],
)
def test_what_is_wrong_is_one_sentence(words, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "d.csv", t=[0.0, 1.0, 2.0], angle=[1.0, 2.0, 3.0], velocity=[1.0, -0.5, 0.0])
    assert main(["fit", "d.csv", *words.split(), "--dry-run"]) == 2
    printed = capsys.readouterr()
    assert message in printed.err.splitlines()[-1]
    assert "Traceback" not in printed.err


def test_a_reading_below_zero_that_is_left_out_needs_no_logarithm(tmp_path, capsys):
    t = np.linspace(0.0, 5.0, 40)
    cells = np.exp(-0.5 * t)
    cells[20] = -7.0
    data = write(tmp_path / "d.csv", t=t, cells=cells)
    assert main(["fit", data, "--transform", "log=cells", "--dry-run"]) == 0
    assert main(["fit", data, "--positive", "cells", "--dry-run"]) == 0
    assert "below zero" not in capsys.readouterr().out
    assert main(["fit", data, "--positive", "cells", "--keep-outliers", "--dry-run"]) == 0
    assert capsys.readouterr().out.count("1 value of 'cells' below zero, down to -7: a state that is kept") == 1
    assert main(["fit", data, "--transform", "log=cells", "--keep-outliers", "--dry-run"]) == 2
    assert "line 22, column 'cells': -7.0 is negative" in capsys.readouterr().err


def test_readings_below_zero_have_no_logarithm(tmp_path, capsys):
    data = write(tmp_path / "d.csv", t=[0.0, 1.0, 2.0, 3.0], cells=[5.0, 0.01, -0.002, -0.001])
    assert main(["fit", data, "--transform", "log=cells", "--dry-run"]) == 2
    assert capsys.readouterr().err.endswith(
        "d.csv, line 4, column 'cells': -0.002 is the least of 2 negative values, and has no logarithm; leave cells "
        "blank that only show noise, or take --positive cells in place of --transform.\n"
    )
