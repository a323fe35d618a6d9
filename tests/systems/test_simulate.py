"""`simulate`: what it measures, that it repeats itself, and what it refuses."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neuralode_lbfgs.systems import SYSTEMS, simulate

KEY = jax.random.key(3)


class Relaxation(eqx.Module):
    """y' = rate (u - y): a user's field with float32 weights that answers with a list, and counts its traces."""

    rate: jax.Array = eqx.field(default_factory=lambda: jnp.array([2.0], dtype=jnp.float32))
    traces: list = eqx.field(static=True, default_factory=list)

    def __call__(self, t, y, args):
        self.traces.append(t)
        return [self.rate[0] * (args[0] - y[0])]


def ramp(t):
    return jnp.stack([t])


def relaxation_solution(t, y0):
    """Of y' = 2 (t - y): exactly t - 1/2 + (y0 + 1/2) e^(-2t)."""
    return t - 0.5 + (y0 + 0.5) * np.exp(-2 * t)


# Of the shape of the bundled sets, so that all tests share one compiled solve.
def van_der_pol(**options):
    return simulate("van_der_pol", **({"key": KEY, "num_trajectories": 12} | options))


def stack(data):
    return np.stack([trajectory.ys for trajectory in data])


def test_several_trajectories_start_in_the_box():
    data = van_der_pol()
    assert data.ids == tuple(f"run{i}" for i in range(1, 13))
    assert data.state_names == ("x", "v")
    assert data.units == SYSTEMS["van_der_pol"].units
    ys = stack(data)
    assert ys.shape == (12, 101, 2)
    assert ys.dtype == np.float64
    low, high = np.transpose(SYSTEMS["van_der_pol"].start_box)
    assert (ys[:, 0] >= low).all()
    assert (ys[:, 0] <= high).all()
    assert len(np.unique(ys[:, 0])) == 24
    np.testing.assert_allclose(data[0].ts, np.linspace(0, 20, 101))
    assert data[0].inputs is None


def test_starts_can_be_given_or_their_box():
    own = np.linspace(-1, 1, 24).reshape(12, 2)
    np.testing.assert_array_equal(stack(van_der_pol(y0=own))[:, 0], own)
    np.testing.assert_array_equal(stack(van_der_pol(y0=own, num_trajectories=1))[:, 0], own)
    np.testing.assert_array_equal(stack(van_der_pol(y0=[1.0, 2.0]))[:, 0], np.tile([1.0, 2.0], (12, 1)))
    boxed = stack(van_der_pol(start_box=[(1.0, 1.5), (0.25, 0.25)]))[:, 0]
    assert (boxed[:, 0] >= 1.0).all()
    assert (boxed[:, 0] <= 1.5).all()
    assert (boxed[:, 1] == 0.25).all()


def test_the_same_key_gives_the_same_data_and_another_does_not():
    options = {"random_times": True, "noise": 0.1, "missing": 0.1}
    first, again, other = van_der_pol(**options), van_der_pol(**options), van_der_pol(key=jax.random.key(4), **options)
    np.testing.assert_array_equal(stack(first), stack(again))
    np.testing.assert_array_equal(first[5].ts, again[5].ts)
    assert not np.array_equal(first[5].ts, other[5].ts)


def test_without_noise_and_gaps_the_same_key_gives_the_truth():
    truth = van_der_pol(random_times=True)
    measured = van_der_pol(random_times=True, noise=[0.1, 0.0], missing=0.2)
    for clean, noisy in zip(truth, measured, strict=True):
        np.testing.assert_array_equal(clean.ts, noisy.ts)
        seen = np.isfinite(noisy.ys[:, 1])
        np.testing.assert_array_equal(clean.ys[seen, 1], noisy.ys[seen, 1])  # the second state has no noise


def test_noise_has_the_standard_deviation_that_was_asked_for():
    truth = stack(van_der_pol())
    # 1212 draws per state: their standard deviation is within 7 % (3.5 of its own standard errors).
    absolute = stack(van_der_pol(noise=[0.5, 0.1])) - truth
    np.testing.assert_allclose(absolute.std(axis=(0, 1)), [0.5, 0.1], rtol=0.07)
    relative = stack(van_der_pol(noise=0.02, relative_noise=True)) - truth
    np.testing.assert_allclose(relative.std(axis=(0, 1)), 0.02 * truth.std(axis=(0, 1)), rtol=0.07)
    assert abs(np.corrcoef(relative[..., 0].ravel(), relative[..., 1].ravel())[0, 1]) < 0.1


def test_missing_values_are_nan_and_every_trajectory_keeps_a_start():
    ys = stack(van_der_pol(missing=0.3))
    assert np.isnan(ys).mean() == pytest.approx(0.3, abs=0.03)
    nearly_all = stack(van_der_pol(missing=0.99))
    assert np.isnan(nearly_all[:, 1:]).mean() > 0.97
    assert np.isfinite(nearly_all[:, 0]).any(axis=-1).all()


def test_random_times_begin_at_t0_and_differ_between_trajectories():
    data = van_der_pol(random_times=True, t0=1.0, t1=6.0)
    for trajectory in data:
        assert trajectory.ts[0] == 1.0
        assert (np.diff(trajectory.ts) > 0).all()
        assert trajectory.ts[-1] < 6.0
        assert np.diff(trajectory.ts).std() > 0.02
    assert not np.array_equal(data[0].ts, data[1].ts)


def test_the_solution_does_not_hang_on_the_times_at_which_it_is_recorded():
    own_times = np.sort(np.random.default_rng(0).uniform(0.5, 20.0, (12, 101)), axis=1)
    own_times[:, -1] = 20.0
    recorded = stack(van_der_pol(ts=own_times, t0=0.0))
    np.testing.assert_allclose(recorded[:, -1], stack(van_der_pol())[:, -1], rtol=1e-7, atol=1e-8)


