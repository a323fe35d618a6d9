"""What a fit has come to: what is said of the stages that led to it."""

import pytest

from neuralode_lbfgs.fitting.outcome import said_of_searches
from neuralode_lbfgs.fitting.record import Stage
from neuralode_lbfgs.optimise import StopReason
from neuralode_lbfgs.optimise.minimum import Iteration


@pytest.mark.parametrize(
    ("iterations", "evaluations", "kept", "said"),
    [(20, 30, True, False), (20, 90, True, True), (9, 90, True, False), (20, 90, False, False)],
)
def test_line_searches_that_take_long_are_told_of(iterations, evaluations, kept, said):
    rows = tuple(Iteration(at, evaluations * at // iterations, 1.0, 0.1, 1.0, 0.0) for at in range(iterations + 1))
    stages = [Stage("matching", "", StopReason.DECREASE, ()), Stage("full", "", StopReason.MAX_ITER, rows, kept=kept)]
    told = said_of_searches(stages)
    assert [note.startswith("line searches took 4.5 evaluations an iteration") for note in told] == [True] * said
