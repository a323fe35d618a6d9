"""`fit`: from data to a folder with the model, predictions, errors and plots."""

import os
import sys
import time
import warnings
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from ..fitting.options import FitOptions
from ..outputs.screen import to_type
from .beside import Beside, artists
from .interrupts import Interrupts
from .options import DataOptions, DataPath, ModelOptions, RunOptions
from .saying import tell

if TYPE_CHECKING:
    from ..fitting.journal import Journal
    from ..fitting.result import FitResult
    from ..models import NeuralODE
    from .resume import Keeper
    from .source import Source


def fit(
    data: DataPath = (),
    *,
    data_options: Annotated[DataOptions, Parameter(name="*", group="Data")] = DataOptions(),  # noqa: B008 - frozen
    model_options: Annotated[ModelOptions, Parameter(name="*", group="Model")] = ModelOptions(),  # noqa: B008
    fit_options: Annotated[FitOptions, Parameter(name="*", group="Fit", negative_bool="no-")] = FitOptions(),  # noqa: B008
    run_options: Annotated[RunOptions, Parameter(name="*", group="Run")] = RunOptions(),  # noqa: B008
) -> int:
    """Fit a neural ODE to data and write a folder of results."""
    begun = time.perf_counter()
    from ..data import DataError
    from ..fitting.entry import JournalError
    from ..fitting.unreached import below_zero
    from ..outputs.run_folder import check_folder
    from ..outputs.screen import screenful
    from .resume import CannotKeep, ended_words, has_ended, kept_fit, resume_words
    from .source import open_source
    from .structure import (
        check_logarithms,
        check_states,
        check_together,
        exact_rates,
        named_as_rates,
        over_decades,
        without_velocities,
    )

    resumed = run_options.resume
    if resumed is not None and has_ended(resumed):
        print(ended_words(resumed))
        return 0
    if not data:
        raise ValueError("name the data: a CSV, Parquet or NPZ file, or a bundled set (neuralode-lbfgs datasets).")
    source = open_source(data, data_options)
    exact_rates(model_options.rate, source.data.state_names)  # says what is wrong before anything is done
    fitted = source.fitted_table
    check_logarithms(fitted, fit_options.logarithms, source.data.state_names)
    check_states(fit_options.positive, source.data.state_names, "--positive")
    check_together(model_options, fit_options, source.train, source.test)
    out = run_options.out or resumed or Path("runs") / source.name
    if resumed is not None and os.path.realpath(out) != os.path.realpath(resumed):
        raise ValueError(f"--resume {resumed} goes on in that folder; leave out --out.")
    if not run_options.dry_run:
        check_folder(out, run_options.overwrite or resumed is not None)
    told = below_zero(source.train, fit_options.positive)
    told += [*named_as_rates(model_options, source.roles), *without_velocities(model_options, source.train)]
    if not run_options.dry_run:  # whose plan tells of them
        told += over_decades(model_options, fit_options, source.train)
    notes = [f"note: {note}" for note in told]
    understood = screenful([*source.describe().splitlines(), *notes])
    print(understood, file=sys.stdout if run_options.dry_run else sys.stderr)
    from .environment import prepare_jax

    prepare_jax(float32=run_options.float32, cache=not run_options.no_compilation_cache)
    if run_options.dry_run:
        from .plan import plan_lines

        model = _model(source, model_options)
        print(screenful(plan_lines(source, model, model_options, fit_options, run_options, out)))
        return 0
    from .repeatable import config_of, note_other_origins

    limit = fit_options.time_limit  # of this session
    lasting = fit_options if resumed is None else replace(fit_options, time_limit=None)
    text = config_of(source, out, (model_options, lasting, run_options))
    if run_options.config is not None:
        note_other_origins(run_options.config, text)
    go_on = f"go on with {resume_words(out, model_options.vector_field)}"
    plots, report = not run_options.no_plots, not run_options.no_report
    with Interrupts() as interrupts, artists(plots=plots, report=report) as drawn_by:
        journal, keeper = kept_fit(resumed, out, text, begun)
        try:
            # What the sessions before took is counted, too.
            fit_options = replace(fit_options, time_limit=None if limit is None else limit + journal.run_s)
            result = _fitted(source, model_options, fit_options, run_options.quiet, interrupts, journal)
        except KeyboardInterrupt:
            kept = keeper.write()
            print(f"interrupted before there was a model; {go_on if kept else 'nothing was written'}.", file=sys.stderr)
            return interrupts.exit_code
        except JournalError as error:
            raise ValueError(
                f"{keeper.path} is damaged or of another fit: {str(error).rstrip('.')}; begin anew with --overwrite."
            ) from None
        except ValueError as error:
            if resumed is None and not isinstance(error, CannotKeep):
                keeper.discard()
            raise
        complete = journal.complete and result.stop_reason.name != "INTERRUPTED"
        if not complete:
            try:
                keeper.write()
            except CannotKeep as error:  # the model may still find room
                tell(f"warning: {error}")
        try:
            _write(source, result, out, text, model_options, drawn_by, keeper, interrupts, told)
        except (OSError, DataError) as error:
            why = getattr(error, "strerror", None) or str(error).rstrip(".")
            raise ValueError(f"{out} cannot be written: {why}; {keeper.how_to_go_on()}.") from None
        if complete:
            keeper.remove()
        elif keeper.path.exists():
            print(f"not complete: {go_on}", flush=True)
        if interrupts.came or result.stop_reason.name == "INTERRUPTED":
            return interrupts.exit_code
    why = _no_better(result)
    if why:
        tell(f"error: {why}")
    return 1 if why else 0


