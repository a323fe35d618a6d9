"""The folder of a run: what is in it, and how it appears whole."""

import csv
import io
import json
import math
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..data.errors import DataError
from ..data.opening import read_bytes
from .screen import to_type

if TYPE_CHECKING:
    from .evaluate import Metrics

MODEL, CONFIG, HISTORY, METRICS, PREDICTIONS = (
    "model.safetensors", "config.toml", "history.csv", "metrics.json", "predictions.csv",
)  # fmt: skip
CHECKPOINT = "checkpoint.safetensors"  # while a fit is on its way, and of one that was stopped
PLOTS = ("trajectories", "phase_portrait", "residuals", "history")
HISTORY_COLUMNS: tuple[str, ...] = (
    "stage",
    "iteration",
    "evaluations",
    "loss",
    "gradient_norm",
    "step_size",
    "seconds",
)
MEMBERS = "members"  # a folder with a model for each member of an ensemble: 1.safetensors, ...
MOST_BYTES = 2**26  # of a history: half a million iterations
_DRAWN = tuple(f"{plot}.{ending}" for plot in PLOTS for ending in ("png", "svg"))
ACCOUNT, REPORT = "report.json", "report.html"
FILES = (CONFIG, HISTORY, PREDICTIONS, *_DRAWN, ACCOUNT, REPORT, MEMBERS, MODEL, METRICS)


def check_folder(folder: Path, overwrite: bool) -> None:
    """Refuse, before any work, a folder that results could not be written to.

    Raises:
        ValueError: one sentence that says what to do.
    """
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file; name a folder for the results with --out.")
    if (folder / CHECKPOINT).exists() and not overwrite:
        raise ValueError(
            f"{folder} holds a fit that was stopped; go on with it ({to_type('fit', '--resume', folder)}), give "
            "another folder with --out, or begin anew with --overwrite."
        )
    there = [name for name in FILES if (folder / name).exists()]
    if there and not overwrite:
        raise ValueError(
            f"{folder} holds a run already ({there[-1]}); give another folder with --out, or replace the run with "
            "--overwrite."
        )
    existing = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
    probe = existing / f".{folder.name}-{os.getpid()}"
    try:  # permissions alone do not tell: a disk may be read-only, or no disk at all
        probe.mkdir()
        probe.rmdir()
    except OSError:
        raise ValueError(f"{folder} cannot be written: {existing} is not a folder with permission to write.") from None


@contextmanager
def appearing(folder: Path) -> Iterator[Path]:
    """A folder to write in, whose files appear in `folder` at the end, together; nothing does if writing fails.

    A new folder appears by a single rename. In one that exists, which may be the root of a mounted disk or
    hold other files or a checkpoint, the files of an old run are replaced one by one, the metrics last.
    """
    existed = folder.is_dir()
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f".unfinished-{os.getpid()}" if existed else folder.with_name(f".{folder.name}-{os.getpid()}")
    for left in [unfinished, *folder.glob(".unfinished-*")]:  # of a program that was killed here
        shutil.rmtree(left, ignore_errors=True)
    unfinished.mkdir()
    try:
        yield unfinished
        if not existed:
            os.replace(unfinished, folder)
            return
        (folder / METRICS).unlink(missing_ok=True)
        shutil.rmtree(folder / MEMBERS, ignore_errors=True)
        for name in FILES:
            if (unfinished / name).exists():
                os.replace(unfinished / name, folder / name)
            else:
                (folder / name).unlink(missing_ok=True)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def members_of(folder: Path) -> list[Path]:
    """The models of the members of an ensemble, in their order; of any other run its only model."""
    found = [path for path in (folder / MEMBERS).glob("*.safetensors") if path.stem.isdigit()]
    return sorted(found, key=lambda path: int(path.stem)) or [folder / MODEL]


def write_metrics(folder: Path, metrics: "Metrics") -> None:
    text = json.dumps(without_nan(metrics), indent=2, allow_nan=False, ensure_ascii=False)
    (folder / METRICS).write_text(text + "\n", "utf-8")


def without_nan(value: Any) -> Any:
    """What JSON can say: null for numbers that are not finite, such as a parameter that ran away."""
    if isinstance(value, dict):
        return {key: without_nan(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_history(folder: Path, rows: Sequence[dict[str, Any]]) -> None:
    with open(folder / HISTORY, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, HISTORY_COLUMNS, lineterminator="\n", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def read_history(folder: Path) -> list[dict[str, Any]]:
    """The rows of `history.csv`; an empty list if there is none, as for an interrupted fit."""
    try:
        text = read_bytes(folder / HISTORY, MOST_BYTES).decode("utf-8")
        reader = csv.DictReader(io.StringIO(text, newline=""))
        if reader.fieldnames is None or not set(HISTORY_COLUMNS) <= set(reader.fieldnames):
            raise KeyError
        rows = list(reader)
        return [{"stage": row["stage"], **{name: float(row[name]) for name in HISTORY_COLUMNS[1:]}} for row in rows]
    except FileNotFoundError:
        return []
    except DataError:
        raise
    except (KeyError, TypeError, ValueError, csv.Error):
        raise ValueError(f"{folder / HISTORY} is damaged: it is not the history that a fit writes.") from None
