"""Long tables are called so, and the line that they are told to be pivoted by gives what can be read."""

import io
import re

import pandas
import pytest

from neuralode_lbfgs.data import DataError, from_frame, read_csv

SUBJECTS = "subject,t [min],analyte,value,unit\nP1,0,x,1,mM\nP1,0,y,2,nM\nP1,5,x,3,mM\nP1,5,y,4,nM\nP2,0,x,5,mM\n"
ALONE = "t,analyte,value\n0,x,1\n0,y,2\n5,x,3\n5,y,4\n"
TWO = "t,analyte,value,error\n0,x,1,0.1\n0,y,2,0.1\n5,x,3,0.1\n5,y,4,0.1\n"
RUNS = "; if they are runs, give --trajectory analyte (trajectory= in Python)"


def message(tmp_path, text, **words):
    path = tmp_path / "mine.csv"
    path.write_text(text)
    with pytest.raises(DataError) as error:
        read_csv(path, **words)
    return str(error.value).removeprefix(f"{tmp_path}/")


@pytest.mark.parametrize(
    "text, index, more",
    [
        (SUBJECTS, "['subject', 't [min]']", ""),
        (ALONE, "['t']", RUNS),
        (TWO, None, RUNS),
        (ALONE.replace(",", ";"), "['t']", RUNS),
    ],
)
def test_a_long_table_is_told_how_to_become_wide(tmp_path, text, index, more):
    said = message(tmp_path, text)
    pivot = f", in pandas by frame.pivot(index={index}, columns='analyte', values='value').reset_index()"
    assert said == (
        "mine.csv: column 'analyte' tells rows of the same time apart: if its words are variables, give each a column "
        f"of its own{pivot if index else ''}{more}."
    )
    assert said.split(": ", 1)[1] in message(tmp_path, text, states=["value"])


def test_the_line_does_what_it_says(tmp_path):
    line = re.findall(r"frame\.pivot.*reset_index\(\)", message(tmp_path, SUBJECTS))[0]
    data = from_frame(eval(line, {"frame": pandas.read_csv(io.StringIO(SUBJECTS))}))
    assert (data.ids, data.state_names, data["P1"].ys.tolist()) == (("P1", "P2"), ("x", "y"), [[1, 2], [3, 4]])


@pytest.mark.parametrize("name", ["channel", "species_id", "observableId"])
def test_variables_that_are_numbered(tmp_path, name):
    said = message(tmp_path, f"t,{name},conc\n0,1,1.5\n0,2,2.5\n5,1,3.5\n5,2,4.5\n")
    assert f"column '{name}' tells rows of the same time apart: if its numbers are variables, give each a col" in said
    assert f"frame.pivot(index=['t'], columns='{name}', values='conc')" in said


def test_words_beside_a_column_of_runs(tmp_path):
    said = message(tmp_path, ALONE.replace("analyte", "strain").replace("t,", "run,t,", 1).replace("\n", "\n1,")[:-2])
    assert said.endswith(".reset_index(); if they tell runs apart, too, make one column of it and 'run'.")


def test_words_that_name_runs(tmp_path):
    (tmp_path / "mine.csv").write_text(ALONE)
    assert read_csv(tmp_path / "mine.csv", trajectory="analyte").ids == ("x", "y")


@pytest.mark.parametrize(
    "text",
    [
        "t,x,remark\n0,1,begin\n0,2,again\n5,3,end\n",  # each its own word
        "t,x,remark\n0,1,ok\n0,2,ok\n5,3,ok\n5,4,ok\n",
        "t,x,remark\n0,1,ok\n0,2,\n5,3,ok\n5,4,\n",
    ],
)
def test_a_time_that_comes_twice_in_another_table(tmp_path, text):
    assert "lines 2 and 3: time 0 comes twice; remove one of the rows" in message(tmp_path, text, states=["x"])
    assert "column 'remark': '" in message(tmp_path, text)