def _fitted(
    source: "Source",
    model_options: ModelOptions,
    fit_options: FitOptions,
    quiet: bool,
    interrupts: Interrupts,
    journal: "Journal",
) -> "FitResult":
    from ..fitting import Progressed
    from ..fitting import fit as fit_model
    from .progress import showing

    model = _models(source, model_options, fit_options)
    with warnings.catch_warnings(), showing(quiet) as show:
        warnings.filterwarnings("ignore", "fitting in single precision")  # it is among the result's notes

        def between_chunks(event: Progressed) -> None:
            show(event)
            if event.stage != "matching":  # that one takes seconds, and its end is where a model begins to be of use
                interrupts.check()

        return fit_model(model, source.train, fit_options, callback=between_chunks, journal=journal)


def _models(source: "Source", model_options: ModelOptions, fit_options: FitOptions) -> "NeuralODE | list[NeuralODE]":
    """The model; networks of as many seeds as there are fits, from the given one on."""
    count = max(fit_options.ensemble, fit_options.starts)
    if count == 1 or model_options.vector_field is not None:
        return _model(source, model_options)
    return [_model(source, replace(model_options, seed=model_options.seed + i)) for i in range(count)]


def _model(source: "Source", model_options: ModelOptions) -> "NeuralODE":
    """A network with random weights, or the person's own equations."""
    import jax

    from ..outputs.spec import ModelSpec, build_model
    from .structure import exact_rates

    if model_options.vector_field is not None:
        from .own_field import own_model

        size = model_options.state_size(source.data.state_size)
        return own_model(model_options.vector_field, model_options, size, source.data.input_size)
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
        rates=exact_rates(model_options.rate, source.data.state_names),
    )
    return build_model(spec, jax.random.key(model_options.seed))


