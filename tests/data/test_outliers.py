"""Values that stand alone are left out; motions, noise and the ends of runs are not."""

import numpy as np
import pytest

from neuralode_lbfgs.data import describe, from_arrays, infer_roles, read_table, to_trajectories, without_outliers
from neuralode_lbfgs.data.left_out import fitted_too
from neuralode_lbfgs.data.outliers import outliers

EVEN = np.linspace(0.0, 20.0, 100)
UNEVEN = np.sort(np.random.default_rng(1).uniform(0.0, 20.0, 100))


def swinging(ts, noise, rng):
    ys = np.stack([np.sin(ts), 20.0 + 5.0 * np.cos(ts)], axis=1)
    return ys + noise * np.std(ys, axis=0) * rng.normal(size=ys.shape)


def cells(found):
    return [(run, *place) for run, mask in enumerate(found) for place in np.argwhere(mask).tolist()]


@pytest.mark.parametrize("noise", [0.0, 1e-6, 0.02, 0.2])
@pytest.mark.parametrize("ts", [EVEN, UNEVEN])
@pytest.mark.parametrize("seed", range(3))
def test_noise_and_motion_do_not_stand_alone(ts, noise, seed):
    rng = np.random.default_rng(seed)
    assert cells(outliers([(ts, swinging(ts, noise, rng)), (ts, swinging(ts + 1, noise, rng))])) == []


@pytest.mark.parametrize("noise", [0.0, 0.02])
@pytest.mark.parametrize("ts", [EVEN, UNEVEN])
def test_slips_are_found_two_of_them_near_each_other_too(ts, noise):
    rng = np.random.default_rng(0)
    runs = [swinging(ts, noise, rng), swinging(ts, noise, rng)]
    slips = [(0, 40, 0), (0, 43, 0), (0, 70, 1), (1, 20, 0)]
    for run, row, state in slips:
        runs[run][row, state] += 3.0 * runs[run][:, state].std()
    assert cells(outliers([(ts, ys) for ys in runs])) == slips
    runs[0][40, 0] = np.nan  # what was not observed is none
    assert cells(outliers([(ts, ys) for ys in runs])) == slips[1:]


def test_slips_that_hide_behind_others_are_found():
    """Beside one that is larger, and one that the way back from there makes look slow."""
    ys = swinging(EVEN, 0.01, np.random.default_rng(0))
    for row, height in ((30, -9.0), (31, 1.5), (70, 1.9)):
        ys[row, 0] += height
    assert cells(outliers([(EVEN, ys)])) == [(0, 30, 0), (0, 31, 0), (0, 70, 0)]


def test_scales_do_not_matter():
    ys = swinging(EVEN, 0.02, np.random.default_rng(0))
    ys[50, 1] = 0.0
    for state, time in ((1e-9, 1e9), (1e9, 1e-9)):
        assert cells(outliers([(EVEN * time, ys * state)])) == [(0, 50, 1)]


@pytest.mark.parametrize(
    "curve",
    [
        lambda t: np.where(t < 10, 0.0, 1.0),  # a step
        lambda t: np.where(abs(t - 10) < 0.25, 1.0, 0.0),  # a spike of two rows
        lambda t: np.exp(-40 * t),  # a fast motion at the begin
        lambda t: np.exp(40 * (t - 20)),
        lambda t: np.where(np.arange(t.size) % 10 == 5, 1.0, 0.0),  # spikes of one row that come again and again
        lambda t: np.where(np.isin(np.arange(t.size), (20, 55, 85)), 1.0 + t / 30, np.sin(t) / 9),  # few, about alike
        lambda t: np.round(np.sin(t / 8), 1),  # coarse digits
        lambda t: np.zeros_like(t),
    ],
)
def test_motions_stay(curve):
    assert cells(outliers([(EVEN, curve(EVEN)[:, None])])) == []


def test_a_sensor_that_fails_with_the_same_number_again():
    ys = swinging(EVEN, 0.01, np.random.default_rng(0))
    ys[[20, 55, 85], 1] = 0.0
    assert cells(outliers([(EVEN, ys)])) == [(0, 20, 1), (0, 55, 1), (0, 85, 1)]


def test_few_rows_tell_nothing():
    ts = np.arange(8.0)
    ys = np.zeros((8, 1))
    ys[4] = 1.0
    assert cells(outliers([(ts, ys), (ts[:1], ys[:1])])) == []


def test_they_are_left_out_of_trajectories():
    ys = swinging(EVEN, 0.01, np.random.default_rng(0))
    data = from_arrays(EVEN, ys)
    assert data.without_outliers().trajectories is data.trajectories
    assert data.without_outliers().sifted and not data.sifted
    ys[30, 0] = 9.0
    data = from_arrays(EVEN, ys)
    (left,) = data.without_outliers()
    assert all(part.sifted for part in data.without_outliers().split(until=10.0))  # nobody looks again
    assert np.argwhere(np.isnan(left.ys)).tolist() == [[30, 0]]
    np.testing.assert_array_equal(np.delete(left.ys, 30, axis=0), np.delete(ys, 30, axis=0))


def test_a_note_names_them_with_their_lines(tmp_path):
    path = tmp_path / "mine.csv"
    ys = swinging(EVEN, 0.01, np.random.default_rng(0))
    ys[[30, 60], 0] = 9.0
    path.write_text("t,x,y\n" + "".join(f"{t:.3f},{x:.4f},{y:.4f}\n" for t, (x, y) in zip(EVEN, ys, strict=True)))
    table = read_table(path)
    roles = infer_roles(table)
    table, data = without_outliers(table, roles, to_trajectories(table, roles))
    (note,) = [line for line in describe(table, roles, data).splitlines() if line.startswith(("note", "missing"))]
    assert note == (
        "note: 2 values far off the rows around, which agree without, are left out of the fit and of the errors "
        f"(--keep-outliers keeps them): {path}, line 32, column 'x': 9.0000; line 62, column 'x': 9.0000"
    )
    assert np.isnan(data[0].ys[[30, 60], 0]).all()
    assert data.observed == 198


def test_those_that_are_fitted_are_named_with_run_and_time():
    ys = swinging(EVEN, 0.01, np.random.default_rng(0))
    ys[[30, 60], 0] = 9.0
    data = from_arrays(EVEN, np.stack([ys, ys[::-1]]), ids=["a", "b"], names=["x", "v"])
    (note,) = fitted_too(data)
    assert note.startswith(
        f"4 values far off the rows around were fitted, too: x = 9 at t = {EVEN[30]:.6g} of 'a'; x = 9 at t = "
    )
    assert note.endswith("left out without --keep-outliers, and by data.without_outliers() in Python.")
    assert fitted_too(data.without_outliers()) == []
