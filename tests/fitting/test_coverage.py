"""How far a state is from all that training trajectories show."""

import jax
import numpy as np
import pytest

from neuralode_lbfgs import MLPVectorField, NeuralODE, Trajectories, Trajectory
from neuralode_lbfgs.fitting.coverage import NEAR, distances, far_from_here, is_one_curve, one_curve_note

TURN = np.linspace(0.0, 2 * np.pi, 41)


def ring(radius, rows=41):
    return radius * np.stack([np.cos(TURN), np.sin(TURN)], axis=1)[:rows]


def test_a_distance_is_that_to_the_lines_between_rows_and_not_from_one_run_to_the_next():
    runs = [np.array([[0.0, 0.0], [4.0, 0.0]]), np.array([[4.0, 3.0], [4.0, 9.0]])]
    points = np.array([[2.0, 1.0], [4.0, 6.0], [4.2, 1.5], [-3.0, 4.0]])
    np.testing.assert_allclose(distances(points, runs), [1.0, 0.0, np.hypot(0.2, 1.5), 5.0])
    assert distances(np.array([[3.0, 4.0]]), [np.zeros((1, 2))]) == pytest.approx(5.0)


def test_a_start_within_the_range_of_every_state_and_off_the_only_orbit_is_far():
    runs = [ring(1.4)]
    far = far_from_here(runs, noise=0.0)
    assert far == NEAR
    assert distances(np.array([[0.1, -0.2]]), runs)[0] > far > distances(ring(1.5)[:1], runs)[0]


def test_a_start_between_trajectories_is_not_far():
    runs = [ring(radius) for radius in (0.5, 1.2, 1.8, 2.6)]
    far = far_from_here(runs, noise=0.01)
    assert (distances(np.stack([ring(radius)[5] for radius in (0.8, 1.5, 2.2)]), runs) < far).all()
    assert distances(np.array([[6.0, 0.0]]), runs)[0] > far


def test_repeated_trajectories_are_as_one_and_a_noisy_start_is_not_far():
    assert far_from_here([ring(1.4), ring(1.4), ring(1.41)], noise=0.0) == NEAR
    # One that lies apart shows nothing of what is between.
    assert far_from_here([ring(1.4), ring(1.4), ring(4.0)], noise=0.0) == NEAR
    assert not is_one_curve([ring(1.4), ring(1.4), ring(4.0)], noise=0.0)
    assert far_from_here([ring(1.4)], noise=0.2) == pytest.approx(0.6 * np.sqrt(2))


WAVE = np.linspace(-3.0, 3.0, 41)
LONG = np.linspace(0.0, 40.0, 400)
LINE = np.linspace(-1.7, 1.7, 30)


@pytest.mark.parametrize(
    "runs, expected",
    [
        ([ring(1.4)], True),
        ([ring(1.4), ring(1.4)[5:]], True),  # again from another start on it
        ([ring(1.4), ring(0.6)], False),
        ([np.stack([WAVE / 1.8, 3 * np.exp(-(WAVE**2))], axis=1)], True),
        ([np.exp(-0.05 * LONG)[:, None] * 2.5 * np.stack([np.cos(LONG), np.sin(LONG)], axis=1)], False),  # a spiral
        ([np.stack([LINE, LINE], axis=1)], True),
        ([LINE[:, None]], False),
        ([ring(1.4)[:2]], False),
    ],
    ids=["a cycle", "twice", "two cycles", "a wave", "a region", "a straight line", "one state", "two rows"],
)
def test_data_that_are_one_curve(runs, expected):
    assert is_one_curve(runs, noise=0.01) == expected


def note_of(*runs, noise, inputs=None):
    each = zip(runs, inputs or [None] * len(runs), strict=True)
    data = Trajectories(
        tuple(Trajectory(f"r{i}", np.arange(float(len(ys))), ys, inputs=us) for i, (ys, us) in enumerate(each)),
        input_names=() if inputs is None else ("u",),
    )
    field = MLPVectorField(runs[0].shape[1], width_size=4, depth=1, input_size=data.input_size, key=jax.random.key(0))
    return one_curve_note(NeuralODE(field), data, noise)


def test_what_a_poor_fit_leaves_is_no_noise_that_makes_one_curve_of_several():
    assert note_of(ring(1.4), noise=0.6) != []
    assert note_of(ring(1.4), ring(0.6), noise=0.6) == []


def test_runs_that_are_driven_each_in_its_own_way_are_along_no_curve():
    wave = np.sin(np.arange(41.0))[:, None]
    assert note_of(ring(1.4), ring(1.4), noise=0.01, inputs=[wave, wave]) != []
    assert note_of(ring(1.4), ring(1.4)[:30], noise=0.01, inputs=[wave, wave[:30]]) != []
    assert note_of(ring(1.4), ring(1.4), noise=0.01, inputs=[wave, 2 * wave]) == []


def test_runs_that_fill_a_sheet_are_along_no_curve():
    """Strands beside each other around a hole, as of a chaotic attractor that is thin in one direction."""
    turns = np.linspace(0.0, 40.0, 400)
    sheet = [
        (1.3 + 0.4 * np.sin(speed * turns))[:, None] * np.stack([np.cos(turns), np.sin(turns), 0 * turns], axis=1)
        for speed in (0.37, 0.31)
    ]
    assert not is_one_curve(sheet, noise=0.01)
    assert is_one_curve([np.pad(ring(1.4), ((0, 0), (0, 1)))] * 2, noise=0.01)


def test_an_input_that_was_taken_for_a_state_makes_no_curve():
    switch = np.where(TURN < 3, 0.0, 1.0)
    grown = [np.stack([size + np.cumsum(1 - switch) / 20, switch], axis=1) for size in (1.0, 1.05, 1.1)]
    assert note_of(*grown, noise=0.1) == []
