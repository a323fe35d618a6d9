"""Equations of motion in the place of a network: the law of a machine, from its positions and velocities."""

import math

import jax
import numpy as np
import pytest
from scipy.integrate import solve_ivp

import neuralode_lbfgs as nl
from neuralode_lbfgs.fitting import attempts, mechanics
from neuralode_lbfgs.fitting.at_once import Attempt
from neuralode_lbfgs.fitting.beginning import begin
from neuralode_lbfgs.fitting.beside import is_mechanical, stays
from neuralode_lbfgs.fitting.library import kinds_of
from neuralode_lbfgs.fitting.mechanics import may_be_mechanical, sparser, with_mechanics, with_steering
from neuralode_lbfgs.fitting.options import FitOptions
from neuralode_lbfgs.fitting.plan import plan_of
from neuralode_lbfgs.fitting.record import Stage
from neuralode_lbfgs.fitting.running import Reached
from neuralode_lbfgs.fitting.task import Task
from neuralode_lbfgs.fitting.terms import tangent_of
from neuralode_lbfgs.optimise import StopReason

G, LENGTH, MASSES, DRAG = 9.81, 0.5, (1.0, 0.3), 0.2


def cart_and_pole(t, y):
    """A pole that hangs from a cart, which rubs; nothing drives them."""
    (_, theta, v, omega), (cart, pole) = y, MASSES
    mass = np.array([[cart + pole, pole * LENGTH * np.cos(theta)], [pole * LENGTH * np.cos(theta), pole * LENGTH**2]])
    forces = [pole * LENGTH * np.sin(theta) * omega**2 - DRAG * v, -pole * G * LENGTH * np.sin(theta)]
    return np.concatenate([[v, omega], np.linalg.solve(mass, forces)])


def pendulum(t, y):
    """In degrees."""
    angle, rate = np.radians(y)
    return np.degrees([rate, -G * np.sin(angle) - 0.3 * rate])


def runs(system, starts, names, num, until, noise=0.01, seed=0, **units):
    ts = np.linspace(0.0, until, num)
    ys = np.stack([solve_ivp(system, (0, until), y, t_eval=ts, rtol=1e-9, atol=1e-9).y.T for y in starts])
    noisy = ys + noise * ys.std(axis=(0, 1)) * np.random.default_rng(seed).normal(size=ys.shape)
    return nl.from_arrays(np.tile(ts, (len(ys), 1)), noisy, names=names, units=units)


@pytest.fixture(scope="module")
def swings():
    starts = [[0.0, 1.5, 0.0, 0.0], [0.2, -0.9, 0.5, 1.0], [-0.3, 0.4, 0.2, 5.0]]
    return runs(cart_and_pole, starts, ["x", "theta", "v", "omega"], num=80, until=4.0)


def network(rates, states):
    return nl.NeuralODE(nl.MLPVectorField(states, 4, 1, rates=rates, key=jax.random.key(0)))


def course_of(data, model, **options):
    return begin(model, Task(data, FitOptions(**options), nl.LBFGS()), []).course


@pytest.fixture(scope="module")
def likely(swings):
    """Equations of motion at their beginning, after matching of which positions are angles."""
    course = course_of(swings, network({0: 2, 1: 3}, 4))
    return course, *with_mechanics(course, None, None)


@pytest.fixture(scope="module")
def fitted(swings):
    return nl.fit(network({0: 2, 1: 3}, 4), swings)


def test_the_law_of_a_cart_and_pole(fitted):
    """Its accelerations are quotients, of which a network needs many runs."""
    assert is_mechanical(fitted.model)
    law = {(term.rate, term.name): term for term in fitted.law}
    total = sum(MASSES)
    coupling = MASSES[1] * LENGTH / total
    true = {
        ("kinetic energy", "v^2"): 0.5,
        ("kinetic energy", "v*omega"): coupling,
        ("kinetic energy", "v*omega*(1 - cos(theta))"): -coupling,
        ("kinetic energy", "omega^2"): 0.5 * MASSES[1] * LENGTH**2 / total,
        ("potential energy", "(1 - cos(theta))"): MASSES[1] * G * LENGTH / total,
        ("force on x", "v"): -DRAG / total,
    }
    assert law.keys() == true.keys()
    assert law["kinetic energy", "v^2"].sd == 0.0  # which is chosen
    for name, value in true.items():
        assert abs(law[name].value - value) <= 5 * law[name].sd + 1e-12, name
    assert any("Lagrange's equations" in note for note in fitted.notes)


def test_it_holds_for_new_starts(fitted):
    new = np.array([0.1, -1.3, -0.4, 2.0])
    ts = np.linspace(0.0, 4.0, 60)
    true = solve_ivp(cart_and_pole, (0, 4), new, t_eval=ts, rtol=1e-9, atol=1e-9).y.T
    found = np.asarray(fitted.model(ts, new))
    assert np.sqrt(np.mean(((found - true) / true.std(axis=0)) ** 2)) < 0.02


def test_it_is_saved_and_read_again(fitted, tmp_path):
    nl.save_model(tmp_path / "model.npz", fitted.model)
    ts, y0 = np.linspace(0.0, 1.0, 5), np.array([0.1, -0.3, -0.4, 2.0])
    np.testing.assert_array_equal(nl.load_model(tmp_path / "model.npz").model(ts, y0), fitted.model(ts, y0))


