"""What is drawn at the end of a fit, by processes of their own.

The libraries that draw take as long to import as a page of figures to draw, and both together as long as a short fit
runs. So they are imported while the model is fitted, and plots and report are drawn at the same time.
"""

import contextlib
import importlib
import pickle
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import neuralode_lbfgs

# Without the folder one stands in on the path (-P): a file there that is named like a library must not be run.
# The fit goes first: it imports at the same time, and is what one waits for.
START = (
    "import os, sys; hasattr(os, 'nice') and os.nice(10); sys.path.append(sys.argv[1]); "
    "from neuralode_lbfgs.commands.beside import serve; serve(sys.argv[2]); sys.stdout.flush(); os._exit(0)"
)


class Beside:
    """A function that a process of its own imports at once, and calls once with what is given to `begin`.

    Where there cannot be such a process, or it is lost, the function is called here; what it raises is raised in
    either case. Leaving the context ends the process.

    Args:
        function: `.room.module:name` in this package.
    """

    def __init__(self, function: str):
        self._function = function
        self._arguments: Sequence[Any] = ()
        self._process: subprocess.Popen[bytes] | None = None
        package = str(Path(neuralode_lbfgs.__file__).parents[1])
        with contextlib.suppress(OSError):
            self._process = subprocess.Popen(
                [sys.executable or "python3", "-P", "-c", START, package, function],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the fit, which then asks for less
            )

    def __enter__(self) -> "Beside":
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.kill()
            with contextlib.suppress(OSError), self._process:  # closes its pipes, and waits
                pass

    def begin(self, *arguments: Any) -> None:
        """Call the function with these, which are handed over, and go on."""
        self._arguments = arguments
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(OSError), self._process.stdin as stdin:  # it may be gone: `end` does the work
                pickle.dump(arguments, stdin, pickle.HIGHEST_PROTOCOL)

    def end(self) -> None:
        """Wait until the function has been called; raises what it raised."""
        answer = b""
        if self._process is not None and self._process.stdout is not None:
            answer = self._process.stdout.read()
        if not answer:
            function_named(self._function)(*self._arguments)
            return
        raised = pickle.loads(answer)  # from a process of ours, not from a file
        if raised is not None:
            raise raised


@contextlib.contextmanager
def artists(*, plots: bool, report: bool) -> Iterator[dict[str, Beside]]:
    """Those that draw the plots and write the report, by these names, where they are asked for."""
    functions = {"plots": (plots, ".commands.figures:draw"), "report": (report, ".outputs.report.page:write_report")}
    with contextlib.ExitStack() as stack:
        yield {name: stack.enter_context(Beside(function)) for name, (asked, function) in functions.items() if asked}


def function_named(function: str) -> Any:
    """The function that `.room.module:name` means."""
    module, name = function.split(":")
    return getattr(importlib.import_module(module, neuralode_lbfgs.__name__), name)


def serve(function: str) -> None:
    """Import the function, wait for its arguments and call it; answers what it raised, or None."""
    call = function_named(function)
    getattr(sys.modules[call.__module__], "warm_up", lambda: None)()  # what it needs at its first call
    given = sys.stdin.buffer.read()
    if not given:
        return
    raised = None
    try:
        call(*pickle.loads(given))
    except Exception as error:
        raised = error
    sys.stdout.buffer.write(pickle.dumps(raised))
