"""Tables with a row for each variable and a column for each time are called so, and no others are."""

import io
import re

import pandas
import pytest

from neuralode_lbfgs.data import DataError, from_frame, read_csv

SAID = (
    "mine.csv, line {}: the table seems transposed, with a row for each variable ({}) and a column for each time; give "
    "each time a row, in pandas by pandas.read_csv(..., index_col=0).T.rename_axis({!r}).to_csv(...)."
)
ROWS = "x,1,2,3\ny,3,2,1\n"


def read(tmp_path, monkeypatch, text):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.csv").write_text(text)
    return read_csv("mine.csv")


@pytest.mark.parametrize(
    "text, line, names, time",
    [
        (f"time,0,1,2\n{ROWS}", 1, "'x', 'y'", "time"),
        (f"Time [min],0,0.5,1.5\n{ROWS}", 1, "'x', 'y'", "Time [min]"),
        ("t,0,1\nx,1,2\n", 1, "'x'", "t"),
        (f"variable,0 h,1 h,2 h\n{ROWS}", 1, "'x', 'y'", "t"),
        (f",t0,t1,t2\n{ROWS}", 1, "'x', 'y'", "t"),
        (f"name,2024-01-01,2024-01-02,2024-01-03\n{ROWS}", 1, "'x', 'y'", "t"),
        ("species,unit,0,1,2\nx,mM,1,2,3\ny,mM,3,,1\n", 1, "'x', 'y'", "t"),
        (f"time;0;1;2\n{ROWS}".replace(",", ";"), 1, "'x', 'y'", "time"),
        (f"Instrument: reader\n\nCycle,1,2,3\nTime [s],0,60,120\n{ROWS}", 3, "'Cycle', 'x', 'y'", "Time [s]"),
    ],
)
def test_a_transposed_table_is_told_how_to_be_turned(tmp_path, monkeypatch, text, line, names, time):
    with pytest.raises(DataError) as error:
        read(tmp_path, monkeypatch, text)
    assert str(error.value) == SAID.format(line, names, time)


def test_the_line_does_what_it_says(tmp_path, monkeypatch):
    text = f"time,0,1,2\n{ROWS}"
    with pytest.raises(DataError) as error:
        read(tmp_path, monkeypatch, text)
    line = re.findall(r"pandas\.read_csv.*(?=\.)", str(error.value))[0].replace("...", "file", 1).replace("...", "")
    turned = eval(line, {"pandas": pandas, "file": io.StringIO(text)})
    assert read(tmp_path, monkeypatch, turned).state_names == ("x", "y")
    frame = pandas.read_csv(io.StringIO(text), index_col=0)
    assert from_frame(frame.T.rename_axis("time").reset_index())[0].ys.tolist() == [[1, 3], [2, 2], [3, 1]]


@pytest.mark.parametrize(
    "text",
    [
        "run,t,x,y\na,0,1,2\na,1,2,3\nb,0,1,2\nb,1,2,3\n",
        "t,600,650,700\n0,1,2,3\n1,2,3,4\n",
        "run,t,600,650,700\na,0,1,2,3\na,1,2,3,4\n",
        ",t,x\na,0,1\nb,1,2\n",
        "date,1,2,3\n2024-01-01,1,2,3\n2024-01-02,1,2,3\n",
    ],
)
def test_other_tables_are_read(tmp_path, monkeypatch, text):
    assert read(tmp_path, monkeypatch, text).observed > 1
