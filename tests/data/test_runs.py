"""Columns that name runs: by their names, and by times that grow within each of their words only."""

import re

import pytest

from neuralode_lbfgs.data import DataError, describe, infer_roles, read_csv, read_table, to_trajectories

STACKED = "{0},t,x,y\nA1,{1},1,2\nA1,{2},3,4\nA2,{1},5,6\nA2,{3},7,8\n"
MIXED = "t,{},x\n0,{a},1\n0,{b},2\n1,{a},3\n1,{b},4\n"
TAKEN = "note: column {!r} was taken for the names of runs: within each of them, and only there, times grow"


def described(tmp_path, text):
    (tmp_path / "mine.csv").write_text(text)
    table = read_table(tmp_path / "mine.csv")
    roles = infer_roles(table)
    data = to_trajectories(table, roles)
    return data, describe(table, roles, data).splitlines()


@pytest.mark.parametrize("name", ["well", "plot", "shot", "Mouse", "cell_id", "batch no", "device_id"])
@pytest.mark.parametrize("a, b", [("A1", "A2"), ("7", "12")])
def test_names_of_systems_where_times_grow_in_each(tmp_path, name, a, b):
    data, said = described(tmp_path, MIXED.format(name, a=a, b=b))
    assert (data.ids, data.id_name, data.state_names) == ((a, b), name, ("x",))
    assert data[1].ys.tolist() == [[2], [4]]
    assert TAKEN.format(name) in said


@pytest.mark.parametrize("name", ["genotype", "Where"])
@pytest.mark.parametrize("times", ["012", ("2024-01-01", "2024-01-02", "2024-01-04")])
def test_words_of_any_name_where_times_start_again_with_each(tmp_path, name, times):
    data, said = described(tmp_path, STACKED.format(name, *times))
    assert (data.ids, data.state_names) == (("A1", "A2"), ("x", "y"))
    assert TAKEN.format(name) in said


@pytest.mark.parametrize("words", [{"inputs": ["y"]}, {"states": ["x"]}, {"states": ["x"], "inputs": ["y"]}])
def test_so_they_are_where_states_or_inputs_are_named(tmp_path, words):
    (tmp_path / "mine.csv").write_text(STACKED.format("where", 0, 1, 2))
    assert read_csv(tmp_path / "mine.csv", **words).id_name == "where"


def test_what_a_run_is_called_is_not_told_of(tmp_path):
    assert "note" not in "".join(described(tmp_path, MIXED.format("run", a="1", b="2"))[1])


@pytest.mark.parametrize(
    "text",
    [
        "cell,t,x\n1,0,5\n1,1,6\n2,2,7\n2,3,8\n",  # times grow anyway: it is a state
        "t,cell,x\n0,1.5,1\n0,2.5,2\n1,1.5,3\n1,2.5,4\n",  # numbers that name nothing
        "t,cell,x\n0,1,1\n1,1,2\n2,2,3\n0,3,4\n",  # a run of one row
    ],
)
def test_a_state_that_is_called_as_a_system(tmp_path, text):
    (tmp_path / "mine.csv").write_text(text)
    assert infer_roles(read_table(tmp_path / "mine.csv")).trajectory is None


@pytest.mark.parametrize(
    "text",
    [
        "variable,t,value\nx,0,1\nx,1,2\ny,0,3\ny,1,4\n",  # as pandas.melt writes it
        "what,t,value,n\nx,0,1,3\nx,1,2,3\ny,0,3,3\ny,1,4,3\n",
        "what,t,level,level_sd\nx,0,1,3\nx,1,2,3\ny,0,3,3\ny,1,4,3\n",
        "t,what,level,n\n0,x,1,3\n0,y,2,3\n1,x,3,3\n1,y,4,3\n",  # times do not start again
    ],
)
def test_a_long_table_is_none_of_runs(tmp_path, text):
    (tmp_path / "mine.csv").write_text(text)
    with pytest.raises(DataError, match="tells rows of the same time apart: if its words are variables, give each a"):
        read_csv(tmp_path / "mine.csv")


def test_two_columns_that_name_runs_are_asked_about(tmp_path):
    (tmp_path / "mine.csv").write_text("mouse,batch,t,x\na,1,0,1\na,1,1,2\nb,2,0,3\nb,2,1,4\n")
    with pytest.raises(DataError, match="the trajectory column may be 'mouse' or 'batch'; choose one with --traj"):
        read_csv(tmp_path / "mine.csv")


WORDS = "mine.csv, line 2, column 'strain': 'WT' is text and so is the whole column{}; leave it out with --states {} ("
SWITCH = "states= in Python), or write numbers such as 0 and 1 for its words to make it an input{}."


@pytest.mark.parametrize(
    "text, several, states, more",
    [
        ("run,t,x,strain,y\n1,0,1,WT,2\n1,1,2,WT,3\n2,0,3,mut,4\n2,1,4,mut,5\n", "", "x y", ""),
        ("run,t,x,strain,who\n1,0,1,WT,Jo\n1,1,2,,Al\n2,0,3,mut,Jo\n", ", as is 'who'", "x", ""),
        (
            "t,x,strain\n0,1,WT\n1,2,WT\n3,3,mut\n2,4,mut\n", "", "x",
            ", or if they name runs give --trajectory strain",
        ),
    ],
)  # fmt: skip
def test_words_that_are_no_state(tmp_path, monkeypatch, text, several, states, more):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.csv").write_text(text)
    with pytest.raises(DataError, match=f"^{re.escape(WORDS.format(several, states) + SWITCH.format(more))}$"):
        read_csv("mine.csv")
