"""Which periods are worth a try: those that dates show, and that they go on for."""

import numpy as np
import pytest

import neuralode_lbfgs as nl
from neuralode_lbfgs.data import Clock
from neuralode_lbfgs.fitting.diagnosis.seasons import other_inputs


@pytest.mark.parametrize(
    ("unit", "step", "count", "said"),
    [
        ("d", 30.0, 60, "(--period year)"),
        ("h", 1.0, 60, "(--period day)"),
        ("h", 6.0, 100, "(--period day, --period week)"),
        ("d", 150.0, 60, None),
        ("", 1.0, 60, "(--period P if it comes again after a known time)"),
    ],
)
def test_what_may_drive_a_system(unit, step, count, said):
    ts = step * np.arange(count)
    clock = Clock("2024-01-01", unit) if unit else Clock()
    data = nl.Trajectories((nl.Trajectory("a", ts, np.cos(ts)[:, None]),), clock=clock)
    told = other_inputs(data)
    assert told.startswith("an input that drives the system and is not in the data")
    assert told.endswith(said) if said else "--period" not in told
