"""Tables of doses and observations: a dose is no observation, and the columns that tell of doses are no states."""

import pytest

from neuralode_lbfgs.data import DataError, read_csv

DOSED = (
    "ID,TIME,DV,AMT,EVID,MDV,CMT\n1,0,.,100,1,1,1\n1,1,5,.,0,0,2\n1,2,4,.,0,0,2\n2,0,.,100,1,1,1\n2,1,6,.,0,0,2\n"
    "2,3,3,.,0,0,2\n"
)
ZEROS = DOSED.replace(".", "0")
SAID = (
    "mine.csv: columns {} are those of NONMEM, and only {!r} was observed: {}name it with --states {} (states= in "
    "Python); doses within a run are not modelled, only the start of a run is estimated, so let a run begin after each "
    "dose."
)


def read(tmp_path, monkeypatch, text, **words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.csv").write_text(text)
    return read_csv("mine.csv", **words)


@pytest.mark.parametrize(
    "text, columns, rows, states",
    [
        (DOSED, "'DV', 'EVID', 'MDV', 'AMT'", 2, "DV"),
        (ZEROS, "'DV', 'EVID', 'MDV', 'AMT'", 2, "DV"),
        (DOSED.replace("EVID,MDV", "a,b"), "'DV', 'AMT'", 2, "DV"),
        (DOSED.replace("DV,AMT,EVID,MDV", "dv,a,b,mdv"), "'dv', 'mdv'", 2, "dv"),
        ("id,time,DV,MDV\n1,0,5,0\n1,1,4,0\n", "'DV', 'MDV'", 0, "DV"),
    ],
)
def test_a_table_of_doses_is_told_what_to_leave_out(tmp_path, monkeypatch, text, columns, rows, states):
    remove = f"remove the {rows} rows without an observation, the first of them in mine.csv, line 2; " if rows else ""
    with pytest.raises(DataError) as error:
        read(tmp_path, monkeypatch, text)
    assert str(error.value) == SAID.format(columns, states, remove, states)


def test_several_variables_in_one_column(tmp_path, monkeypatch):
    with pytest.raises(
        DataError, match=r"line 2; give DV a column for each CMT, and name these with --states \(states"
    ):
        read(tmp_path, monkeypatch, DOSED.replace("1,1,5,.,0,0,2", "1,1,5,.,0,0,3"))


def test_doses_that_hold_values_are_no_observations(tmp_path, monkeypatch):
    with pytest.raises(DataError, match="remove the 2 rows without"):
        read(tmp_path, monkeypatch, ZEROS, states=["DV"])
    data = read(tmp_path, monkeypatch, DOSED, states=["DV"])
    assert (data.ids, data.state_names, data.observed) == (("1", "2"), ("DV",), 4)


def test_an_amount_alone_tells_of_no_doses(tmp_path, monkeypatch):
    assert read(tmp_path, monkeypatch, "t,AMT,CMT\n0,5,1\n1,4,2\n").state_names == ("AMT", "CMT")
