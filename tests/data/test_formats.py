"""From each kind of file that people have to the same trajectories."""

import gzip

import numpy as np
import pandas
import pytest

from neuralode_lbfgs.data import (
    DataError,
    describe,
    from_arrays,
    from_frame,
    infer_roles,
    read_csv,
    read_table,
    to_trajectories,
)

PLAIN = "run,t,x,y\na,0,1.5,2\na,0.5,,4\nb,0,-3e-1,5\n"


def check(data, name="run"):
    assert data.ids == ("a", "b")
    assert (data.id_name, data.time_name, data.state_names) == (name, "t", ("x", "y"))
    np.testing.assert_array_equal(data["a"].ts, [0, 0.5])
    np.testing.assert_array_equal(data["a"].ys, [[1.5, 2], [np.nan, 4]])
    np.testing.assert_array_equal(data["b"].ys, [[-0.3, 5]])


@pytest.mark.parametrize(
    "text",
    {
        "commas": PLAIN,
        "spaces after commas": PLAIN.replace(",", ", "),
        "tabs": PLAIN.replace(",", "\t"),
        "semicolons": PLAIN.replace(",", ";"),
        "bars": PLAIN.replace(",", "|"),
        "semicolons and decimal commas": PLAIN.replace(",", ";").replace(".", ","),
        "tabs and decimal commas": PLAIN.replace(",", "\t").replace(".", ","),
        "spaces": "run t  x    y\na  0  1.5  2\n a 0.5 nan  4 \nb  0\t-3e-1 5\n",
        "spaces and decimal commas": "run t x y\na 0 1,5 2\na 0,5 NA 4\nb 0 -3e-1 5\n",
        "carriage returns": PLAIN.replace("\n", "\r\n"),
        "no newline at the end": PLAIN.rstrip(),
        "byte order mark": "\ufeff" + PLAIN,
        "comments and blank lines": "# pond 3\n\n" + PLAIN.replace("a,0.5", "  # late\n\na,0.5") + "\n\n#end",
        "lines of bare separators": PLAIN + ",,,\n,,,\n",
        "trailing separators": PLAIN.replace("\n", ",\n"),
        "cells too many, but blank": PLAIN.replace("2\n", "2,,\n"),
        "quoted": '"run","t","x","y"\n"a","0","1.5",2\n"a",0.5,"",4\n"b",0,-3e-1,5\n',
        "unnamed index": ",run,t,x,y\n0,a,0,1.5,2\n1,a,0.5,,4\n2,b,0,-3e-1,5\n",
        "pandas index saved twice": "Unnamed: 0.1,Unnamed: 0,run,t,x,y\n0,0,a,0,1.5,2\n1,1,a,0.5,,4\n2,2,b,0,-3e-1,5\n",
        "a column that counts rows": "index,run,t,x,y\n0,a,0,1.5,2\n1,a,0.5,,4\n2,b,0,-3e-1,5\n",
        **{
            f"missing is {text}": PLAIN.replace("0.5,,", f"0.5,{text},") for text in ("NaN", "nan", "NA", "N/A", "null")
        },
        **{f"missing is {text!r}": PLAIN.replace("0.5,,", f"0.5,{text},") for text in ("None", " ", "#N/A", "-nan")},
        **{f"missing is {text!r}": PLAIN.replace("0.5,,", f"0.5,{text},") for text in ("-", "--", ".", "?")},
        "an error of a spreadsheet is no comment": "x,y,run,t\n1.5,2,a,0\n#N/A,4,a,0.5\n-0.3,5,b,0\n",
    }.items(),
    ids=lambda item: item[0],
)
def test_text_files(tmp_path, text):
    path = tmp_path / "mine.csv"
    path.write_bytes(text[1].encode())
    check(read_csv(path))


def test_header_in_a_comment_as_numpy_writes_it(tmp_path):
    path = tmp_path / "mine.txt"
    with path.open("w") as file:
        np.savetxt(file, [[0, 1.5], [1, np.nan]], header="pond 3\nt x")
    data = read_csv(path)
    assert (data.time_name, data.state_names) == ("t", ("x",))
    np.testing.assert_array_equal(data["mine"].ys, [[1.5], [np.nan]])
    assert read_table(path).notes == ("the names of the columns were read from the comment line before line 3",)


