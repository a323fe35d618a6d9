"""What comes again through the command line: a fit with it, predictions of rows, and a forecast."""

import csv

import numpy as np
import pytest

from neuralode_lbfgs.cli import main
from neuralode_lbfgs.commands.saved import open_run

pytestmark = pytest.mark.usefixtures("one_cache")

YEAR = 2 * np.pi / 365.2425
DAYS = np.arange(0, 1500, 25)


def truth(days):
    """x' = (3 - x) / 100 + sin(YEAR t) / 50 in days, once its start is forgotten."""
    rate = 0.01
    lag = np.hypot(rate, YEAR)
    return 3 + np.sin(YEAR * days - np.arctan2(YEAR, rate)) / 50 / lag


def rows_of(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Of dated rows with a gap of half a year, in which nobody looked, and a slip after it."""
    folder = tmp_path_factory.mktemp("season")
    seen = DAYS[(DAYS < 500) | (DAYS > 700)]
    values = truth(seen)
    values[40] += 3.0
    dates = np.datetime64("2001-01-01") + seen
    (folder / "lake.csv").write_text("date,x\n" + "".join(f"{d},{x:.6f}\n" for d, x in zip(dates, values, strict=True)))
    words = ("--period", "year", "--quiet", "--no-plots", "--no-report")
    assert main(["fit", str(folder / "lake.csv"), "--out", str(folder / "run"), *words]) == 0
    return folder / "run"


def test_the_law_is_found_with_the_season(run, capsys):
    saved = open_run(run)
    assert saved.columns.inputs == ("sine of year", "cosine of year") and not saved.columns.measured_inputs
    written = rows_of(run / "predictions.csv")
    seen = rows_of(run.parent / "lake.csv")
    assert [row["date"] for row in written] == [row["date"] for row in seen]  # none of the gap
    found = np.array([float(row["x"]) for row in written])
    days = [(np.datetime64(row["date"]) - np.datetime64("2001-01-01")).astype(int) for row in seen]
    assert np.sqrt(np.mean((found - truth(np.array(days))) ** 2)) < 0.02


def test_rows_and_forecasts_need_no_inputs(run, tmp_path):
    later = tmp_path / "later.csv"
    later.write_text(f"date,x\n2005-06-01,{truth(1612):.6f}\n2005-09-01,\n2006-03-01,\n")
    assert main(["predict", str(run), "--data", str(later), "--out", str(tmp_path / "rows.csv")]) == 0
    found = [float(row["x"]) for row in rows_of(tmp_path / "rows.csv")]
    np.testing.assert_allclose(found, truth(np.array([1612, 1704, 1885])), atol=0.05)
    assert main(["predict", str(run), "--t1", "2006-03-01", "--num", "5", "--out", str(tmp_path / "ahead.csv")]) == 0
    assert float(rows_of(tmp_path / "ahead.csv")[-1]["x"]) == pytest.approx(truth(1885), abs=0.05)


def test_the_slip_is_named_where_it_stands(run, capsys):
    assert main(["fit", str(run.parent / "lake.csv"), "--period", "year", "--dry-run"]) == 0
    slip = rows_of(run.parent / "lake.csv")[40]["x"]
    assert f"lake.csv, line 42, column 'x': {slip}" in capsys.readouterr().out.replace("\n  ", " ")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("--period", "month"),
            "--period: a period is a positive number or one of hour, day, week, year; it is month.",
        ),
        (("--period", "20"), "--period: rows are 25 apart, too far to show a period of 20, of which 3 are needed;"),
    ],
)
def test_what_is_no_period_is_refused(run, words, said, capsys):
    assert main(["fit", str(run.parent / "lake.csv"), *words, "--dry-run"]) == 2
    assert said in capsys.readouterr().err.replace("\n", " ")
