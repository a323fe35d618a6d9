"""What is said first after a fit of positions alone."""

from dataclasses import replace

import numpy as np

from neuralode_lbfgs.data import Trajectories, Trajectory
from neuralode_lbfgs.fitting.diagnosis import View, diagnose
from neuralode_lbfgs.fitting.diagnosis.kind import Kind
from neuralode_lbfgs.fitting.diagnosis.untold import without_velocities

TS = np.linspace(0.0, 12.0, 121)


def runs(*columns):
    named = [Trajectory(str(k), TS, np.transpose(column)) for k, column in enumerate(columns)]
    return Trajectories(tuple(named), ("a", "b"))


def springs(phase):
    return [np.sin(TS + phase) + np.sin(1.7 * TS), np.sin(TS + phase) - np.sin(1.7 * TS)]


TRAIN = runs(*map(springs, (0, 1, 2)))
OTHER = runs(*map(springs, (0.5, 1.5)))
STILL = TRAIN.with_trajectories([replace(run, ys=0 * run.ys) for run in TRAIN])
MISSED = View(TRAIN, STILL, OTHER, OTHER.with_trajectories([replace(run, ys=0 * run.ys) for run in OTHER]))


def test_the_flag_that_helps_is_told_alone():
    (told,) = diagnose(MISSED)
    assert told.finding.startswith("how a and b change does not follow from their values but does with the changes")
    assert told.advice == (
        "fit the velocities as states, too (--second-order) or another state that is in no column, if these are no "
        "positions (--hidden-states 1)"
    )


def test_it_is_not_said_of_what_is_met_or_known():
    assert without_velocities(replace(MISSED, fitted=TRAIN, held_out=OTHER)) is None
    assert without_velocities(replace(MISSED, hidden=2)) is None
    assert without_velocities(replace(MISSED, kind=Kind(second_order=True))) is None
    found = without_velocities(replace(MISSED, kind=Kind(rates=True)))
    assert found is not None and "--second-order" not in found.advice
