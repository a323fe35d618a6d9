"""A fit that is stopped goes on to the same bits, from the command line; and a config file repeats its run."""

import csv
import errno
import hashlib
import json
import math
import os
import subprocess
import sys
import tomllib
from contextlib import contextmanager
from pathlib import Path

import jax
import numpy as np
import pytest
from safetensors import safe_open

from neuralode_lbfgs import dataset_names
from neuralode_lbfgs.cli import main
from neuralode_lbfgs.commands import resume
from neuralode_lbfgs.commands.config import config_text
from neuralode_lbfgs.commands.options import ModelOptions
from neuralode_lbfgs.commands.repeatable import note_other_origins
from neuralode_lbfgs.outputs import store

SMALL = ("--max-evals", "40", "--width-size", "3", "--depth", "1", "--quiet", "--no-plots")


pytestmark = pytest.mark.usefixtures("one_cache")


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "decay.csv"
    rows = [f"{t},{math.exp(-t)!r},{2 * math.exp(-0.5 * t)!r}" for t in np.linspace(0, 3, 13).tolist()]
    path.write_text("\n".join(["t,x,y", *rows]) + "\n")
    return path


@pytest.fixture(scope="module")
def run(table, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "decay"
    assert main(["fit", str(table), "--out", str(folder), *SMALL]) == 0
    return folder


def bits(folder):
    """What a run has written, but for seconds."""
    metrics = json.loads((folder / "metrics.json").read_text())
    with open(folder / "history.csv", newline="", encoding="utf-8") as file:
        history = [{key: value for key, value in row.items() if key != "seconds"} for row in csv.DictReader(file)]
    with safe_open(folder / "model.safetensors", framework="numpy") as file:  # the order of its header is by chance
        model = file.metadata(), {name: file.get_tensor(name).tobytes() for name in file.keys()}  # noqa: SIM118
    config = tomllib.loads((folder / "config.toml").read_text())
    config["data"].pop("data")  # a path from the folder
    metrics = {key: value for key, value in metrics.items() if not key.endswith("_s")}
    return metrics, history, model, config, (folder / "predictions.csv").read_bytes()


NOBODY = 65534


def full_disk(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@contextmanager
def read_only(folder):
    """A folder in which nothing can be written; to root, who is asked for no permission, as to a person."""
    root = os.geteuid() == 0
    folder.chmod(0o555)
    try:
        if root:
            os.seteuid(NOBODY)
        yield
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(0o755)


def test_a_fit_that_is_stopped_in_several_ways_goes_on_to_the_same_bits(run, table, tmp_path, monkeypatch, capsys):
    """Begun from the config file of another run, it ends with the bits of that one."""
    folder = tmp_path / "run"
    checkpoint, polished = folder / "checkpoint.safetensors", []
    begin = ["fit", "--config", str(run / "config.toml"), "--out", str(folder), "--time-limit", "0.001", "--quiet"]
    with monkeypatch.context() as patch:
        patch.setattr(store, "save", full_disk)  # of the model, not of JAX's cache
        assert main(begin) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith(f"error: {folder} cannot be written: No space left on device; the fit was stopped")
    go_on = f"neuralode-lbfgs fit --resume {folder}"
    assert said.endswith(f"go on with {go_on}.")
    assert [path.name for path in folder.iterdir()] == ["checkpoint.safetensors"]

    before = checkpoint.read_bytes()
    for words, message in {
        ("fit", str(table), "--out", str(folder)): "holds a fit that was stopped; go on with it",
        ("plot", str(folder)): "holds a fit that was stopped; go on with",
        ("fit", "--resume", str(folder), "--width-size", "7"): "--width-size was 3, and is 7 now",
        ("fit", "--resume", str(folder), "--states", "x"): "--states was x y, and is x now",
        ("fit", "--resume", str(folder), "--out", str(tmp_path / "other")): "leave out --out",
        ("fit", "--resume", str(folder), "--config", str(run / "config.toml")): "leave out --config",
        ("fit", "--resume", str(tmp_path)): "holds no fit to go on with",
    }.items():
        assert main(list(words)) == 2
        assert message in capsys.readouterr().err.splitlines()[-1]
    data = table.read_text()
    table.write_text(data.replace("\n3.0,", "\n3.1,"))
    assert main(["fit", "--resume", str(folder)]) == 2
    assert "the data is not what it was when the fit began (its SHA-256 differs)" in capsys.readouterr().err
    table.write_text(data)
    assert checkpoint.read_bytes() == before

    def write_nowhere(path, state, write=resume.write_checkpoint):
        with read_only(path.parent):
            write(path, state)

    with monkeypatch.context() as patch:
        patch.setattr(resume, "write_checkpoint", write_nowhere)
        assert main(["fit", "--resume", str(folder), "--quiet"]) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith(f"error: {checkpoint} cannot be written: Permission denied; the fit was stopped, and its ")
    assert said.endswith(f"last checkpoint is whole: when the folder can be written again, go on with {go_on}.")
    assert checkpoint.read_bytes() == before
    assert [path.name for path in folder.iterdir()] == ["checkpoint.safetensors"]

    (folder / ".unfinished-1").mkdir()  # of a program that was killed while it wrote the results
    assert main(["fit", "--resume", str(folder), "--time-limit", "0.001", "--quiet"]) == 0
    assert f"not complete: go on with neuralode-lbfgs fit --resume {folder}" in capsys.readouterr().out
    assert json.loads((folder / "metrics.json").read_text())["stop_reason"] == "time_limit"
    assert {path.name for path in folder.iterdir()} == {path.name for path in [*run.iterdir(), checkpoint]}

    def write(path, state, write=resume.write_checkpoint):
        if state.entries and state.entries[-1].name == "polish":
            polished.append(path)
        if len(polished) == 2:  # the first state of the last stage is there
            full_disk()
        write(path, state)

    with monkeypatch.context() as patch:
        patch.setattr(resume, "INTERVAL", 0.0)
        patch.setattr(resume, "SHARE", 1e9)
        patch.setattr(resume, "write_checkpoint", write)
        assert main(["fit", "--resume", str(folder), "--quiet"]) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith(f"error: {checkpoint} cannot be written: No space left on device; the fit was stopped")

    assert main(["fit", "--resume", str(folder), "--width-size", "3"]) == 0  # what is as it was may be said again
    assert bits(folder) == bits(run)
    assert {path.name for path in folder.iterdir()} == {path.name for path in run.iterdir()}
    assert main(["fit", "--resume", str(folder)]) == 0
    said = capsys.readouterr().out
    assert "holds a run that has ended: there is nothing to go on with; for other options begin anew: " in said


def test_a_config_file_records_what_the_run_was_made_with(run, table, tmp_path, capsys):
    text = (run / "config.toml").read_text()
    record = tomllib.loads(text)["record"]
    assert record["data_sha256"] == [hashlib.sha256(table.read_bytes()).hexdigest()]
    assert record["jax"] == jax.__version__
    assert record["device"] == "cpu"
    assert {"neuralode_lbfgs", "python", "jaxlib", "equinox", "diffrax", "optax"} <= set(record)
    other = tmp_path / "config.toml"
    other.write_text(text)
    note_other_origins(other, text)
    assert capsys.readouterr().err == ""
    other.write_text(text.replace(f'jax = "{jax.__version__}"', 'jax = "0.0.1"').replace(record["data_sha256"][0], "0"))
    note_other_origins(other, text)
    said = capsys.readouterr().err
    assert f"note: the data is not what {other} was written for (its SHA-256 differs)." in said
    assert f"note: {other} was written with jax 0.0.1 (now {jax.__version__}): digits may differ." in said


@pytest.mark.parametrize(
    "then, now, message",
    [
        ("a.py:Spring", "b/a.py:Spring", None),
        ("a.py:Spring", "a.py:Pendulum", "--vector-field was Spring, and is Pendulum now"),
        ("a.py:Spring", None, "--vector-field was Spring, and is not given now"),
    ],
)
def test_equations_of_ones_own_may_move_but_not_change(then, now, message):
    def text(field):
        record = {"neuralode_lbfgs": "1.0", "jax": field or "0"}
        return config_text("d.csv", {"model": ModelOptions(vector_field=field)}, record)

    if message is None:
        (note,) = resume.check_same(Path("runs/one"), text(then), text(now))
        assert f"jax {then} (now {now})" in note
    else:
        with pytest.raises(ValueError, match=message):
            resume.check_same(Path("runs/one"), text(then), text(now))


def test_what_is_found_wrong_after_the_fit_began_leaves_nothing(table, tmp_path, monkeypatch):
    def wrong(*_, journal, **__):
        journal.loop("matching")
        assert (tmp_path / "runs" / "one" / "checkpoint.safetensors").exists()
        raise ValueError("no")

    monkeypatch.setattr("neuralode_lbfgs.fitting.fit", wrong)
    assert main(["fit", str(table), "--out", str(tmp_path / "runs" / "one"), *SMALL]) == 2
    assert list(tmp_path.iterdir()) == []


ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.slow
def test_fits_that_are_killed_at_random_moments_end_with_the_same_bits(tmp_path):
    words = [sys.executable, str(ROOT / "scripts" / "kill_and_resume.py"), "--kills", "5", "--folder", str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 of 5 ended with the same bits" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("name", dataset_names())
def test_a_config_file_repeats_its_run(name, tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    assert main(["fit", name, "--out", str(one), "--quiet", "--no-plots"]) in (0, 1)
    assert main(["fit", "--config", str(one / "config.toml"), "--out", str(other), "--quiet"]) in (0, 1)
    assert bits(one) == bits(other)
