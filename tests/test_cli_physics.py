"""A person's own equations from the command line: from a Python file to a run, predictions and plots."""

import io
import json
import shutil
import tomllib
from contextlib import redirect_stdout
from pathlib import Path

import jax
import numpy as np
import pytest

import neuralode_lbfgs as nl
from neuralode_lbfgs.cli import main

PHYSICS = """
import equinox as eqx
import jax
import jax.numpy as jnp
from beside import GRAVITY


class Pendulum(eqx.Module):
    friction: jax.Array
    length: jax.Array

    def __init__(self):
        self.friction = jnp.array(0.9)
        self.length = jnp.array(9.81 / 5.0)

    def __call__(self, t, y, args):
        angle, rate = y
        return jnp.stack([rate, -self.friction * rate - GRAVITY / self.length * jnp.sin(angle)])


class Hybrid(eqx.Module):
    network: eqx.nn.MLP

    def __init__(self, state_size, key):
        self.network = eqx.nn.MLP(state_size, state_size, 4, 1, key=key)

    def __call__(self, t, y, args):
        return self.network(y)


ready = Pendulum()


def with_friction(seed=0):
    return Pendulum()


class Hidden(eqx.Module):
    stiffness: jax.Array

    def __init__(self, state_size, start=3.0):
        assert state_size == 2
        self.stiffness = jnp.array(start)

    def __call__(self, t, y, args):
        return jnp.stack([y[1], -self.stiffness * y[0]])


def lost():
    return Hidden(2, jnp.nan)


def plain(t, y, args):
    return -y


def short(t, y, args):
    return y[:1]


def broken(t, y, args):
    return jnq.sin(y)


def raising(key):
    raise RuntimeError("no luck")


class Two(eqx.Module):
    def __call__(self, y):
        return y


def needy(length, t, y, args):
    return y


def odd():
    return 3


number = 3
"""


def line_of(words):
    return next(number for number, line in enumerate(PHYSICS.splitlines(), 1) if words in line)


