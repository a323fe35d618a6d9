"""Fits on a mesh against fits through an adaptive solve: what they cost, and how far their numbers can be trusted."""

import statistics
from collections.abc import Callable, Sequence
from typing import Any

from .accuracy import EVALUATIONS
from .neural import IRREGULAR
from .optimiser import answer, pair_row, versions

PROBLEMS = ("spiral", *IRREGULAR)


def benchmark(problems: Sequence[str], repeats: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Measure in processes of their own, mesh and adaptive in turn; the medians and their ratios."""
    rows = []
    for problem in problems:
        say(f"{problem}: what the usual recipe reaches")
        target = answer(problem, "target")["target"]
        compile_s, from_start_s = ({"mesh": [], "adaptive": []} for _ in range(2))
        for repeat in range(repeats):
            for way, solver, bare in (("mesh", "ours", "bare_mesh"), ("adaptive", "ours_adaptive", "bare")):
                fit = pair_row(problem, solver, target)
                compile_s[way].append(answer(problem, bare)["compile_s"])
                from_start_s[way].append(fit["from_start_s"] if fit["reached"] else float("nan"))
                say(f"{repeat + 1}/{repeats} {problem}, {way}: {fit['evaluations']} evaluations, {fit['stopped']}")
        medians = {
            f"{what}_{way}": statistics.median(seconds)
            for what, of in (("compile_s", compile_s), ("from_start_s", from_start_s))
            for way, seconds in of.items()
        }
        rows.append({"problem": problem, "target": target, **medians, **answer(problem, "accuracy")})
    return {"versions": versions(), "repeats": repeats, "rows": rows}


def report(results: dict[str, Any]) -> str:
    """A paragraph a problem."""
    return "\n\n".join(
        f"{row['problem']}\n"
        f"  tracing and compiling value and gradient: mesh {row['compile_s_mesh']:.2f} s, adaptive "
        f"{row['compile_s_adaptive']:.2f} s, ratio {row['compile_s_mesh'] / row['compile_s_adaptive']:.2f}\n"
        f"  a fit to {row['target']:.3g} from process start: mesh {row['from_start_s_mesh']:.1f} s, adaptive "
        f"{row['from_start_s_adaptive']:.1f} s, ratio {row['from_start_s_mesh'] / row['from_start_s_adaptive']:.2f}\n"
        f"  error of the gradient: {row['gradient_error']:.1e}\n"
        f"  loss after {EVALUATIONS} evaluations: {row['loss']:.5g}, under a tight solve {row['tight_loss']:.5g}"
        for row in results["rows"]
    )
