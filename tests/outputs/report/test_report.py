"""The report: what it tells, that strangers' names stay text, that it is light, and how Chromium shows it."""

import csv
import re
from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

from neuralode_lbfgs.data import infer_roles, read_table, to_trajectories
from neuralode_lbfgs.data.trajectories import Trajectories, Trajectory
from neuralode_lbfgs.fitting.record import Stage
from neuralode_lbfgs.fitting.result import FitResult
from neuralode_lbfgs.optimise import StopReason
from neuralode_lbfgs.outputs.metrics import errors, mean_baseline, state_scale
from neuralode_lbfgs.outputs.naive import persistence, persistence_baseline
from neuralode_lbfgs.outputs.report.account import (
    Account,
    account_of_data,
    account_of_fit,
    drawn_of,
    read_account,
    write_account,
)
from neuralode_lbfgs.outputs.report.choice import Drawn, chosen, every, extremes, trajectory_errors
from neuralode_lbfgs.outputs.report.contents import Contents, Rows
from neuralode_lbfgs.outputs.report.look import log_limits
from neuralode_lbfgs.outputs.report.over_time import over_time
from neuralode_lbfgs.outputs.report.page import page, write_report
from neuralode_lbfgs.outputs.report.residuals import residuals
from neuralode_lbfgs.outputs.report.words import facts, question, verdict

EVIL = "<script>alert(1)</script>"
IMAGE = "<img src=x onerror=alert(3)>"


def wave(ts, phase):
    return np.stack([np.sin(ts + phase), 20 * np.cos(ts + phase)], axis=1)


def contents(folder, *, runs=1, rows=40, names=("angle", "speed"), ids=None, title="swing", until=None, held=()):
    """A run as if it had been fitted: data in a file, predictions a little off, some rows blank, one input."""
    random = np.random.default_rng(0)
    ids = ids or [f"run{i}" for i in range(runs)]
    path = folder / f"{title}.csv"
    with open(path, "w", newline="") as file:
        write = csv.writer(file).writerow
        write(["run", "t [s]", f"{names[0]} [rad]", names[1], "force [N]"])
        ts = np.linspace(0, 9, rows)
        for i, name in enumerate(ids):
            seen = wave(ts, i) + random.normal(0, 0.02, (rows, 2))
            for k, (t, (x, y)) in enumerate(zip(ts.tolist(), seen.tolist(), strict=True)):
                write([name, t, "" if k % 7 == 3 else x, y, np.sin(3 * t).item()])
    table = read_table(path)
    roles = infer_roles(table, trajectory="run", time="t", states=names, inputs=("force",))
    data = to_trajectories(table, roles)
    train, test = data, None
    if until is not None or held:
        train, test = data.split(until=until, ids=list(held) or None)
    off = {name: 0.01 * (1 + i) for i, name in enumerate(data.ids)}
    predictions = data.with_trajectories(
        [replace(run, ys=wave(run.ts, i) * (1 + off[run.id])) for i, run in enumerate(data)]
    )
    scale = state_scale(train)
    metrics = {
        "stop_reason": "decrease", "iterations": 3, "evaluations": 7, "compile_s": 1.0, "run_s": 2.0, "total_s": 4.0,
        "train": errors(train, part(train, predictions), scale),
        "test": None if test is None else errors(test, part(test, predictions), scale),
        "baseline": mean_baseline(train, test),
        "diagnosis": [{"finding": f"The residuals of {names[0]} swing.", "advice": "Give it more units."}],
    }  # fmt: skip
    account: Account = {
        "data": account_of_data(table, roles, data, train, test),
        "fit": {
            "trained": 82, "hidden": 0, "noise": 0.02, "estimated": False, "stopped": "the loss no longer falls",
            "stages": [{"name": "matching", "why": "all states are seen", "ended": "done", "note": ""}],
            "notes": ["the first rows are noisy"], "when": "2026-01-31 12:00 UTC", "machine": "Linux",
            "versions": {"jax": "0.10"},
        },
    }  # fmt: skip
    history = [
        {"stage": stage, "iteration": k, "evaluations": 2 * k, "loss": 1 / k, "gradient_norm": 1.0, "step_size": 0.5,
         "seconds": 0.1 * k}
        for stage, k in (("matching", 1), ("matching", 2), ("full horizon", 3), ("full horizon", 4))
    ]  # fmt: skip
    found = trajectory_errors(data, predictions, train, scale)
    drawn = [Drawn(name, why, predictions[name]) for name, why in chosen(found)]
    rows_of = Rows(data, predictions, train, until)
    return Contents(title, f"runs/{title}", "A neural ODE", account, metrics, "[data]\n", history, drawn, rows_of)