def test_header_in_a_comment_above_timestamps(tmp_path):
    (tmp_path / "mine.txt").write_text("# time x\n2024-01-31T13:45 1\n2024-01-31T13:46 2\n")
    assert read_csv(tmp_path / "mine.txt")[0].ys.tolist() == [[1], [2]]


@pytest.mark.parametrize("above", ["% Model: tank\n% t x y\n", "%% tank\n%\tt x y\n", "# t x y\n", "t x y\n"])
def test_comments_of_other_programs(tmp_path, above):
    (tmp_path / "mine.txt").write_text(f"{above}0 1 2\n1 2 3\n")
    assert read_csv(tmp_path / "mine.txt").state_names == ("x", "y")
    (tmp_path / "mine.csv").write_text("%DO,t\n1,0\n2,1\n")
    assert read_csv(tmp_path / "mine.csv").state_names == ("%DO",)


def test_units_in_a_comment_of_their_own(tmp_path):
    (tmp_path / "mine.txt").write_text("# run 12\n# t x y\n# s mM -\n0 1 2\n1 2 3\n")
    data = read_csv(tmp_path / "mine.txt")
    assert (data.state_names, data.units) == (("x", "y"), {"t": "s", "x": "mM"})


def test_rows_that_r_has_numbered(tmp_path):
    (tmp_path / "mine.txt").write_text('"t" "x"\n"1" 0 5\n"2" 1 6\n')
    assert read_csv(tmp_path / "mine.txt")[0].ys.tolist() == [[5], [6]]


def test_units_behind_lines_between_spaces(tmp_path):
    (tmp_path / "mine.dat").write_text("t / s   S / mM   P\n0 1 2\n1 2 3\n")
    data = read_csv(tmp_path / "mine.dat")
    assert (data.state_names, data.units) == (("S", "P"), {"t": "s", "S": "mM"})


def test_units_in_round_brackets_between_spaces(tmp_path):
    (tmp_path / "mine.txt").write_text("time (s)   x [m]  v\n0  1.5  2\n1  2  3\n")
    data = read_csv(tmp_path / "mine.txt")
    assert (data.time_name, data.state_names, data.label("x")) == ("time", ("x", "v"), "x [m]")


def test_what_is_on_or_off_is_one_or_zero(tmp_path):
    (tmp_path / "mine.csv").write_text("t,x,valve\n0,1,True\n1,2,FALSE\n")
    np.testing.assert_array_equal(read_csv(tmp_path / "mine.csv", inputs=["valve"])["mine"].inputs, [[1], [0]])
    frame = pandas.DataFrame({"t": [0, 1], "x": [1, 2], "valve": [True, False]})
    np.testing.assert_array_equal(from_frame(frame, inputs=["valve"])["trajectory"].inputs, [[1], [0]])


def test_decimal_commas_of_three_digits(tmp_path):
    """1,234 is a decimal if another number of the table can be nothing else, or all numbers of its column are such."""
    for text in ("t\tx\n0\t1,234\n1\t980\n2\t0,5\n", "t;x\n0;1,234\n1;2,345\n"):
        (tmp_path / "mine.csv").write_text(text)
        assert read_csv(tmp_path / "mine.csv")["mine"].ys[0, 0] == 1.234


def test_an_index_of_timestamps_without_a_name_is_the_time(tmp_path):
    """As `to_csv` and `to_parquet` write the usual frame of a time series."""
    frame = pandas.DataFrame({"x": [1.0, 2, 3]}, index=pandas.date_range("2024-01-01", periods=3, freq="h"))
    frame.to_csv(tmp_path / "mine.csv")
    frame.to_parquet(tmp_path / "mine.parquet")
    for data in (read_csv(tmp_path / "mine.csv"), read_csv(tmp_path / "mine.parquet"), from_frame(frame)):
        assert (data.time_name, data.state_names, data[0].ts.tolist()) == ("time", ("x",), [0, 1, 2])
    frame["t"] = [0, 5, 7]
    assert from_frame(frame)[0].ts.tolist() == [0, 5, 7]


def test_masked_numbers_are_not_observed():
    masked = np.ma.masked_array([1.0, -999, 3], mask=[False, True, False])
    for data in (from_arrays([0, 1, 2], masked), from_frame({"t": [0, 1, 2], "x": masked})):  # pyright: ignore
        np.testing.assert_array_equal(data[0].ys, [[1], [np.nan], [3]])


