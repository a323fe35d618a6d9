"""Rate laws that saturate in the place of a network: the law of what eats, grows and reacts."""

import jax
import numpy as np
import pytest
from scipy.integrate import solve_ivp

import neuralode_lbfgs as nl
from neuralode_lbfgs.fitting.beginning import begin
from neuralode_lbfgs.fitting.beside import is_kinetic
from neuralode_lbfgs.fitting.kinetics import simplest_rates, with_kinetics
from neuralode_lbfgs.fitting.options import FitOptions
from neuralode_lbfgs.fitting.rate_laws import law_of_kinetics
from neuralode_lbfgs.fitting.running import run_stages
from neuralode_lbfgs.fitting.task import Task
from neuralode_lbfgs.models.kinetics import hill_exponent

ATTACK, HALF, GAIN, DEATH, CAPACITY = 1.2, 3.0, 0.9, 0.45, 12.0


def predator_and_prey(t, y):
    """Rosenzweig & MacArthur's: prey are eaten at a rate that saturates."""
    prey, predators = y
    eaten = prey * predators / (HALF + prey)
    return [prey * (1 - prey / CAPACITY) - ATTACK * eaten, GAIN * eaten - DEATH * predators]


def runs(system, starts, names, num, until, noise=0.02, seed=0):
    ts = np.linspace(0.0, until, num)
    ys = np.stack([solve_ivp(system, (0, until), y, t_eval=ts, rtol=1e-9, atol=1e-9).y.T for y in starts])
    noisy = ys + noise * ys.std(axis=(0, 1)) * np.random.default_rng(seed).normal(size=ys.shape)
    return nl.from_arrays(np.tile(ts, (len(ys), 1)), noisy, names=names)


@pytest.fixture(scope="module")
def eaten():
    return runs(
        predator_and_prey, [[2.0, 1.0], [9.0, 3.0], [6.0, 0.7]], ["prey", "predators"], num=40, until=20.0, noise=0.01
    )


def network(states, **sizes):
    return nl.NeuralODE(nl.MLPVectorField(states, 4, 1, key=jax.random.key(0), **sizes))


@pytest.fixture(scope="module")
def fitted(eaten):
    return nl.fit(network(2), eaten)


def course_of(data, model=None, **options):
    model = network(data.state_size, input_size=data.input_size) if model is None else model
    return begin(model, Task(data, FitOptions(**options), nl.LBFGS()), []).course


def test_the_law_of_predators_and_prey(fitted):
    """A functional response is a quotient, of which a polynomial needs many terms, and is wrong beyond the data."""
    assert is_kinetic(fitted.model)
    law = {(term.rate, term.name): term for term in fitted.law}
    growth, crowding, half = law["d prey/dt", "prey"], law["d prey/dt", "prey^2"], law["half-saturation", "prey"]
    eaten = next(term for term in fitted.law if term.rate == "d prey/dt" and "predators" in term.factors)
    for term, true in ((growth, 1.0), (crowding, -1 / CAPACITY), (half, HALF), (eaten, -ATTACK)):
        assert abs(term.value - true) < 4 * term.sd, term
        assert 0 < term.sd < 0.1 * abs(true)
    assert eaten.factors[-1].startswith("prey/(") and eaten.factors[-1].endswith(" + prey)")
    assert {term.rate for term in fitted.law} == {"d prey/dt", "d predators/dt", "half-saturation"}


def test_it_holds_for_new_starts(fitted):
    new, ts = np.array([11.0, 0.3]), np.linspace(0.0, 30.0, 60)
    true = solve_ivp(predator_and_prey, (0, 30), new, t_eval=ts, rtol=1e-9, atol=1e-9).y.T
    found = np.asarray(fitted.model(ts, new))
    assert np.sqrt(np.mean(((found - true) / true.std(axis=0)) ** 2)) < 0.05


def test_it_is_said_what_it_is(fitted, eaten):
    text = fitted.summary()
    assert "half-saturation  prey" in text
    assert any("one of rate laws" in note for note in fitted.notes)
    assert any("whose exponents are" in stage.why for stage in fitted.stages if stage.kept)


def test_it_is_saved_and_read_again(fitted, tmp_path):
    nl.save_model(tmp_path / "model.npz", fitted.model)
    ts, y0 = np.linspace(0.0, 5.0, 5), np.array([3.0, 1.0])
    np.testing.assert_array_equal(nl.load_model(tmp_path / "model.npz").model(ts, y0), fitted.model(ts, y0))


