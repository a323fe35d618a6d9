"""Dates and times of day in the forms of spreadsheets and loggers."""

import re
from datetime import date

import pandas
import pytest

from neuralode_lbfgs.data import DataError, from_frame, read_csv, read_table

HOURS = ["29.11.2026 13:45", "29.11.2026 14:45", "30.11.2026 0:45"]


def read(tmp_path, times, header="time", separator=","):
    lines = [f"{header}{separator}x", *(f'"{time}"{separator}{i}' for i, time in enumerate(times))]
    (tmp_path / "mine.csv").write_text("\n".join(lines))
    return read_csv(tmp_path / "mine.csv")


@pytest.mark.parametrize(
    "times",
    [
        HOURS,
        ["29.11.26 13:45", "29.11.26 14:45", "30.11.26 0:45:00"],
        ["11/29/2026 13:45", "11/29/2026 14:45", "11/30/2026 0:45"],
        ["11/29/26, 1:45 PM", "11/29/26, 2:45 pm", "11/30/26, 12:45 a.m."],
        ["29/11/2026 13:45:00.000", "29/11/2026 14:45", "30/11/2026 00:45"],
        ["2026/11/29 13:45", "2026/11/29 14:45", "2026/11/30 00:45"],
        ["2026.11.29T13:45", "2026.11.29T14:45", "2026.11.30T00:45"],
        ["29-Nov-2026 13:45", "29-Nov-2026 14:45", "30-NOV-2026 0:45"],
        ["29 Nov 2026 13:45", "29 Nov 2026 14:45", "30 Nov 2026 0:45"],
        ["2026-11-29 1:45 PM", "2026-11-29 2:45 PM", "2026-11-30 12:45 AM"],
        ["11-29-2026 13:45", "11-29-2026 14:45", "11-30-2026 0:45"],
        ["November 29, 2026 13:45", "November 29, 2026 14:45", "November 30, 2026 0:45"],
        ["Nov 29, 2026 1:45 PM", "Nov 29, 2026 2:45 PM", "Nov 30, 2026 12:45 AM"],
    ],
)
def test_forms_of_dates(tmp_path, times):
    data = read(tmp_path, times)
    assert data[0].ts.tolist() == [0.0, 1.0, 11.0]
    assert data.clock.show(11.0) == "2026-11-30T00:45:00"
    assert data.units["time"] == "hours since 2026-11-29T13:45:00"


def test_days_alone_and_fractions_of_seconds(tmp_path):
    assert read(tmp_path, ["30.11.2026", "1.12.2026", "4.12.2026"])[0].ts.tolist() == [0.0, 1.0, 4.0]
    fine = read(tmp_path, ["1.2.2026 0:00:00,25", "1.2.2026 0:00:01", "1.2.2026 0:00:01,5"], separator=";")
    assert fine[0].ts.tolist() == [0.0, 0.75, 1.25]


def test_a_day_that_may_be_two(tmp_path):
    """Which one a date of twelve is can be seen where times go on, or a thirteenth comes."""
    within_days = [f"{day}/2/2026 {hour}:00" for day in (1, 2) for hour in range(24)]
    assert read(tmp_path, within_days).clock.origin == "2026-02-01T00:00:00"
    assert read(tmp_path, ["1/2/2026", "13/2/2026"]).clock.origin == "2026-02-01"
    assert read(tmp_path, ["1/1/2026 10:00", "1/1/2026 11:00"]).clock.origin == "2026-01-01T10:00:00"
    with pytest.raises(DataError) as error:
        read(tmp_path, ["", "1/2/2026", "2/2/2026"][1:])
    assert str(error.value).endswith(
        "mine.csv, line 2, column 'time': '1/2/2026' may be 2026-02-01 or 2026-01-02; say which in the header, as "
        "time (DD/MM/YYYY) or time (MM/DD/YYYY), or write dates as 2026-02-01."
    )


def test_the_first_day_that_may_be_two_is_told(tmp_path):
    with pytest.raises(DataError, match=r"line 3, column 'time': '1/2/2026' may be 2026-02-01 or 2026-01-02;"):
        read(tmp_path, ["1/1/2026", "1/2/2026"])


@pytest.mark.parametrize(
    "times, where",
    [
        ([*HOURS, "31.11.2026 1:00"], "line 5, column 'time': '31.11.2026 1:00' is no date like those before it"),
        ([*HOURS, "30/11/2026 1:00"], "line 5, column 'time': '30/11/2026 1:00' is no date like those before it"),
        ([*HOURS, "30.11.2026 24:00"], "line 5, column 'time': '30.11.2026 24:00' is no time like those before it"),
        (["1/2/2026", "13/2/2026", "2/13/2026"], "line 4, column 'time': '2/13/2026' is no date like those before it"),
        ([*HOURS, "2:45"], "line 5, column 'time': '2:45' is no time like those before it"),
        (
            ["1.2.2026 0:30", "1.2.2026 0:30.5"],
            "line 3, column 'time': '1.2.2026 0:30.5' is no time like those before it",
        ),
        (["0:30", "0:75"], "line 3, column 'time': '0:75' is no time like those before it"),
        (
            ["22:00", "23:30", "0:30"],
            "line 4, column 'time': '0:30' seems to be on the next day; add a column of dates",
        ),
    ],
)
def test_what_is_no_time(tmp_path, times, where):
    with pytest.raises(DataError, match=re.escape(where)):
        read(tmp_path, times)


