"""`fit`: from data to a folder with the model, predictions, errors and plots."""

import os
import sys
import time
import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from ..fitting.options import FitOptions
from .interrupts import Interrupts
from .options import DataOptions, DataPath, ModelOptions, RunOptions

if TYPE_CHECKING:
    from ..fitting.result import FitResult
    from .source import Source


def fit(
    data: DataPath = None,
    *,
    data_options: Annotated[DataOptions, Parameter(name="*", group="Data")] = DataOptions(),  # noqa: B008 - frozen
    model_options: Annotated[ModelOptions, Parameter(name="*", group="Model")] = ModelOptions(),  # noqa: B008
    fit_options: Annotated[FitOptions, Parameter(name="*", group="Fit")] = FitOptions(),  # noqa: B008
    run_options: Annotated[RunOptions, Parameter(name="*", group="Run")] = RunOptions(),  # noqa: B008
) -> int:
    """Fit a neural ODE to data and write a folder of results."""
    begun = time.perf_counter()
    from ..outputs.run_folder import check_folder
    from .source import open_source

    if data is None:
        raise ValueError("name the data: a CSV or Parquet file, or a bundled set (neuralode-lbfgs datasets).")
    source = open_source(data, data_options)
    out = run_options.out or Path("runs") / source.name
    if not run_options.dry_run:
        check_folder(out, run_options.overwrite)
    for line in source.describe().splitlines():
        print(line, file=sys.stdout if run_options.dry_run else sys.stderr)
    if run_options.dry_run:
        print(_plan(source, model_options, fit_options, run_options, out))
        return 0

    from .environment import prepare_jax

    prepare_jax(float32=run_options.float32, cache=not run_options.no_compilation_cache)
    with Interrupts() as interrupts:
        try:
            result = _fitted(source, model_options, fit_options, run_options.quiet, interrupts)
        except KeyboardInterrupt:
            print("interrupted before there was a model; nothing was written.", file=sys.stderr)
            return interrupts.exit_code
        _write(source, result, out, (model_options, fit_options, run_options), begun, interrupts)
        if interrupts.came or result.stop_reason.name == "INTERRUPTED":
            return interrupts.exit_code
    why = _no_better(result)
    if why:
        print(f"error: {why}", file=sys.stderr)
    return 1 if why else 0


def _plan(
    source: "Source", model_options: ModelOptions, fit_options: FitOptions, run_options: RunOptions, out: Path
) -> str:
    data = source.data
    states = model_options.state_size(data.state_size)
    inputs = f" and {data.input_size} inputs" if data.input_size else ""
    if states > data.state_size:
        inputs += f", {states - data.state_size} states hidden{' velocities' * model_options.second_order}"
    learned = data.state_size if model_options.second_order else states
    sizes = [states + data.input_size, *[model_options.width_size] * model_options.depth, learned]
    return "\n".join(
        (
            f"model: network of layers {'-'.join(map(str, sizes))}, {model_options.activation}, for {states} "
            f"states{inputs}",
            f"solver: {model_options.solver}, rtol {model_options.rtol:g}, atol {model_options.atol:g}",
            f"fit: {fit_options.optimizer}, stages: {', '.join(fit_options.stages) or 'those that suit the data'}; "
            f"at most {fit_options.max_iter} iterations, {fit_options.max_evals} evaluations",
            f"precision: {'float32' if run_options.float32 else 'float64'}",
            f"results: {out} (not written: this is a dry run)",
        )
    )


