"""The table of the published fits."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from .cases import CASES
from .one import OURS
from .peers import PEERS

Row = Mapping[str, Any]
HEADINGS = ("case", "by", "seeds", "loss", "evaluations to target", "met", "errors", "compiling", "in all")


def short(value: float) -> str:
    return f"{value:.3g}"


def spread(values: Sequence[float]) -> str:
    """The median, and if there are several the lowest and the highest."""
    middle = statistics.median(values)
    return short(middle) if len(values) == 1 else f"{short(middle)} ({short(min(values))} to {short(max(values))})"


def wanted(row: Row, wants: Mapping[str, float]) -> bool:
    """Whether a fit is as good as is asked of its case."""
    found = {**row, **row["figures"]}
    return all(found[what] is not None and found[what] <= most for what, most in wants.items())


def cells(name: str, who: str, rows: Sequence[Row]) -> list[str]:
    """One line of the table."""
    case, good = CASES[name], [row for row in rows if "error" not in row]
    by = "`fit`" if who == OURS else PEERS[who].heading
    if not good:
        return [case.heading, by, str(len(rows)), f"failed: {rows[0]['error']}", *[""] * (len(HEADINGS) - 4)]
    reached = [row["to_target"] for row in good if row["to_target"] is not None]
    to_target = f"{spread(reached)}, {len(reached)} of {len(rows)}" if reached else ""
    met = f"{sum(wanted(row, case.wants) for row in good)} of {len(rows)}" if who == OURS and case.wants else ""
    names = list(good[0]["figures"])
    errors = "; ".join(f"{what} {spread([row['figures'][what] for row in good])}" for what in names)
    compiled = [row["compile_s"] for row in good if row["compile_s"] is not None]
    return [
        case.heading, by, str(len(rows)), spread([row["loss"] for row in good]), to_target, met, errors,
        f"{short(statistics.median(compiled))} s" if compiled else "",
        f"{short(statistics.median(row['total_s'] for row in good))} s",
    ]  # fmt: skip


def report(results: Mapping[str, Any]) -> str:
    """A markdown table: per case a line of ours and of each peer; what is asked of a case, and what was left out."""
    lines = [HEADINGS, ["---"] * len(HEADINGS)]
    grouped: dict[tuple[str, str], list[Row]] = {}
    for row in results["rows"]:
        grouped.setdefault((row["case"], row["who"]), []).append(row)
    lines += [cells(name, who, rows) for (name, who), rows in grouped.items()]
    cases = dict.fromkeys(name for name, _ in grouped)
    asked = [
        f"- {CASES[name].heading}: published {CASES[name].published or 'nothing'}; target {CASES[name].target:g}; met: "
        + (", ".join(f"{what} <= {most:g}" for what, most in CASES[name].wants.items()) or "-")
        for name in cases
    ]
    left_out = [f"Left out: {peer}: {reason}." for peer, reason in results["skipped"].items()]
    table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return "\n\n".join([table, "\n".join(asked), *left_out])