@pytest.mark.parametrize(
    "times, seconds",
    [
        (["0:00", "0:30", "25:00"], [0.0, 1800.0, 90000.0]),
        (["00:00:00.5", "00:01:00", "01:00:00"], [0.5, 60.0, 3600.0]),
        (["9:00 AM", "12:00 PM", "3:30 PM"], [32400.0, 43200.0, 55800.0]),
        (["0 days 00:00:00", "0 days 00:10:00", "2 days, 1:00:00.5"], [0.0, 600.0, 176400.5]),
    ],
)
def test_hours_and_minutes(tmp_path, times, seconds):
    data = read(tmp_path, times, "t [hh:mm]")
    assert data[0].ts.tolist() == seconds
    assert (data.time_name, data.units["t"]) == ("t", "s")


@pytest.mark.parametrize("header", ["t [mm:ss]", "t (min:s)", "time / min", "t [m:ss]"])
def test_minutes_and_seconds_where_the_unit_says_so(tmp_path, header):
    assert read(tmp_path, ["0:30", "1:15.5"], header)[0].ts.tolist() == [30.0, 75.5]
    assert read(tmp_path, ["0:00:30", "0:01:15"], header)[0].ts.tolist() == [30.0, 75.0]
    assert read(tmp_path, ["45:30", "45:30.5"])[0].ts.tolist() == [2730.0, 2730.5]


def test_what_was_read_is_said_with_an_example(tmp_path):
    (tmp_path / "mine.csv").write_text("t,x\n0:00,1\n0:30,2\n")
    note = "the times in column 't' were read as hours, minutes and seconds: 0:30 is 1800 s"
    assert read_table(tmp_path / "mine.csv").notes == (note,)


@pytest.mark.parametrize("header, origin", [("date (MM/DD/YYYY)", "2026-01-02"), ("date [dd/mm/yy]", "2026-02-01")])
def test_a_header_that_says_the_order(tmp_path, header, origin):
    assert read(tmp_path, ["1/2/2026", "1/3/2026"], header).clock.origin == origin


@pytest.mark.parametrize(
    "times",
    [
        ["0930", "0945", "1000", "1015"],
        ["930", "945", "1000", "1015", "1030"],
        ["2330", "2340", "2350", "0000", "0010"],
        ["900", "910", "920", "930", "940", "950", "1000", "1010"],
    ],
)
def test_times_of_day_without_a_colon(tmp_path, times):
    said = f"'{times[0]}' looks like a time of day without its colon, and as numbers such times jump from hour to hour"
    with pytest.raises(DataError, match=f"line 2, column 'time': {said}; write 09:30 for 0930"):
        read(tmp_path, times)


@pytest.mark.parametrize(
    "times", [range(0, 2400, 100), range(60), [0, 30, 100, 150, 210, 350], range(900, 1300), [1, 2, 5, 10, 20, 50, 100]]
)
def test_numbers_that_are_no_times_of_day(tmp_path, times):
    assert read(tmp_path, times)[0].ts.tolist() == list(times)
    assert read(tmp_path, [f"{time:04d}" for time in range(150)])[0].ts.size == 150  # numbers of frames


def test_a_time_of_day_beside_the_time(tmp_path):
    """It passes midnight, and is not asked for."""
    (tmp_path / "mine.csv").write_text("Time,Elapsed (s),x\n23:50,0,1\n00:00,600,2\n")
    data = read_csv(tmp_path / "mine.csv", time="Elapsed", states=["x"])
    assert data[0].ts.tolist() == [0.0, 600.0]
    (tmp_path / "mine.csv").write_text("Date,Time,Elapsed (s),x\n2024-03-01,23:50,0,1\n2024-03-02,00:00,600,2\n")
    with pytest.raises(DataError, match="the time column may be 'Date' or 'Elapsed'; choose one with --time"):
        read_csv(tmp_path / "mine.csv")
    assert read_csv(tmp_path / "mine.csv", time="Date", states=["x"])[0].ts.tolist() == [0.0, 10.0]


