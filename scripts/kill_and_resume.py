"""Kill fits at random moments, go on with them, and compare what they end with to a fit that was left alone.

python scripts/kill_and_resume.py                          # 30 kills of a fit of lotka_volterra_noisy
python scripts/kill_and_resume.py hare_lynx --kills 10     # any words of fit may follow the name

Each fit is killed once (SIGKILL: nothing of it can react) between its first moment and its last. What it leaves is
read: every file by its own name must be whole. Then `fit --resume` goes on, or the fit begins anew where it was killed
before its first checkpoint, and model, predictions, history and metrics are compared bit for bit, but for seconds.
"""

import argparse
import csv
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from safetensors import safe_open

from neuralode_lbfgs.outputs.checkpoint import read_checkpoint
from neuralode_lbfgs.outputs.run_folder import CHECKPOINT, CONFIG, HISTORY, METRICS, MODEL, PREDICTIONS, read_history
from neuralode_lbfgs.outputs.store import load_model

PROGRAM = (sys.executable, "-m", "neuralode_lbfgs", "fit")


def bits(folder: Path) -> list[object]:
    """What a run ended with, but for seconds."""
    metrics = json.loads((folder / METRICS).read_text(encoding="utf-8"))
    with open(folder / HISTORY, newline="", encoding="utf-8") as file:
        history = [{key: value for key, value in row.items() if key != "seconds"} for row in csv.DictReader(file)]
    with safe_open(folder / MODEL, framework="numpy") as file:  # the order of its header is by chance
        model = file.metadata(), {name: file.get_tensor(name).tobytes() for name in file.keys()}  # noqa: SIM118
    files = [(folder / name).read_bytes() for name in (PREDICTIONS, CONFIG)]
    return [{key: value for key, value in metrics.items() if not key.endswith("_s")}, history, model, *files]


def left_behind(folder: Path, rows: int) -> str:
    """What a killed fit has left, in words, after every file was read as a person would.

    Raises:
        ValueError: if a file is not whole.
    """
    found = [name for name in (CHECKPOINT, MODEL, HISTORY, METRICS, PREDICTIONS) if (folder / name).exists()]
    ended = 0
    if CHECKPOINT in found:
        ended = sum(entry.ended for entry in read_checkpoint(folder / CHECKPOINT).entries)
    if MODEL in found:
        load_model(folder / MODEL)
    if HISTORY in found:
        read_history(folder)
    if METRICS in found:
        json.loads((folder / METRICS).read_text(encoding="utf-8"))
    if PREDICTIONS in found and len((folder / PREDICTIONS).read_text(encoding="utf-8").splitlines()) != rows:
        raise ValueError(f"{folder / PREDICTIONS} has not all rows")
    if CHECKPOINT in found:
        return f"a checkpoint, {ended} loops ended" + (", and results" if METRICS in found else "")
    if not found:
        return "nothing yet"
    if len(found) < 4:
        raise ValueError(f"{folder} has {found}, and no checkpoint")
    return "results"


def finish(words: Sequence[str]) -> None:
    """Run to the end; a fit that is no better than its start has ended as well."""
    done = subprocess.run([*PROGRAM, *words], capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(words)} ended with {done.returncode}:\n{done.stderr}")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", default="lotka_volterra_noisy", help="a bundled set, or a file")
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--folder", type=Path, help="for the runs; by default one that is removed")
    arguments, words = parser.parse_known_args(argv)
    with tempfile.TemporaryDirectory() as temporary:
        base = arguments.folder or Path(temporary)
        fit = [arguments.data, "--quiet", "--no-plots", *words]
        finish([*fit, "--out", str(base / "compiled")])  # so that all that follow find the programs in the cache
        started = time.perf_counter()
        finish([*fit, "--out", str(base / "whole")])
        seconds = time.perf_counter() - started
        expected = bits(base / "whole")
        rows = len((base / "whole" / PREDICTIONS).read_text(encoding="utf-8").splitlines())
        print(f"{arguments.data}: {seconds:.1f} s when left alone", flush=True)
        moments, same, killed = random.Random(arguments.seed), 0, 0
        while killed < arguments.kills:
            out = base / f"killed_{killed}"
            with subprocess.Popen(
                [*PROGRAM, *fit, "--out", str(out)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            ) as process:
                moment = moments.uniform(0.0, seconds)
                try:
                    process.wait(moment)
                except subprocess.TimeoutExpired:
                    process.kill()
            if process.returncode >= 0:  # it was faster this time: another moment
                shutil.rmtree(out)
                continue
            killed += 1
            left = left_behind(out, rows)
            if left == "nothing yet":
                finish([*fit, "--out", str(out)])
            else:
                finish(["--resume", str(out), "--quiet"])
            equal = bits(out) == expected
            same += equal
            print(
                f"{killed}: killed after {moment:.1f} s, left {left}: {'same' if equal else 'OTHER'} bits", flush=True
            )
    print(f"{same} of {killed} ended with the same bits")
    return 0 if same == killed else 1


if __name__ == "__main__":
    raise SystemExit(main())
