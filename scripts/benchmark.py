"""Benchmarks: what a solver needs to reach a minimum, compiling included, each measurement in a process of its own.

python scripts/benchmark.py optimiser --json optimiser.json                 # everything, three times: two hours
python scripts/benchmark.py optimiser --problems rosenbrock wood --solvers ours scipy --repeats 1
python scripts/benchmark.py mesh             # fits on a mesh against fits through an adaptive solve: ten minutes
python scripts/benchmark.py starts           # 64 starts as one program against one after another: five minutes
python scripts/benchmark.py sizes            # whole fits of 1e2 to 2e5 points, and of ragged data: seconds and memory
python scripts/benchmark.py published --seeds 3 --python catalax=/path/to/bin/python   # see docs/published.md

Test functions count as solved when f - f* <= 1e-8 max(1, |f*|) for a published f*, networks when they are as good as
the usual recipe, `optax.lbfgs` in a Python loop, after 200 iterations.
"""

import argparse
import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import mesh, sizes
from benchmarks.optimiser import answer, benchmark, versions
from benchmarks.pair import PROBLEMS, SOLVERS
from benchmarks.published import report as published_report
from benchmarks.published import runner as published
from benchmarks.published.cases import CASES
from benchmarks.published.peers import PEERS
from benchmarks.report import report


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = top.add_subparsers(dest="command", required=True)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", type=Path, metavar="FILE", help="where the measurements are written")
    optimiser = commands.add_parser("optimiser", parents=[common], help="every solver on every problem")
    optimiser.add_argument("--problems", nargs="+", default=[*PROBLEMS], metavar="NAME", help="all by default")
    optimiser.add_argument("--solvers", nargs="+", default=[*SOLVERS], metavar="NAME", help="all by default")
    optimiser.add_argument("--repeats", type=int, default=3, help="of each measurement; medians are shown (default: 3)")
    mesh_parser = commands.add_parser(
        "mesh", parents=[common], help="fits on a mesh against fits through an adaptive solve"
    )
    mesh_parser.add_argument("--problems", nargs="+", default=[*mesh.PROBLEMS], choices=mesh.PROBLEMS, metavar="NAME")
    mesh_parser.add_argument("--repeats", type=int, default=3, help="of each measurement (default: 3)")
    sizes_parser = commands.add_parser("sizes", parents=[common], help="whole fits of data of all sizes and shapes")
    sizes_parser.add_argument(
        "--families", nargs="+", default=[*sizes.FAMILIES], choices=sizes.FAMILIES, metavar="NAME"
    )
    sizes_parser.add_argument("--points", nargs="+", type=int, help="only these sizes (default: all)")
    sizes_parser.add_argument("--flags", default="", help="further flags of fit: --flags='--time-limit 60'")
    commands.add_parser("starts", parents=[common], help="64 starts as one program, and one after another")
    fits = commands.add_parser("published", parents=[common], help="published fits done again, with their peers")
    fits.add_argument("--cases", nargs="+", default=[*CASES], metavar="NAME", help=", ".join(CASES))
    fits.add_argument("--seeds", type=int, default=20, metavar="N", help="fit from seeds 0 to N - 1 (default: 20)")
    fits.add_argument("--peers", nargs="*", default=[*PEERS], metavar="NAME", help=", ".join(PEERS))
    fits.add_argument("--peer-seeds", type=int, default=1, metavar="N", help="the same of the peers (default: 1)")
    fits.add_argument(
        "--python", nargs="+", default=[], metavar="PEER=FILE", help="the Python of a peer's own environment"
    )
    return top


def pythons(words: Sequence[str]) -> dict[str, str]:
    """PEER=FILE words as a dictionary."""
    pairs = [word.partition("=") for word in words]
    for peer, _, file in pairs:
        if not file:
            raise ValueError(f"--python takes PEER=FILE, such as catalax=/path/to/bin/python; it was given {peer!r}.")
    return {peer: file for peer, _, file in pairs}


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def measure(arguments: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """The measurements of a command, and what is printed of them."""
    if arguments.command == "mesh":
        results = mesh.benchmark(arguments.problems, arguments.repeats, say)
        return results, mesh.report(results)
    if arguments.command == "sizes":
        results = sizes.benchmark(arguments.families, arguments.points, shlex.split(arguments.flags), say)
        return {"versions": versions(), **results}, sizes.report(results)
    if arguments.command == "published":
        if arguments.seeds < 1:
            raise ValueError(f"seeds must be at least 1; it is {arguments.seeds}.")
        seeds, environments = range(arguments.seeds), pythons(arguments.python)
        found = published.benchmark(
            arguments.cases, seeds, arguments.peers, environments, arguments.peer_seeds, say
        )  # fmt: skip
        return found, published_report.report(found)
    if arguments.command == "starts":
        row = answer("lotka_volterra", "starts")
        return {"versions": versions(), **row}, (
            f"64 starts as one program {row['many_s']:.1f} s, one after another {row['sequential_s']:.1f} s: ratio "
            f"{row['many_s'] / row['sequential_s']:.2f} (median loss {row['many_loss']:.3g}, "
            f"{row['sequential_loss']:.3g})"
        )
    results = benchmark(arguments.problems, arguments.solvers, arguments.repeats, say)
    return results, report(results, {name: solver.heading for name, solver in SOLVERS.items()})


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, write, print; returns the exit code."""
    arguments = parser().parse_args(argv)
    out: Path | None = arguments.json
    try:
        if out is not None and not out.parent.is_dir():  # now, not after an hour
            raise ValueError(f"there is no folder {out.parent} to write {out.name} into.")
        results, text = measure(arguments)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    if out is not None:
        out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