@pytest.mark.parametrize("given", [[[0, 1], [1, 2]], np.zeros((2, 2)), pandas.Series([1, 2])])
def test_what_is_no_frame(given):
    with pytest.raises(DataError, match="give a pandas or polars data frame or a dict of columns, or arrays to from_a"):
        from_frame(given)


def test_arrays_of_runs_of_different_lengths():
    with pytest.raises(DataError, match="ys has rows of different lengths; fill the shorter runs up with NaN"):
        from_arrays([[0, 1, 2], [0, 1, 2]], [[1, 2], [1, 2, 3]])


def test_an_npz_file_without_the_arrays_says_which_there_are(tmp_path):
    np.savez(tmp_path / "mine.npz", t=[0, 1], y=[[1, 2], [3, 4]])
    with pytest.raises(DataError, match=r"there is no array 'ts' \(there is t, y\); ts and ys are needed, or a"):
        read_csv(tmp_path / "mine.npz")


def test_an_npz_file_with_an_array_for_each_column(tmp_path):
    days = np.array(["2024-01-30", "2024-01-31", "2024-02-01"], "M8[D]")
    np.savez(tmp_path / "mine.npz", day=days, run=["a", "a", "b"], x=[1.0, np.nan, 3.0])
    data = read_csv(tmp_path / "mine.npz")
    assert (data.ids, data.state_names, data.observed) == (("a", "b"), ("x",), 2)
    assert data.clock.write(float(data["b"].ts[0])) == "2024-02-01"


def test_points_that_may_part_thousands_are_said(tmp_path):
    (tmp_path / "mine.csv").write_text("t;people\n0;980\n1;1.234\n")
    assert read_table(tmp_path / "mine.csv").notes == (
        "1.234 in column 'people' was read as a decimal number, not as a thousand",
    )


def test_exponents_of_fortran(tmp_path):
    (tmp_path / "mine.csv").write_text("t,x\n0.0D+00,1.5D+00\n1.D+01,-.25d-1\n")
    (run,) = read_csv(tmp_path / "mine.csv")
    assert (run.ts.tolist(), run.ys[:, 0].tolist()) == ([0.0, 10.0], [1.5, -0.025])


def test_letters_of_older_programs(tmp_path):
    (tmp_path / "mine.csv").write_bytes("Zeit [s];F\u00fcllstand [\u00b0C]\n0;1\n1;2\n".encode("cp1252"))
    table = read_table(tmp_path / "mine.csv")
    assert read_csv(tmp_path / "mine.csv").label("F\u00fcllstand") == "F\u00fcllstand [\u00b0C]"
    assert table.notes == ("the text is not UTF-8 (line 1) and was read as Windows-1252 (Latin-1)",)


@pytest.mark.parametrize(
    "text", ["NA", "n.a.", "#N/A", "--", "---", ".", "?", "-nan(ind)", "1.#QNAN", "(null)", "\\N", "Missing", "no data"]
)
def test_what_says_that_there_is_no_value(tmp_path, text):
    (tmp_path / "mine.csv").write_text(f"t,x\n0,1\n1,{text}\n2,3\n")
    assert read_csv(tmp_path / "mine.csv").observed == 2


def test_a_typographic_minus_is_a_minus(tmp_path):
    (tmp_path / "mine.csv").write_text("t,x\n\u22123000000000,1\n\u22122999999999,\u20132.5\n", encoding="utf-8")
    (run,) = read_csv(tmp_path / "mine.csv")
    assert (run.ts.tolist(), run.ys[:, 0].tolist()) == ([0.0, 1.0], [1.0, -2.5])


def test_numbers_that_stand_for_no_value_are_said(tmp_path):
    (tmp_path / "mine.csv").write_text("t,x,y\n0,1,-999\n1,-999,-990\n2,3,-980\n")
    table = read_table(tmp_path / "mine.csv")
    roles = infer_roles(table)
    notes = [line for line in describe(table, roles, to_trajectories(table, roles)).splitlines() if "note" in line]
    assert notes == [
        "note: 'x' is -999 in 1 row, far from all other values; if that stands for no observation, leave the cells "
        "blank"
    ]


def test_comments_below_the_header_are_said(tmp_path):
    (tmp_path / "mine.csv").write_text("# pond\nt,x\n0,1\n#1,2\n2,3\n")
    assert read_table(tmp_path / "mine.csv").notes == (
        "1 line below the header begins with # or % and was read as a comment",
    )