def part(data, predictions):
    return data.with_trajectories([predictions[run.id].at(np.isin(predictions[run.id].ts, run.ts)) for run in data])


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """One run whose last third was held out, and its report in a file."""
    folder = tmp_path_factory.mktemp("report")
    run = contents(folder, until=6.0)
    write_report(folder / "report.html", run)
    return run, folder / "report.html"


# --- what is told ---


def words_of(text):
    """What a person reads on a page."""
    text = re.sub(r"<script>.*?</script>|<style>.*?</style>", "", text, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", text).split())


def test_persistence_keeps_what_was_last_seen():
    nan = np.nan
    known = Trajectories((Trajectory("a", np.array([0.0, 1, 2]), np.array([[1.0, 5], [2, 6], [nan, 7]])),))
    asked = Trajectories(
        (
            Trajectory("a", np.array([3.0, 4]), np.array([[9.0, 9], [9, 9]])),
            Trajectory("b", np.array([0.0, 1]), np.array([[nan, 3], [4, 9]])),
        )
    )
    later, other = persistence(known, asked)
    assert later.ys.tolist() == [[2, 7], [2, 7]]
    assert other.ys.tolist() == [[4, 3], [4, 3]]
    found = persistence_baseline(known, asked)["test"]
    assert found is not None
    assert found["rmse"]["y0"] == pytest.approx(np.sqrt((7**2 + 7**2 + 0) / 3))


def test_a_few_trajectories_are_all_drawn_and_of_many_the_worst_the_middle_and_the_best():
    nan = np.nan
    assert chosen({"a": (1.0, nan), "b": (2.0, nan)}) == [("a", ""), ("b", "")]
    many = {f"r{i}": (float(i), nan) for i in range(9)}
    assert [name for name, _ in chosen(many)] == ["r8", "r4", "r0"]
    many |= {f"h{i}": (nan, float(i)) for i in range(3)} | {"lost": (nan, np.inf)}
    picked = chosen(many)
    assert [name for name, _ in picked] == ["lost", "h1", "h0", "r8"]
    assert picked[0][1] == "held out, the largest error of 4"
    assert picked[3][1] == "trained on, the largest error of 9"
    pair = chosen({"h0": (nan, 0.0), "h1": (nan, 1.0), **{f"r{i}": (1.0, nan) for i in range(5)}})
    assert [why for _, why in pair[:2]] == ["held out, the largest error of 2", "held out, the smallest error of 2"]
    assert chosen({"h": (nan, 0.0), **{f"r{i}": (1.0, nan) for i in range(5)}})[0] == ("h", "held out, the only one")


def test_logarithmic_axes_have_ticks_along_all_of_their_length():
    assert log_limits(np.array([np.nan, 0.0])) is None
    assert log_limits(np.array([0.9, 1.0, np.nan, np.inf, 0.0, -1.0])) == pytest.approx((0.63, 1.4))
    low, high = log_limits(np.array([0.1, 2.0])) or (1.0, 1.0)
    assert high / low > 100 and low < 0.07 and high > 2.8
    assert log_limits(np.array([1e-6, 1.0])) == pytest.approx((0.7e-6, 1.4))


def test_a_thinned_curve_keeps_its_peaks():
    ys = np.zeros((100_000, 2))
    ys[31_415, 0], ys[27_182, 1] = 5, -5
    ys[500:600] = np.nan
    rows = extremes(ys, 400)
    assert {31_415, 27_182, 0, 99_999} <= set(rows.tolist())
    assert rows.size <= 410
    assert (every(10, 10), every(11, 10), every(100, 10)) == (1, 2, 10)


def test_the_page_tells_errors_gaps_stages_cost_and_how_to_run_it_again(told):
    run, path = told
    words = words_of(path.read_text())
    assert "Which law of change of angle, speed, driven by force explains 40 rows of 1 trajectory?" in words
    assert "angle state rad 34 6" in words  # of 40 rows every seventh is blank
    model, mean = run.metrics["test"]["rmse"]["angle"], run.metrics["baseline"]["test"]["rmse"]["angle"]
    naive = run.account["data"]["persistence"]["test"]
    assert naive is not None
    assert f"{model:.3g} {mean:.3g} {naive['rmse']['angle']:.3g}" in words
    for sentence in (
        "On rows that it was not trained on the model is off by", "matching : all states are seen; ended: done.",
        "The fit stopped: the loss no longer falls.", "the first rows are noisy", "3 iterations, 7 evaluations",
        "1.0 s compiling, 2.0 s running, 4.0 s", "The residuals of angle swing. Give it more units.",
        "neuralode-lbfgs fit --config runs/swing/config.toml --out ANOTHER_FOLDER", "jax 0.10",
        "estimated as 0.02 standard deviations",
    ):  # fmt: skip
        assert sentence in words, sentence


def test_only_of_the_whole_fit_is_said_what_to_do_when_it_stopped(told):
    run, _ = told
    assert run.rows is not None
    ends = {"matching": StopReason.MAX_ITER, "shooting": StopReason.SEARCH_FAILED, "polish": StopReason.MAX_EVALS}
    result = FitResult(
        model=None, data=run.rows.train, starts={}, stop_reason=StopReason.MAX_EVALS, iterations=3, evaluations=7,
        stages=tuple(Stage(name, f"to {name}", reason, ()) for name, reason in ends.items()), compile_s=1.0, run_s=2.0,
        initial_loss=1.0, loss=0.5, noise=None, estimated=False,
    )  # fmt: skip
    words = words_of(page(replace(run, account={**run.account, "fit": account_of_fit(result)})))
    assert "matching : to matching; ended: the iteration limit was reached. shooting : to shooting; ended: no" in words
    assert "polish : to polish; ended: the evaluation limit was reached. Every stage but the last is" in words
    assert "The fit stopped: the evaluation limit was reached; raise max_evals if the loss is still falling." in words
    assert "max_iter" not in words and "float64" not in words and words.count("raise ") == 1


def test_without_diagnosis_or_held_out_rows_nothing_is_said_of_them(tmp_path):
    run = contents(tmp_path)
    del run.metrics["diagnosis"]  # pyright: ignore[reportIndexIssue]
    text = page(run)
    assert "Diagnosis" not in text and "rows held out</th>" not in text
    assert "how it does on other rows is not known" in text


def test_a_model_that_is_no_better_than_a_naive_prediction_is_said_to_be_of_no_use(told):
    run, _ = told
    assert verdict(run)[1]
    test = {"rmse": {"angle": 0.1, "speed": 0.1}, "scaled_rmse": 1e-3}
    base = {**run.metrics["baseline"], "test": {"rmse": {}, "scaled_rmse": 0.9}}
    said, _ = verdict(replace(run, metrics={**run.metrics, "test": test, "baseline": base}))
    assert said.endswith("the mean of the training data, is off by 0.9, 900 times as far.")
    for error, sentence in ((5.0, "of no more use than that"), (None, "do not trust its predictions")):
        test = {"rmse": {"angle": error, "speed": error}, "scaled_rmse": error}
        said, good = verdict(replace(run, metrics={**run.metrics, "test": test}))
        assert sentence in said and not good


def test_new_runs_from_their_first_row_are_among_the_numbers_at_the_top(told):
    run, _ = told
    name = "new runs from their first row / sd"
    assert name not in dict(facts(run))
    for error, said in ((0.55, "0.55"), (None, "diverges")):
        new = {"first_row": error, "first_half": 0.1, "by_noise": 0.1}
        assert dict(facts(replace(run, metrics={**run.metrics, "new_runs": new})))[name] == said


def test_hidden_states_are_named_in_the_question(told):
    run, _ = told
    for number, words in ((1, "angle, speed and 1 hidden state, driven"), (2, "angle, speed and 2 hidden states, dr")):
        account: Any = {**run.account, "fit": {**run.account["fit"], "hidden": number}}
        assert words in question(replace(run, account=account))


def test_without_data_or_history_the_report_tells_what_is_left(told):
    run, _ = told
    text = page(replace(run, rows=None, history=[], remarks=("The data cannot be read any more.",)))
    assert "The data cannot be read any more." in text
    assert "angle" in text and "neighbours alike" not in text


def test_the_account_reads_back(told, tmp_path):
    run, _ = told
    curve = run.drawn[0].curve
    lost = Drawn("b", "", Trajectory("b", curve.ts, np.full_like(curve.ys, np.nan)))
    write_account(tmp_path, run.account, [*run.drawn, lost])
    account = read_account(tmp_path)
    assert account is not None and account["data"] == run.account["data"]
    again, nothing = drawn_of(account)
    assert again.curve.ys == pytest.approx(curve.ys, rel=1e-6)
    assert np.isnan(nothing.curve.ys).all()
    (tmp_path / "report.json").write_text("{")
    with pytest.raises(ValueError, match="is damaged"):
        read_account(tmp_path)


def test_values_that_were_left_out_are_crossed_and_told_of(told):
    run, _ = told
    assert run.rows is not None
    assert "left out of the fit" not in words_of(page(run))
    blank = [replace(one, ys=np.full_like(one.ys, np.nan)) for one in run.rows.data]
    blank[0].ys[3, 0] = 1e3
    rows = replace(run.rows, left_out=run.rows.data.with_trajectories(blank))
    text = page(replace(run, rows=rows))
    assert "left out of the fit; at the edge: beyond" in words_of(text)
    assert text.count('"marker":{"type":"value","value":"x"}') == 1


def test_a_prediction_that_runs_away_does_not_flatten_the_other_residuals(told):
    run, _ = told
    assert run.rows is not None and "stand at the edge" not in words_of(page(run))
    one = run.rows.predictions[0]
    ys = one.ys.copy()
    ys[-3:, 0] = 1e4
    rows = replace(run.rows, predictions=run.rows.predictions.with_trajectories([replace(one, ys=ys)]))
    figure = residuals(replace(run, rows=rows))
    assert figure is not None and "marks stand at the edge" in figure.remarks[0]
    low, high = (panel.y_range.end for panel, _, _ in figure.drawn.children)
    seen = rows.data[0].ys[:, 0]
    assert low == pytest.approx(1.1 * (np.nanmax(seen) - np.nanmin(seen))) and high < 1
    held = figure.drawn.children[0][0].renderers[-1].data_source.data
    assert np.nanmin(held["y0"]) > -low and np.nanmin(held["d0"]) < -9e3  # which pointing at it tells


def test_up_to_eight_inputs_are_drawn_and_more_told_of(told):
    run, _ = told
    for number, last in ((6, "flow_o..._u5"), (9, "flow_o..._u7")):  # too long for the panel, and told apart
        names = tuple(f"flow_of_water_u{i}" for i in range(number))
        (one,) = run.rows.data
        one = replace(one, inputs=np.repeat(one.inputs, number, axis=1), hold=one.hold * number)
        data = replace(run.rows.data, input_names=names, trajectories=(one,))
        (figure,) = over_time(replace(run, rows=replace(run.rows, data=data)))
        assert figure.drawn.children[-1][0].yaxis[0].axis_label.text == last
        assert figure.remarks == (("Of 9 inputs the first 8 are drawn.",) if number == 9 else ())


# --- strangers' names, the network, weight ---


@pytest.fixture(scope="module")
def evil(tmp_path_factory):
    """The report of a run in which every name is a script, or means something to a library that draws."""
    folder = tmp_path_factory.mktemp("evil")
    run = contents(folder, names=(EVIL, "$$x$$ @t{safe}"), ids=[f"</script>{EVIL}", "'\"&"])
    write_report(folder / "report.html", replace(run, name=IMAGE, run=EVIL, config=EVIL, remarks=(EVIL,)))
    return folder / "report.html"


def test_names_of_files_columns_and_trajectories_stay_text(evil):
    text = evil.read_text()
    assert EVIL not in text and IMAGE not in text
    assert text.count("<script>") == text.count("</script>") == 3  # the library, its log level, the figures
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text


def test_nothing_is_asked_of_a_network(told):
    text = told[1].read_text()
    page_only = re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL)
    assert not re.search(r"(src|href)\s*=\s*[\"']?(https?:)?//", page_only)
    assert "default-src &#39;none&#39;; script-src &#39;sha256-" in page_only and "unsafe-eval" not in page_only


