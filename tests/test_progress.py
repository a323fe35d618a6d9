"""How a fit is watched: events, the lines on standard error, the log and the callback."""

import io
import logging
import sys

import jax
import numpy as np

import neuralode_lbfgs as nl
from neuralode_lbfgs.commands import progress
from neuralode_lbfgs.fitting import Progressed
from neuralode_lbfgs.fitting.record import Record
from neuralode_lbfgs.optimise import Iteration


def test_events_tell_of_speed_and_time_left():
    heard = []
    record = Record("full", heard.append, held_out=0.25, max_evals=100, time_limit=60.0)
    record.watch([Iteration(5, 8, 0.5, 1.0, 1.0, 2.0), Iteration(10, 20, 0.1, 1.0, 1.0, 4.0)])
    event = heard[0]
    assert (event.stage, event.iteration, event.evaluations, event.loss, event.held_out) == ("full", 10, 20, 0.1, 0.25)
    assert event.evaluations_per_second == 5  # 20 in 4 s of running
    assert event.seconds_left == 16  # 80 evaluations more; the time limit is farther
    record.time_limit = 10.0
    record.watch([Iteration(10, 20, 0.1, 1.0, 1.0, 4.0)])
    assert heard[1].seconds_left == 6
    record.tell_held_out(0.125)
    assert (heard[2].held_out, heard[2].iteration, heard[2].seconds_left) == (0.125, 10, None)


def test_a_stage_without_limits_has_no_time_left():
    heard = []
    Record("shooting", heard.append).watch([Iteration(1, 1, 0.5, 1.0, 1.0, 0.0)])
    assert heard[0].seconds_left is heard[0].evaluations_per_second is heard[0].held_out is None
    assert str(heard[0]).startswith("shooting: iteration 1, loss 0.5, 1 evaluations, 0.")


EVENTS = [
    Progressed("matching", 3, 4, 0.5, 0.1),
    Progressed("matching", 9, 10, 0.25, 0.2),
    Progressed("full", 1, 2, 0.125, 0.3, 0.0625, 20.0, 45.0),
]
LAST = "full: iteration 1, loss 0.125, held out 0.0625, 2 evaluations, 20/s, 0.3 s, at most 45 s left"


def test_plain_lines_where_there_is_no_terminal(capsys):
    with progress.showing(quiet=False) as show:
        for event in EVENTS:
            show(event)
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["matching: iteration 3, loss 0.5, 4 evaluations, 0.1 s", LAST]  # the second came too soon


def test_a_line_that_moves_on_a_terminal(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    with progress.showing(quiet=False) as show:
        for event in EVENTS:
            show(event)
    text = screen.getvalue()
    assert "matching: iteration 9, loss 0.25" in text  # what a stage came to stays
    assert LAST in text
    assert "\x1b[" in text  # it moves


def test_nothing_if_quiet(capsys):
    with progress.showing(quiet=True) as show:
        show(EVENTS[0])
    assert capsys.readouterr().err == ""


def test_the_log_and_the_callback_hear_of_a_fit_and_nothing_is_printed(caplog, capsys):
    ts = np.linspace(0.0, 2.0, 13)
    data = nl.from_arrays(ts, np.exp(-ts[:, None]))
    model = nl.NeuralODE(nl.MLPVectorField(1, 4, 1, key=jax.random.key(0)))
    heard = []
    with caplog.at_level(logging.DEBUG, logger="neuralode_lbfgs"):
        result = nl.fit(model, data, stages=["matching"], weight_decay=1e-4, callback=heard.append)
    assert heard
    assert heard[-1].stage == "matching"
    assert heard[-1].evaluations_per_second is None or heard[-1].evaluations_per_second > 0
    told = [record for record in caplog.records if record.name == "neuralode_lbfgs"]
    assert sum(record.levelno == logging.DEBUG for record in told) == len(heard)
    info = [record.getMessage() for record in told if record.levelno == logging.INFO]
    assert info[0] == str(heard[-1])
    assert info[1] == f"stopped: {result.stop_reason.sentence}"
    assert capsys.readouterr() == ("", "")
