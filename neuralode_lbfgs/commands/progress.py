"""How a fit goes, on standard error: a line that moves on a terminal, occasional plain lines elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .saying import tell

if TYPE_CHECKING:
    from ..fitting import Progressed

INTERVAL = 10.0  # seconds between plain lines: enough for a log to show life


class PlainProgress:
    """A line when a stage begins to move and every ten seconds, for logs and pipes."""

    def __init__(self):
        self._stage, self._next = "", 0.0

    def __call__(self, event: "Progressed") -> None:
        now = time.monotonic()
        if event.stage != self._stage or now >= self._next:
            tell(str(event))
            self._stage, self._next = event.stage, now + INTERVAL


@contextmanager
def showing(quiet: bool) -> "Iterator[Callable[[Progressed], None]]":
    """What to call with every event of a fit."""
    if quiet:
        yield lambda event: None
        return
    if not sys.stderr.isatty():
        yield PlainProgress()
        return
    from rich.console import Console

    console = Console(stderr=True, highlight=False)
    with console.status("compiling ...", spinner="dots") as status:
        last: list[Progressed] = []

        def show(event: "Progressed") -> None:
            if last and last[0].stage != event.stage:
                console.print(str(last[0]), markup=False)  # what a stage came to stays on the screen
            last[:] = [event]
            status.update(str(event))

        yield show
        if last:
            console.print(str(last[0]), markup=False)