def saturating(course):
    """Which variables may, at how many factors of a term; None if it is not tried."""
    found = with_kinetics(course)
    law = found[0].begun.vector_field.mlp if found else None
    return None if law is None else (law.variables, law.degree)


def test_it_is_tried_of_what_is_never_negative(eaten):
    assert saturating(course_of(eaten)) == ((0, 1), 3)
    moved = nl.from_arrays([run.ts for run in eaten], [run.ys - [4.0, 0.0] for run in eaten], names=eaten.state_names)
    assert saturating(course_of(moved)) == ((1,), 3)  # prey less than four are negative
    far = nl.from_arrays([run.ts for run in eaten], [run.ys + 300.0 for run in eaten], names=eaten.state_names)
    assert saturating(course_of(far)) is None  # they vary by too little
    noisy = nl.from_arrays([run.ts for run in eaten], [run.ys - [0.0, 0.72] for run in eaten], names=eaten.state_names)
    assert -0.1 < min(run.ys[:, 1].min() for run in noisy) < 0
    assert saturating(course_of(noisy)) == ((0, 1), 3)


def test_few_data_have_room_for_few_products(eaten):
    run = eaten["0"]
    every = nl.from_arrays(run.ts, run.ys)
    assert saturating(course_of(every)) is None  # of 80 numbers nothing is told
    beside = nl.from_arrays(run.ts, np.hstack([run.ys for run in eaten]))  # six states
    assert saturating(course_of(beside)) == (tuple(range(6)), 1)


@pytest.mark.parametrize(
    "options", [{"degree": 2}, {"degree": 0}, {"ensemble": 2}, {"weight_decay": 1e-4}], ids=lambda one: next(iter(one))
)
def test_options_leave_it_out(eaten, options):
    assert saturating(course_of(eaten, **options)) is None


@pytest.mark.parametrize(
    "known", [{"rates": {0: 1}}, {"time_dependent": True}, {"degree": 2}], ids=lambda one: next(iter(one))
)
def test_what_is_known_of_the_field_leaves_it_out(eaten, known):
    assert saturating(course_of(eaten, network(2, **known))) is None


def test_states_in_logarithms_leave_it_out(eaten):
    assert saturating(course_of(eaten, transform=("log=prey",))) is None


@pytest.mark.slow
def test_a_polynomial_law_is_told_as_that():
    """Terms of both are the same then, and were chosen from fewer."""
    result = nl.fit(
        network(2),
        runs(
            lambda t, y: [1 - 4 * y[0] + y[0] ** 2 * y[1], 3 * y[0] - y[0] ** 2 * y[1]],
            [[1.0, 1.0], [2.0, 3.0], [0.5, 2.5]], ["x", "y"], num=60, until=10.0,
        ),
    )  # fmt: skip
    assert not is_kinetic(result.model)
    assert [term.name for term in result.law] == ["1", "x", "x^2*y", "x", "x^2*y"]


def steep(t, y):
    """Holling's type III, and a repressor whose exponent is none of those that are tried."""
    prey, predators = y
    eaten = prey**2 * predators / (4 + prey**2)
    return [prey * (1 - prey / 8) - 1.5 * eaten, 0.7 * eaten - 0.25 * predators]


def test_exponents_are_found():
    starts = [[1.0, 0.6], [7.0, 3.0], [4.0, 1.0], [2.0, 3.5]]
    course = course_of(runs(steep, starts, ["prey", "predators"], num=40, until=20.0, noise=0.01))
    one, two = with_kinetics(course)
    assert [hill_exponent(float(begun.begun.vector_field.mlp.exponent[0])) for begun in (one, two)] == [1.0, 2.0]
    _, polished = run_stages(("matching", "polish"), two, None, None)
    law, last, taken = simplest_rates(two, polished, None, None)
    found = {(term.rate, term.name): term for term in law_of_kinetics(law)}
    assert found["Hill exponent", "prey"].value == pytest.approx(2.0, abs=0.05)
    assert found["half-saturation", "prey"].value == pytest.approx(2.0, abs=0.05)
    assert sum(rate.startswith("d ") for rate, _ in found) <= 6
    assert law.loss < 0.011**2
    assert any(last is one for one in (polished, *taken))
