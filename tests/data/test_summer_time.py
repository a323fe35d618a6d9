"""Local times and their offsets where clocks are put forward and back."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from neuralode_lbfgs import DataError, Trajectories, Trajectory, from_frame, read_csv
from neuralode_lbfgs.data.clock import Clock
from neuralode_lbfgs.data.summer_time import skipped_hours

BERLIN = ZoneInfo("Europe/Berlin")


def local(begin, hours, minutes=30):
    """What a clock on a wall in Berlin shows, every so many minutes."""
    utc = [datetime.fromisoformat(f"{begin}T20:00+00:00") + timedelta(minutes=minutes * k) for k in range(2 * hours)]
    return [moment.astimezone(BERLIN) for moment in utc]


def written(tmp_path, times):
    (tmp_path / "mine.csv").write_text("t,x\n" + "".join(f"{time},{k % 5}\n" for k, time in enumerate(times)))
    return tmp_path / "mine.csv"


@pytest.mark.parametrize("begin", ["2024-03-30", "2024-10-26"])
def test_offsets_that_change_are_read_as_they_are(tmp_path, begin):
    data = read_csv(written(tmp_path, [time.isoformat() for time in local(begin, 12)]))
    assert data[0].ts.tolist() == [30.0 * k for k in range(24)]


@pytest.mark.parametrize("begin", ["2024-03-30", "2024-10-26"])
def test_times_of_a_frame_stay_in_their_zone(begin):
    times = local(begin, 12)
    index = pd.DatetimeIndex(times, tz="Europe/Berlin")
    data = from_frame(pd.DataFrame({"x": np.arange(24.0)}, index=index))
    assert data[0].ts.tolist() == [30.0 * k for k in range(24)]
    assert data.clock.origin == str(index[0])
    train, _ = data.split(until=f"{begin}T23:00")  # on the clock of the data
    last = datetime.fromisoformat(f"{begin}T23:00").replace(tzinfo=BERLIN)
    assert train[0].ts.size == sum(time <= last for time in times)


def test_only_some_with_an_offset(tmp_path):
    with pytest.raises(DataError, match="line 3, column 't': '2024-03-30T01:00' has no time zone, unlike the first"):
        read_csv(written(tmp_path, ["2024-03-30T00:00Z", "2024-03-30T01:00"]))


def test_an_hour_that_comes_twice_is_refused_and_one_that_is_skipped_told_of(tmp_path):
    with pytest.raises(DataError, match="where clocks were put back give times in UTC"):
        read_csv(written(tmp_path, [f"{time:%Y-%m-%dT%H:%M}" for time in local("2024-10-26", 12)]))
    data = read_csv(written(tmp_path, [f"{time:%Y-%m-%dT%H:%M}" for time in local("2024-03-30", 12)]))
    (said,) = skipped_hours(data)
    assert said.startswith("times go on by an hour more from 2024-03-31T01:30:00 to 2024-03-31T03:00:00")


@pytest.mark.parametrize(
    "origin, gap",
    [
        ("2024-03-30T20:00", 2.5),  # hours
        ("2024-03-30T09:00", 1.5),  # on a Saturday afternoon
        ("2024-05-04T20:00", 1.5),  # in May
    ],
)
def test_other_gaps_are_gaps(origin, gap):
    ts = np.append(np.arange(12) * 0.5, 5.5 + gap + np.arange(12) * 0.5)
    data = Trajectories((Trajectory("a", ts, np.sin(ts)[:, None]),), ("x",), clock=Clock(origin, "h"))
    assert list(skipped_hours(data)) == []