def _fitted(
    source: "Source", model_options: ModelOptions, fit_options: FitOptions, quiet: bool, interrupts: Interrupts
) -> "FitResult":
    import jax

    from ..fitting import Progressed
    from ..fitting import fit as fit_model
    from ..outputs.spec import ModelSpec, build_model
    from .progress import showing

    spec = ModelSpec(
        state_size=model_options.state_size(source.data.state_size),
        second_order=model_options.second_order,
        input_size=source.data.input_size,
        width_size=model_options.width_size,
        depth=model_options.depth,
        activation=model_options.activation,
        solver=model_options.solver,
        rtol=model_options.rtol,
        atol=model_options.atol,
        max_steps=model_options.max_steps,
    )
    model = build_model(spec, jax.random.key(model_options.seed))
    with warnings.catch_warnings(), showing(quiet) as show:
        warnings.filterwarnings("ignore", "fitting in single precision")  # it is among the result's notes

        def between_chunks(event: Progressed) -> None:
            show(event)
            if event.stage != "matching":  # that one takes seconds, and its end is where a model begins to be of use
                interrupts.check()

        return fit_model(model, source.train, fit_options, callback=between_chunks)


def _write(
    source: "Source",
    result: "FitResult",
    out: Path,
    options: tuple[ModelOptions, FitOptions, RunOptions],
    begun: float,
    interrupts: Interrupts,
) -> None:
    """Write the folder and print the summary; a signal that comes meanwhile is heeded once the numbers are written."""
    from ..data import predictions_table, write_table
    from ..outputs import evaluate, run_folder
    from ..outputs.store import Columns, save_model, starts_of
    from ..outputs.summary import count_weights, summary_text
    from .config import config_text

    model_options, fit_options, run_options = options
    with interrupts.held():
        starts = starts_of(source.train, result.starts)
        # One solve serves the table and the curves of the plots: what it costs is its compilation.
        asked = source.data if run_options.no_plots else evaluate.with_curve_times(source.data)
        curves = evaluate.predict_all(result.model, asked, starts, estimated=result.estimated, noise=result.noise)
        predictions = evaluate.rows_of(source.data, curves)
        metrics = evaluate.metrics(result, source.train, source.test, predictions, time.perf_counter() - begun)
        with run_folder.appearing(out) as folder:
            roles = source.roles
            columns = Columns(roles.time, roles.trajectory, roles.states, roles.inputs, dict(source.data.units))
            save_model(
                folder / run_folder.MODEL, result.model, starts=starts, columns=columns, estimated=result.estimated,
                noise=result.noise,
            )  # fmt: skip
            sections = {"data": source.options, "model": model_options, "fit": fit_options, "run": run_options}
            text = config_text(_as_seen_from(out, source), sections)
            (folder / run_folder.CONFIG).write_text(text, encoding="utf-8")
            run_folder.write_history(folder, result.history_rows())
            table = predictions_table(source.table, source.roles, {run.id: (run.ts, run.ys) for run in predictions})
            write_table(replace(table, source="predictions"), folder / run_folder.PREDICTIONS)
            run_folder.write_metrics(folder, metrics)
            weights = count_weights(result.model)
            print(summary_text(source.name, result, metrics, source.train, source.test, weights), flush=True)
            if not (run_options.no_plots or interrupts.came):
                from .figures import draw

                draw(folder, source, result.model, curves, result.history_rows())
    print(f"results: {out}", flush=True)


def _as_seen_from(out: Path, source: "Source") -> str:
    """The data as config.toml names them: a bundled name, or a path from the config file, so that both can move."""
    if source.bundled or os.path.isabs(source.given):
        return source.given
    return Path(os.path.relpath(source.given, out)).as_posix()


def _no_better(result: "FitResult") -> str | None:
    """Why the fit is of no use, in a sentence; None if it is better than its start."""
    import numpy as np

    if not np.isfinite(result.loss):
        return f"the model diverges on the data that it was fitted to: {result.stop_reason.sentence}."
    # Where derivative matching has done it all, the last stage has nothing left to gain.
    fell = any(stage.history and stage.history[-1].loss < stage.history[0].loss for stage in result.stages)
    if fell or result.loss < result.initial_loss:
        return None
    return f"the fit is no better than where it started: {result.stop_reason.sentence}."
