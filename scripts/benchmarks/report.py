"""Tables of the medians, and the comparisons drawn from them."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Medians = Mapping[str, Mapping[str, Mapping[str, Any]]]  # problem, solver, what was measured
WIDTH = 120


def reached(medians: Medians, problem: str, *solvers: str) -> bool:
    """Whether all these solvers were run on the problem and met its goal."""
    return all(medians[problem].get(solver, {}).get("reached", False) for solver in solvers)


def geometric_mean(values: Sequence[float]) -> float | None:
    return math.exp(math.fsum(map(math.log, values)) / len(values)) if values else None


def evaluations_over(medians: Medians, problems: Sequence[str], solver: str, other: str) -> dict[str, Any]:
    """Evaluations of one solver in units of another's: by problem where both met the goal, and the geometric mean."""
    found = {
        problem: medians[problem][solver]["evaluations"] / medians[problem][other]["evaluations"]
        for problem in problems
        if reached(medians, problem, solver, other)
    }
    return {"geometric_mean": geometric_mean(list(found.values())), "problems": found}


def figures(medians: Medians, bare: Mapping[str, Mapping[str, float]], odes: Sequence[str]) -> dict[str, Any]:
    """The comparisons; each is None, or empty, where what it compares was not measured."""
    fits = [problem for problem in odes if problem in medians]
    spiral = medians.get("spiral", {})
    compiled = spiral.get("ours_adaptive", {}).get("compile_s")
    seconds = {solver: row["total_s"] for solver, row in spiral.items() if row["reached"]}
    return {
        "solved_by_scipy_not_by_ours": [
            problem
            for problem in medians
            if reached(medians, problem, "scipy") and not reached(medians, problem, "ours")
        ],
        "evaluations_ours_over_scipy_same_memory": evaluations_over(
            medians, list(medians), "ours", "scipy_same_memory"
        ),
        "evaluations_ours_over_scipy_on_neural_odes": evaluations_over(medians, fits, "ours", "scipy"),
        "evaluations_ours_adaptive_over_scipy_on_neural_odes": evaluations_over(
            medians, fits, "ours_adaptive", "scipy"
        ),
        "seconds_an_evaluation_ours_over_bare": {
            problem: found["ours_s"] / found["bare_s"] for problem, found in bare.items()
        },
        "compile_ours_over_value_and_grad_on_spiral": compiled / bare["spiral"]["compile_s"]
        if compiled and "spiral" in bare
        else None,
        "total_s_over_ours_on_spiral": {
            solver: total / seconds["ours"] for solver, total in seconds.items() if solver != "ours"
        }
        if "ours" in seconds
        else {},
    }


def table(medians: Medians, headings: Mapping[str, str], cell: Callable[[Mapping[str, Any]], str]) -> str:
    """A markdown table: a row for each problem, a column for each solver that was run on any."""
    ran = [
        solver
        for solver in headings
        if any(solver in by_solver and "skipped" not in by_solver[solver] for by_solver in medians.values())
    ]
    lines = [["problem", *(headings[solver] for solver in ran)]]
    for problem, by_solver in medians.items():
        row = [by_solver.get(solver, {}) for solver in ran]
        lines.append([problem, *("" if not found or "skipped" in found else cell(found) for found in row)])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    # Names to the left, numbers to the right.
    aligned = [[line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])] for line in lines]
    aligned.insert(1, ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])])
    return "\n".join("| " + " | ".join(line) + " |" for line in aligned)


def evaluations(row: Mapping[str, Any]) -> str:
    return f"{row['evaluations']:.0f}" if row["reached"] else "-"


def seconds(row: Mapping[str, Any]) -> str:
    return f"{row['total_s']:.1f}" if row["reached"] else "-"


def ratios(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.2f}" for name, value in values.items()) or "not measured"


def number(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.2f}"


def summary(found: Mapping[str, Any]) -> str:
    """The comparisons in sentences."""
    memory = found["evaluations_ours_over_scipy_same_memory"]
    fits = found["evaluations_ours_over_scipy_on_neural_odes"]
    same = found["evaluations_ours_adaptive_over_scipy_on_neural_odes"]
    return "\n".join(
        [
            f"Solved by SciPy, not by ours: {', '.join(found['solved_by_scipy_not_by_ours']) or 'none'}.",
            f"Evaluations, ours / SciPy of the same memory, {len(memory['problems'])} problems that both solve: "
            f"geometric mean {number(memory['geometric_mean'])}.",
            f"Evaluations on neural ODEs, ours / SciPy: {ratios(fits['problems'])}; "
            f"geometric mean {number(fits['geometric_mean'])}.",
            f"The same through the peers' adaptive solve: {ratios(same['problems'])}; "
            f"geometric mean {number(same['geometric_mean'])}.",
            f"Seconds an evaluation, ours / value and gradient alone: "
            f"{ratios(found['seconds_an_evaluation_ours_over_bare'])}.",
            "Tracing and compiling on spiral, ours / value and gradient alone: "
            f"{number(found['compile_ours_over_value_and_grad_on_spiral'])}.",
            f"Seconds in all on spiral, in units of ours: {ratios(found['total_s_over_ours_on_spiral'])}.",
        ]
    )


def report(results: Mapping[str, Any], headings: Mapping[str, str]) -> str:
    """All that is printed of a benchmark."""
    medians = results["medians"]
    skipped = {
        row["solver"]: row["skipped"]
        for by_solver in medians.values()
        for row in by_solver.values()
        if "skipped" in row
    }
    parts = [
        "Evaluations to the tolerance (- where it was not reached):",
        table(medians, headings, evaluations),
        "Seconds from building the problem to the tolerance, tracing and compiling included:",
        table(medians, headings, seconds),
        *(f"Not run everywhere: {solver}: {reason}." for solver, reason in skipped.items()),
        summary(results["figures"]),
    ]
    return "\n\n".join(parts)