def test_one_position_has_its_acceleration_written_out():
    data = runs(pendulum, [[140.0, 0.0], [-60.0, 150.0]], ["swing", "rate"], 80, 5.0, swing="deg", rate="deg/s")
    result = nl.fit(network({0: 1}, 2), data)
    assert [(term.rate, term.name) for term in result.law] == [
        ("d swing/dt", "rate"), ("d rate/dt", "sin(swing*0.0174533)"), ("d rate/dt", "rate"),
    ]  # fmt: skip
    found = result.law[1:]
    true = (-G * 180 / math.pi, -0.3)
    assert all(abs(term.value - value) < 5 * term.sd for term, value in zip(found, true, strict=True))
    assert not any("Lagrange's" in note for note in result.notes)


def test_units_and_names_say_which_positions_are_angles(swings):
    course = course_of(swings, network({0: 2, 1: 3}, 4))
    scale = np.asarray(course.coordinates.scale)
    every = mechanics._turns(course)
    assert len(every) == 4 and any(np.allclose(turn, [0.0, scale[1]]) for turn in every)
    assert [mechanics._unlike_names(course, turn) for turn in every] == [1, 0, 2, 1]
    for unit, radians in (("rad", 1.0), ("Degrees", math.pi / 180), ("mm", 0.0)):
        course.data = swings.__class__(swings.trajectories, swings.state_names, units={"x": "m", "theta": unit})
        (turn,) = mechanics._turns(course)
        np.testing.assert_allclose(turn, [0.0, radians * scale[1]])


def test_of_likely_angles_those_that_explain_the_slopes(likely):
    course, found, matched = likely
    assert len(matched) == 4 and 1 <= len(found) <= 2
    assert found[0].begun.vector_field.mlp.turn.value[1] > 0  # theta turns
    assert with_steering(course, found[0]) is None  # there are no inputs


def test_when_they_are_wanted(swings):
    model = network({0: 2, 1: 3}, 4)
    assert may_be_mechanical(course_of(swings, model)) and plan_of(model, swings, FitOptions()).motion
    for options in ({"degree": 2}, {"weight_decay": 1e-4}, {"ensemble": 2}):
        assert not may_be_mechanical(course_of(swings, model, **options))
    assert not may_be_mechanical(course_of(swings, network({}, 4)))
    assert not may_be_mechanical(course_of(swings, network({0: 2}, 4)))  # of theta no velocity is known


def test_a_driven_machine_may_fall_when_it_is_run_on(likely, monkeypatch):
    """Its controller is not there."""
    from neuralode_lbfgs.fitting import beside

    _, (mechanical, *_), _ = likely
    monkeypatch.setattr(beside, "beyond", lambda *rows: math.inf)
    assert not stays(mechanical)
    monkeypatch.setattr(type(mechanical.data), "input_size", property(lambda data: 1))
    assert stays(mechanical)


def test_the_fewest_terms_that_predict_as_well(swings, monkeypatch):
    """By what is held out, as of data that are worth ever less."""
    course = course_of(swings, network({0: 2, 1: 3}, 4))
    errors, asked = iter([0.21, 0.19, 0.2, 0.5]), []

    def fewer(here, reached, held_out, callback):
        asked.append(here.as_many)
        other = here.apart()
        other.determined = here.determined - 5
        return other, reached._replace(error=next(errors)), []

    monkeypatch.setattr(mechanics, "with_fewer_terms", fewer)
    monkeypatch.setattr(mechanics, "_mirrored", lambda course: None)
    course.determined = 40.0
    start = Reached(None, course.parameters.model, course.decay, 0.2)  # type: ignore[arg-type]
    monkeypatch.setattr(mechanics, "ended", lambda taken: False)
    found, reached, _ = sparser(course, start, swings, None)
    observed = course.data.observed
    assert asked == [observed // 4, observed // 16, observed // 64][: len(asked)]
    assert found.determined <= 35.0 and reached.error <= 0.21


@pytest.mark.parametrize("error, is_kept", [(0.21, True), (0.3, False)])
def test_a_machine_that_is_as_good_as_its_mirror_image(swings, likely, monkeypatch, error, is_kept):
    """A cart and its pole are, and any of its laws without terms that a mirror would change is among others of them."""
    _, (mechanical, *_), _ = likely
    mechanical = mechanical.apart()
    mechanical.loss = 0.01
    tried = []

    def run(names, image, held_out, callback):
        tried.append(image)
        return [start._replace(error=error)]

    stage = Stage("polish", "", StopReason.DECREASE, ())
    start = Reached(stage, mechanical.parameters.model, mechanical.decay, 0.2)
    monkeypatch.setattr(mechanics, "run_stages", run)
    monkeypatch.setattr(mechanics, "with_fewer_terms", lambda here, reached, *_: (here, reached, []))
    found, _, taken = sparser(mechanical, start, swings, None)
    (image,) = tried
    changed = image.begun.vector_field.mlp.changed_by((True, True))
    assert not changed[image.terms].any() and changed[image.ruled_out].all() and image.terms.size < changed.size
    assert taken[0].stage.why == mechanics.WHY_MIRRORED
    assert (found.terms is not None) == is_kept
    assert set(tangent_of(image).every[kinds_of(image)[2]]) == set(image.ruled_out)


def test_runs_that_are_foretold_need_no_network(swings, likely):
    course, (mechanical, *_), _ = likely
    for of, error, expected in ((mechanical, 0.06, True), (mechanical, 0.2, False), (course, 0.06, False)):
        tried = attempts._Simple(Attempt(error, of, (), [], []), fits=True, is_enough=False)
        assert attempts._foretells(tried, swings) is expected
        assert not attempts._foretells(tried, None) and not attempts._foretells(tried._replace(fits=False), swings)
