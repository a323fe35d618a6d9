"""The dozen lines that a fit ends with."""

import textwrap
from collections.abc import Sequence
from typing import Any

from ..data.errors import counted
from ..data.trajectories import Trajectories
from ..fitting.beside import degree_alone, law_in
from ..fitting.law import Term, law_table
from ..fitting.new_runs import said_of_new_runs
from ..fitting.physics import parameter_remarks, parameter_table
from ..fitting.rate_laws import EXPONENT, HALF
from ..fitting.record import told
from ..fitting.result import FitResult
from ..fitting.start_prior import say_warmup
from ..fitting.validation import why_not_held_out
from ..models import MLPVectorField
from .evaluate import Metrics
from .screen import WIDTH, wrapped


def summary_text(name: str, result: FitResult, metrics: Metrics, train: Trajectories, test: Trajectories | None) -> str:
    """Errors beside those of the mean, why the fit stopped, and what it cost, within 80 columns.

    Args:
        name: of the data.
        train, test: the data; `test` is None if nothing was held out.
    """
    rows = sum(run.ts.size for run in train)
    runs, states = counted(len(train), "trajectory", "trajectories"), counted(train.state_size, "state")
    if result.hidden:
        states += f" and {result.hidden} hidden"
    numbers = counted(result.trained, "number")
    field = getattr(result.model, "vector_field", None)
    model = f"{numbers} trained" if result.parameters else f"{_network(field)} of {result.trained} weights"
    if (degree := degree_alone(result.model)) is not None:
        model = "a polynomial of " + (_terms(result.law) or f"degree {degree}")
    elif (law := law_in(result.model)) is not None:
        model = f"{law.called} of {_terms(result.law) or numbers}"
    lines = wrapped(f"{name}: {rows} rows of {runs}, {states}; {model}")
    lines += ["", *error_table(metrics, train)]
    if result.parameters:
        table, remarks = parameter_table(result.parameters), parameter_remarks(result.parameters)
        lines += ["", *table, *(line for remark in remarks for line in wrapped(remark))]
    if result.law:
        lines += ["", *law_table(result.law)]
    lines.append("")
    for line in told(result.stages):
        lines += wrapped(line)
    others = [run for run in test or () if run.id not in train]
    if others and result.hidden:
        lines += wrapped(f"held out: {say_warmup(train.with_trajectories(others), result.model.coordinates)}")
    elif others and result.estimated:
        lines += wrapped("held out: initial states estimated from the first half of the rows; the rest is a forecast")
    if (new := metrics.get("new_runs")) is not None:
        lines += wrapped(said_of_new_runs(new["first_row"], new["first_half"], test, result.unseen))
    for line in why_not_held_out(train, test, result.validation):
        lines += wrapped(line)
    if result.luck is not None:
        lines += wrapped(result.luck.sentence)
    lines += wrapped(f"stopped: {result.stop_reason.sentence}")
    lines += wrapped(
        f"cost: {result.iterations} iterations, {result.evaluations} evaluations; {result.compile_s:.1f} s compiling, "
        f"{result.run_s:.1f} s running, {metrics['total_s']:.1f} s in all"
    )
    for note in result.notes:
        lines += wrapped(f"note: {note}")
    for one in metrics["diagnosis"]:
        lines += [*wrapped(f"diagnosis: {one['finding']}."), *wrapped(f"  advice: {one['advice']}.")]
    return "\n".join(lines)


def _terms(law: Sequence[Term]) -> str:
    """How many there are, but for what gives functions in them a shape; an empty string where there is no law."""
    count = sum(term.rate not in (HALF, EXPONENT) for term in law)
    return counted(count, "term") if count else ""


def _network(field: Any) -> str:
    if not (isinstance(field, MLPVectorField) and field.degree):
        return "a network"
    return "a network of the positions, with linear terms," if field.sees_positions else "a polynomial and a network"


def error_table(metrics: Metrics, train: Trajectories) -> list[str]:
    """Root mean square errors per state in its unit, of the model and of predicting the mean."""
    baseline = metrics["baseline"]
    columns = [("train", metrics["train"], baseline["train"])]
    if metrics["test"] is not None and baseline["test"] is not None:
        columns.append(("held out", metrics["test"], baseline["test"]))
    width = 11
    labels = {name: train.label(name) for name in train.state_names}
    room = WIDTH - 2 * width * len(columns) - 2
    first = min(room, max(len("error / sd, all"), *map(len, labels.values())))
    block = width * len(columns)
    lines = [" " * first + f"{'model':>{block}}  {'mean':>{block}}"]
    header = "".join(f"{title:>{width}}" for title, _, _ in columns)
    lines.append(f"{'RMSE':<{first}}" + header + "  " + header)

    def numbers(values: list[float | None]) -> str:
        return "".join(f"{'-' if value is None else format(value, '.3g'):>{width}}" for value in values)

    for name, label in labels.items():
        model = numbers([errors["rmse"][name] for _, errors, _ in columns])
        mean = numbers([errors["rmse"][name] for _, _, errors in columns])
        lines.append(f"{textwrap.shorten(label, first, placeholder=' ...'):<{first}}{model}  {mean}")
    model = numbers([errors["scaled_rmse"] for _, errors, _ in columns])
    mean = numbers([errors["scaled_rmse"] for _, _, errors in columns])
    lines.append(f"{'error / sd, all':<{first}}{model}  {mean}")
    return lines
