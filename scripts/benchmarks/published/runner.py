"""Every published fit, ours and its peers', each in a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..optimiser import environment, last_line, versions
from ..pair import check
from .cases import CASES
from .one import OURS
from .peers import PEERS

PATIENCE = 1200.0  # seconds for one fit
Row = dict[str, Any]


def measured(case: str, who: str, seed: int, python: str) -> Row:
    """What `benchmarks.published.one` prints, or why it ended without, as "error"."""
    command = [sys.executable, "-m", "benchmarks.published.one", case, who, "--seed", str(seed), "--python", python]
    failed = {"case": case, "who": who, "seed": seed}
    # Peers are given as many threads as they like; ours keeps its own products to one.
    there = environment()
    if who != OURS:
        there.pop("OPENBLAS_NUM_THREADS")
    try:
        done = subprocess.run(command, env=there, capture_output=True, text=True, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        return {**failed, "error": f"not done after {PATIENCE:g} s"}
    if done.returncode:
        return {**failed, "error": last_line(done.stderr)}
    return json.loads(last_line(done.stdout))


def missing(peer: str, python: str) -> str | None:
    """Why a peer cannot be run by an interpreter; None if it can."""
    needs = PEERS[peer].needs
    if needs is None:
        return None
    done = subprocess.run([python, "-c", f"import {needs}"], capture_output=True, text=True, check=False)
    return last_line(done.stderr) if done.returncode else None


def benchmark(
    cases: Sequence[str],
    seeds: Sequence[int],
    peers: Sequence[str],
    pythons: Mapping[str, str],
    peer_seeds: int,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Fit every case from every seed, and from the first few of them with its peers.

    Args:
        pythons: the interpreter of a peer's environment, where that is not this one.
        peer_seeds: from how many of the seeds peers are run.

    Returns:
        The content of the JSON file.

    Raises:
        ValueError: for an unknown case or peer, or an interpreter that is not there.
    """
    check("case", cases, CASES)
    check("peer", [*peers, *pythons], PEERS)
    for peer, python in pythons.items():
        if not os.access(python, os.X_OK):
            raise ValueError(f"the Python of {peer} cannot be run: there is no program {python}.")
    interpreters = {peer: pythons.get(peer, sys.executable) for peer in peers}
    skipped = {peer: reason for peer in peers if (reason := missing(peer, interpreters[peer]))}
    for peer, reason in skipped.items():
        say(f"{peer} is left out: {reason}")
    rows: list[Row] = []
    for name in cases:
        for i, seed in enumerate(seeds):
            ready = [peer for peer in CASES[name].peers if peer in peers and peer not in skipped]
            for who in (OURS, *(ready if i < peer_seeds else ())):
                row = measured(name, who, seed, interpreters.get(who, sys.executable))
                rows.append(row)
                say(f"{name}, seed {seed}, {who}: {row.get('error') or in_words(row)}")
    return {"versions": versions(), "seeds": [*seeds], "skipped": skipped, "rows": rows}


def in_words(row: Row) -> str:
    figures = "".join(f", {what} {value:.3g}" for what, value in row["figures"].items())
    return (
        f"loss {row['loss']:.4g}, {row['evaluations']} evaluations, target after {row['to_target']}{figures}, "
        f"{row['total_s']:.1f} s, {row['stopped']}"
    )
