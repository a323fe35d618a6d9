"""Malformed input through the command line: exit code 2, one sentence that says where, and nothing written."""

import os
import re

import jax
import numpy as np
import pytest

from neuralode_lbfgs.cli import main
from neuralode_lbfgs.data import Clock
from neuralode_lbfgs.outputs.spec import ModelSpec, build_model
from neuralode_lbfgs.outputs.store import Columns, Start, save_model

GOOD = "run,t,x,y,u\na,0,1,2,0\na,1,2,3,0\na,2,3,4,1\nb,0,1,2,0\nb,1,2,3,1\n"
AT = "error: mine.csv, line"

# What is in mine.csv, the words after `fit mine.csv`, and what the sentence begins with.
FITS = {
    # the file
    "missing": (None, "", "error: mine.csv is neither a file nor a bundled data set"),
    "empty": ("", "", "error: mine.csv is empty; it needs a header line and rows of numbers."),
    "header only": ("t,x\n", "", "error: mine.csv has a header line but no rows of data."),
    "one row": ("t,x\n0,1\n", "", "error: mine.csv: no trajectory to train on has two rows"),
    "one row a trajectory": ("run,t,x\na,0,1\nb,1,2\n", "", "error: mine.csv: no trajectory to train on has two rows"),
    "one row to train on": ("t,x\n0,1\n1,2\n2,3\n", "--train-until 0", "error: mine.csv: no trajectory to train on"),
    "binary": (b"\x89PNG\0\0", "", "error: mine.csv is a binary file, not a table of text"),
    "excel": (b"PK\x03\x04rest", "", "error: mine.csv is an Excel or zip file; save the sheet as CSV."),
    "damaged zip": (b"PK\x03\x04" + 30 * b"\0", "", "error: mine.csv is an Excel or zip file"),
    "parquet": (b"PAR1rest", "", "error: mine.csv is not a Parquet file that can be read"),
    "no header": ("0,1\n1,2\n", "", f"{AT} 1: the first row holds numbers, not names"),
    "neither UTF-8 nor Windows-1252": (b"t,x \x81\n0,1\n", "", f"{AT} 1: the text is not UTF-8"),
    "short row": ("t,x\n0,1\n1\n", "", f"{AT} 3: 1 cell between commas, but the header has 2"),
    "long row": ("t,x\n0,1\n1,2,3\n", "", f"{AT} 3: 3 cells between commas, but the header has 2"),
    "open quotation": ('t,x\n0,1\n1,"2\n', "", f"{AT} 3: a quotation mark is not closed"),
    "two columns of a name": ("t,x,x\n0,1,2\n", "", f"{AT} 1: two columns are named 'x'"),
    "a column without a name": ("t,,x\n0,1,2\n", "", f"{AT} 1: column 2 has no name"),
    # what stands above it
    "a preamble as wide as the table": (
        "Instrument,HPLC\nOperator,Smith\n\nTime,Conc\n0,5.0\n1,4.1\n", "",
        f"{AT} 1: this is no header of the table, which seems to begin with line 4",
    ),
    "a preamble between bare separators": (
        "Exported by LabView 2020;;\n;;\nZeit [s];T1 [K];T2 [K]\n0;300,1;301\n0,5;300,4;302\n", "",
        f"{AT} 1: this is no header of the table, which seems to begin with line 3",
    ),
    "a preamble and units": (
        "Instrument: LC-MS/MS 6500+\nBatch,17,rerun\n\nTime,Conc,Sample\nh,mg/L,\n0,<0.05,S1\n1,1.7,S2\n", "",
        f"{AT} 1: this is no header of the table, which seems to begin with line 4",
    ),
    "another separator than is told": ("sep=;\nt,x\n0,1\n1,2\n", "", "error: mine.csv has no column called t or time"),
    # its cells
    "text": ("t,x\n0,1\n1,abc\n", "", f"{AT} 3, column 'x': 'abc' is not a number"),
    "infinite": ("t,x\n0,1\n1,-inf\n", "", f"{AT} 3, column 'x': '-inf' is infinite"),
    "too large": ("t,x\n0,1\n1,1e400\n", "", f"{AT} 3, column 'x': '1e400' is infinite"),
    "a thousands mark": ("t;x;y\n0;0.5;1,234\n", "", f"{AT} 2, column 'y': '1,234' is not a number"),
    "a blank column": ("t,x,y\n0,1,\n1,2,\n", "", "error: mine.csv: column 'y' is blank in every row"),
    "a blank state": ("t,x,y\n0,1,\n1,2,\n", "--states x y", "error: mine.csv: state 'y' is not observed in any row"),
    "a state blank in training": (
        "t,x,y\n0,1,\n1,2,\n2,3,1\n", "--train-until 1", "error: mine.csv: state 'y' is not observed in any row to",
    ),
    "a blank input": ("t,x,u\n0,1,\n1,2,5\n", "--inputs u", f"{AT} 2, column 'u': the input is blank where its"),
    "an infinite input": ("t,x,u\n0,1,5\n1,2,inf\n", "--inputs u", f"{AT} 3, column 'u': 'inf' is infinite"),
    "inputs that end early": (
        "t,x,u\n0,1,5\n1,2,6\n2,3,\n3,4,\n", "--inputs u", f"{AT} 4, column 'u': the input is blank from here to",
    ),
    "no name of a run": ("run,t,x\na,0,1\n,1,2\n", "", f"{AT} 3, column 'run': the row names no trajectory"),
    # its times
    "no time": ("a,b\n0,1\n", "", "error: mine.csv has no column called t or time"),
    "two times": ("t,date,x\n0,1,2\n", "", "error: mine.csv: the time column may be 't' or 'date'"),
    "a date that may be two": (
        "t,x\n1/2/2026,1\n2/2/2026,2\n", "", f"{AT} 2, column 't': '1/2/2026' may be 2026-02-01 or 2026-01-02",
    ),
    "times past midnight": ("t,x\n23:00,1\n0:30,2\n", "", f"{AT} 3, column 't': '0:30' seems to be on the next day"),
    "a temperature as the time": ("T [K],x\n300,1\n", "", "error: mine.csv has no column called t or time (it has 'T'"),
    "two runs": ("run,subject,t,x\n1,1,1,2\n", "", "error: mine.csv: the trajectory column may be 'run' or 'subject'"),
    "a blank time": ("t,x\n0,1\n,2\n", "", f"{AT} 3, column 't': the time is blank"),
    "an infinite time": ("t,x\n0,1\ninf,2\n", "", f"{AT} 3, column 't': 'inf' is infinite"),
    "a time twice": ("t,x\n0,1\n1.0,2\n1,3\n", "", "error: mine.csv, lines 3 and 4: time 1.0 comes twice"),
    "a time twice in a run": ("run,t,x\na,0,1\nb,0,1\na,0,2\n", "", "error: mine.csv, lines 2 and 4: time 0 of traj"),
    "a long table": (
        "run,t,what,value\na,0,x,1\na,0,y,2\na,1,x,3\na,1,y,4\n", "", "error: mine.csv: column 'what' tells rows of",
    ),
    "a long table, its values the state": (
        "run,t,what,value\na,0,x,1\na,0,y,2\na,1,x,3\na,1,y,4\n", "--states value",
        "error: mine.csv, lines 2 and 3: time 0 of trajectory 'a' comes twice; column 'what' tells rows of the same",
    ),
    "a date twice": ("t,x\n2024-01-01,1\n2024-01-01T00:00,2\n", "", "error: mine.csv, lines 2 and 3: time 2024-01-01"),
    "text as a time": ("t,x\n0,1\nnoon,2\n", "", f"{AT} 3, column 't': 'noon' is not a number; write times as"),
    "dates of another form": ("t,x\nMay 5th,1\n", "", f"{AT} 2, column 't': 'May 5th' is not a number; write"),
    "no such date": ("t,x\n2023-02-28,1\n2023-02-29,2\n", "", f"{AT} 3, column 't': there is no such time as"),
    "no such hour": ("t,x\n2023-02-28T25:00,1\n", "", f"{AT} 2, column 't': there is no such time as"),
    "a number among dates": ("t,x\n2024-01-01,1\n2,2\n", "", f"{AT} 3, column 't': '2' is no timestamp, but"),
    "a date among numbers": ("t,x\n1,1\n2024-01-01,2\n", "", f"{AT} 3, column 't': '2024-01-01' is a timestamp among"),
    "a zone and none": ("t,x\n2024-01-01T00:00,1\n2024-01-01T01:00Z,2\n", "", f"{AT} 3, column 't': '2024-01-01T01:00"),
    "a state that is a date": ("t,x\n0,2024-01-01\n", "", f"{AT} 2, column 'x': '2024-01-01' is not a number"),
    # names of columns
    "an unknown state": (GOOD, "--states x yy", "error: mine.csv has no column 'yy' (did you mean 'y'?)"),
    "an unknown input": (GOOD, "--inputs U", "error: mine.csv has no column 'U' (did you mean 'u'?)"),
    "an unknown time": (GOOD, "--time tt", "error: mine.csv has no column 'tt' (did you mean 't'?)"),
    "an unknown run": (GOOD, "--trajectory rum", "error: mine.csv has no column 'rum' (did you mean 'run'?)"),
    "a held state": (GOOD, "--inputs u --input-hold x", "error: --input-hold and --input-linear (input_hold="),
    "two roles": (GOOD, "--states x u --inputs u", "error: column 'u' is named as a state and as an input"),
    "no states": ("run,t\na,0\n", "", "error: mine.csv has no state column beside 'run', 't'"),
    # standard deviations
    "an unknown sd": (GOOD, "--sd-columns x=x_sd", "error: mine.csv has no column 'x_sd'"),
    "an sd of no state": (GOOD, "--sd-columns z=u", "error: a standard deviation is given for 'z', which is no state"),
    "an sd that is zero": (GOOD, "--states x --sd-columns x=u", f"{AT} 2, column 'u': the standard deviation of"),
    "an sd that is missing": (GOOD, "--states x y --sd-columns x=u", "error: state 'y' has no standard deviation"),
    "an sd that is blank": (
        "t,x,e\n0,1,1\n1,2,\n", "--sd-columns x=e", f"{AT} 3, column 'e': the standard deviation of 'x' is blank",
    ),
    "an sd that is text": ("t,x,e\n0,1,one\n", "--sd-columns x=e", f"{AT} 2, column 'e': 'one' is not a number"),
    "no pair": (GOOD, "--sd-columns x", "error: --sd-columns needs words such as x=x_sd; it got 'x'."),
    "noise that is no number": (GOOD, "--noise x=much", "error: --noise x=much: 'much' is not a number."),
    "noise that is negative": (GOOD, "--states x --noise x=-1", "error: the noise of state 'x' must be a positive"),
    # what is held out
    "a split before all": (GOOD, "--train-until -1", "error: mine.csv, --train-until: splitting at t = -1 leaves"),
    "a split after all": (GOOD, "--train-until 9", "error: mine.csv, --train-until: splitting at t = 9 leaves nothing"),
    "a split that is no time": (GOOD, "--train-until noon", "error: mine.csv, --train-until: 'noon' is not a time"),
    "a split that is a date": (GOOD, "--train-until 2024-01-01", "error: mine.csv, --train-until: '2024-01-01' is a"),
    "an unknown test run": (GOOD, "--test-trajectories c", "error: mine.csv, --test-trajectories: no trajectory has"),
    "all runs for testing": (GOOD, "--test-trajectories a b", "error: mine.csv, --test-trajectories: splitting at the"),
    "two splits": (GOOD, "--test-trajectories a --train-until 1", "error: --train-until and --test-trajectories are"),
    # options
    "a width of zero": (GOOD, "--width-size 0", "error: width_size must be at least 1; it is 0"),
    "a tolerance of two": (GOOD, "--rtol 2", "error: rtol must be between 0 and 1; it is 2.0"),
    "a tolerance below rounding": (GOOD, "--rtol 1e-30", "error: rtol must be at least 1e-14, where double"),
    "a seed that is too large": (GOOD, "--seed 9999999999999999999", "error: seed must be less than 2^63; it is"),
    "no evaluations": (GOOD, "--max-evals 0", "error: max_evals must be at least 1; it is 0"),
    "a negative decay": (GOOD, "--weight-decay -1", "error: weight_decay must be a number that is not negative"),
    "no time to run": (GOOD, "--time-limit 0", "error: time_limit must be positive; it is 0.0"),
    "an unknown stage": (GOOD, "--stages shoting", "error: there is no stage 'shoting'"),
    "batches of L-BFGS": (GOOD, "--batch-size 2", "error: --batch-size needs a stochastic optimiser"),
    "positive positions of second order": (
        GOOD, "--second-order --positive x", "error: --positive does not go with --second-order, whose",
    ),
    "the logarithm of time and inputs": (GOOD, "--inputs u --time-scale log", "error: --time-scale log does not go"),
    "the logarithm of a held-out time": (
        "run,t,x\na,1,1\na,2,2\nb,0,1\nb,1,2\n", "--time-scale log --test-trajectories b",
        "error: trajectory 'b' is held out and begins at 0, but with --time-scale log the model knows only times",
    ),
    "the logarithm of zeros": ("t,x\n0,0\n1,0\n", "--transform log=x", "error: mine.csv: state 'x' is never positive"),
    "starts from rows that are incomplete": (
        "t,x,y\n0,1,\n1,2,3\n", "--initial-states data", "error: trajectory 'mine' does not begin with a complete row",
    ),
    "noise twice": (GOOD, "--noise x=1 x=2", "error: --noise names 'x' twice; leave one out."),
    # where results go
    "a file as a folder": (GOOD, "--out mine.csv", "error: mine.csv is a file; name a folder for the results"),
    "below a file": (GOOD, "--out mine.csv/run", "error: mine.csv/run cannot be written"),
    # several files
    "a file twice": (GOOD, "mine.csv", "error: mine.csv is given twice; name every file once."),
    "a file that is missing": (GOOD, "other.csv", "error: other.csv is neither a file nor a bundled data set"),
    "a pattern of nothing": (GOOD, "no*.csv", "error: no file matches no*.csv."),
    "a file and a bundled set": (GOOD, "hare_lynx", "error: hare_lynx"),
}  # fmt: skip
PREDICTS = {
    "over the data": (
        "t,x,y,u\n0,1,1,0\n1,,,0\n",
        "--data mine.csv --out mine.csv",
        "error: mine.csv is read itself, or",
    ),
    "over a pattern": (
        "t,x,y,u\n0,1,1,0\n1,,,0\n",
        "--data *.csv --out ./mine.csv",
        "error: mine.csv is read itself, or",
    ),
    "over the starts": (
        "x,y\n1,1\n",
        "--t1 2 --initial-states mine.csv --out mine.csv",
        "error: mine.csv is read itself",
    ),
    "over the model": (
        "",
        "--t1 2 --out run/model.safetensors",
        "error: run/model.safetensors is read itself, or part of",
    ),
    "too many times": (
        "",
        "--t1 2 --num 9000000000",
        "error: num must be at least 2 times, and 10000000 in all at most",
    ),
    "empty": ("", "--data mine.csv", "error: mine.csv is empty"),
    "a state missing": ("t,x,u\n0,1,0\n", "--data mine.csv", "error: mine.csv has no column 'y'"),
    "an input missing": ("t,x,y\n0,1,0\n", "--data mine.csv", "error: mine.csv has no column 'u'"),
    "a blank input": ("t,x,y,u\n0,1,1,0\n1,,,\n", "--data mine.csv", f"{AT} 3, column 'u': the input is blank"),
    "no start": ("t,x,y,u\n0,1,,0\n1,,2,0\n", "--data mine.csv", "error: trajectory 'mine' has no row in which every"),
    "text": ("t,x,y,u\n0,1,one,0\n", "--data mine.csv", f"{AT} 2, column 'y': 'one' is not a number"),
    "dates": ("t,x,y,u\n2024-01-01,1,1,0\n", "--data mine.csv", f"{AT} 2, column 't': '2024-01-01' is one of timesta"),
    "an unknown run": ("", "--t1 3 --trajectory z", "error: there is no training trajectory 'z'"),
    "a forecast of the past": ("", "--t1 -3", "error: t1 must be after the start of trajectory 'a', 0; it is -3"),
    "beyond the inputs": (
        "",
        "--t1 3",
        "error: the inputs of trajectory 'a' are known up to 2, where its rows in training end, not to 3",
    ),
    "no time": ("", "--t1 soon", "error: --t1: 'soon' is not a time; the times of the data want a number."),
    "one time": ("", "--t1 2 --num 1", "error: num must be at least 2 times, and 10000000 in all at most; it"),
    "neither": ("", "", "error: give either --data FILE to predict its rows, or --t1 TIME for a forecast."),
}


