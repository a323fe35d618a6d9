"""Inputs that come again: the sine and cosine of a period, also where rows are missing."""

import numpy as np
import pytest

import neuralode_lbfgs as nl
from neuralode_lbfgs.data import Clock, describe, infer_roles, read_table, to_trajectories
from neuralode_lbfgs.data.periods import SECONDS_OF, period_in, refuse_unseen

TS = np.arange(0.0, 20.0)


def test_sine_and_cosine_are_the_last_inputs():
    data = nl.from_arrays(TS, np.cos(TS), inputs=(TS > 4) * 1.0, names=["x"], input_names=["switch"])
    driven = data.with_periods(8.0, "10")
    assert driven.input_names == ("switch", "sine of 8", "cosine of 8", "sine of 10", "cosine of 10")
    assert driven[0].hold == (True, False, False, False, False)
    turns = 2 * np.pi * TS
    waves = [np.sin(turns / 8), np.cos(turns / 8), np.sin(turns / 10), np.cos(turns / 10)]
    assert driven[0].inputs is not None
    np.testing.assert_allclose(driven[0].inputs, np.stack([TS > 4, *waves], axis=1), atol=1e-12)
    np.testing.assert_array_equal(driven[0].ys, data[0].ys)
    assert data.with_periods() is data


def test_gaps_get_rows_without_observations():
    """Along a straight line over half a period a sine would be lost."""
    ts = TS[(TS < 6) | (TS > 11)]
    data = nl.from_arrays(ts, np.cos(ts), sd=np.full(ts.size, 0.1), inputs=ts % 3, input_names=["u"], input_hold=["u"])
    (run,) = data.with_periods(12.0)
    assert {*ts.tolist()} < {*run.ts.tolist()} and np.diff(run.ts).max() == pytest.approx(1.0)
    new = ~np.isin(run.ts, ts)
    assert run.sd is not None and run.inputs is not None
    assert np.isnan(run.ys[new]).all() and np.isnan(run.sd[new]).all()
    assert (run.inputs[new, 0] == 5 % 3).all()
    np.testing.assert_allclose(run.inputs[:, 1], np.sin(2 * np.pi * run.ts / 12))


def test_one_moment_is_the_same_by_any_clock():
    ts = np.arange(0.0, 400.0, 10.0)
    days = nl.Trajectories((nl.Trajectory("a", ts, np.cos(ts)[:, None]),), clock=Clock("2001-01-01", "d"))
    hours = days.counted_by(Clock("2001-03-01", "h"))
    by_days, by_hours = (data.with_periods("year") for data in (days, hours))
    assert by_days.input_names == by_hours.input_names == ("sine of year", "cosine of year")
    assert by_days[0].inputs is not None and by_hours[0].inputs is not None
    np.testing.assert_allclose(by_days[0].inputs, by_hours[0].inputs, atol=1e-9)
    far = nl.from_arrays(1e8 + ts, np.cos(ts)).with_periods(90.0)  # counted from the first of them
    assert far.clock.origin and far[0].inputs is not None
    np.testing.assert_allclose(far[0].inputs[:, 0], np.sin(2 * np.pi * (1e8 + ts) / 90), atol=1e-6)


def test_words_are_those_of_dates():
    for unit, year in (("d", 365.2425), ("h", 8765.82)):
        assert period_in(Clock("2024-01-01", unit), "year") == pytest.approx(year)
    assert period_in(Clock("2024-01-01", "min"), "day") == 1440 and set(SECONDS_OF) == {"hour", "day", "week", "year"}
    with pytest.raises(
        ValueError, match="times are numbers, of which a year may be any; give the period in their unit"
    ):
        period_in(Clock(), "year")


@pytest.mark.parametrize("period", ["month", "0", "-3", "nan", "inf"])
def test_what_is_no_period_is_refused(period):
    with pytest.raises(ValueError, match="a period is a positive number or one of hour, day, week, year; it is "):
        nl.from_arrays(TS, np.cos(TS)).with_periods(period)


def test_rows_too_far_from_each_other_are_refused():
    refuse_unseen([TS, TS[:1]], [3.0, 8.0])
    refuse_unseen([TS[:1]], [3.0])
    refuse_unseen([TS], [])
    with pytest.raises(
        ValueError, match="rows are 1 apart, too far to show a period of 2, of which 3 are needed; give"
    ):
        refuse_unseen([TS, TS[:1]], [8.0, 2.0])


def test_they_are_told_of(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("t,x,u\n" + "".join(f"{t:g},{np.cos(t):.4f},{t % 5:g}\n" for t in TS))
    roles = infer_roles(read_table(path), inputs=["u"])
    told = describe(read_table(path), roles, to_trajectories(read_table(path), roles).with_periods(8.0))
    assert "inputs: u (linear), sine of 8 (linear), cosine of 8 (linear)" in told
