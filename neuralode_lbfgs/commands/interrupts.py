"""Ctrl-C and SIGTERM, so that the best model so far is saved and nothing is left half written."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


class Interrupts:
    """Within it, SIGINT and SIGTERM ask for a stop, which `check` heeds where a model is at hand to be saved.

    A second signal raises KeyboardInterrupt at once, unless results are being written. `exit_code` says which
    signal came first.
    """

    def __init__(self):
        self._received: int | None = None
        self._held = False
        self._before: dict[int, Any] = {}

    @property
    def exit_code(self) -> int:
        """What a shell expects of a program that a signal ended: 130 for Ctrl-C, 143 for SIGTERM."""
        return 128 + (self._received or signal.SIGINT)

    @property
    def came(self) -> bool:
        """Whether there was a signal."""
        return self._received is not None

    def check(self) -> None:
        """Stop here if asked to.

        Raises:
            KeyboardInterrupt: if there was a signal.
        """
        if self.came:
            raise KeyboardInterrupt

    def __enter__(self) -> "Interrupts":
        if threading.current_thread() is threading.main_thread():  # Python allows it nowhere else
            for number in (signal.SIGINT, signal.SIGTERM):
                if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
                    self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextmanager
    def held(self) -> Iterator[None]:
        """While results are written a signal is noted, and does not raise."""
        self._held = True
        try:
            yield
        finally:
            self._held = False

    def _handle(self, number: int, _: FrameType | None) -> None:
        if self._received is None:
            self._received = number
            # Not print: the signal may have come in the middle of one.
            os.write(2, b"stopping; the best model so far will be saved (once more to stop at once)\n")
        elif not self._held:
            raise KeyboardInterrupt