def check(words, begins, folder, capsys):
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert main(words) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert len(printed.err.splitlines()) == 1, printed.err
    assert printed.err.startswith(begins), printed.err
    assert printed.err.endswith((".\n", "?\n"))
    assert not re.search(r"[.?!] [A-Z]", printed.err), "more than one sentence"
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert [path.name for path in folder.iterdir() if path.is_dir() and path.name != "run"] == []


@pytest.mark.parametrize("case", FITS)
def test_fit(case, tmp_path, monkeypatch, capsys):
    content, words, begins = FITS[case]
    monkeypatch.chdir(tmp_path)
    if content is not None:
        (tmp_path / "mine.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    check(["fit", "mine.csv", *words.split()], begins, tmp_path, capsys)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A saved model of two states and one input, of random weights."""
    path = tmp_path_factory.mktemp("run") / "model.safetensors"
    network = build_model(ModelSpec(2, 1, width_size=2, depth=1), jax.random.key(0))
    start = Start(0.0, np.array([1.0, 2.0]), np.array([0.0, 2.0]), np.array([[0.0], [1.0]]))
    columns = Columns("t", None, ("x", "y"), ("u",), clock=Clock())
    save_model(path, network, starts={"a": start}, columns=columns)
    return path


@pytest.mark.parametrize("case", PREDICTS)
def test_predict(case, model, tmp_path, monkeypatch, capsys):
    content, words, begins = PREDICTS[case]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.csv").write_text(content)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "model.safetensors").write_bytes(model.read_bytes())
    out = [] if "--out" in words else ["--out", "p.csv"]
    check(["predict", "run", *out, *words.split()], begins, tmp_path, capsys)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_folder_that_cannot_be_written(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.csv").write_text(GOOD)
    tmp_path.chmod(0o500)
    try:
        check(["fit", "mine.csv"], "error: runs/mine cannot be written", tmp_path, capsys)
    finally:
        tmp_path.chmod(0o700)


def test_folders_that_no_one_can_write(tmp_path, monkeypatch, capsys):
    """Also for the superuser."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.csv").write_text(GOOD)
    check(["fit", "mine.csv", "--out", "/proc/run"], "error: /proc/run cannot be written", tmp_path, capsys)
