"""A short run of scripts/fuzz.py; the long one is for people: `python scripts/fuzz.py --cases 10000`."""

import importlib
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"
with pytest.MonkeyPatch.context() as patch:
    patch.syspath_prepend(str(SCRIPTS))
    fuzz = importlib.import_module("fuzz")

CASES = 400


@pytest.mark.skipif(not hasattr(fuzz.signal, "setitimer"), reason="cases that take for ever are ended by a signal")
def test_damaged_files_are_refused_or_read_rightly(capsys):
    counts = fuzz.run(CASES, seed=0)
    assert counts.total() == CASES
    assert not [kind for kind, _ in counts.items() if kind[1] == "wrong"], capsys.readouterr().err
    kinds = {name for name, _ in counts}
    for name in kinds:  # it damages enough, and not everything
        assert counts[name, "refused"] > counts[name, "read"] > 0, name


def test_what_a_reader_gets_wrong_is_noticed(tmp_path):
    def careless(path, data):
        if data == b"wrong":
            raise KeyError("x")

    reader = fuzz.Reader("mine.csv", (b"sound",), careless, ())
    assert fuzz.outcome(reader, tmp_path / "mine.csv", b"sound") == "read"
    assert "KeyError" in fuzz.outcome(reader, tmp_path / "mine.csv", b"wrong")
