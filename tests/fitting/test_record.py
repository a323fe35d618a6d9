"""What a fit tells of its stages."""

from neuralode_lbfgs.fitting.record import Stage, told
from neuralode_lbfgs.optimise import StopReason


def test_stages_given_up_are_named_in_one_line() -> None:
    """Of attempts that led nowhere a reader wants to know that they were made, not their reasons."""
    made = [("matching", False), ("polish", False), ("matching", True), ("polish", False), ("full", True)]
    stages = [Stage(name, f"why {i}", StopReason.DECREASE, (), kept=kept) for i, (name, kept) in enumerate(made)]
    assert told(stages) == ["matching: why 2", "full: why 4", "also tried, and given up: matching, polish (2 times)"]
    assert told(stages[2:3]) == ["matching: why 2"]
