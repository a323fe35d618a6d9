"""How a fit goes, for those who watch: a line of the log for each stage, and the caller's own callback."""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from .record import Progressed

if TYPE_CHECKING:
    from .result import FitResult

LOGGER = logging.getLogger("neuralode_lbfgs")


class Watch:
    """What the stages call with every event: it is logged, and handed on.

    Args:
        callback: of the person who called `fit`.
    """

    def __init__(self, callback: Callable[[Progressed], None] | None):
        self.callback = callback
        self.last: Progressed | None = None

    def __call__(self, event: Progressed) -> None:
        if self.last is not None and (self.last.run, self.last.stage) != (event.run, event.stage):
            LOGGER.info("%s", self.last)
        self.last = event
        LOGGER.debug("%s", event)
        if self.callback is not None:
            self.callback(event)

    def ended(self, result: "FitResult") -> None:
        """Log the last stage, why it ended, and what a person should know."""
        if self.last is not None:
            LOGGER.info("%s", self.last)
        LOGGER.info("stopped: %s", result.stop_reason.sentence)
        for note in result.notes:
            LOGGER.info("note: %s", note)
