"""Hidden states of linear systems: the law that comes first, and what of it is the same for any choice of them."""

import re

import jax
import numpy as np

import neuralode_lbfgs as nl
from neuralode_lbfgs.fitting.beginning import begin
from neuralode_lbfgs.fitting.beside import with_polynomial
from neuralode_lbfgs.fitting.journal import Journal
from neuralode_lbfgs.fitting.linear import WHY_LINEAR, linear_law
from neuralode_lbfgs.fitting.options import FitOptions
from neuralode_lbfgs.fitting.task import Task
from neuralode_lbfgs.optimise import LBFGS

TS = np.linspace(0.0, 8.0, 41)
CHAIN = np.array(
    [[-0.5, 0.0, 0.0], [0.5, -1.0, 0.2], [0.0, 1.0, -0.4]]
)  # three compartments, of which the last is seen
SWING = np.array([[0.0, 1.0], [-4.0, -0.4]])
STARTS = ((3.0, 0.0, 0.0), (1.0, 2.0, 0.0), (0.0, 1.0, 2.0))
NEW = ((2.0, 1.0, 1.0), (1.0, 0.0, 2.0))
NOISE = 0.01  # of the standard deviation


def seen(matrix, starts, column, noise=0.0, unit=""):
    """One column of the exact solutions, with noise."""
    rng, runs = np.random.default_rng(1), []
    values, vectors = np.linalg.eig(matrix)
    for start in starts:
        parts = np.linalg.solve(vectors, np.array(start[: len(matrix)]) + 0j)
        runs.append(np.real(np.exp(TS[:, None] * values) * parts @ vectors.T)[:, column])
    sd = np.std(np.concatenate(runs))
    runs = [ys + noise * sd * rng.normal(size=ys.size) for ys in runs]
    trajectories = tuple(nl.Trajectory(f"run{i}", TS, ys[:, None]) for i, ys in enumerate(runs))
    return nl.Trajectories(trajectories, ("seen",), units={"t": unit}), sd


def fitted(data, hidden):
    field = nl.MLPVectorField(1 + hidden, width_size=4, depth=1, key=jax.random.key(0))
    return nl.fit(nl.NeuralODE(field), data)


def test_a_linear_chain_seen_at_its_end_predicts_new_starts():
    data, sd = seen(CHAIN, STARTS, 2, NOISE)
    result = fitted(data, 2)
    assert [stage.name for stage in result.stages] == ["shooting", "polish"]
    assert np.sqrt(result.loss) < 1.2 * NOISE
    noisy, truth = seen(CHAIN, NEW, 2, NOISE)[0], seen(CHAIN, NEW, 2)[0]
    for warmup, most in ((10, 0.1), (41, NOISE)):
        predicted = result.predict(noisy, warmup=warmup)
        errors = [p.ys - t.ys for p, t in zip(predicted, truth, strict=True)]
        assert np.sqrt(np.mean(np.square(errors))) < most * sd


def test_eigenvalues_are_told_and_no_coefficients():
    """Coefficients are one choice of infinitely many, eigenvalues are not; and they are known as well as is said."""
    result = fitted(seen(SWING, STARTS, 0, NOISE, unit="s")[0], 1)
    (told,) = [note for note in result.notes if "eigenvalues" in note]
    assert result.law == ()
    assert "in 1/s" in told
    decay, sd_decay, turn, sd_turn = map(float, re.findall(r"-?\d+\.\d+", told))
    assert abs(decay + 0.2) < 3 * sd_decay < 0.02
    assert abs(turn - np.sqrt(3.96)) < 3 * sd_turn < 0.02


def test_a_law_that_is_not_linear_is_not_taken_for_one():
    """The position of a van der Pol oscillator, whose amplitude does not depend on the start."""
    data = nl.load_dataset("van_der_pol")
    runs = [nl.Trajectory(run.id, run.ts, run.ys[:, :1]) for run in data.trajectories[:3]]
    model = nl.NeuralODE(nl.MLPVectorField(2, width_size=4, depth=1, key=jax.random.key(0)))
    task = Task(nl.Trajectories(tuple(runs)), FitOptions(validation=False), LBFGS(), None, None, Journal())
    wider = with_polynomial(begin(model, task, []).course)
    assert wider is not None
    law, taken = linear_law(wider, None, None)
    assert law is None
    assert taken[0].stage.why == WHY_LINEAR
