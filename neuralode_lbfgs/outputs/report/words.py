"""The sentences of a report: what was asked, how the answer did, and the few numbers at its top."""

from ...data.errors import counted
from .contents import Contents


def question(contents: Contents) -> str:
    """What was fitted to what, in a sentence or two."""
    data = contents.account["data"]
    fit = contents.account.get("fit")
    unseen = 0 if fit is None else fit["hidden"]
    states = ", ".join(contents.states) + (f" and {unseen} hidden state{'s' * (unseen > 1)}" if unseen else "")
    inputs = [column["name"] for column in data["columns"] if column["role"].startswith("input")]
    driven = f", driven by {', '.join(inputs)}" if inputs else ""
    runs = counted(data["trajectories"], "trajectory", "trajectories")
    held = data["rows"] - data["trained_rows"]
    kept = f"{held} rows were held out to test it." if held else "Nothing was held out to test it."
    return (
        f"Which law of change of {states}{driven} explains {data['rows']} rows of {runs}? "
        f"{contents.model} was fitted to {data['trained_rows']} of them; {kept[0].lower()}{kept[1:]}"
    )


def verdict(contents: Contents) -> tuple[str, bool]:
    """How far the model can be trusted by its errors, and whether that is further than a naive prediction."""
    naive = contents.account["data"]["persistence"]
    tested = contents.metrics.get("test") is not None
    part = "test" if tested else "train"
    error = contents.metrics[part]["scaled_rmse"]
    rivals = {
        "the mean of the training data": contents.metrics["baseline"][part]["scaled_rmse"],
        "persistence": (naive[part] or {}).get("scaled_rmse"),
    }
    known = {name: value for name, value in rivals.items() if value is not None}
    where = "On rows that it was not trained on" if tested else "On the rows that it was trained on"
    unknown = "" if tested else " Nothing was held out: how it does on other rows is not known."
    if error is None:
        return f"{where} the model diverges: do not trust its predictions.{unknown}", False
    said = f"{where} the model is off by {error:.2g} standard deviations"
    if not known:
        return f"{said}.{unknown}", True
    best = min(known, key=lambda name: known[name])
    rival = f"the best naive prediction, {best}, is off by {known[best]:.2g}"
    if error < 0.9 * known[best]:
        times = f"{_plain(known[best] / error)} times as far" if error > 0 else "further"
        return f"{said}; {rival}, {times}.{unknown}", True
    return f"{said}; {rival}. The model is of no more use than that.{unknown}", False


def facts(contents: Contents) -> list[tuple[str, str]]:
    """The numbers at the top: what each is, and the number."""
    metrics = contents.metrics
    found = []
    if metrics.get("test") is not None:
        found.append(("held-out error / sd", _number(metrics["test"]["scaled_rmse"])))
    if (new := metrics.get("new_runs")) is not None:
        found.append(("new runs from their first row / sd", _number(new["first_row"])))
    found.append(("training error / sd", _number(metrics["train"]["scaled_rmse"])))
    found.append(("evaluations", str(metrics["evaluations"])))
    found.append(("seconds in all", f"{metrics['total_s']:.1f}"))
    return found


def _plain(value: float) -> str:
    """Two digits that count, without an exponent where it is not astronomical."""
    return f"{float(f'{value:.2g}'):.10g}"


def _number(value: float | None) -> str:
    return "diverges" if value is None else f"{value:.2g}"
