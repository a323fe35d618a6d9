"""Every malformed table gets one sentence that names the file, line and column and says what to do."""

import re

import numpy as np
import pandas
import pytest

from neuralode_lbfgs.data import DataError, Roles, from_frame, read_csv, read_table, to_trajectories, write_csv

NUMBER = "is not a number; remove it or leave the cell blank"
INFINITE = "is infinite; remove it or leave the cell blank"
INFERRED = ", or name the columns that are states with --states (states= in Python)."
FORMS = "or as timestamps such as 2024-01-31 or 2024-01-31T13:45:00, or remove the row"
BAD_TEXT = {
    # the file as a whole
    "empty": ("", "mine.csv is empty; it needs a header line and rows of numbers."),
    "only comments": ("# a\n\n# b\n", "mine.csv is empty; it needs a header line and rows of numbers."),
    "header only": ("t,x,y\n", "mine.csv has a header line but no rows of data."),
    "header and bare separators": ("t,x,y\n,,\n", "mine.csv has a header line but no rows of data."),
    "no header": (
        "\n0,1,2\n1,2,3\n",
        "mine.csv, line 2: the first row holds numbers, not names; add a header line such as t,x,y.",
    ),
    "no header, decimal commas": (
        "0,5;1,5\n1,5;2,5\n",
        "mine.csv, line 1: the first row holds numbers, not names; add a header line such as t,x,y.",
    ),
    "binary": (
        b"\x89PNG\r\n\x1a\n\0\0\0",
        "mine.csv is a binary file, not a table of text; give a CSV, Parquet or NPZ file.",
    ),
    "zeros": (b"t,x\0\n", "mine.csv is a binary file, not a table of text; give a CSV, Parquet or NPZ file."),
    "excel": (b"PK\x03\x04rest", "mine.csv is an Excel or zip file; save the sheet as CSV."),
    "old excel": (b"\xd0\xcf\x11\xe0\xa1\xb1", "mine.csv is an old Excel file; save the sheet as CSV."),
    "matlab 7.3": (b"MATLAB 7.3 MAT-file", "mine.csv is a MATLAB file; write a CSV there with writetable."),
    "matlab": (b"MATLAB 5.0 MAT-file", "mine.csv is a MATLAB file; write a CSV there with writetable."),
    "gzip": (b"\x1f\x8brest", "mine.csv is compressed, and damaged or cut short; unpack or pack it anew."),
    "parquet": (b"PAR1rest", "mine.csv is not a Parquet file that can be read; write it again or save it as CSV."),
    "damaged UTF-8": (
        "t,x [µm],y [µm]\n0,1,2\n".encode().replace("µm],y".encode(), b"\xb5m],y"),
        "mine.csv, line 1: the text is not UTF-8; save the file as CSV UTF-8.",
    ),
    "no text": (b"t,x\n\x05,\xe4\n", "mine.csv, line 2: the text is not UTF-8; save the file as CSV UTF-8."),
    # its rows
    "short row": (
        "t,x,y\n# c\n0,1,2\n1,2\n",
        "mine.csv, line 4: 2 cells between commas, but the header has 3; complete the row, or remove it.",
    ),
    "one cell": (
        "t\tx\n0\t1\n1\n",
        "mine.csv, line 3: 1 cell between tabs, but the header has 2; complete the row, or remove it.",
    ),
    "long row": (
        "t;x;y\n0;1;2\n1;2;3;4\n",
        "mine.csv, line 3: 4 cells between semicolons, but the header has 3; "
        "remove what is too much, or put text in quotes.",
    ),
    "decimal commas between commas": (
        "t,x\n0,5,1,5\n",
        "mine.csv, line 2: 4 cells between commas, but the header has 2; "
        "remove what is too much, or put text in quotes.",
    ),
    "open quotation": (
        't,x\n0,1\n1,"2\n3,4\n',
        "mine.csv, line 3: a quotation mark is not closed, or stands inside a cell; remove it.",
    ),
    # what stands above it
    "a preamble": (
        "Experiment 12\nby: Jo\n\nt,x\n0,1\n1,2\n",
        "mine.csv, line 1: this is no header of the table, which seems to begin with line 4; remove the lines before "
        "that one, or begin them with #.",
    ),
    "words in a row": (
        "t,x,y\nsoon,m,-\n0,1,2\n1,2,3\n",
        "mine.csv, line 2: the first row holds no number; if these are units, write them behind the names, as x [m], "
        "and remove the row.",
    ),
    "json": (
        '{"t": [0, 1],\n "x": [1, 2]}',
        "mine.csv is a web page, JSON or XML, not a table; save the table as CSV.",
    ),
    "only comments below the header": (
        "run,t,x\n#1,0,1\n#1,1,2\n",
        "mine.csv has a header line but no rows of data (2 lines below the header begin with # or % and were read as "
        "comments).",
    ),
    # its header
    "no name": ("t,,x\n0,1,2\n", "mine.csv, line 1: column 2 has no name; name it in the header."),
    "two of a name": ("t,x,x\n0,1,2\n", "mine.csv, line 1: two columns are named 'x'; rename one of them."),
    "no time": (
        "a,b\n0,1\n",
        "mine.csv has no column called t or time (it has 'a', 'b'); "
        "name the time column with --time (time= in Python).",
    ),
    "unnamed time": (
        ",x\n0,1\n",
        "mine.csv has no column called t or time (it has 'x'; the first column has no name and was left out as row "
        "numbers); name the time column with --time (time= in Python).",
    ),
    "two times": (
        "t,date,x\n0,1,2\n",
        "mine.csv: the time column may be 't' or 'date'; choose one with --time (time= in Python).",
    ),
    "two ids": (
        "run,subject,t,x\n1,1,1,2\n",
        "mine.csv: the trajectory column may be 'run' or 'subject'; "
        "choose one with --trajectory (trajectory= in Python).",
    ),
    "no state": ("run,t\n1,0\n", "mine.csv has no state column beside 'run', 't'; add one."),
    "blank state": ("t,x,y\n0,,1\n1,NA,2\n", f"mine.csv: column 'x' is blank in every row; remove it{INFERRED}"),
    # its cells
    "text": ("t,x\n0,1\n\n1,abc\n", f"mine.csv, line 4, column 'x': 'abc' {NUMBER}{INFERRED}"),
    "below a limit": (
        "t,x\n0,1\n1,<0.1\n",
        "mine.csv, line 3, column 'x': '<0.1' is not a number; it is a limit: leave the cell blank, or write the value "
        "that you take it for.",
    ),
    "several cells": (
        "t,x,y\n0,1,<0.5\n1,bdl,2\n2,<0.1,bdl\n3,<0.1,n.d.\n4,5,inf\n",
        "mine.csv, line 3, column 'x': 'bdl' is not a number, and 6 more cells are none (lines 2, 4, 5, ... of 'y', "
        "'x': '<0.5', '<0.1', 'bdl', ...); it is a limit: leave the cell blank, or write the value that you take it "
        "for.",
    ),
    "two cells": (
        "t,x\n0,1\n1,inf\n2,*\n",
        f"mine.csv, line 3, column 'x': 'inf' is infinite, and 1 more cell is none (line 4 of 'x': '*'); remove it or "
        f"leave the cell blank{INFERRED}",
    ),
    **{
        f"a sensor that ended: {text}": (
            f"t,x\n0,1\n1,{text}\n",
            f"mine.csv, line 3, column 'x': {text!r} is not a number; the sensor ended there: leave the cell blank.",
        )
        for text in ("OVER", "OVRFLW", "Over range", "TNTC", "saturated")
    },
    "an error of a spreadsheet": (
        "t,x\n0,1\n1,#DIV/0!\n",
        "mine.csv, line 3, column 'x': '#DIV/0!' is not a number; it is the error of a formula: mend it or leave the "
        "cell blank.",
    ),
    "a deviation": (
        "t,x\n0,1\n1,1.5 ± 0.1\n",
        "mine.csv, line 3, column 'x': '1.5 ± 0.1' is not a number; write the deviation into a column of its own, and "
        "name it with --sd-columns (sd_columns= in Python).",
    ),
    "a unit in a cell": (
        "t,x\n0,1\n1,12.3 mg\n",
        "mine.csv, line 3, column 'x': '12.3 mg' is not a number; write a unit in the header, as x [mg], or remove it "
        f"or leave the cell blank{INFERRED}",
    ),
    "thousands and decimals": (
        't,x\n0,1\n1,"1,234.5"\n',
        "mine.csv, line 3, column 'x': '1,234.5' is not a number; write it without a mark between the thousands.",
    ),
    "thousands in the first row": (
        "Datum;Uhrzeit;Wert\n10.03.2024;08:00;1.000,50\n11.03.2024;08:01;905,34\n12.03.2024;08:02;819,23\n",
        "mine.csv, line 2, column 'Wert': '1.000,50' is not a number; write it without a mark between the thousands.",
    ),
    **{
        f"thousands: {text}": (
            f't,x\n0,1\n1,"{text}"\n',
            f"mine.csv, line 3, column 'x': {text!r} is not a number; write it without a mark between the thousands.",
        )
        for text in ("8,000,000", "1.234.567", "8 000", "1'234.5")
    },
    **{
        f"below a limit: {text}": (
            f"t,x\n0,1\n1,{text}\n",
            f"mine.csv, line 3, column 'x': {text!r} is not a number; it is a limit: leave the cell blank, or write "
            "the value that you take it for.",
        )
        for text in ("BLQ", "<LOD", "n.d.")
    },
    "a mark of a footnote": (
        "t,x\n0,1\n1,0.44*\n",
        "mine.csv, line 3, column 'x': '0.44*' is not a number; write the number alone, without the mark behind it.",
    ),
    "the header again": (
        "t,x\n0,1\n1,x\n2,3\n",
        "mine.csv, line 3, column 'x': 'x' is not a number; the header comes again here: if a new run begins, leave it "
        "out and give each run a name in a column.",
    ),
    "year and month": (
        "month,x\n202611,1\n202612,2\n202701,3\n",
        "mine.csv, line 2, column 'month': '202611' looks like a year and a month, and as numbers they jump from year "
        "to year; write 2024-01-01 for 202401.",
    ),
    "thousands or decimals": (
        "t\tx\n0\t980\n1\t1,234\n",
        "mine.csv, line 3, column 'x': '1,234' may be 1234 or 1.234; write it without a comma, or with a decimal "
        "point.",
    ),
    "underscore": ("t,x\n0,1_000\n", f"mine.csv, line 2, column 'x': '1_000' {NUMBER}{INFERRED}"),
    "long text": ("t,x\n0," + 50 * "a", f"mine.csv, line 2, column 'x': '{37 * 'a'}...' {NUMBER}{INFERRED}"),
    "infinite": (
        "t,x\n0,1\n1,inf\n",
        f"mine.csv, line 3, column 'x': 'inf' {INFINITE}{INFERRED}",
    ),
    "overflow": (
        "t,x\n0,1e999\n",
        f"mine.csv, line 2, column 'x': '1e999' {INFINITE}{INFERRED}",
    ),
    "blank time": ("t,x\n0,1\n,2\n", "mine.csv, line 3, column 't': the time is blank; fill it in or remove the row."),
    "time is text": (
        "t,x\n0,1\nnoon,2\n",
        f"mine.csv, line 3, column 't': 'noon' is not a number; write times as numbers {FORMS}.",
    ),
    "time is a date of another kind": (
        "date,x\n5th of May,1\n6th of May,2\n",
        "mine.csv, line 2, column 'date': '5th of May' is not a number, and 1 more cell is none (line 3 of 'date': "
        f"'6th of May'); write times as numbers {FORMS}.",
    ),
    "dates without dashes": (
        "t,x\n20240131,1\n20240201,2\n",
        "mine.csv, line 2, column 't': '20240131' looks like a date without its dashes, and as numbers such dates jump "
        "from month to month; write 2024-01-31 for 20240131.",
    ),
    "infinite time": (
        "t,x\n0,1\ninf,2\n",
        f"mine.csv, line 3, column 't': 'inf' is infinite; write times as numbers {FORMS}.",
    ),
    "time twice": (
        "t,x\n0,1\n1.0,2\n\n1,3\n",
        "mine.csv, lines 3 and 5: time 1.0 comes twice; remove one of the rows or name the column that tells the runs "
        "apart with --trajectory (trajectory= in Python).",
    ),
    "a clock that starts again": (
        "t,x\n" + "0,1\n1,2\n2,3\n" * 3,
        "mine.csv, lines 2 and 5: time 0 comes twice; times start again in line 5 and 1 more line, so that these are "
        "3 runs: number them in a column of their own (in pandas table['run'] = (table[...].diff() < 0).cumsum() of "
        "the times), and name it with --trajectory run (trajectory='run' in Python).",
    ),
    "an hour twice": (
        "t,x\n2026-10-25T02:00,1\n2026-10-25T02:30,2\n2026-10-25T02:00,3\n",
        "mine.csv, lines 2 and 4: time 2026-10-25T02:00 comes twice; remove one of the rows or name the column that "
        "tells the runs apart with --trajectory (trajectory= in Python), or where clocks were put back give times in "
        "UTC.",
    ),
    "time twice in a trajectory": (
        "run,t,x\na,0,1\nb,0,2\na,0,3\n",
        "mine.csv, lines 2 and 4: time 0 of trajectory 'a' comes twice; remove one of the rows.",
    ),
    "two columns that name runs": (
        "patient,visit,t,x\n1,1,0,1\n1,1,1,2\n1,2,0,3\n1,2,1,5\n",
        "mine.csv, lines 2 and 4: time 0 of trajectory '1' comes twice; remove one of the rows, or if 'visit' tells "
        "runs apart, too, make one column of it and 'patient'.",
    ),
    "times of day of two days": (
        "t,x\n12:00,1\n0:00,2\n12:00,3\n",
        "mine.csv, lines 2 and 4: time 43200 comes twice; remove one of the rows or name the column that tells the "
        "runs apart with --trajectory (trajectory= in Python), or where times of day go on past midnight add a "
        "column of dates.",
    ),
    **{
        f"a cycle: {name}": (
            f"{name},x\n{last - 1},1\n{last},2\n{first},3\n{first + 1},4\n",
            f"mine.csv, line 4, column {name!r}: {name!r} begins anew after {last}; let it go on growing, or write "
            "timestamps such as 2024-01-31 or 2024-01-31T13:45:00.",
        )
        for name, last, first in (("hour", 23, 0), ("Month", 12, 1), ("days", 30, 1), ("week", 53, 1))
    },
    "a switch among numbers": (
        "t,x\n0,1.5\n1,no\n2,1.2\n",
        "mine.csv, line 3, column 'x': 'no' is not a number; only a column of such words, or with 1 and 0, says what "
        "is on: leave the cell blank.",
    ),
    "no header, times": (
        "2024-01-31 13:45,1,2\n2024-01-31 13:46,2,3\n",
        "mine.csv, line 1: the first row holds numbers, not names; add a header line such as t,x,y.",
    ),
    "no id": (
        "run,t,x\na,0,1\n,1,2\n",
        "mine.csv, line 3, column 'run': the row names no trajectory; fill in the cell.",
    ),
}


