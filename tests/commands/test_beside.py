"""Work done by a process beside the fit: what it writes, what it raises, and what happens where there is none."""

import sys

import pytest

from neuralode_lbfgs.commands.beside import Beside, artists

WRITE = ".outputs.run_folder:write_history"
ROWS = [{"iteration": 1, "loss": 2.5, "stage": "full"}]


def process_of(beside):
    process = beside._process
    assert process is not None
    return process


def write_beside(folder, lost=False):
    with Beside(WRITE) as beside:
        if lost:
            process_of(beside).kill()
            process_of(beside).wait()
        beside.begin(folder, ROWS)
        beside.end()
    return beside


def test_a_function_is_called_in_another_process(tmp_path, monkeypatch):
    monkeypatch.setattr("neuralode_lbfgs.outputs.run_folder.write_history", None)  # it cannot have been this one
    beside = write_beside(tmp_path)
    assert "2.5" in (tmp_path / "history.csv").read_text()
    assert process_of(beside).poll() is not None  # nothing is left running


def test_what_it_raises_is_raised_here(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"history\.csv"):
        write_beside(tmp_path / "missing")


def test_where_the_process_is_lost_or_cannot_be_the_function_is_called_here(tmp_path, monkeypatch):
    write_beside(tmp_path, lost=True)
    assert (tmp_path / "history.csv").exists()
    (tmp_path / "history.csv").unlink()
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no_python"))
    assert write_beside(tmp_path)._process is None
    assert (tmp_path / "history.csv").exists()


def test_a_file_of_the_folder_one_stands_in_is_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("csv", "json", "neuralode_lbfgs", "numpy"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    monkeypatch.setattr("neuralode_lbfgs.outputs.run_folder.write_history", None)
    write_beside(tmp_path)
    assert not (tmp_path / "ran").exists()


def test_only_what_is_asked_for_has_a_process():
    with artists(plots=False, report=False) as none:
        assert none == {}
    with artists(plots=False, report=True) as one:  # a fit that ends early gives it nothing to do
        assert list(one) == ["report"]
    assert process_of(one["report"]).poll() is not None
