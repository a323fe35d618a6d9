"""Why a minimisation ended, and what to do about it."""

import enum


class StopReason(enum.Enum):
    """Every way a minimisation can end; `ending` says how, `sentence` what it means and what to do next, too."""

    RUNNING = (0, "still running", "")
    GRADIENT = (1, "the gradient is below gtol", ": a minimum to the accuracy asked for")
    DECREASE = (2, "the loss no longer falls", ": the relative decrease stayed below ftol for several iterations")
    MAX_ITER = (3, "the iteration limit was reached", "; raise max_iter if the loss is still falling")
    MAX_EVALS = (4, "the evaluation limit was reached", "; raise max_evals if the loss is still falling")
    TIME_LIMIT = (5, "the time limit was reached", "; raise time_limit if the loss is still falling")
    SEARCH_FAILED = (
        6,
        "no step along the steepest descent lowers the loss",
        ": the floor of the arithmetic or of the solver is reached (if it is too high, take a tighter rtol, or float64 "
        "in place of single precision)",
    )
    NONFINITE_START = (
        7,
        "the loss or its gradient is not finite at the start",
        "; scale the data, start from smaller weights, shorten the time span, or take an implicit solver if stiff",
    )
    UNBOUNDED = (8, "the loss falls without bound", ": it is not a sum of squares, or needs regularisation")
    INTERRUPTED = (9, "interrupted", "; the best model so far is kept")
    DIVERGED = (10, "a step led to a loss or gradient that is not finite", "; use a smaller learning rate")
    STEPS = (
        11,
        "all steps of the stage were taken",
        "; another start or another model may do more than further ones",
    )

    def __init__(self, code: int, ending: str, advice: str):
        self.code = code
        self.ending = ending
        self.sentence: str = ending + advice

    @property
    def cut_short(self) -> bool:
        """Whether a person or the clock wanted no more: nothing is begun after that."""
        return self in (StopReason.INTERRUPTED, StopReason.TIME_LIMIT)

    @classmethod
    def from_code(cls, code: int) -> "StopReason":
        """The reason whose number the compiled loop returned."""
        return next(reason for reason in cls if reason.code == code)