pytestmark = pytest.mark.usefixtures("one_cache")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Equations, data, and a run of one fitted to the other."""
    folder = tmp_path_factory.mktemp("physics")
    (folder / "beside.py").write_text("GRAVITY = 9.81\n")
    (folder / "my_physics.py").write_text(PHYSICS)
    data = nl.simulate("pendulum_damped", num_trajectories=2, num=60, t1=6.0, key=jax.random.key(0))
    nl.write_csv(data, folder / "swings.csv")
    words = ["--vector-field", "my_physics.py:Pendulum", "--freeze", "length", "--bounds", "friction=0:1"]
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(io.StringIO()) as printed:
        patch.chdir(folder)
        assert main(["fit", "swings.csv", "--train-until", "4", *words, "--quiet", "--no-plots", "--no-report"]) == 0
    (folder / "printed.txt").write_text(printed.getvalue())
    return folder


@pytest.fixture(autouse=True)
def _in_the_folder(folder, monkeypatch):
    monkeypatch.chdir(folder)


def test_the_friction_is_found_and_reported(folder):
    metrics = json.loads((folder / "runs" / "swings" / "metrics.json").read_text())
    friction, length = metrics["parameters"]["friction"], metrics["parameters"]["length"]
    assert friction["start"] == 0.9 and friction["end"] == pytest.approx(0.25, rel=0.01)
    assert (friction["moved"], friction["frozen"]) == (True, False)
    assert length == {"start": 9.81 / 5.0, "end": 9.81 / 5.0, "sd": None, "moved": False, "frozen": True}
    assert 0 < friction["sd"] < 0.1
    assert metrics["test"]["scaled_rmse"] < 1e-3


def test_the_summary_lists_the_parameters_within_a_terminal(folder):
    lines = (folder / "printed.txt").read_text().splitlines()
    assert max(map(len, lines)) <= 80
    assert "; 1 number trained" in " ".join(lines[:2])
    assert [line.split()[:2] for line in lines if line.startswith(("parameter ", "friction "))] == [
        ["parameter", "start"], ["friction", "0.9"],
    ]  # fmt: skip
    assert "length did not move: it is frozen." in lines


def test_the_run_names_its_equations_but_never_loads_them(folder, monkeypatch, capsys, tmp_path):
    run = folder / "runs" / "swings"
    config = tomllib.loads((run / "config.toml").read_text())
    assert config["model"]["vector_field"] == "../../my_physics.py:Pendulum"
    assert config["fit"]["freeze"] == ["length"]
    assert config["fit"]["bounds"] == ["friction=0:1"]
    out = tmp_path / "p.csv"
    for words in (["predict", "runs/swings", "--data", "swings.csv", "--out", str(out)], ["plot", "runs/swings"]):
        assert main(words) == 2
        error = capsys.readouterr().err
        assert "add --vector-field my_physics.py:Pendulum." in error
        assert error.count("\n") == 1
    assert not out.exists()


def test_predict_and_plot_with_the_equations_named(folder, tmp_path):
    named = ["--vector-field", "my_physics.py:Pendulum"]
    out = tmp_path / "p.csv"
    assert main(["predict", "runs/swings", *named, "--data", "swings.csv", "--start", "fitted", "--out", str(out)]) == 0
    once = nl.read_csv(folder / "runs" / "swings" / "predictions.csv")
    again = nl.read_csv(out)
    np.testing.assert_allclose(once[0].ys, again[0].ys, rtol=1e-9, atol=1e-9)
    shutil.copytree("runs/swings", "runs/drawn")
    assert main(["plot", "runs/drawn", *named]) == 0
    assert Path("runs/drawn/phase_portrait.png").exists()


def test_other_equations_do_not_fit_the_run(tmp_path, capsys):
    words = ["predict", "runs/swings", "--data", "swings.csv", "--out", str(tmp_path / "p.csv")]
    assert main([*words, "--vector-field", "my_physics.py:Hybrid"]) == 2
    assert "does not fit: vector_field.network.layers.0.weight is missing" in capsys.readouterr().err


@pytest.mark.parametrize(
    "name,listed",
    [
        ("Pendulum", "trained: friction = 0.9, length = 1.962\nfrozen: none"),
        ("ready", "trained: friction = 0.9, length"),
        ("with_friction", "trained: friction"),
        ("Hybrid", "network.layers.0.weight (4, 2)"),
    ],
)
def test_a_dry_run_lists_what_can_be_frozen_or_bounded(name, listed, capsys):
    assert main(["fit", "swings.csv", "--vector-field", f"my_physics.py:{name}", "--dry-run"]) == 0
    printed = capsys.readouterr().out
    assert listed in printed
    assert f"model: my_physics.py:{name}, for 2 states" in printed


def test_equations_of_hidden_states(folder, tmp_path, capsys):
    ts = np.linspace(0, 3, 16)
    nl.write_csv(nl.from_arrays(ts, np.cos(2 * ts), names=["x"]), folder / "positions.csv")
    words = ["--vector-field", "my_physics.py:Hidden", "--hidden-states", "1"]
    run = str(tmp_path / "run")
    assert main(["fit", "positions.csv", *words, "--stages", "polish", "--no-plots", "--no-report", "--out", run]) == 0
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics["train"]["scaled_rmse"] < 1e-3
    forecast = ["predict", run, *words[:2], "--t1", "4", "--num", "3", "--out", str(tmp_path / "p.csv")]
    assert main(forecast) == 0
    assert nl.read_csv(tmp_path / "p.csv")[0].ys[-1, 0] == pytest.approx(np.cos(8), abs=1e-2)


@pytest.mark.parametrize(
    "field,message",
    [
        ("my_physics", "is named FILE.py:NAME"),
        ("no_such.py:Pendulum", "no_such.py does not exist"),
        ("swings.csv:Pendulum", "swings.csv is not a Python file (.py)"),
        ("my_physics.py:Pendulm", "my_physics.py has no 'Pendulm' (did you mean 'Pendulum'?); there are Pendulum, "),
        ("my_physics.py:plain", "nothing to train"),
        ("my_physics.py:lost", "the parameter 'stiffness' starts at NaN or infinity; start it at a number."),
        ("my_physics.py:number", "is not callable as (t, y, args): it is of type int"),
        ("my_physics.py:odd", "makes int, which is not callable as (t, y, args)"),
        ("my_physics.py:Two", "is not callable as (t, y, args): its arguments are (y)"),
        ("my_physics.py:needy", "my_physics.py:needy needs 'length', which is not given"),
        ("my_physics.py:short", "returns shape (1,), but there are 2 states: it must return dy/dt"),
        ("my_physics.py:broken", f"my_physics.py, line {line_of('jnq')}: NameError: name 'jnq' is not defined."),
        ("my_physics.py:raising", f"my_physics.py, line {line_of('no luck')}: RuntimeError: no luck."),
        ("syntax.py:Field", "syntax.py, line 2: SyntaxError"),
        ("leaving.py:Field", "leaving.py cannot be imported: leaving.py, line 3: SystemExit: 4."),
    ],
)
def test_equations_that_cannot_be_used_give_one_sentence(field, message, folder, tmp_path, capsys):
    (folder / "syntax.py").write_text("import math\ndef\n")
    (folder / "leaving.py").write_text("import sys\n\nsys.exit(4)\n")
    assert main(["fit", "swings.csv", "--vector-field", field, "--out", str(tmp_path / "run")]) == 2
    error = capsys.readouterr().err
    assert message in error.splitlines()[-1]
    assert error.count("error: ") == 1
    assert "Traceback" not in error
    assert not (tmp_path / "run").exists()


def test_a_dry_run_knows_what_can_be_frozen_in_a_network(folder, capsys):
    assert main(["fit", "swings.csv", "--freeze", "layer", "--dry-run"]) == 2
    assert "there is no parameter 'layer'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words,message",
    [
        ("--freeze lenght", "there is no parameter 'lenght' (did you mean 'length'?); there are friction, length."),
        ("--bounds friction=1:2", "'friction' starts at 0.9, outside of its bounds 1 to 2; start it inside."),
        ("--bounds friction", "bounds are typed NAME=LOW:HIGH"),
        ("--freeze friction length", "there is nothing to train"),
        ("--rate angle=rate", "--rate is for networks, and your own vector field says all rates itself; leave it out."),
        ("--second-order", "--second-order is for networks, and your own vector field says all rates itself"),
    ],
)
def test_parameters_that_are_named_wrong(words, message, tmp_path, capsys):
    words = ["--vector-field", "my_physics.py:Pendulum", "--dry-run", *words.split()]
    assert main(["fit", "swings.csv", *words, "--out", str(tmp_path / "run")]) == 2
    assert message in capsys.readouterr().err
