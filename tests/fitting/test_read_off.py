"""The law of products of many variables, read off the integrals along smooth curves."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import neuralode_lbfgs as nl
from neuralode_lbfgs.fitting.beginning import begin
from neuralode_lbfgs.fitting.beside import has_polynomial
from neuralode_lbfgs.fitting.library import monomials_of
from neuralode_lbfgs.fitting.options import FitOptions
from neuralode_lbfgs.fitting.read_off import _regressions, _with_products, law_first
from neuralode_lbfgs.fitting.task import Task
from neuralode_lbfgs.systems import simulate

STATES = 4  # few, as tests are to be quick: those beside a network get linear terms alone here


def spreading(t, y, args):
    """Growth up to a limit in a row of places, and exchange with neighbours."""
    ends = jnp.concatenate([y[:1], y, y[-1:]])
    return y * (1 - y) + 0.3 * (ends[2:] - 2 * y + ends[:-2])


@pytest.fixture(autouse=True)
def linear_beside(monkeypatch):
    monkeypatch.setattr(FitOptions, "degree_beside", lambda options, variables: 1)


@pytest.fixture(scope="module")
def runs():
    starts = 1.5 * jax.random.uniform(jax.random.key(1), (6, STATES))
    ts = np.linspace(0.0, 4.0, 40)
    return simulate(spreading, ts=ts, y0=np.asarray(starts), noise=0.003, key=jax.random.key(0))


def model_of(size=STATES, **options):
    return nl.NeuralODE(nl.MLPVectorField(size, key=jax.random.key(0), **options))


def course_of(data, **options):
    return begin(model_of(data.state_size), Task(data, FitOptions(**options), nl.LBFGS()), []).course


def names_of(model, terms):
    monomials = monomials_of(model)
    return {(term // len(monomials), monomials[term % len(monomials)]) for term in terms.tolist()}


def true_terms():
    neighbours = [(i, (j,)) for i in range(STATES) for j in (i - 1, i + 1) if 0 <= j < STATES]
    return {*neighbours, *((i, (i,)) for i in range(STATES)), *((i, (i, i)) for i in range(STATES))}


def test_only_of_many_variables(runs, monkeypatch):
    assert _with_products(course_of(runs, degree=1)) is None
    assert _with_products(course_of(runs, weight_decay=1e-4)) is None
    wide = _with_products(course_of(runs))
    assert wide is not None and has_polynomial(wide.begun)
    monkeypatch.setattr(FitOptions, "degree_beside", lambda options, variables: 3)
    assert _with_products(course_of(runs)) is None  # products are tried beside a network


def test_integrals_tell_of_each_rate_alone(runs):
    """The true terms explain what was measured, but for little; without the square they do not."""
    wide = _with_products(course_of(runs))
    assert wide is not None
    monomials = monomials_of(wide.begun)
    for rate, tangent in enumerate(_regressions(wide, None)):
        # With a constant, of a state that is counted from its mean.
        true = np.array([0, *sorted(monomials.index(factors) for i, factors in true_terms() if i == rate)])
        left, without = (tangent.value + tangent.rise(some) for some in (true, true[:-1]))
        assert left < 0.003 * (tangent.value + tangent.rise(np.zeros(1, int)))
        assert without > 5 * left


def test_the_law_is_found_without_a_network(runs):
    course = course_of(runs)
    (found,) = law_first(("full", "polish"), course, None, lambda stage: None)
    true = true_terms()
    named = names_of(found.course.parameters.model, found.course.terms)
    assert np.isfinite(found.error) and len(named - true) <= 2 and true <= named
    assert all(stage.name in ("shooting", "polish") for stage in found.stages)


@pytest.mark.slow
def test_what_is_no_such_law_is_given_up(runs):
    """Of waves of the states; nothing is kept of it, and the usual attempts follow."""
    waves = lambda t, y, args: jnp.sin(4 * jnp.roll(y, 1)) - jnp.sin(3 * y)  # noqa: E731
    starts = 2.5 * jax.random.uniform(jax.random.key(1), (6, STATES))
    data = simulate(waves, ts=np.linspace(0.0, 2.0, 30), y0=np.asarray(starts), noise=0.003, key=jax.random.key(0))
    found = law_first(("full", "polish"), course_of(data), None, lambda stage: None)
    assert not found or found[0].error == np.inf