@pytest.mark.parametrize("case", BAD_TEXT)
def test_bad_files(tmp_path, monkeypatch, case):
    text, message = BAD_TEXT[case]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        read_csv("mine.csv")


GOOD = "run,time,x,u\na,0,1,5\na,1,abc,\n"


@pytest.mark.parametrize(
    "roles, message",
    [
        ({"states": ["x"], "inputs": ["u"]}, f"mine.csv, line 3, column 'x': 'abc' {NUMBER}."),
        ({"time": "tme"}, "mine.csv has no column 'tme' (did you mean 'time'?); it has 'run', 'time', 'x', 'u'."),
        ({"states": ["x", "prey"]}, "mine.csv has no column 'prey'; it has 'run', 'time', 'x', 'u'."),
        ({"inputs": ["U"]}, "mine.csv has no column 'U' (did you mean 'u'?); it has 'run', 'time', 'x', 'u'."),
        (
            {"states": ["u"], "inputs": ["u"]},
            "column 'u' is named as a state and as an input; give it one role.",
        ),
        ({"states": ["u", "time"]}, "mine.csv: column 'time' was given another role, and no other one can be the time"),
        ({"states": ["x", "x"]}, "column 'x' is named as a state twice; give it one role."),
        ({"states": ["x,u"]}, "mine.csv has no column 'x,u' (names are separated by spaces); it has 'run', 'time'"),
        ({"sd_columns": {"x": "x"}}, "column 'x' is named as a state and as its own standard deviation; give it one"),
        ({"states": []}, "there is no state column; name at least one with --states (states= in Python)."),
        (
            {"states": ["run"], "inputs": ["u"]},
            "mine.csv, line 2, column 'run': 'a' is not a number, and 1 more cell is none (line 3 of 'run': 'a'); "
            "remove it or leave the cell blank.",
        ),
    ],
)
def test_bad_roles(tmp_path, monkeypatch, roles, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.csv").write_text(GOOD)
    with pytest.raises(DataError, match=f"^{re.escape(message)}"):
        read_csv("mine.csv", **roles)


def test_blank_and_infinite_inputs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.csv").write_text("t,x,u\n0,1,5\n1,2,\n")
    message = (
        "mine.csv, line 3, column 'u': the input is blank from here to the end; it is known until time 0 and needed "
        "until 1: fill in the last row, or remove those after it."
    )
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        read_csv("mine.csv", inputs=["u"])
    (tmp_path / "mine.csv").write_text("t,x,u\n0,1,shut\n")
    message = (
        "mine.csv, line 2, column 'u': 'shut' is not a number; an input needs a number, such as 1 and 0 for on and off."
    )
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        read_csv("mine.csv", inputs=["u"])


def test_a_comma_among_decimal_points_is_not_guessed_at(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.csv").write_text("t;x;y\n0;0.5;1,234\n")
    message = (
        "mine.csv, line 2, column 'y': '1,234' is not a number; write numbers with a decimal point and no other marks."
    )
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        read_csv("mine.csv")


def test_roles_of_another_table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "new.csv").write_text("t,prey\n0,1\n")
    message = "new.csv has no column 'pray' (did you mean 'prey'?); it has 't', 'prey'."
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        to_trajectories(read_table("new.csv"), Roles(None, "t", ("pray",)))


def test_missing_files_and_folders(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=r"^none\.csv does not exist; give a CSV, Parquet or NPZ file\.$"):
        read_table("none.csv")
    (tmp_path / "runs").mkdir()
    with pytest.raises(DataError, match=r"^runs is a folder; give a CSV, Parquet or NPZ file\.$"):
        read_table("runs")
    (tmp_path / "file").write_text("t,x\n0,1\n")
    with pytest.raises(DataError, match=r"^file/x\.csv cannot be read: Not a directory\.$"):
        read_table("file/x.csv")
    with pytest.raises(DataError, match=r"^none/x\.csv cannot be written: No such file or directory\.$"):
        write_csv(read_csv("file"), "none/x.csv")


@pytest.mark.parametrize(
    "columns, message",
    [
        ({}, "the data frame is empty; it needs named columns and rows of numbers."),
        ({"t": [], "x": []}, "the data frame is empty; it needs named columns and rows of numbers."),
        ({"t": [0, 1], "x": [1, "abc"]}, f"the data frame, row 1, column 'x': 'abc' {NUMBER}{INFERRED}"),
        (
            {"t": [0, 1], "x": [1, np.inf]},
            f"the data frame, row 1, column 'x': 'inf' {INFINITE}{INFERRED}",
        ),
        (
            {"t": pandas.to_datetime(["2024-01-05", None]), "x": [1, 2]},
            "the data frame, row 1, column 't': the time is blank; fill it in or remove the row.",
        ),
        (
            {"t": [0, 0], "x": [1, 2]},
            "the data frame, rows 0 and 1: time 0 comes twice; remove one of the rows or name the column that tells "
            "the runs apart with --trajectory (trajectory= in Python).",
        ),
    ],
)
def test_bad_frames(columns, message):
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        from_frame(pandas.DataFrame(columns))


def test_parquet_without_pyarrow(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)  # as if it were not installed
    (tmp_path / "mine.parquet").write_bytes(b"PAR1")
    message = "mine.parquet is a Parquet file: install pyarrow to read it, or save it as CSV."
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        read_table("mine.parquet")


def test_a_column_of_decimals_that_is_another_in_each_run_may_name_them(tmp_path):
    rows = "".join(f"{t},{dose},{t * dose}\n" for dose in (0.5, 1.0) for t in range(4))
    (tmp_path / "doses.csv").write_text(f"t,dose,x\n{rows}")
    with pytest.raises(DataError, match=r"lines 2 and 6: time 0 comes twice; if 'dose' tells .* --trajectory dose "):
        read_csv(tmp_path / "doses.csv")
    assert read_csv(tmp_path / "doses.csv", trajectory="dose").ids == ("0.5", "1.0")
