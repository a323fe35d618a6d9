"""Which terms of a polynomial are needed."""

import numpy as np
import pytest

from neuralode_lbfgs.fitting.tangent import Tangent, _Search, inverse

RNG = np.random.default_rng(0)
N = 300


def tangent(values, truth, noise, powers=None, at=None):
    """Of a linear regression, from any place."""
    size = values.shape[1]
    target = values @ truth + noise * RNG.normal(size=len(values))
    powers = np.ones(size, int) if powers is None else powers
    return tangent_at(values, target, np.zeros(size) if at is None else at)._replace(powers=powers)


def tangent_at(values, target, at):
    missed, (n, size) = values @ at - target, values.shape
    of_one = np.ones(size, int), np.zeros(size, int)
    return Tangent(at, float(missed @ missed / n), values.T @ missed / n, values.T @ values / n, n, *of_one)


@pytest.mark.parametrize("at", [np.zeros(8), RNG.normal(size=8)])
def test_the_terms_of_a_law_stay(at):
    truth = np.array([0.0, 1.0, 0.0, 0.0, -0.7, 0.0, 0.2, 0.0])
    one = tangent(RNG.normal(size=(N, 8)) * 10.0 ** np.arange(-4, 4), truth / 10.0 ** np.arange(-4, 4), 0.1, at=at)
    assert sorted(one.spare()) == [0, 2, 3, 5, 7]
    left = np.array([1, 4, 6])
    np.testing.assert_allclose(one.minimum(left) * 10.0 ** (left - 4.0), truth[left], atol=0.03)


def test_whole_powers_go_first():
    """Cubes that are much like the line: of single terms one of each would do."""
    x = RNG.normal(size=(N, 2))
    values = np.concatenate([x, x**2, x**3], axis=1)
    one = tangent(values, np.array([1.0, -1.0, 0.0, 0.0, 0.0, 0.0]), 0.3, powers=np.repeat([1, 2, 3], 2))
    assert sorted(one.spare()) == [2, 3, 4, 5]


@pytest.mark.parametrize("power, noise, most", [(1, 0.3, 0), (2, 0.5, 5)])
def test_of_powers_that_explain_as_much_the_lower_is_chosen(power, noise, most):
    """From 1 to 3 noise hides how a cube differs from a square."""
    chosen = [chosen_powers(power, noise, seed) for seed in range(80)]
    assert sum(3 in powers and power not in powers for powers in chosen) <= most


def test_cubes_are_chosen_where_the_data_tell():
    assert sum(chosen_powers(3, 0.2, seed) == [0, 3] for seed in range(40)) >= 34


def chosen_powers(power, noise, seed):
    draw = np.random.default_rng(seed)
    x = draw.uniform(1, 3, 60)
    target = 1 - 0.5 * x**power + noise * draw.normal(size=60)
    one = tangent_at(x[:, None] ** np.arange(4), target, np.zeros(4))._replace(powers=np.arange(4))
    return np.setdiff1d(range(4), one.spare()).tolist()


def test_of_noise_alone_one_term_is_left():
    """A fit of no numbers is none."""
    one = tangent(RNG.normal(size=(N, 4)), np.zeros(4), 0.3)
    assert len(one.spare()) == 3


def test_of_terms_that_are_alike_the_idle_one_goes():
    """A valve is open or shut: its cube is itself."""
    x, valve = RNG.normal(size=N), RNG.integers(2, size=N)
    values = np.stack([x, valve, valve**3], axis=1)
    one = tangent(values, np.array([1.0, 0.0, 0.5]), 0.1)
    assert one._replace(idle=np.array([2])).spare() == [2]
    assert one._replace(idle=np.array([1])).spare() == [1]


def test_of_few_observations_fewer_terms_are_chosen():
    values = RNG.normal(size=(15, 12))
    one = tangent(values, np.ones(12), 0.0)
    assert 12 - len(one.spare()) <= 5


def test_the_first_term_to_go_may_be_the_wrong_one():
    """Three columns of which any two make up the third: the least useful of them is the one that is needed."""
    a, b = RNG.normal(size=(2, N))
    values = np.stack([a + b, a + 0.05 * RNG.normal(size=N), b + 0.05 * RNG.normal(size=N)], axis=1)
    one = tangent(values, np.array([1.0, 0.0, 0.0]), 0.05)
    assert sorted(one.spare()) == [1, 2]


def test_the_terms_of_a_law_are_found_among_nearly_as_many_as_there_are_numbers():
    """All of them follow the noise, and which seems the least useful is chance: the way down goes astray."""
    draw = np.random.default_rng(0)
    alike = draw.normal(size=(70, 3)) @ draw.normal(size=(3, 60))
    values, truth = alike + draw.normal(size=alike.shape), np.zeros(60)
    truth[:8] = draw.normal(size=8) + 1
    one = tangent_at(values, values @ truth + 0.3 * draw.normal(size=70), np.zeros(60))
    assert sorted(one.spare()) == list(range(8, 60))


def test_the_terms_of_one_rate_are_chosen_anew_beside_those_of_another():
    """Many wrong terms stand for a few right ones, and no single step leads from them to these."""
    draw = np.random.default_rng(0)
    right = draw.normal(size=(200, 3))
    wrong = right @ draw.normal(size=(3, 9)) + 0.2 * draw.normal(size=(200, 9))
    other = np.zeros((400, 2))
    other[200:] = draw.normal(size=(200, 2))
    values = np.hstack([np.vstack([np.hstack([right, wrong]), np.zeros((200, 12))]), other])
    truth = np.array([1.0, -2.0, 0.5, *np.zeros(9), 3.0, 0.0])
    one = tangent_at(values, values @ truth + 0.05 * draw.normal(size=400), np.zeros(14))
    one = one._replace(rates=np.array([0] * 12 + [1] * 2))
    search = _Search(one)
    astray = np.array([*range(3, 12), 12])
    np.testing.assert_array_equal(search.anew(astray, 0), [0, 1, 2, 12])
    assert sorted(one.spare()) == [*range(3, 12), 13]


def test_what_the_loss_would_rise_is_exact_for_a_linear_model():
    values, target = RNG.normal(size=(N, 5)), RNG.normal(size=N)
    left = np.array([0, 3])
    at = RNG.normal(size=5)
    one = tangent_at(values, target, at)
    found = np.linalg.lstsq(values[:, left], target)[0]
    np.testing.assert_allclose(one.minimum(left), found)
    np.testing.assert_allclose(one.value + one.rise(left), np.mean((values[:, left] @ found - target) ** 2))


def test_what_nothing_determines_is_no_trouble():
    """S + I + R = 1: a constant, and any of the three, can be made of the others."""
    part = RNG.uniform(size=(N, 2)) / 2
    values = np.concatenate([np.ones((N, 1)), part, 1 - part.sum(axis=1, keepdims=True)], axis=1)
    one = tangent(values, np.array([0.0, 0.0, 2.0, 0.0]), 1e-3, powers=np.array([0, 1, 1, 1]))
    assert sorted(one.spare()) == [0, 1, 3]


def test_a_model_that_runs_away_has_no_tangent():
    values = RNG.normal(size=(N, 2))
    one = tangent(values, np.zeros(2), 1.0)
    assert one.sound
    assert not one._replace(value=np.nan).sound
    assert not one._replace(matrix=np.full((2, 2), np.inf)).sound


def test_an_inverse_of_numbers_of_any_size():
    matrix = np.diag([1e-20, 1.0, 1e20])
    np.testing.assert_allclose(inverse(matrix), np.diag([1e20, 1.0, 1e-20]))
