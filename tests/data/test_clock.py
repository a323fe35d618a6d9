"""Times as they are written: timestamps, numbers far from zero, and back again."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from neuralode_lbfgs.data import (
    Clock,
    Trajectories,
    Trajectory,
    describe,
    infer_roles,
    read_csv,
    read_table,
    to_trajectories,
    write_csv,
)


def written(tmp_path, times, header="t"):
    path = tmp_path / "mine.csv"
    path.write_text(f"{header},x\n" + "".join(f"{t},{i}\n" for i, t in enumerate(times)))
    return path


@pytest.mark.parametrize(
    "times, unit, ts",
    [
        (["2024-02-28", "2024-02-29", "2024-03-02"], "d", [0, 1, 3]),
        (["2024-01", "2024-02", "2024-03"], "d", [0, 31, 60]),
        (["2024-01-31T12:00Z", "2024-01-31T13:00Z", "2024-01-31T15:30Z"], "h", [0, 1, 3.5]),
        (["2024-01-31 23:45", "2024-02-01 00:00", "2024-02-01 00:15"], "min", [0, 15, 30]),
        (["1969-12-31T23:59:59.5+01:00", "1970-01-01T00:00:00.75+01:00"], "s", [0, 1.25]),
        (["2024-01-31T12:00:00.000000001", "2024-01-31T12:00:00.000000003"], "s", [0, 2e-9]),
        (["2024-01-31T00:00:00-0330", "2024-01-31T00:00:10-0330"], "s", [0, 10]),
    ],
)
def test_timestamps_are_counted_from_the_first_in_a_unit_of_their_steps(tmp_path, times, unit, ts):
    data = read_csv(written(tmp_path, times))
    assert data.clock == Clock(times[0], unit)
    np.testing.assert_allclose(data[0].ts, ts, rtol=1e-15)
    assert [data.clock.read(text) for text in times] == data[0].ts.tolist()


def test_zones_are_offsets_from_utc(tmp_path):
    rng = np.random.default_rng(0)
    moments = [datetime(2024, 1, 31, tzinfo=UTC) + timedelta(seconds=float(s)) for s in np.sort(rng.random(50) * 1e6)]
    data = read_csv(written(tmp_path, [moment.isoformat() for moment in moments]))
    seconds = {"s": 1, "min": 60, "h": 3600, "d": 86400}[data.clock.unit]
    expected = [(moment - moments[0]).total_seconds() / seconds for moment in moments]
    np.testing.assert_allclose(data[0].ts, expected, rtol=1e-14)
    assert data.clock.read("2024-02-01T01:00:00+01:00") == data.clock.read("2024-02-01T00:00:00Z")
    assert data.clock.read("2024-02-01") == data.clock.read("2024-02-01T00:00:00Z")  # in the zone of the data


def test_times_are_written_in_the_way_of_the_data():
    assert Clock("2024-02-28", "d").write(2) == "2024-03-01"
    assert Clock("2024-02-28", "d").write(1.5) == "2024-02-29T12:00:00"
    assert Clock("2024-02-28 10:00+05:30", "h").write(14.25) == "2024-02-29 00:15:00+05:30"
    assert Clock("2024-02-28T10:00:00.5Z", "s").write(1e-6) == "2024-02-28T10:00:00.500001Z"
    assert Clock("2024-02-28T10:00:00.123456789", "s").write(1e-9) == "2024-02-28T10:00:00.123456790".rstrip("0")
    assert Clock("1700000000.001").write(0.002) == "1700000000.003"
    assert Clock().write(0.1) == "0.1"
    with pytest.raises(ValueError, match="beyond the years 1 to 9999"):
        Clock("2024-02-28", "d").write(1e9)


def test_milliseconds_of_the_epoch_lose_nothing(tmp_path):
    texts = [f"1700000000.{i:03d}" for i in range(1, 1000)]
    data = read_csv(written(tmp_path, texts, "t [s]"))
    assert data.clock == Clock("1700000000.001")
    np.testing.assert_array_equal(data[0].ts, [(i - 1) / 1000 for i in range(1, 1000)])
    assert [data.clock.write(t) for t in data[0].ts] == [text.rstrip("0") for text in texts]
    assert data.label("t") == "t [s since 1700000000.001]"
    assert data.clock.unit_of(data.unit("t")) == "s"
    train, test = data.split(until=1700000000.5)
    assert (train[0].ts.size, test[0].ts.size) == (500, 499)


@pytest.mark.parametrize("times", [["1900", "1901", "1920"], ["0", "0.001", "1e9"], ["-5", "3"], ["7"], ["1e9", "2e9"]])
def test_other_numbers_stay_as_they_are(tmp_path, times):
    data = read_csv(written(tmp_path, times))
    assert data.clock == Clock()
    assert data[0].ts.tolist() == [float(t) for t in times]


def test_nanoseconds_of_the_epoch_that_are_one_float(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("t,x\n1700000000123456789,1\n1700000000123456790,2\n1700000000123456795,3\n")
    data = read_csv(path)
    assert data.clock == Clock("1700000000123456789")
    assert data[0].ts.tolist() == [0, 1, 6]


def test_decimal_commas_far_from_zero(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("t;x\n1700000000,25;1\n1700000000,5;2,5\n")
    data = read_csv(path)
    assert data.clock == Clock("1700000000.25")
    assert data[0].ts.tolist() == [0, 0.25]


def test_timestamps_make_a_round_trip(tmp_path):
    data = read_csv(written(tmp_path, ["2024-01-31T12:00Z", "2024-01-31T12:20Z", "2024-01-31T13:05Z"]))
    write_csv(data, tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text().splitlines()[2] == "mine,2024-01-31T12:20:00Z,1.0"
    back = read_csv(tmp_path / "out.csv")
    assert back[0].ts.tolist() == data[0].ts.tolist()
    assert (back.clock.unit, back.label("t")) == ("min", "t [minutes since 2024-01-31T12:00:00Z]")
    assert back.clock.unit_of(back.unit("t")) == "minutes"


def test_splits_are_given_as_timestamps_or_in_the_unit(tmp_path):
    data = read_csv(written(tmp_path, ["2024-01-01", "2024-01-02", "2024-01-03"], "day"))
    for until in ("2024-01-02", "2024-01-02T12:00", 1, 1.5):
        assert data.split(until=until)[0][0].ts.tolist() == [0, 1]
    with pytest.raises(ValueError, match=r"^'noon' is not a time; the times of the data want a timestamp such as "):
        data.split(until="noon")
    with pytest.raises(ValueError, match=r"^splitting at t = 2023-01-01 leaves nothing to train on\.$"):
        data.split(until="2023-01-01")
    numbers = Trajectories((Trajectory("a", np.array([0.0, 1.0]), np.ones((2, 1))),))
    with pytest.raises(ValueError, match="'2024-01-02' is a timestamp, but the times of the data are numbers"):
        numbers.split(until="2024-01-02")


def test_a_column_of_timestamps_is_the_time_whatever_its_name(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("logged_at,x\n2024-01-02,1\n2024-01-01,2\n")
    table = read_table(path)
    roles = infer_roles(table)
    assert roles.time == "logged_at"
    data = to_trajectories(table, roles)
    assert data[0].ys.tolist() == [[2], [1]]
    lines = describe(table, roles, data).splitlines()
    assert lines[1] == "time: logged_at [days since 2024-01-01], from 2024-01-01 to 2024-01-02"
    assert lines[-1] == "note: the rows of 1 of 1 trajectory were not in the order of time and were sorted"


def test_times_on_another_clock(tmp_path):
    days = read_csv(written(tmp_path, ["2024-01-02", "2024-01-03", "2024-01-05"]))
    hours = days.counted_by(Clock("2024-01-01 06:00", "h"))
    assert hours[0].ts.tolist() == [18, 42, 90]
    assert days.counted_by(days.clock) is days
    with pytest.raises(ValueError, match="times are timestamps without a time zone here and numbers there"):
        days.counted_by(Clock())
    with pytest.raises(ValueError, match="times are timestamps without a time zone here and timestamps with a time z"):
        days.counted_by(Clock("2024-01-01T00:00Z", "h"))


@pytest.mark.parametrize("zone", [" UTC", "UTC", " GMT", " +00:00"])
def test_words_for_the_time_zone(tmp_path, zone):
    data = read_csv(written(tmp_path, [f"2024-01-31 23:59:00{zone}", f"2024-02-01 00:01:00{zone}"]))
    assert (data[0].ts.tolist(), data.clock.zone) == ([0.0, 2.0], 0)
    assert data.clock.write(1.0) == f"2024-02-01 00:00:00{zone}"


@pytest.mark.parametrize("until", ["03/02/2021", "2021-02-03", "3 Feb 2021", "03.02.2021 00:00"])
def test_a_time_may_be_written_as_the_dates_of_the_file(tmp_path, until):
    path = tmp_path / "days.csv"
    path.write_text("date,x\n01/02/2021,1\n02/02/2021,2\n03/02/2021,2\n04/02/2021,4\n20/02/2021,4\n")
    data = read_csv(path)
    assert data.clock.read(until) == 2.0
    train, _ = data.split(until=until)
    assert train[0].ts.tolist() == [0, 1, 2]


def test_of_timestamps_a_date_that_may_be_two_days_is_refused_and_another_is_read():
    clock = Clock("2021-02-01", "d")
    assert clock.read("18/02/2021 12:00") == 17.5
    with pytest.raises(ValueError, match="'03/02/2021' may be 2021-02-03 or 2021-03-02; write it in that way"):
        clock.read("03/02/2021")
    with pytest.raises(ValueError, match="'31/02/2021' is not a time"):
        clock.read("31/02/2021")
