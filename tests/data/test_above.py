"""Lines above the header, units below it, and a first line that names the separator."""

import re

import pytest

from neuralode_lbfgs.data import DataError, dataset_names, dataset_path, read_csv, read_table

TABLE = "Time,Conc,Sample\n0,5.0,S1\n1,4.1,S2\n2,3.3,S3\n"
UNITS = TABLE.replace("Sample\n", "Sample\nh,mg/L,\n")
PREAMBLES = {
    "words": ("Instrument: LC-MS\nOperator: M. Ruiz\n", TABLE),
    "one word": ("Instrument\n", TABLE),
    "pairs": ("Instrument,HPLC\nOperator,Smith\n", TABLE.replace(",Sample", "").replace(",S", "#")),
    "pairs with numbers": ("Date,2024-03-05\nBatch,17\n", TABLE.replace(",Sample", "").replace(",S", "#")),
    "as wide": ("Batch,17,rerun\nOperator,Smith,Jo\n", TABLE),
    "a date in words": ("Date,March 5,2024\nDate,at noon,Jo\n", TABLE),
    "one line as wide": ("Batch,HPLC,rerun\n", TABLE),
    "as wide, with units": ("Batch,17,rerun\nOperator,Smith,Jo\n", UNITS),
    "units in brackets": (
        "Day,Night,Run\nFlow,Conc,Sample\n",
        UNITS.replace("Time", "Zeit").replace("h,mg/L", "[h],[g]"),
    ),
    "a logger": ("TOA5,CR1000,prog\n", "TIMESTAMP,Air,Sample\nTS,Deg,\n,Avg,\n" + TABLE.split("\n", 1)[1]),
    "bare separators": ("Exported by LabView,,\n,,\n", TABLE),
    "wider": ("a,b,c,d,e\nf,g,h,i,j\n", TABLE),
    "semicolons and decimal commas": ("Exported;2024\n", TABLE.replace(",", ";").replace(".", ",")),
    "tabs": ("Exported, by\tJo\n", TABLE.replace(",", "\t")),
    "spaces": ("a single line of words\n", TABLE.replace(",", " ")),
    "timestamps": ("Site,North,Pond\n", TABLE.replace("\n0,", "\n2024-01-01,").replace("\n1,", "\n2024-01-02,")),
}


def read(tmp_path, text):
    (tmp_path / "mine.csv").write_text(text)
    return read_table(tmp_path / "mine.csv")


@pytest.mark.parametrize("case", PREAMBLES)
def test_the_line_is_named_with_which_the_table_begins(tmp_path, case):
    above, table = PREAMBLES[case]
    table = re.sub(r"#\d", "", table)
    begins = above.count("\n") + 2  # and a blank line
    with pytest.raises(DataError) as error:
        read(tmp_path, f"{above}\n{table}")
    assert str(error.value).endswith(
        f"mine.csv, line 1: this is no header of the table, which seems to begin with line {begins}; remove the lines "
        "before that one, or begin them with #."
    )
    commented = "".join(f"# {line}\n" for line in above.splitlines()) + table
    if "TS" in table:
        with pytest.raises(DataError, match="the first 2 rows hold no number; if these are units, write them behind"):
            read(tmp_path, commented)
    else:
        found = read(tmp_path, commented)
        assert (len(found), len(found.units)) == (3, 2 if "[" in table or "mg/L" in table else 0)


@pytest.mark.parametrize("name", dataset_names())
def test_bundled_sets_have_nothing_above(name):
    assert len(read_table(dataset_path(name))) > 2


@pytest.mark.parametrize(
    "text",
    [
        "t,x\n0,\n1,2\n",
        "t,x,note\n0,1,begin\n1,2,end\n",
        "t,on,x\n0,TRUE,1\n1,FALSE,2\n",
        "run,t,x\nfirst,0,NA\nfirst,1,2\n",
        "name,time,x\nfoo bar,2024-01-31 13:45,1\nfoo bar,2024-01-31 13:46,2\n",
        "t,600,650\n0,1,2\n1,2,3\n",
        "t,x,,,\n0,1,,,\n1,2,,,\n",
        "t,x\n0,1,\n1,2,\n",
        "t,x\n,\n0,1\n",
        '"t","the\nlevel"\n0,1\n1,2\n',
        "t;x\n0;1,5\n1;2,5\n",
        "t,x\n0,one\nnoon,two\n2,3\n",
        "t x [m]\n0 1\n1 2\n",
        "a,on\n2,x y\n1,alpha\n3,TRUE\n",
        "600;level\nNA;P-01\n1;2024-01-01\n",
        "t,x\n0,1\n",
    ],
)
def test_usual_tables_begin_with_their_header(tmp_path, text):
    assert len(read(tmp_path, text)) > 0


@pytest.mark.parametrize(
    "text, units",
    [
        ("t,x,v\nmin,mg/L,\n0,1,2\n1,2,3\n", {"t": "min", "x": "mg/L"}),
        ("t,x,run\n[s],[m/s],[-]\n0,1,A\n1,2,A\n", {"t": "s", "x": "m/s"}),
        ("Zeit;T [K];p\ns;;bar\n0;1,5;2\n1;2,5;3\n", {"Zeit": "s", "T": "K", "p": "bar"}),
        ("t,x\nSecond,Volt\n-1e-3,1.5e-2\n0,2\n", {"t": "Second", "x": "Volt"}),
    ],
)
def test_a_line_of_units_below_the_header(tmp_path, text, units):
    table = read(tmp_path, text)
    assert (len(table), table.units) == (2, units)
    assert "line 2 was read as the units of the columns" in table.notes
    assert table.where(0).endswith("line 3")


@pytest.mark.parametrize("text", ["Jour,Proies\nj,ind\n0,1\n1,2\n", "a,b\nc,d\n0,1\n1,2\n"])
def test_other_words_right_below_the_first_line_may_be_units(tmp_path, text):
    with pytest.raises(DataError, match=r"mine\.csv, line 2: the first row holds no number; if these are units, write"):
        read(tmp_path, f"{text}0,1\n1,2\n")


@pytest.mark.parametrize("first", ["sep=;", "SEP=;", '"sep=;"', "\ufeffsep=;", "sep=;;"])
def test_a_first_line_that_names_the_separator(tmp_path, first):
    (tmp_path / "mine.csv").write_text(f"{first}\r\nt;x;y\r\n0;1,5;2\r\n1;1,2;2,5\r\n", newline="")
    data = read_csv(tmp_path / "mine.csv")
    assert (data.state_names, data[0].ys.tolist()) == (("x", "y"), [[1.5, 2], [1.2, 2.5]])
    (tmp_path / "mine.csv").write_text(f"{first}\nt;x\n0;one\n")
    with pytest.raises(DataError, match="line 3, column 'x': 'one' is not a number"):
        read_csv(tmp_path / "mine.csv")


@pytest.mark.parametrize("written, separator", [(",", ","), ("\t", "\t"), (r"\t", "\t")])
def test_other_separators_that_are_named(tmp_path, written, separator):
    table = read(
        tmp_path, f"sep={written}\nt,x\n0,1\n".replace("t,x", f"t{separator}x").replace("0,1", f"0{separator}1")
    )
    assert table.names == ("t", "x")
