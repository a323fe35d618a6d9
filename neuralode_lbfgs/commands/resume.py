"""A fit that is kept while it runs, and goes on after it was stopped."""

import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cyclopts import ArgumentCollection
from cyclopts.config import Dict

from ..fitting.entry import Entry
from ..outputs.checkpoint import Checkpoint, read_checkpoint, remove_checkpoint, write_checkpoint
from ..outputs.run_folder import CHECKPOINT, CONFIG, METRICS, MODEL
from ..outputs.screen import to_type
from ..outputs.typed import instance
from .config import OF_ONE_CALL, SECTIONS, record_of, sections_of
from .saying import tell

if TYPE_CHECKING:
    from ..fitting.journal import Journal

OF_A_SESSION = (
    "time_limit",
    "no_plots",
    "no_report",
    "no_compilation_cache",
)  # options that change no number of a whole fit
INTERVAL = 1.0  # seconds between two checkpoints at least
SHARE = 0.02  # of the time of a fit, for writing them


def options_of_resumed(app: Any, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Fill in what was not typed from the fit in the folder after `--resume`, but for its time limit.

    Raises:
        ValueError: one sentence, if there is no fit to go on with, or its equations are not named.
    """
    folder = Path(next(argument for argument in arguments if "--resume" in argument.names).tokens[0].value)
    if has_ended(folder):
        return
    if not (folder / CHECKPOINT).exists():
        raise ValueError(
            f"{folder} holds no fit to go on with ({CHECKPOINT} is missing); begin one with "
            f"{to_type('fit', 'DATA', '--out', folder)}."
        )
    path = folder / CHECKPOINT
    sections = {"model": {}, **sections_of(read_checkpoint(path).config, path)}
    data = sections.get("data", {}).pop("data", None)
    if data is None:
        raise ValueError(f"{path} is damaged: it does not name the data of its fit; begin the fit again.")
    for name, options in sections.items():
        try:
            instance(SECTIONS[name], options)
        except ValueError as error:
            raise ValueError(f"{path} is damaged, and no fit has these options: {error}") from None
    field = sections["model"].pop("vector_field", None)
    typed = {name for argument in arguments if argument.tokens for name in argument.names}
    if field is not None and "--vector-field" not in typed:
        raise ValueError(
            f"{folder} holds a fit of your own equations, and code is run only where you name it: add "
            f"--vector-field {field}."
        )
    not_taken = (*OF_ONE_CALL, "time_limit")  # which no fit writes down, but a hostile hand may
    entries = {key: value for section in sections.values() for key, value in section.items() if key not in not_taken}
    Dict({"data": data, **entries}, source=str(folder), use_commands_as_keys=False)(app, commands, arguments)


def has_ended(folder: Path) -> bool:
    """Whether a folder holds a run that is complete."""
    return not (folder / CHECKPOINT).exists() and (folder / METRICS).exists() and (folder / MODEL).exists()


def ended_words(folder: Path) -> str:
    """What is said of such a folder: options that were given are of no use there."""
    again = to_type("fit", "--config", folder / CONFIG, "--out", "ANOTHER_FOLDER")
    return f"{folder} holds a run that has ended: there is nothing to go on with; for other options begin anew: {again}"


def check_same(folder: Path, then: str, now: str) -> list[str]:
    """Compare two texts of config files, of the fit as it began and as it is to go on.

    Returns:
        Sentences on what is not as it was, and may change the last digits.

    Raises:
        ValueError: one sentence, if options, data, equations or this program are not what they were.
    """
    from ..outputs.origin import DATA, OWN, other_files, other_versions, shown

    path, record, record_now = folder / CHECKPOINT, record_of(then), record_of(now)
    for what in other_files({DATA: None, **record}, record_now):
        raise ValueError(
            f"{folder} cannot go on: {what} is not what it was when the fit began (its SHA-256 differs); bring it "
            "back, or begin anew with --overwrite."
        )
    before, after = sections_of(then, path), sections_of(now, path)
    for sections in (before, after):  # files may have another name, if they are the same
        sections["data"].pop("data", None)
        field = sections["model"].get("vector_field")
        if field is not None:
            sections["model"]["vector_field"] = field.rpartition(":")[2]
    for section in SECTIONS:
        for key in {**before.get(section, {}), **after.get(section, {})}:
            if key in OF_A_SESSION:
                continue
            was, present = (_shown(options.get(section, {}).get(key)) for options in (before, after))
            if was != present:
                raise ValueError(
                    f"{folder} cannot go on with other options: {_flag(key)} was {was}, and is {present} now; leave it "
                    "out, or begin another fit with --out."
                )
    if record.get(OWN) != record_now.get(OWN):
        raise ValueError(
            f"{folder} was begun by neuralode-lbfgs {shown(record.get(OWN))}, and this is {record_now.get(OWN)}; go on "
            "with that one, or begin anew with --overwrite."
        )
    others = other_versions(record, record_now)
    return [f"not what the fit began with, so that digits may differ: {', '.join(others)}."] if others else []


def _shown(value: Any) -> str:
    from ..outputs.origin import shown

    if isinstance(value, list):
        return shown(" ".join(map(str, value)), 200) or "none"
    return "not given" if value is None else shown(value, 200)


def _flag(key: str) -> str:
    return f"--{key.replace('_', '-')}"


class CannotKeep(ValueError):  # noqa: N818 - a sentence for a person
    """A checkpoint that cannot be written."""


class Keeper:
    """Writes what a fit has done into its folder: at most once a second, and for a fiftieth of its time.

    Args:
        folder: of the run.
        config: the text of its config file.
        begun: when this session began, by `time.perf_counter`.
        before: seconds of the sessions before it.
    """

    path: Path  # of the checkpoint

    def __init__(self, folder: Path, config: str, begun: float, before: float = 0.0):
        self.path, self._config, self._begun, self._before = folder / CHECKPOINT, config, begun, before
        self._entries: Sequence[Entry] | None = None
        self._due = 0.0
        self._made = [parent for parent in (folder, *folder.parents) if not parent.exists()]

    @property
    def seconds(self) -> float:
        """From the start of the program, over all sessions."""
        return self._before + time.perf_counter() - self._begun

    def __call__(self, entries: Sequence[Entry]) -> None:
        """Keep what a journal holds.

        Raises:
            CannotKeep: one sentence; the checkpoint before is as it was.
        """
        self._entries = entries
        if time.perf_counter() >= self._due:
            self.write()

    def write(self) -> bool:
        """Write the last state now; whether there is one.

        Raises:
            CannotKeep: as above.
        """
        if self._entries is None:
            return self.path.exists()
        started = time.perf_counter()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_checkpoint(self.path, Checkpoint(self._config, self._entries, self.seconds))
        except OSError as error:
            why = error.strerror or error
            raise CannotKeep(f"{self.path} cannot be written: {why}; {self.how_to_go_on()}.") from None
        ended = time.perf_counter()
        self._due = ended + max(INTERVAL, (ended - started) / SHARE)
        return True

    def how_to_go_on(self) -> str:
        """What a person can do after the fit was stopped."""
        folder = self.path.parent
        try:
            kept = self.path.exists()
        except OSError:  # nor can it be looked for; whatever is there is whole
            kept = True
        if not kept:
            return "the fit was stopped, and nothing of it is kept"
        return (
            f"the fit was stopped, and its last checkpoint is whole: when the folder can be written again, go on with "
            f"{resume_words(folder)}"
        )

    def remove(self) -> None:
        """The fit is complete, and its results are written.

        Raises:
            ValueError: one sentence, if the checkpoint stays; the results are there all the same.
        """
        try:
            remove_checkpoint(self.path)
        except OSError as error:
            why = error.strerror or error
            raise ValueError(
                f"{self.path} cannot be removed: {why}; the results beside it are complete, and it is of no more use."
            ) from None

    def discard(self) -> None:
        """As if there had been no fit."""
        with suppress(OSError):
            remove_checkpoint(self.path)
            for folder in self._made:
                folder.rmdir()


def kept_fit(resumed: Path | None, out: Path, text: str, begun: float) -> "tuple[Journal, Keeper]":
    """Where the fit is kept: from its beginning, or from where it was stopped.

    Raises:
        ValueError: one sentence, if it cannot go on from there.
    """
    from ..fitting.journal import Journal

    if resumed is None:
        remove_checkpoint(out / CHECKPOINT)  # of a fit that is overwritten
        keeper = Keeper(out, text, begun)
        return Journal(keep=keeper), keeper
    checkpoint = read_checkpoint(resumed / CHECKPOINT)
    for note in check_same(resumed, checkpoint.config, text):
        tell(f"note: {note}")
    ended = [entry.name for entry in checkpoint.entries if entry.ended]
    print(f"going on after {checkpoint.seconds:.0f} s: {len(ended)} loops of the fit have ended.", file=sys.stderr)
    keeper = Keeper(out, text, begun, checkpoint.seconds)
    return Journal(checkpoint.entries, keeper), keeper


def resume_words(folder: Path, vector_field: str | None = None) -> str:
    """What to type to go on."""
    return to_type("fit", "--resume", folder, *(() if vector_field is None else ("--vector-field", vector_field)))
