"""Times in several columns of numbers, against the standard library's calendar; and columns that are left alone."""

from datetime import datetime, timedelta

import pytest

from neuralode_lbfgs import DataError, read_csv
from neuralode_lbfgs.data import describe, infer_roles, read_table, to_trajectories

BEGIN = datetime(2024, 2, 27, 22)


def table(tmp_path, header, rows):
    (tmp_path / "mine.csv").write_text("\n".join([header, *rows]) + "\n")
    return tmp_path / "mine.csv"


@pytest.mark.parametrize(
    "header, form, step",
    [
        ("date,hour,x", "{0:%Y-%m-%d},{0.hour}", timedelta(hours=1)),
        ("Date,Hour [h],x", "{0:%d.%m.%Y},{0.hour:02d}", timedelta(hours=1)),
        ("date,hour,minute,x", "{0:%Y-%m-%d},{0.hour},{0.minute}", timedelta(minutes=20)),
        ("YEAR,DOY,x", "{0.year},{0:%j}", timedelta(days=1)),
        ("year,day_of_year,hour,x", "{0.year},{0:%j},{0.hour}", timedelta(hours=1)),
        ("year,month,day,x", "{0.year},{0.month},{0.day}", timedelta(days=1)),
        ("year,month,day,hour,minute,second,x", "{0:%Y,%m,%d,%H,%M,%S}.0", timedelta(seconds=10)),
    ],
)
def test_the_time_is_in_several_columns(tmp_path, header, form, step):
    moments = [BEGIN + k * step for k in range(60)]
    path = table(tmp_path, header, [f"{form.format(moment)},{k % 7}.5" for k, moment in enumerate(moments)])
    data = read_csv(path)
    assert data.state_names == ("x",)
    assert data.time_name.lower() == "date"
    first = moments[0] if step < timedelta(days=1) else moments[0].replace(hour=0)
    assert [data.clock.read(f"{first + k * step}") for k in range(60)] == data[0].ts.tolist()


def test_the_last_hour_of_a_day_may_be_the_24th(tmp_path):
    hours = [(1, 23), (1, 24), (2, 1)]
    data = read_csv(table(tmp_path, "date,hour,x", [f"2024-03-0{day},{hour},1" for day, hour in hours]))
    assert data[0].ts.tolist() == [0.0, 1.0, 2.0]


def test_it_is_told_and_runs_are_kept_apart(tmp_path):
    rows = [f"{run},2024,{day},{day}" for run in "AB" for day in range(1, 6)]
    read = read_table(table(tmp_path, "run,year,doy,x", rows))
    roles = infer_roles(read)
    data = to_trajectories(read, roles)
    assert "note: columns 'year', 'doy' were read as one time" in describe(read, roles, data)
    assert data.ids == ("A", "B")


def test_a_day_that_there_is_not(tmp_path):
    path = table(tmp_path, "year,month,day,x", ["2023,2,28,1", "2023,2,29,1"])
    with pytest.raises(DataError, match=r"mine.csv, line 3, column 'date': there is no such time as '2023-02-29'"):
        read_csv(path)


@pytest.mark.parametrize(
    "header, row, names",
    [
        ("year,hare", "{0},{0}.5", ("hare",)),
        ("t,year,month,x", "{0},{0},3,1", ("year", "month", "x")),  # the time is there
        ("time,hour,x", "{0},3,{0}", ("hour", "x")),
        ("date,hour,x", "2024-03-{0:02d},{0}00,1", ("hour", "x")),  # 300 is no hour
    ],
)
def test_what_is_no_part_of_a_time_stays(tmp_path, header, row, names):
    start = 1990 if header.startswith("year") else 1
    data = read_csv(table(tmp_path, header, [row.format(start + k) for k in range(9)]))
    assert data.state_names == names
