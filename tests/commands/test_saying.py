"""What is told on standard error keeps to 80 columns, in words that are not broken."""

import os
import subprocess
import sys

from neuralode_lbfgs.commands import saying


def test_a_sentence_is_wrapped_and_a_path_stays_whole(capsys, monkeypatch):
    monkeypatch.setattr(saying, "TOLD", saying.WIDTH)
    path = "/".join(["long"] * 25) + ".csv"
    saying.tell(f"error: {path} has no column called t or time; name the time column with --time (time= in Python).")
    lines = capsys.readouterr().err.splitlines()
    assert any(path in line for line in lines)
    assert all(len(line) <= 80 or line.strip() == path for line in lines)
    assert all(line.startswith("  ") for line in lines[1:])


def test_errors_of_the_command_line_are_wrapped(tmp_path):
    (tmp_path / "mine.csv").write_text("first,other,third,fourth\n" + "1,2,3,4\n2,3,4,5\n4,4,4,4\n")
    words = [sys.executable, "-m", "neuralode_lbfgs", "fit", "mine.csv"]
    told = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, env=dict(os.environ), check=False)
    assert told.returncode == 2
    assert max(map(len, told.stderr.splitlines())) <= 80 < len(told.stderr)
    assert " ".join(told.stderr.split()).startswith("error: mine.csv has no column called t or time (it has 'first',")
