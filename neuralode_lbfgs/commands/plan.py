"""What `fit` would do, for `--dry-run`: the model, what is known of it, the stages."""

from pathlib import Path

from ..data import counted
from ..fitting.options import FitOptions
from ..fitting.plan import plan_of
from ..models import NeuralODE
from .options import ModelOptions, RunOptions
from .own_field import described
from .source import Source

MOTION = "tried first: equations of motion (masses, a potential, friction, inputs as forces)"
FORCES = "tried, too: a network of the positions alone, with linear terms of velocities and inputs"


def plan_lines(
    source: Source,
    model: NeuralODE,
    model_options: ModelOptions,
    fit_options: FitOptions,
    run_options: RunOptions,
    out: Path,
) -> list[str]:
    """A line each; of a person's own equations first what can be trained, frozen or bounded in them.

    Raises:
        ValueError: as `fit` does.
    """
    own = model_options.vector_field is not None or fit_options.freeze or fit_options.bounds
    parameters = described(model, fit_options) if own else []
    plan = plan_of(model, source.train, fit_options)
    beside = f"beside it: a polynomial of degree {plan.degree}, kept if it leads to the data"
    needed = ", as far as they are needed" if plan.may_be_short else ""
    return [
        *parameters,
        _model_line(source, model_options),
        *([beside] if plan.degree else []),
        *([MOTION] if plan.motion else []),
        *([FORCES] if plan.forces else []),
        *_structure(model_options, fit_options),
        f"solver: {model_options.solver}, rtol {model_options.rtol:g}, atol {model_options.atol:g}",
        f"fit: {fit_options.optimizer}, stages: {', '.join(plan.stages)}{needed}; "
        f"at most {fit_options.max_iter} iterations, {fit_options.max_evals} evaluations",
        *_seeds(model_options, fit_options),
        f"precision: {'float32' if run_options.float32 else 'float64'}",
        *(f"note: {note}" for note in plan.notes),
        f"results: {out} (not written: this is a dry run)",
    ]


def _model_line(source: Source, model_options: ModelOptions) -> str:
    data = source.data
    states = model_options.state_size(data.state_size)
    inputs = f" and {counted(data.input_size, 'input')}" if data.input_size else ""
    hidden = states - data.state_size
    if hidden:
        inputs += f", {hidden} of them hidden{' (velocities)' * model_options.second_order}"
    learned = data.state_size if model_options.second_order else states - len(model_options.rate)
    sizes = [states + data.input_size, *[model_options.width_size] * model_options.depth, learned]
    network = f"network of layers {'-'.join(map(str, sizes))}, {model_options.activation}"
    return f"model: {model_options.vector_field or network}, for {counted(states, 'state')}{inputs}"


def _seeds(model_options: ModelOptions, fit_options: FitOptions) -> list[str]:
    """Of several initial weights, what is done with them."""
    seed = model_options.seed
    if fit_options.ensemble > 1:
        return [f"ensemble: seeds {seed} to {seed + fit_options.ensemble - 1}, predictions are the median"]
    if fit_options.starts > 1:
        return [f"starts: seeds {seed} to {seed + fit_options.starts - 1}, the best validated is kept"]
    return []


def _structure(model_options: ModelOptions, fit_options: FitOptions) -> list[str]:
    """What is known of the states and of time, a line each."""
    lines = [f"exact: d {state}/dt = {rate}" for state, rate in (entry.split("=") for entry in model_options.rate)]
    if fit_options.logarithms:
        lines.append(f"in logarithms: {', '.join(fit_options.logarithms)}")
    if fit_options.positive:
        lines.append(f"kept positive: {', '.join(fit_options.positive)}")
    return lines + ["time: in its logarithm"] * (fit_options.time_scale == "log")
