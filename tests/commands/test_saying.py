"""What is told on standard error: words that are not broken at 80 columns of a terminal, one line in a pipe."""

import sys

from neuralode_lbfgs.commands import saying

PATH = "/".join(["long"] * 25) + ".csv"
SENTENCE = f"error: {PATH} has no column called t or time; name the time column with --time (time= in Python)."


def test_a_sentence_is_wrapped_on_a_terminal_and_a_path_stays_whole(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    saying.tell(SENTENCE)
    lines = capsys.readouterr().err.splitlines()
    assert any(PATH in line for line in lines)
    assert all(len(line) <= 80 or line.strip() == PATH for line in lines)
    assert all(line.startswith("  ") for line in lines[1:])


def test_it_is_one_line_for_what_reads_it(capsys):
    saying.tell(SENTENCE)
    assert capsys.readouterr().err == f"{SENTENCE}\n"
