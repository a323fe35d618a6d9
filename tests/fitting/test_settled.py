"""The loss that is reported does not depend on the steps of the fit."""

import diffrax
import equinox as eqx
import jax
import numpy as np
import pytest

import neuralode_lbfgs as nl
from neuralode_lbfgs.fitting import settled
from neuralode_lbfgs.fitting.beginning import begin
from neuralode_lbfgs.fitting.losses import Parameters
from neuralode_lbfgs.fitting.mesh import first_counts
from neuralode_lbfgs.fitting.options import FitOptions
from neuralode_lbfgs.fitting.settled import loss_on_mesh, settled_loss, unsettled_note
from neuralode_lbfgs.fitting.task import Task
from neuralode_lbfgs.models import trainable


@pytest.fixture(scope="module")
def course():
    """A field of random weights that turns many times between two rows."""
    data = nl.simulate("spiral_linear", num_trajectories=2, num=3, t1=8.0, key=jax.random.key(0))
    model = nl.NeuralODE(nl.MLPVectorField(2, width_size=3, depth=1, key=jax.random.key(1)))
    begun = begin(model, Task(data, FitOptions(), nl.LBFGS()), []).course
    free, fixed = trainable(begun.parameters.model)
    begun.replace(eqx.combine(jax.tree.map(lambda a: 40.0 * a, free), fixed))
    return begun


def under_a_tight_solve(course):
    model, starts, weights = course.parameters.model, course.known_starts, course.coordinates.scale
    squares = []
    for run in course.data:
        solution = diffrax.diffeqsolve(
            diffrax.ODETerm(model.vector_field), diffrax.Dopri8(), run.ts[0], run.ts[-1], None, starts[run.id][1],
            saveat=diffrax.SaveAt(ts=run.ts), stepsize_controller=diffrax.PIDController(1e-11, 1e-11),
        )  # fmt: skip
        squares.append(((np.asarray(solution.ys) - run.ys) / weights) ** 2)
    return float(np.mean(squares))


def test_steps_are_halved_until_they_do_not_matter(course):
    course.mesher.take(first_counts(course.data, course.mesher.coordinates))
    counts = [count.copy() for count in course.mesher.counts]
    course.loss = loss_on_mesh(course)
    found, exact = settled_loss(course), under_a_tight_solve(course)
    assert abs(course.loss / exact - 1) > 0.01
    assert found == pytest.approx(exact, rel=2e-3)
    assert all(map(np.array_equal, course.mesher.counts, counts))


def test_a_mesh_that_suits_the_model_is_halved_once_and_no_more(course, monkeypatch):
    course.mesher.refine(course.parameters.model, course.parameters.starts)
    course.loss = loss_on_mesh(course)
    solves = []
    monkeypatch.setattr(settled, "loss_on_mesh", lambda course: solves.append(1) or loss_on_mesh(course))
    assert settled_loss(course) == pytest.approx(course.loss, rel=1e-3)
    settled_loss(course.apart())
    assert len(solves) == 1  # it is known, and wherever the course goes from here
    course.parameters = Parameters(course.parameters.model, course.parameters.starts)
    settled_loss(course)
    assert len(solves) == 2


def test_what_is_said():
    assert unsettled_note(0.02, 0.0201) == [] == unsettled_note(float("nan"), float("nan"))
    (note,) = unsettled_note(0.02, 0.4)
    assert note.startswith("the loss on the steps of the fit is 0.02, on steps fine enough 0.4")
