"""What is said of a law that may not be the truth."""

from dataclasses import replace

import jax
import numpy as np
import pytest

import neuralode_lbfgs as nl
from neuralode_lbfgs.fitting import doubts
from neuralode_lbfgs.fitting.beginning import begin
from neuralode_lbfgs.fitting.beside import with_polynomial
from neuralode_lbfgs.fitting.doubts import REGULAR, doubts_of, share_missed
from neuralode_lbfgs.fitting.law import Term
from neuralode_lbfgs.fitting.new_runs import NewRuns
from neuralode_lbfgs.fitting.options import FitOptions
from neuralode_lbfgs.fitting.task import Task
from neuralode_lbfgs.fitting.terms import of_terms

SURE = Term("d x/dt", ("x",), -1.0, 0.1)


@pytest.fixture(autouse=True)
def residuals_of_noise(monkeypatch):
    monkeypatch.setattr(doubts, "is_regular", lambda *_: False)


def law_of(terms, inputs=None):
    """A course of these terms of two states, and maybe an input, of degree 3."""
    ts, rng = np.linspace(0.0, 5.0, 26), np.random.default_rng(0)
    runs = tuple(nl.Trajectory(str(i), ts, rng.normal(size=(26, 2)), inputs=inputs) for i in range(2))
    data = nl.Trajectories(runs, ("x", "y"), () if inputs is None else ("u",))
    field = nl.MLPVectorField(2, width_size=4, depth=1, input_size=data.input_size, key=jax.random.key(0))
    course = begin(nl.NeuralODE(field), Task(data, FitOptions(degree=3), nl.LBFGS()), []).course
    wider = with_polynomial(course)
    assert wider is not None
    return of_terms(wider, np.asarray(terms))


def test_a_law_of_few_sure_terms_is_passed_over_in_silence():
    assert doubts_of(law_of([1, 2, 11, 12]), [SURE]) == []
    assert doubts_of(law_of([1, 2]), []) == []


def test_residuals_that_are_regular_are_told(monkeypatch):
    monkeypatch.setattr(doubts, "is_regular", lambda *_: True)
    assert doubts_of(law_of([1]), [SURE]) == [REGULAR]


def test_terms_that_may_be_none_are_told():
    exact = Term("d x/dt", ("y",), 1.0, 0.0)
    (told,) = doubts_of(law_of([1, 2]), [SURE, replace(SURE, sd=0.6), exact])
    assert told.startswith("1 of the 3 coefficients is within 2 standard deviations of zero")


def test_a_law_of_most_terms_is_told():
    (told,) = doubts_of(law_of(range(11)), [SURE])
    assert told.startswith("the law needs 11 of the 20 terms") and "--degree 0" in told
    assert doubts_of(law_of(range(10)), [SURE]) == []


def of_products(*products, rate="d x/dt", sd=0.1):
    return [Term(rate, tuple(product), -1.0, sd) for product in products]


@pytest.mark.parametrize(
    "law, told",
    [
        (of_products("", "x", "y", "xx", "xy", "xxx"), "d x/dt has 6 terms, some of powers or hardly determined: so"),
        (of_products("", "x", "y", "xx", "xy", "yy", sd=0.3), "d x/dt has 6 terms"),
        (of_products("", "x", "y", "xx", "xy", "yy"), None),  # sure, and of few powers
        (of_products("", "x", "y", "z", "u", "v", sd=0.3), None),  # linear
        (of_products("x", "y", "xxx") + of_products("x", "y", "xxy", rate="d y/dt"), None),
        (of_products("", "x", "y", "xx", "xy", "xxx", rate="force on x"), None),
    ],
)
def test_a_rate_of_many_terms_may_only_imitate_another(law, told):
    said = doubts_of(law_of([1, 2]), law)
    assert [line[: len(told or "")] for line in said] == ([] if told is None else [told])
    assert all("not to be read as causes" in line for line in said)


def test_a_law_that_misses_new_runs_from_their_first_row_may_only_imitate_another():
    (told,) = doubts_of(law_of([1, 2]), [SURE], NewRuns(1.1, 0.1, 0.1))
    assert told.startswith("new runs are missed from their first row") and "not to be read as causes" in told
    assert doubts_of(law_of([1, 2]), [SURE], NewRuns(1.1, 0.1, 0.9)) == []


def test_a_whole_polynomial_of_many_terms_is_told(monkeypatch):
    monkeypatch.setattr(doubts, "degree_alone", lambda _: 3)
    course = law_of(range(20))
    course.terms = None
    (told,) = doubts_of(course, [])
    assert told.startswith("the polynomial needs all of its 20 coefficients, from 104 numbers") and "--degree 0" in told


def test_inputs_that_curve_between_rows_are_told_where_that_matters():
    u = np.sin(np.linspace(0.0, 10.0, 26))[:, None]  # a turn in 16 rows
    of_input = Term("d x/dt", ("u",), 1.0, 0.005)
    (told,) = doubts_of(law_of([1, 2], u), [SURE, of_input])
    assert told.startswith("inputs are taken as straight lines between rows. If they curve") and "u (0.013)" in told
    assert doubts_of(law_of([1, 2], u), [SURE, replace(of_input, sd=0.02)]) == []


@pytest.mark.parametrize("noise", [0.0, 0.1])
@pytest.mark.parametrize("uneven", [False, True])
def test_what_lines_between_rows_miss_of_a_sine(noise, uneven):
    """In the mean (w h)^2 / 12 of it."""
    rng = np.random.default_rng(0)
    ts = np.linspace(0.0, 200.0, 2001)
    if uneven:
        ts[1:-1] += rng.uniform(-0.02, 0.02, ts.size - 2)
    u = np.sin(2.0 * ts) + noise * rng.normal(size=ts.size)
    data = nl.Trajectories((nl.Trajectory("a", ts, u[:, None], inputs=u[:, None]),), ("x",), ("u",))
    assert share_missed(data, 0) == pytest.approx(0.2**2 / 12, rel=0.1 if not noise else 0.5)
    held = nl.Trajectories((replace(data[0], hold=(True,)),), ("x",), ("u",))
    assert share_missed(held, 0) == 0.0