@pytest.mark.parametrize("runs, rows", [(1, 100_000), (1000, 100)])
def test_a_large_run_has_a_light_report_that_says_what_it_left_out(told, tmp_path, runs, rows):
    run, _ = told
    assert run.rows is not None
    ts, random = np.linspace(0, 9, rows), np.random.default_rng(0)
    truth = [Trajectory(f"run{i}", ts, wave(50 * ts, i)) for i in range(runs)]
    data = run.rows.data.with_trajectories(
        [replace(one, ys=one.ys + random.normal(0, 0.02 * (1 + i), (rows, 2)), inputs=truth[0].ys[:, :1])
         for i, one in enumerate(truth)]
    )  # fmt: skip
    predictions = data.with_trajectories([replace(one, inputs=truth[0].ys[:, :1]) for one in truth])
    train, _ = data.split(until=6.0) if runs == 1 else data.split(ids=[f"run{i}" for i in range(5)])
    large = Rows(data, predictions, train, 6.0 if runs == 1 else None)
    drawn = [Drawn(name, why, predictions[name]) for name, why in chosen(large.errors)]
    account: Any = {**run.account, "data": {**run.account["data"], "trajectories": runs, "rows": runs * rows}}
    write_account(tmp_path, account, drawn)
    text = page(replace(run, account=account, rows=large, drawn=drawn_of(read_account(tmp_path) or account)))
    assert len(text.encode()) < 3_000_000
    assert (tmp_path / "report.json").stat().st_size < 500_000
    assert re.search(rf"Every \d+(st|nd|rd|th) of {runs * rows} rows is drawn", text)
    assert len(drawn) == (1 if runs == 1 else 4)
    assert ("4 of 1000 trajectories are drawn: run4 (held out, the largest error of 5)" in text) == (runs > 1)