def test_utf16_as_spreadsheets_export_unicode_text(tmp_path):
    path = tmp_path / "mine.txt"
    for encoding in ("utf-16", "utf-16-le"):  # with the mark of the order of bytes, and without
        path.write_bytes(PLAIN.replace(",", "\t").encode(encoding))
        check(read_csv(path))


def test_parquet(tmp_path):
    frame = pandas.DataFrame({"run": ["a", "a", "b"], "t": [0, 0.5, 0], "x": [1.5, None, -0.3], "y": [2, 4, 5]})
    frame.to_parquet(tmp_path / "mine.parquet")
    check(read_csv(tmp_path / "mine.parquet"))
    frame.set_index("t").to_parquet(tmp_path / "named.csv")  # the content decides, not the name
    check(read_csv(tmp_path / "named.csv"))
    frame.drop(columns="run").iloc[:2].to_parquet(tmp_path / "single.parquet")
    assert read_csv(tmp_path / "single.parquet").ids == ("single",)


@pytest.mark.parametrize("index", [None, "t", ["run", "t"]])
def test_frames(index):
    frame = pandas.DataFrame({"run": ["a", "a", "b"], "t": [0, 0.5, 0], "x": [1.5, None, -0.3], "y": [2, 4, 5]})
    check(from_frame(frame if index is None else frame.set_index(index)))


def test_frames_keep_every_kind_of_number():
    frame = pandas.DataFrame({"time": [0, 1, 2]})
    frame["single"] = np.array([0.1, 0.2, 0.3], dtype=np.float32)
    frame["whole"] = pandas.array([1, None, 3], dtype="Int64")
    frame["mixed"] = pandas.Series([1, "2.5", None], dtype=object)
    data = from_frame(frame)
    assert data.ids == ("trajectory",)
    expected = np.array([[np.float32(0.1), 1, 1], [np.float32(0.2), np.nan, 2.5], [np.float32(0.3), 3, np.nan]])
    np.testing.assert_array_equal(data[0].ys, expected.astype(np.float64))


def test_a_single_trajectory_has_the_name_of_the_file(tmp_path):
    path = tmp_path / "pond.csv"
    path.write_text("time,x\n0,1\n1,2\n")
    assert read_csv(path).ids == ("pond",)


@pytest.mark.parametrize("header", ["t [s],substrate [mol/L],y[0]", "t (s),substrate (mol/L),y[0]"])
def test_units_in_headers(tmp_path, header):
    path = tmp_path / "mine.csv"
    path.write_text(header + "\n0,1,2\n")
    data = read_csv(path)
    assert (data.time_name, data.state_names) == ("t", ("substrate", "y[0]"))
    assert data.units == {"t": "s", "substrate": "mol/L"}
    assert read_csv(path, states=[header.split(",")[1]]).state_names == ("substrate",)  # as written is accepted
    assert read_csv(path, units={"t": "ms"}).units == {"t": "ms", "substrate": "mol/L"}


def test_units_in_headers_between_spaces(tmp_path):
    path = tmp_path / "mine.dat"
    path.write_text("t [s]   x [a, b]  y\n0 1 2\n1 2 3\n")
    data = read_csv(path)
    assert (data.state_names, data.units) == (("x", "y"), {"t": "s", "x": "a, b"})


@pytest.mark.parametrize(
    "header, name, unit",
    [
        ("S / mM", "S", "mM"),
        ("T / K", "T", "K"),
        ("U/mV", "U", "mV"),
        ("c/(mol/L)", "c", "mol/L"),
        ("Current(A)", "Current", "A"),
        ("Speed(m/s)", "Speed", "m/s"),
        ("Temp. in °C", "Temp.", "°C"),
        ("v, m/s", "v", "m/s"),
        ("flux, W/(m^2 K)", "flux", "W/(m^2 K)"),
        ("biomass, g L-1", "biomass", "g L-1"),
        ("DO, %", "DO", "%"),
        ("rate in 1/h", "rate", "1/h"),
        ("N in 10^6 cells/mL", "N", "10^6 cells/mL"),
        ("yield [c/mmol]", "yield", "c/mmol"),
        *((name, name, "") for name in ("pH", "OD_600", "dx/dt", "F1/F2", "C/N", "L/min", "flow L/min", "glucose/min")),
        *((name, name, "") for name in ("f(x)", "X(t)", "x(s)", "a(1)", "OD(600)", "A / B", "prey, young", "T in")),
    ],
)
def test_units_as_laboratories_write_them(tmp_path, header, name, unit):
    (tmp_path / "mine.csv").write_text(f't [s],"{header}",other\n0,1,2\n1,2,3\n')
    data = read_csv(tmp_path / "mine.csv")
    assert (data.state_names, data.unit(name)) == ((name, "other"), unit)
    assert read_csv(tmp_path / "mine.csv", states=[header]).state_names == (name,)


