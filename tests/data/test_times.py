"""Which column is the time, by its name, its unit or its timestamps."""

import re
from datetime import timedelta

import numpy as np
import pandas
import pytest

from neuralode_lbfgs.data import DataError, from_frame, read_csv

ASKED = "the time column may be {} or {}; choose one with --time (time= in Python)."
NAMES = (
    *(
        "t",
        "T",
        "Time",
        "time_s",
        "Date Time",
        "date_time",
        "DateTime",
        "Time stamp",
        "days",
        "sec",
        "hrs",
        "Total time",
    ),
    *("h", "min", "s", "frame", "tau", "Step", "Test_Time_s", "ts_ms", "epoch", "unix_time"),
)


def read(tmp_path, header, rows="0,1\n2,3\n"):
    (tmp_path / "mine.csv").write_text(f"{header}\n{rows}")
    return read_csv(tmp_path / "mine.csv")


@pytest.mark.parametrize("name", NAMES)
def test_names_of_the_time(tmp_path, name):
    assert read(tmp_path, f"{name},x").time_name == name


@pytest.mark.parametrize(
    "header, name, unit",
    [
        ("Time(ms)", "Time", "ms"),
        ("Test_Time(s)", "Test_Time", "s"),
        ("t/min", "t", "min"),
        ("time / h", "time", "h"),
        ("Zeit(Min)", "Zeit", "Min"),
        ("Age (Hours)", "Age", "Hours"),
        ("Process time [h]", "Process time", "h"),
        ("Laufzeit / h", "Laufzeit", "h"),
        ("temps", "temps", ""),
        ("Zeit_s", "Zeit_s", ""),
        ("tiempo (min)", "tiempo", "min"),
    ],
)
def test_a_unit_right_behind_the_time(tmp_path, header, name, unit):
    data = read(tmp_path, f"{header},x(s),y/h", "0,1,2\n2,3,4\n")
    assert (data.time_name, data.unit(name), data.state_names) == (name, unit, ("x(s)", "y/h"))


@pytest.mark.parametrize(
    "text",
    [
        "x,h\n1,0\n2,1\n",  # not the first
        "h,x\n0,1\n2,2\n1,3\n",  # goes back, and no run begins
        "well,h,x\na,0,1\na,0,2\nb,0,1\nb,1,2\n",
        "t/D,x\n0,1\n1,2\n",  # ratios
        "t/T,x\n0,1\n1,2\n",
    ],
)
def test_what_may_be_no_time(tmp_path, text):
    (tmp_path / "mine.csv").write_text(text)
    with pytest.raises(DataError, match="has no column called t or time"):
        read_csv(tmp_path / "mine.csv")


@pytest.mark.parametrize(
    "name, a, b", [("run", "1", "2"), ("well", "A1", "A2"), ("well", "1", "2"), ("Where", "p", "q")]
)
def test_a_short_name_of_the_time_beside_runs(tmp_path, name, a, b):
    data = read(tmp_path, f"{name},min,min.x,max.x", f"{a},0,1,2\n{a},1,3,4\n{b},0,5,6\n{b},1,7,8\n")
    assert (data.time_name, data.ids, data.state_names) == ("min", (a, b), ("min.x", "max.x"))


def test_a_clearer_name_of_the_time_wins(tmp_path):
    assert read(tmp_path, "h,hours").time_name == "hours"


@pytest.mark.parametrize(
    "header, time",
    [
        ("time (s),T (K)", "time"),
        ("T,Time", "Time"),
        ("t,T", "t"),
        ("T [°C],t [s]", "t"),
        ("t [degC],T [h]", "T"),
        ("T (K),days", "days"),
        ("t [F],time", "time"),
        ("hours,T [C]", "hours"),
        ("day,T", "day"),
        ("T [cells/mL],day", "day"),
        ("T,x", "T"),
    ],
)
def test_a_temperature_is_not_the_time(tmp_path, header, time):
    assert read(tmp_path, header).time_name == time


@pytest.mark.parametrize("header, one, other", [("t,time", "t", "time"), ("T [h],time [h]", "T", "time")])
def test_two_names_that_are_as_clear(tmp_path, header, one, other):
    with pytest.raises(DataError, match=re.escape(ASKED.format(repr(one), repr(other)))):
        read(tmp_path, header)


SPANS = [timedelta(seconds=second) for second in (0, 0.5, 90061.25)]
STATE = {"x": [1.0, 2.0, 4.0]}


@pytest.mark.parametrize(
    "frame, name",
    [
        (pandas.DataFrame(STATE, index=pandas.to_timedelta(SPANS)), "time"),
        (pandas.DataFrame(STATE, index=pandas.to_timedelta(SPANS).rename("elapsed")), "elapsed"),
        (pandas.DataFrame({"t": SPANS, **STATE}), "t"),
        (pandas.DataFrame({"t [h]": SPANS, **STATE}), "t"),
        ({"t": SPANS, **STATE}, "t"),
        ({"t": np.array(SPANS, "m8[ns]"), **STATE}, "t"),
    ],
)
def test_spans_of_time_are_seconds(tmp_path, frame, name):
    read = [from_frame(frame)]
    if isinstance(frame, pandas.DataFrame):
        frame.to_parquet(tmp_path / "mine.parquet")
        read.append(read_csv(tmp_path / "mine.parquet"))
    for data in read:
        assert (data.label(data.time_name), data.state_names) == (f"{name} [s]", ("x",))
        assert data[0].ts.tolist() == [0, 0.5, 90061.25]


def test_a_span_that_is_missing_is_no_time():
    with pytest.raises(DataError, match="row 1, column 't': the time is blank"):
        from_frame(pandas.DataFrame({"t": [SPANS[0], None, SPANS[2]], **STATE}))


def test_an_index_of_spans_beside_a_time_numbers_the_rows():
    assert from_frame(pandas.DataFrame({"t": [0, 1, 5], **STATE}, index=pandas.to_timedelta(SPANS)))[0].ts[2] == 5


@pytest.mark.parametrize("header", ["t_A,x_A,t_B,x_B", "time 1,level 1,time 2,level 2", "t1,x1,y1,t2,x2,y2"])
def test_times_of_runs_side_by_side(tmp_path, header):
    width = header.count(",") + 1
    rows = "".join(",".join([str(row)] * width) + "\n" for row in range(3))
    times = header.split(",")[0], header.split(",")[width // 2]
    said = f"mine.csv: {times[0]!r}, {times[1]!r} look like the times of runs side by side; give each run rows"
    with pytest.raises(DataError, match=said):
        read(tmp_path, header, rows)


def test_a_temperature_that_falls_is_not_the_time(tmp_path):
    with pytest.raises(DataError, match=r"it has 'T', 'P', 'V'; T does not grow from row to row"):
        read(tmp_path, "T,P,V", "303,3,0\n302.8,3.4,0.5\n302.5,3.8,1\n")


def test_an_index_is_the_time_where_nothing_else_is(tmp_path):
    data = read(tmp_path, "index,T,CA", "0,303,3\n1,302.8,3.4\n2,302.5,3.8\n")
    assert (data.time_name, data.state_names) == ("index", ("T", "CA"))
    runs = read(tmp_path, "run,index,T,CA", "a,0,303,3\na,1,302.8,3.4\nb,0,303,3\nb,1,302.5,3.8\n")
    assert (runs.time_name, len(runs)) == ("index", 2)
    timed = read(tmp_path, "index,t,T", "0,1,303\n1,2,302.8\n2,4,302.5\n")
    assert (timed.time_name, timed.state_names) == ("t", ("T",))