# --- in a browser ---


def test_chromium_shows_it_without_an_error_and_asks_for_nothing(told, browser):
    browser.open(told[1])
    assert browser.messages == []
    assert [url for url in browser.requests if not url.startswith(("file:", "data:", "about:", "blob:"))] == []
    assert browser.ask("document.querySelectorAll('.drawn').length") == 4  # over time, plane, course, residuals
    sizes = browser.ask("[...document.querySelectorAll('.drawn')].map(one => one.getBoundingClientRect().height)")
    assert min(sizes) > 200


FIRST_MARK = """(() => {
    const place = document.querySelectorAll('.drawn')[NUMBER].getBoundingClientRect();
    for (const view of Bokeh.index.query(one => one.model.type == 'Figure')) {
        const box = view.el.getBoundingClientRect();
        if (box.top < place.top || box.bottom > place.bottom) continue;
        const {glyph, data_source} = view.model.renderers.find(one => one.glyph.type == 'Scatter');
        const [xs, ys] = [glyph.x, glyph.y].map(one => data_source.get_array(one.field ?? one));
        const i = ys.findIndex(y => !isNaN(y));
        const {x_scale, y_scale} = view.frame;
        return [box.left + x_scale.compute(xs[i]), box.top + y_scale.compute(ys[i]), ys[i]];
    }
})()"""  # where the first observation of the first panel of a figure is in the window, and its value