def test_units_that_tell_columns_apart_stay_in_the_names(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("t,x [m],x [ft]\n0,1,3.28\n")
    assert read_csv(path).state_names == ("x [m]", "x [ft]")


@pytest.mark.parametrize(
    "name",
    [
        "t",
        "T",
        "Time",
        "timestamp",
        "time_s",
        "t_ms",
        "Date",
        "ts",
        "day",
        "hours",
        "elapsed_s",
        "Elapsed Time",
    ],
)
def test_names_of_the_time(tmp_path, name):
    path = tmp_path / "mine.csv"
    path.write_text(f"x,{name}\n1,0\n2,1\n")
    assert read_csv(path).time_name == name


@pytest.mark.parametrize("name", ["id", "ID", "run", "run_id", "Series", "subject", "Experiment", "trajectory", "traj"])
def test_names_of_the_trajectory(tmp_path, name):
    path = tmp_path / "mine.csv"
    path.write_text(f"t,{name},x\n0,7,1\n1,7,2\n0,8,3\n")
    assert read_csv(path).ids == ("7", "8")


def test_roles_that_are_given_win(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("run,t,clock,x,u,note\n1,0,5,1,0,ok\n1,1,6,2,1,late\n")
    data = read_csv(path, time="clock", states=["x"], inputs=["u"], trajectory="note")
    assert (data.ids, data.time_name, data.state_names, data.input_names) == (("ok", "late"), "clock", ("x",), ("u",))
    np.testing.assert_array_equal(data["late"].inputs, [[1]])
    assert read_csv(path, states="x", time="clock").state_names == ("x",)


def test_rows_are_grouped_and_sorted(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("run,t,x\nb,2,22\na,1,11\nb,1,21\na,2,\n")
    data = read_csv(path)
    assert data.ids == ("b", "a")
    np.testing.assert_array_equal(data["b"].ys, [[21], [22]])
    np.testing.assert_array_equal(data["a"].ys, [[11], [np.nan]])  # a time at which a prediction is wanted


def test_description(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.csv").write_text(",run,t [s],x [m],u,note\n0,b,2,22,0,\n1,a,1,11,0,\n2,b,1,,1,ok\n")
    table = read_table("mine.csv")
    roles = infer_roles(table, states=["x"], inputs=["u"])
    assert describe(table, roles, to_trajectories(table, roles)).splitlines() == [
        "mine.csv: 3 rows, 2 trajectories (column 'run': b, a)",
        "time: t [s], from 1 to 2",
        "states: x [m]",
        "inputs: u (linear)",
        "missing: 1 of 3 state values",
        "not used: note",
        "note: the first column has no name and was left out as row numbers",
        "note: 1 trajectory of one row (the first is 'a'): a single row tells of no motion; is it a mean, or a wrong "
        "name?",
        "note: the rows of 1 of 2 trajectories were not in the order of time and were sorted",
    ]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_files_in_gzip(tmp_path, kind):
    path = tmp_path / f"mine.{kind}"
    if kind == "csv":
        path.write_text(PLAIN)
    else:
        pytest.importorskip("pyarrow")
        rows = {"run": ["a", "a", "b"], "t": [0, 0.5, 0], "x": [1.5, None, -0.3], "y": [2, 4, 5]}
        pandas.DataFrame(rows).to_parquet(path)
    packed = tmp_path / f"mine.{kind}.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    check(read_csv(packed))


def test_a_run_in_gzip_has_the_name_of_its_file(tmp_path):
    path = tmp_path / "mine.csv.gz"
    path.write_bytes(gzip.compress(b"t,x\n0,1\n1,2\n"))
    assert read_csv(path).ids == ("mine",)


def test_what_unpacks_to_far_more_is_refused(tmp_path):
    path = tmp_path / "mine.csv.gz"
    path.write_bytes(gzip.compress(b"t,x\n" + b"0,0\n" * 2**23))
    with pytest.raises(DataError, match=r"would unpack to 32 MiB, .* save it without compression"):
        read_csv(path)
