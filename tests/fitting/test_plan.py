"""What is said before a fit is what the fit does."""

import jax
import numpy as np
import pytest

import neuralode_lbfgs as nl
from neuralode_lbfgs.fitting import at_once, attempts
from neuralode_lbfgs.fitting.beginning import begin
from neuralode_lbfgs.fitting.beside import has_polynomial
from neuralode_lbfgs.fitting.plan import plan_of
from neuralode_lbfgs.fitting.task import Task

TS = np.linspace(0.0, 4.0, 15)


def spiral(blank=False):
    ys = np.stack([np.exp(-0.3 * TS) * np.cos(2 * TS), np.exp(-0.3 * TS) * np.sin(2 * TS)], axis=1)
    if blank:
        ys[1:, 0] = np.nan
    return nl.Trajectories((nl.Trajectory("a", TS, ys),))


def network(width=4):
    return nl.NeuralODE(nl.MLPVectorField(2, width_size=width, depth=1, key=jax.random.key(0)))


@pytest.mark.parametrize(
    "width, keywords, blank, stages, degree",
    [
        (4, {"degree": 3}, False, ("matching", "shooting", "full", "polish"), 3),
        (4, {"degree": 2}, False, ("matching", "shooting", "full", "polish"), 2),
        (4, {"stages": ("polish",)}, False, ("polish",), 0),
        (4, {}, True, ("shooting", "full", "polish"), 0),  # one state shows no slopes
        (600, {"degree": 1}, False, ("matching", "full", "polish"), 1),
        (4, {"optimizer": "adam"}, False, ("matching", "full"), 0),
    ],
)
def test_stages_and_polynomial_are_those_of_the_fit(monkeypatch, width, keywords, blank, stages, degree):
    data, options = spiral(blank), nl.FitOptions(**keywords)
    plan = plan_of(network(width), data, options)
    assert (plan.stages, plan.degree) == (stages, degree)
    assert any("derivative matching was left out" in note for note in plan.notes) is blank
    seen = []

    def stop(names, course, *args, **keys):
        seen.append((names, course))
        raise KeyboardInterrupt

    for module in (attempts, at_once):
        monkeypatch.setattr(module, "run_stages", stop)
    with pytest.raises(KeyboardInterrupt):
        nl.fit(network(width), data, options)
    names, course = seen[0]
    assert names == (stages[:1] if plan.may_be_short else stages)
    assert getattr(course.parameters.model.vector_field, "degree", 0) == degree


def test_before_the_whole_is_solved_no_stage_is_run_that_the_fit_leaves_out():
    begun = begin(network(), Task(spiral(), nl.FitOptions(degree=1), nl.LBFGS()), [])
    course, reached = attempts.before_the_whole(begun.names, begun.course, None, None)
    assert [one.stage.name for one in reached] == ["matching"]  # a linear law is matched at once
    assert has_polynomial(course.parameters.model)
    asked = Task(spiral(), nl.FitOptions(stages=("matching", "shooting", "full")), nl.LBFGS())
    begun = begin(network(), asked, [])
    _, reached = attempts.before_the_whole(begun.names, begun.course, None, None)
    assert [one.stage.name for one in reached] == ["matching", "shooting"]
