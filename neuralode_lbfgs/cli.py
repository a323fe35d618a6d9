"""The command line: `neuralode-lbfgs fit mine.csv`, and its other verbs.

Results go to standard output, progress and errors to standard error. Exit codes: 0 done; 1 a fit that is no
better than where it started, or predictions that do not reach their end; 2 bad input, in one sentence; 130 after Ctrl-C
and 143 after SIGTERM, with the best model saved.
"""

import contextlib
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from cyclopts import App, ArgumentCollection, CycloptsError, Parameter

from .commands.saying import tell

INTERRUPTED, BAD_INPUT = 130, 2


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("neuralode-lbfgs")
    except PackageNotFoundError:  # run from a checkout that is not installed
        return "not installed"


def _from_config(app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> Any:
    """Options from the file after `--config`, or of the fit after `--resume`, of the verbs that have one."""
    typed = {name for argument in arguments if argument.tokens for name in argument.names}
    if {"--config", "--resume"} <= typed:
        raise ValueError("--resume goes on with the options of the fit that was stopped; leave out --config.")
    if "--config" in typed:
        from .commands.config import options_from_config

        options_from_config(app, commands, arguments)
    if "--resume" in typed:
        from .commands.resume import options_of_resumed

        options_of_resumed(app, commands, arguments)


def _refuse_fractions(app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> Any:
    """Whole numbers are whole: 8.5 would be rounded without a word."""
    for argument in arguments:
        if argument.hint in (int, int | None):
            for token in argument.tokens:
                whole = token.value.partition(".")[2].strip("0") == ""
                if not whole:
                    raise ValueError(f"{argument.name} needs a whole number; it is {token.value}.")


def _without_breaks(console: Any, options: Any, panel: Any) -> None:
    """The help of an option as one paragraph, which is not broken where a line of the source ends."""
    from cyclopts.help import DefaultFormatter
    from rich.text import Text

    for entry in panel.entries:
        text = getattr(entry.description, "primary_renderable", None)
        if isinstance(text, Text):
            text.plain = " ".join(text.plain.split())
        if entry.default == "()":  # none of a list
            entry.default = None
    DefaultFormatter()(console, options, panel)


app: App = App(
    name="neuralode-lbfgs",
    help="Fit neural ODEs to trajectory data with L-BFGS.",
    version=_version,
    help_format="plaintext",  # the Markdown renderer costs a third of the start
    help_formatter=_without_breaks,
    default_parameter=Parameter(consume_multiple=True, negative_iterable=(), negative_bool=()),
    config=(_from_config, _refuse_fractions),
    suppress_keyboard_interrupt=False,
)
# Commands are imported when they run; their first lines stand here so that help needs none of them.
for _verb, _help in (
    ("fit", "Fit a neural ODE to data and write a folder of results."),
    ("predict", "Predict with a fitted model: the rows of a file, or a forecast."),
    ("plot", "Draw the plots of a run again."),
    ("field", "Evaluate the learned field on a grid and write it as CSV."),
    ("report", "Write the report of a run again."),
    ("datasets", "List the bundled data sets."),
    ("generate", "Simulate a known system and write a CSV file; without a name, list the systems."),
):
    app.command(f"neuralode_lbfgs.commands.{_verb}:{_verb}", name=_verb, help=_help)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: the words after the program's name; by default those of the process.

    Returns:
        The exit code.
    """
    words = sys.argv[1:] if argv is None else list(argv)
    try:
        if "-" in words:
            raise ValueError("'-' names no file here; give a path: /dev/stdin for what comes through a pipe.")
        code = app(words, exit_on_error=False, print_error=False, result_action="return_value")
        sys.stdout.flush()
    except (CycloptsError, ValueError) as error:
        tell(f"error: {' '.join(str(error).split())}")
        return BAD_INPUT
    except OSError as error:
        if isinstance(error, BrokenPipeError):  # the reader, such as head, has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        tell(f"error: {error.filename or 'the results'} cannot be written: {error.strerror}.")
        return BAD_INPUT
    except MemoryError:
        tell("error: the memory of this machine does not hold these data; give fewer rows.")
        return BAD_INPUT
    except KeyboardInterrupt:
        print("interrupted.", file=sys.stderr)
        return INTERRUPTED
    return code if isinstance(code, int) else 0


def program(argv: Sequence[str] | None = None) -> NoReturn:
    """Run one command and end the process: all is written by then, and to take JAX down takes half a second."""
    code = main(argv)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.flush()
    os._exit(code)