def test_decimal_commas(tmp_path):
    (tmp_path / "mine.csv").write_text("Zeit;x\n0:00:00,5;1,5\n0:00:02;2,5\n")
    data = read_csv(tmp_path / "mine.csv", time="Zeit")
    assert (data[0].ts.tolist(), data[0].ys.ravel().tolist()) == ([0.5, 2.0], [1.5, 2.5])


@pytest.mark.parametrize("day", ["2024-01-31", "31.01.2024", "1/31/2024"])
@pytest.mark.parametrize("names", ["Date,Time", "Datum,Uhrzeit", "Time,date"])
def test_a_date_and_a_time_of_day(tmp_path, day, names):
    rows = [(day, "22:00"), (day, "23:00:30"), (day, "9:15 PM")]
    swapped = names.startswith("Time")
    lines = [",".join((*(row[::-1] if swapped else row), str(i))) for i, row in enumerate(rows)]
    (tmp_path / "mine.csv").write_text("\n".join([f"{names},x", *lines]))
    data = read_csv(tmp_path / "mine.csv")
    assert data.clock.show(float(data[0].ts[0])) == "2024-01-31T21:15:00"
    assert (data.state_names, data[0].ts.size) == (("x",), 3)
    assert data.time_name.lower() in ("date", "datum")


@pytest.mark.parametrize("times", [("00:00", "00:30", "01:00"), ("0000", "0030", "0100")])
def test_a_date_in_digits_beside_a_time_of_day(tmp_path, times):
    rows = [f"20240131,{time},{k}" for k, time in enumerate(times)]
    (tmp_path / "mine.csv").write_text("\n".join(["date,time,x", *rows]))
    with pytest.raises(DataError, match="line 2, column 'date': '20240131' looks like a date without its dashes"):
        read_csv(tmp_path / "mine.csv")


@pytest.mark.parametrize("form", ["%b %Y", "%B %Y", "%m/%Y", "%b-%Y"])
def test_months_of_years(tmp_path, form):
    months = [date(2023 + k // 12, k % 12 + 1, 1) for k in range(18)]
    data = read(tmp_path, [f"{month:{form}}" for month in months], "month")
    assert data[0].ts.tolist() == [(month - months[0]).days for month in months]


def test_other_columns_stay_as_they_are(tmp_path):
    (tmp_path / "mine.csv").write_text("t,made,x\n0,1.2.2024,1\n1,,2\n")
    assert read_csv(tmp_path / "mine.csv", states=["x"])[0].ts.tolist() == [0.0, 1.0]
    with pytest.raises(DataError, match=r"column 'made': '1\.2\.2024' is not a number"):
        read_csv(tmp_path / "mine.csv")


def test_a_frame_of_texts():
    frame = pandas.DataFrame({"when": ["1.2.2024", "2.2.2024"], "x": [1.0, 2.0]})
    assert from_frame(frame)[0].ts.tolist() == [0.0, 1.0]


@pytest.mark.parametrize("day", ["2026-11-29", "29.11.2026"])
@pytest.mark.parametrize("zone", ["+01:00", "+0100", " UTC", "Z"])
def test_a_time_of_day_with_an_offset_beside_a_date_is_one_time_with_it(tmp_path, day, zone):
    rows = "\n".join(f"{day},{hour}:00:00{zone},{hour}" for hour in ("08", "09", "11"))
    (tmp_path / "zoned.csv").write_text(f"date,time,x\n{rows}\n")
    data = read_csv(tmp_path / "zoned.csv")
    assert data[0].ts.tolist() == [0.0, 1.0, 3.0]
    assert data.clock.origin == f"2026-11-29T08:00:00{zone.strip()}"


def test_an_offset_that_changes_in_summer_counts_and_one_of_a_single_day_does_not(tmp_path):
    (tmp_path / "summer.csv").write_text("date,hour,x\n31.03.2024,01:00+01:00,1\n31.03.2024,03:00+02:00,2\n")
    assert read_csv(tmp_path / "summer.csv")[0].ts.tolist() == [0.0, 1.0]
    (tmp_path / "day.csv").write_text("time,x\n08:00+01:00,1\n09:30+01:00,2\n")
    assert read_csv(tmp_path / "day.csv")[0].ts.tolist() == [28800.0, 34200.0]
    (tmp_path / "both.csv").write_text("time,x\n01:00+01:00,1\n03:00+02:00,2\n")
    with pytest.raises(DataError, match=r"line 2, column 'time': .* other offsets from UTC; add a column of dates"):
        read_csv(tmp_path / "both.csv")


def test_spans_from_one_time_of_day_to_another_are_no_offsets(tmp_path):
    rows = "\n".join(f"2026-11-29,{hour:02}:00-{hour + 1:02}:00,{hour}" for hour in range(8, 12))
    (tmp_path / "spans.csv").write_text(f"date,time,x\n{rows}\n")
    with pytest.raises(DataError, match="'date' or 'time'"):
        read_csv(tmp_path / "spans.csv")