def test_pointing_at_a_figure_tells_its_numbers(told, browser):
    browser.open(told[1])
    shown = "[...document.querySelectorAll('.bk-Tooltip')].map(one => one.shadowRoot.textContent).join('|')"
    for number, words in enumerate(
        (("t: ", "observed: ", "model: "), ("angle, observed: ", "speed, "), ("loss: ", "stage: "))
    ):
        browser.ask(f"document.querySelectorAll('.drawn')[{number}].scrollIntoView({{block: 'start'}})")
        x, y, value = browser.ask(FIRST_MARK.replace("NUMBER", str(number)))
        browser.point(x + 30, y + 30)
        browser.point(x, y)
        browser.wait(f"({shown}).includes({words[0]!r})")
        told_there = browser.ask(shown)
        assert all(word in told_there for word in (*words, f"{value:.5g}")), told_there
    assert browser.messages == []


@pytest.mark.parametrize("dark", [False, True])
def test_nothing_overflows_a_phone(told, browser, dark):
    browser.open(told[1], width=360, height=740, dark=dark)
    assert browser.ask("document.documentElement.scrollWidth") <= 360
    wide = "[...document.querySelectorAll('.drawn')].map(one => one.getBoundingClientRect().right)"
    assert max(browser.ask(wide)) <= 360
    boxes = browser.ask("[...document.querySelectorAll('.scroll')].map(one => getComputedStyle(one).overflowX)")
    assert set(boxes) == {"auto"}
    assert browser.messages == []


def test_in_the_dark_ground_and_figures_are_dark_and_their_lines_light(told, browser):
    def lightness(dark):
        browser.open(told[1], dark=dark)
        browser.ask("document.querySelector('.drawn').scrollIntoView({block: 'start'})")
        time = browser.ask("new Promise(done => setTimeout(() => done(1), 300))")
        assert time == 1
        grey = np.asarray(Image.open(BytesIO(browser.picture())).convert("L"), dtype=float)
        return np.median(grey), np.percentile(grey, 0.5), np.percentile(grey, 99.5)

    ground, ink, _ = lightness(False)
    assert ground > 250 and ink < 100
    ground, _, ink = lightness(True)
    assert ground < 40 and ink > 150


def test_strangers_names_do_nothing_in_a_browser(evil, browser):
    browser.open(evil)
    assert browser.messages == []
    assert [url for url in browser.requests if not url.startswith(("file:", "data:", "about:"))] == []
    assert browser.ask("document.querySelector('h1').textContent") == IMAGE
    assert browser.ask("document.querySelectorAll('img').length") == 0


def test_on_paper_it_has_a_few_pages(told, browser):
    browser.open(told[1])
    paper = browser.paper()
    assert paper.startswith(b"%PDF")
    assert 3 <= len(re.findall(rb"/Type\s*/Page\b", paper)) <= 12