def test_times_that_are_given_start_with_y0():
    data = van_der_pol(ts=np.linspace(5.0, 7.0, 101), y0=[2.0, 0.0])
    np.testing.assert_array_equal(stack(data)[:, 0], np.tile([2.0, 0.0], (12, 1)))


def test_a_users_field_its_inputs_and_its_exact_solution():
    field = Relaxation()
    options = {"inputs": ramp, "t1": 3.0, "num": 31, "state_names": ["T"], "units": {"T": "K"}, "stiff": False}
    data = simulate(field, y0=[[1.0], [-2.0]], ids=["warm", "cold"], key=KEY, **options)
    assert data.ids == ("warm", "cold")
    assert data.state_names == ("T",)
    assert data.input_names == ("u0",)
    assert data.label("T") == "T [K]"
    for trajectory, y0 in zip(data, (1.0, -2.0), strict=True):
        np.testing.assert_allclose(trajectory.ys[:, 0], relaxation_solution(trajectory.ts, y0), atol=1e-9)
        np.testing.assert_array_equal(trajectory.inputs, trajectory.ts[:, None])
    traced = len(field.traces)
    simulate(field, start_box=[(0.0, 1.0)], num_trajectories=2, random_times=True, noise=0.1, key=KEY, **options)
    assert len(field.traces) - traced <= 1  # the check of shapes, but no second compilation


def test_a_single_trajectory_of_a_stiff_system_starts_at_its_own_y0_at_log_times():
    data = simulate("robertson", num=11, key=KEY)
    trajectory = data["run1"]
    np.testing.assert_allclose(trajectory.ts, np.logspace(-5, 5, 11))
    np.testing.assert_allclose(trajectory.ys.sum(axis=1), 1.0, rtol=1e-9)
    end = [0.017865921142121325, 7.274751468445387e-08, 0.9821340061103628]
    np.testing.assert_allclose(trajectory.ys[-1], end, rtol=1e-6)


def test_float64_is_used_but_not_set():
    before = jax.config.read("jax_enable_x64"), jnp.ones(1).dtype
    van_der_pol()
    assert (jax.config.read("jax_enable_x64"), jnp.ones(1).dtype) == before


def test_a_solution_that_diverges_is_refused_with_its_time():
    def explode(t, y, args):
        return y**2

    with pytest.raises(ValueError, match=r"'run2' could not be followed beyond t = 0.8.*end the span earlier \(t1\)"):
        simulate(explode, y0=[[0.1], [1.2]], t1=2.0, num=11, max_steps=2000, key=KEY)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"num_trajectories": 0}, "num_trajectories must be at least 1; it is 0"),
        ({"y0": np.ones((3, 2))}, r"disagree on the number of trajectories: 12 \(num_trajectories\), 3 \(y0\)"),
        ({"y0": [1.0]}, r"a start has 1 values, but there are 2 states \(x, v\)"),
        ({"y0": [np.nan, 1.0]}, r"y0 must hold finite numbers of shape \(states,\)"),
        ({"y0": [1.0, 1.0], "start_box": [(0.0, 1.0), (0.0, 1.0)]}, "exactly one of them"),
        ({"start_box": [(1.0, 0.0), (0.0, 1.0)]}, r"start_box must be \(low, high\) for each state"),
        ({"start_box": [(0.0,), (1.0,)]}, r"start_box must be \(low, high\) for each state"),
        ({"ts": [0.0, 2.0, 1.0]}, "the times in ts must increase"),
        ({"ts": [0.0]}, "at least two finite times"),
        ({"ts": [0.0, 1.0], "t1": 2.0}, "give it without t1 and random_times"),
        ({"ts": [0.0, 1.0], "random_times": True}, "give it without t1 and random_times"),
        ({"ts": [0.0, 1.0], "t0": 0.5}, "t0 = 0.5 is the time of y0"),
        ({"t1": -1.0}, "t1 must be a finite time after t0 = 0; it is -1"),
        ({"num": 1}, "num must be at least 2 times; it is 1"),
        ({"noise": -0.1}, "noise must be a standard deviation of at least 0, or 2 of them"),
        ({"noise": [0.1, 0.1, 0.1]}, "one per state"),
        ({"missing": 1.0}, "from 0 to below 1; it is 1.0"),
        ({"ids": ["a"]}, "there are 1 ids for 12 trajectories"),
        ({"inputs": lambda t: t}, r"inputs\(t\) must return an array of shape \(inputs,\); it returns shape \(\)"),
    ],
)
def test_options_that_cannot_be_used_are_refused_in_a_sentence(options, message):
    with pytest.raises(ValueError, match=message):
        van_der_pol(**options)


def test_a_field_that_cannot_be_used_is_refused_in_a_sentence():
    def short(t, y, args):
        return y[:1]

    with pytest.raises(ValueError, match=r"dy/dt with the shape of y, \(2,\); it returns shape \(1,\)"):
        simulate(short, y0=[1.0, 2.0], t1=1.0, key=KEY)
    with pytest.raises(ValueError, match=r"give t1 \(the end of the span\) or ts \(the times\)"):
        simulate(short, y0=[1.0, 2.0], key=KEY)
    with pytest.raises(ValueError, match="give the starts either as y0 or as a start_box"):
        simulate(short, t1=1.0, key=KEY)
    with pytest.raises(ValueError, match="did you mean 'lorenz63'"):
        simulate("lorenz", key=KEY)