def _write(
    source: "Source",
    result: "FitResult",
    out: Path,
    config: str,
    model_options: ModelOptions,
    drawn_by: Mapping[str, Beside],
    keeper: "Keeper",
    interrupts: Interrupts,
    told: Collection[str],
) -> None:
    """Write the folder and print the summary, but for notes that were told before the fit; a signal that comes
    meanwhile is heeded once the numbers are written."""
    from ..compiling import compile_seconds
    from ..data import predictions_table, write_table
    from ..fitting.band import band_of
    from ..outputs import evaluate, run_folder
    from ..outputs.report.account import write_account
    from ..outputs.store import Columns, SavedRun, save_model, starts_of
    from ..outputs.summary import summary_text
    from .telling import account_of, arrows_of, contents_at_the_end, curves_to_draw

    with interrupts.held():
        roles, clock = source.roles, source.data.clock
        units, hold = dict(source.data.units), source.data[0].hold
        inputs, periods = source.data.input_names, source.options.period
        columns = Columns(roles.time, roles.trajectory, roles.states, inputs, units, roles.sd, clock, hold, periods)
        saved = [
            SavedRun(one.model, starts_of(source.train, one.starts, one.ends), columns, None, one.estimated, one.noise)
            for one in (result, *result.members)
        ]
        # One solve serves the table and the curves of the plots: what it costs is its compilation.
        asked = evaluate.with_curve_times(source.data) if drawn_by else source.data
        before = compile_seconds()
        each = evaluate.predict_each(saved[1:] or saved, asked)
        luck = evaluate.luck_on(source.test, result.luck, source.train, each)
        result = replace(result, luck=luck, compile_s=result.compile_s + compile_seconds() - before)
        band = band_of(each)
        curves, predictions = band.middle, band.middle.rows_of(source.data)
        ends = (band.low, band.high) if result.members else None
        metrics = evaluate.metrics(result, source.train, source.test, curves, keeper.seconds)
        with run_folder.appearing(out) as folder:
            for number, one in enumerate(saved):
                path = folder / (f"{run_folder.MEMBERS}/{number}.safetensors" if number else run_folder.MODEL)
                path.parent.mkdir(exist_ok=True)
                save_model(
                    path, one.model, starts=one.starts, columns=columns, estimated=one.estimated, noise=one.noise
                )
            (folder / run_folder.CONFIG).write_text(config, encoding="utf-8")
            run_folder.write_history(folder, result.history_rows())
            arrays = evaluate.arrays_of
            beside = None if ends is None else {"low": arrays(ends[0]), "high": arrays(ends[1])}
            table = predictions_table(source.table, roles, arrays(curves), clock, beside)
            write_table(replace(table, source="predictions"), folder / run_folder.PREDICTIONS)
            run_folder.write_metrics(folder, metrics)
            drawn, account = curves_to_draw(source, predictions, curves), account_of(source, result)
            write_account(folder, account, drawn)
            new = replace(result, notes=tuple(note for note in result.notes if note.rstrip(".") not in told))
            print(summary_text(source.title, new, metrics, source.train, source.test), flush=True)
            history = result.history_rows()
            working = {} if interrupts.came else drawn_by
            if "plots" in working:
                arrows = arrows_of(source, result.model, curves)
                working["plots"].begin(
                    folder, source.data, curves, history, source.train, source.until, arrows, ends, source.left_out
                )
            if "report" in working:
                contents = contents_at_the_end(
                    source, out, model_options, account, metrics, config, history, drawn, predictions
                )
                working["report"].begin(folder / run_folder.REPORT, contents)
            for one in working.values():
                one.end()
    print(f"results: {out}", flush=True)
    if drawn_by and not working:  # who interrupts waits for no more
        print(_undrawn(drawn_by, out, model_options.vector_field), flush=True)


def _undrawn(names: Iterable[str], out: Path, vector_field: str | None) -> str:
    """What to type for what an interrupted fit does not draw."""
    field = () if vector_field is None else ("--vector-field", vector_field)
    commands = {"plots": to_type("plot", out, *field), "report": to_type("report", out)}
    asked = " and ".join(commands[name] for name in names)
    return f"no {' and no '.join(names)} of a fit that was interrupted: for them {asked}"


def _no_better(result: "FitResult") -> str | None:
    """Why the fit is of no use, in a sentence; None if it is better than its start."""
    import numpy as np

    from ..fitting.beside import degree_alone, law_in

    if not np.isfinite(result.loss):
        return f"the model diverges on the data that it was fitted to: {result.stop_reason.sentence}."
    # Where derivative matching has done it all, the last stage has nothing left to gain.
    kept = [stage for stage in result.stages if stage.kept]
    fell = any(stage.history and stage.history[-1].loss < stage.history[0].loss for stage in kept)
    # A law takes the place of the network, often at its best at once.
    found = degree_alone(result.model) is not None or law_in(result.model) is not None
    if fell or found or result.loss < result.initial_loss:
        return None
    return f"the fit is no better than where it started: {result.stop_reason.sentence}."
