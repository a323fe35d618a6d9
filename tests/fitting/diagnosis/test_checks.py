"""Every check speaks where something is wrong, and is silent where nothing is; on arrays made by hand."""

from dataclasses import replace

import numpy as np
import pytest

from neuralode_lbfgs import Trajectories, Trajectory
from neuralode_lbfgs.fitting.diagnosis import Finding, View, diagnose
from neuralode_lbfgs.fitting.diagnosis.below_zero import below_zero
from neuralode_lbfgs.fitting.diagnosis.checks import CHECKS
from neuralode_lbfgs.fitting.diagnosis.errors import above_the_noise, below_the_noise
from neuralode_lbfgs.fitting.diagnosis.forecast import runs_away
from neuralode_lbfgs.fitting.diagnosis.growth import errors_grow
from neuralode_lbfgs.fitting.diagnosis.held_out import worse_on_others, worse_on_unseen
from neuralode_lbfgs.fitting.diagnosis.jumping import jumping_inputs
from neuralode_lbfgs.fitting.diagnosis.kind import Kind
from neuralode_lbfgs.fitting.diagnosis.lone import lone_errors
from neuralode_lbfgs.fitting.diagnosis.parameters import unmoved
from neuralode_lbfgs.fitting.diagnosis.proportion import errors_in_proportion
from neuralode_lbfgs.fitting.diagnosis.solves import solver_failures
from neuralode_lbfgs.fitting.diagnosis.structure import (
    begins_anew,
    cannot_turn,
    late_inputs,
    taken_for_states,
    too_coarse,
)
from neuralode_lbfgs.fitting.diagnosis.turns import goes_round
from neuralode_lbfgs.fitting.diagnosis.view import in_turn
from neuralode_lbfgs.fitting.new_runs import NewRuns
from neuralode_lbfgs.fitting.noise_level import noise_level, roughness
from neuralode_lbfgs.fitting.physics import PhysicalParameter
from neuralode_lbfgs.fitting.record import Stage
from neuralode_lbfgs.optimise import Iteration, StopReason

TS = np.linspace(0.0, 12.0, 121)
TRUTH = np.stack([10 + 3 * np.sin(TS), 5 + 2 * np.cos(TS)], axis=1)
NOISE = 0.1 * np.random.default_rng(0).normal(size=TRUTH.shape)


def runs(*tables, ts=TS):
    named = [Trajectory(name, ts, table) for name, table in zip("abc", tables, strict=False)]
    return Trajectories(tuple(named), ("hare", "lynx"))


def stage(evaluations, rejected, reason=StopReason.DECREASE):
    return Stage("full", "", reason, (Iteration(9, evaluations, 0.1, 0.0, 1.0, 0.5),), rejected=rejected)


def parameter(name, start, end, **keywords):
    return PhysicalParameter(name, np.array(start), np.array(end), **keywords)


# Noisy data met within their noise, held-out data as well, a forecast that goes on swinging, an uneventful fit.
GOOD = View(
    train=runs(TRUTH + NOISE),
    fitted=runs(TRUTH + 0.01),
    test=runs(TRUTH[::-1] + NOISE),
    held_out=runs(TRUTH[::-1] + 0.05),
    continued=runs(TRUTH * 1.05, ts=TS + 12),
    low=[7.0, 3.0],
    high=[13.0, 7.0],
    stages=(stage(100, 3),),
    parameters=(parameter("mass", 1.0, 1.2), parameter("length", 2.0, 2.0, frozen=True)),
)
# A clean simulation, and a model that is right to a ten-thousandth everywhere: its small errors may look like anything.
CLEAN = replace(
    GOOD,
    train=runs(TRUTH),
    fitted=runs(TRUTH + 1e-4 * np.sin(3 * TS)[:, None]),
    test=runs(TRUTH[::-1]),
    held_out=runs(TRUTH[::-1] + 0.01 * np.sin(3 * TS)[:, None]),  # a hundred times the training error
)


@pytest.mark.parametrize("view", [GOOD, CLEAN], ids=["noisy", "clean"])
def test_nothing_is_said_of_a_good_fit(view):
    assert diagnose(view) == ()


WAVE = 0.6 * np.sin(3 * TS)[:, None] * [1, 0]  # slow beside the rows, and of a size that matters
FLAT = np.broadcast_to(TRUTH.mean(axis=0), TRUTH.shape)
CUT = np.where((TS > 11)[:, None], np.nan, TRUTH)
AWAY = TRUTH + np.where(TS > 8, 20.0, 0.0)[:, None] * [1, 0]
ONE = Trajectories((Trajectory("a", TS, TRUTH[:, :1] + NOISE[:, :1]),), ("hare",))
STRAIGHT = Trajectories((Trajectory("a", TS, 8 + 0.2 * TS[:, None]),), ("hare",))
ROUND = Trajectories((Trajectory("a", TS, TS[:, None] + np.sin(TS)[:, None]),), ("theta1",))
TURNS = np.stack([(1.7 * TS + np.pi) % (2 * np.pi) - np.pi, 1.7 + np.sin(TS)], axis=1)
WRAPPED = Trajectories((Trajectory("a", TS, TURNS),), ("theta", "omega"))
# A state that answers to a switch a row before the table has it, and a model that believes the table.
SWITCH = np.where(TS % 4 < 2, 0.0, 1.0)
BEFORE = np.append(SWITCH[1:], SWITCH[-1])
FINE = NOISE[:, :1] / 30


SLIPS = TRUTH + NOISE + 5 * (TS == 0)[:, None] * [1, 0]


def answer(switch):
    ys = [0.0]
    for u in switch[:-1]:
        ys.append(ys[-1] + 0.2 * (u - ys[-1]))
    return np.array(ys)[:, None]


def switched(ys):
    return Trajectories((Trajectory("a", TS, ys, None, SWITCH[:, None], (True,)),), ("volts",), ("switch",))


LATE = View(switched(answer(BEFORE) + FINE), switched(answer(SWITCH)))
SPIKES = np.where((TS * 10).round() % 30 < 2, 1.0, 0.0)[:, None] + FINE
SPIKED = Trajectories((Trajectory("a", TS, SPIKES),), ("bromide",))
TOO_LATE = TRUTH + np.where(TS > 8, 2.0, 0.0)[:, None] * [1, 0]
UNSEEN = replace(
    GOOD,
    train=runs(TRUTH + NOISE, TRUTH[::-1] + NOISE, TRUTH + NOISE[::-1]),
    fitted=runs(TRUTH, TRUTH[::-1], TRUTH),
    unseen=Trajectories((Trajectory("c", TS, TOO_LATE),), ("hare", "lynx")),
    test=None,
    held_out=None,
)
# A drive that jumps twice and moves in between, and a model that misses the rows of the jumps.
DRIVE = np.sin(TS / 4) + 3.0 * ((TS >= 3.95) & (TS < 7.95))
ANSWERED, SMALL = answer(DRIVE), 0.01 * NOISE[:, :1]
AT_JUMPS = 0.5 * (np.isclose(TS, 4.0) | np.isclose(TS, 8.0))[:, None]


def driven(ys, hold=(False,)):
    return Trajectories((Trajectory("a", TS, ys, None, DRIVE[:, None], hold),), ("current",), ("drive",))


def yeast(share, other=0.0):
    """A culture over three decades, and its noise: in proportion, or of one size."""
    rows, runs = np.random.default_rng(2), []
    for name in "abc":
        noise = rows.normal(size=(41, 1))
        ts = np.linspace(0, 8, 41)
        ys = 100 / (1 + 99 * np.exp(-1.2 * ts))[:, None]
        runs.append(Trajectory(name, ts, ys * (1 + share * noise) + other * noise))
    return Trajectories(tuple(runs), ("yeast",))


DRUG = Trajectories((Trajectory("a", TS, np.stack([answer(SWITCH)[:, 0], SWITCH], axis=1)),), ("volume", "the drug"))
NO_DRUG = replace(DRUG, trajectories=(Trajectory("a", TS, np.full((TS.size, 2), 0.5)),))
WRONG = {
    "taken_for_states": (
        View(DRUG, NO_DRUG),
        "the drug looks like steps or pulses, which no state follows, and is missed",
        "if it is known, as what was set or given, fit again with it as --inputs 'the drug' (inputs= in Python)",
    ),
    "late_inputs": (LATE, "the states bend before switch steps", "shift the column of the input up"),
    "goes_round": (
        View(ROUND, replace(ROUND, trajectories=STRAIGHT.trajectories)),
        "theta1 goes round 1.8 times if it is in radians",
        "give its sine and cosine",
    ),
    "jumping_inputs": (
        View(driven(ANSWERED), driven(ANSWERED - SMALL - AT_JUMPS)),
        "at rows where drive jumps, which is taken as linear between rows: current of 'a' at 4 and current of 'a' at 8",
        "--input-hold drive",
    ),
    "errors_in_proportion": (
        View(yeast(0.1), yeast(0.0)),
        "errors of yeast grow with the values, as of noise in proportion to them",
        "--transform log=yeast",
    ),
    "lone_errors": (
        replace(GOOD, train=runs(SLIPS)),
        "hare of 'a' at t = 0, by 5",
        "leave the cells blank",
    ),
    "errors_grow": (
        replace(GOOD, from_rows=runs(TRUTH + np.linspace(0, 5, TS.size)[:, None])),
        "from their first rows the training runs are missed by 1.8 standard deviations, from the fitted starts by 0.06",
        "--warmup 10",
    ),
    "begins_anew": (
        View(WRAPPED, replace(WRAPPED, trajectories=(replace(WRAPPED[0], ys=0 * WRAPPED[0].ys),))),
        "which no model can follow: theta by nearly 2 pi 3 times",
        "let it go on, each run by itself (numpy.unwrap(table['theta'])), or give its sine and cosine",
    ),
    "too_coarse": (
        View(SPIKED, replace(SPIKED, trajectories=(Trajectory("a", TS, 0 * SPIKES),))),
        "bromide makes up to",
        "--transform log",
    ),
    "driven_by_noise": (
        replace(GOOD, fitted=runs(FLAT), ahead=np.array([0.11, 0.12])),
        "noise moves the system itself, or something that is in no column does: no solution of these states alone",
        "--process-noise",
    ),
    "only_next_rows": (
        replace(GOOD, fitted=runs(FLAT), ahead=np.array([1.2, 1.1]), in_pieces=True),
        "hardly more than the mean: the training runs are missed by 1 standard deviations (by the mean: 1); one row ah",
        "--hidden-states 1 without --process-noise first",
    ),
    "cannot_turn": (View(ONE, STRAIGHT), "hare rises and falls, which nothing does in one run", "--hidden-states 1"),
    "unfinished": (replace(GOOD, fitted=runs(CUT)), "does not reach the end of trajectory a", "--train-until"),
    "flat_mean": (replace(GOOD, fitted=runs(FLAT)), "of hare and lynx the model explains 0% of the var", "--starts 8"),
    "held_by_decay": (
        replace(GOOD, fitted=runs(FLAT), held_by=1.0), "hardly more than a constant does; --weight-decay 1 may be why",
        "or give less of it (--weight-decay 0.01)",
    ),
    "undetermined": (
        replace(GOOD, parameters=(parameter("mass", 1.0, 2.0, sd=np.array(3.0)), parameter("k", 1.0, 2.0))),
        "the data hardly determine mass: ",
        "--freeze",
    ),
    "unmoved": (replace(GOOD, parameters=(parameter("mass", 1.0, 1.0),)), "mass did not move", "--freeze"),
    "at_bound": (
        replace(GOOD, parameters=(parameter("mass", 1.0, 2.0, at_bound=2.0),)), "mass ended at its bound 2", "--bounds",
    ),
    "solver_failures": (replace(GOOD, stages=(stage(100, 30),)), "30 of 100 solves failed", "--initial-step"),
    "worse_on_others": (
        replace(GOOD, held_out=runs(TRUTH[::-1] + 1.5)), "missed by 0.91 standard deviations, 14.8 times as far as",
        "--weight-decay",
    ),
    "without_velocities": (
        replace(GOOD, train=runs(TRUTH + NOISE, TRUTH[::-1] + NOISE), fitted=runs(0 * TRUTH + 5, 0 * TRUTH + 5)),
        "how hare and lynx change does not follow from their values",
        "--second-order",
    ),
    "missed_from_first_rows": (
        replace(GOOD, new_runs=NewRuns(1.1, 0.08, 0.1)),
        "missed by 1.1 standard deviations, where starts that suit it, from the first half of the rows, hide that (0.08"
        "): the noise of that row moves them by no more than 0.1, so the model is wrong where these runs begin",
        "train on more runs that begin in other places",
    ),
    "worse_on_unseen": (UNSEEN, "c was missed by 0.38 standard deviations", "--starts 8"),
    "above_the_noise": (
        replace(GOOD, fitted=runs(TRUTH + WAVE)), "hare is missed by 0.441, its noise is at most 0.095", "--width-size",
    ),
    "residuals_not_white": (replace(GOOD, fitted=runs(TRUTH + WAVE / 3)), "(correlation of hare 0.6", "residual plot"),
    "below_the_noise": (
        replace(GOOD, fitted=runs(TRUTH + 0.8 * NOISE)), "hare is met within 0.0199, its noise is about 0.095",
        "--weight-decay",
    ),
    "unstable_nearby": (
        replace(GOOD, from_others=runs(TRUTH[5:35], AWAY[60:90], TRUTH[80:110], ts=TS[60:90])),
        "of 3 training rows taken as starts, 1 leads out of the range of the data",
        "--warmup 10",
    ),
    "below_zero": (
        replace(GOOD, fitted=runs(TRUTH - 7.2), test=None, held_out=None),
        "fall below zero, where none of these are: hare (down to -0.2); lynx (down to -4.2)",
        "--positive hare lynx",
    ),
    "strays_between": (
        replace(GOOD, between=runs(AWAY)), "hare of 'a' comes to 32.9 between t = ", "--degree 0",
    ),
    "runs_away": (
        replace(GOOD, continued=runs(AWAY, ts=TS + 12)), "hare comes to 32.9, where the data lie between 7 and 13",
        "--ensemble",
    ),
}  # fmt: skip


def test_parameters_that_no_step_has_moved_are_not_said_to_be_unknown_to_the_data():
    none = replace(stage(5, 0), history=(), reason=StopReason.NONFINITE_START)
    given_up = replace(stage(5, 0), kept=False, reason=StopReason.SEARCH_FAILED)
    for stages in ((none,), (given_up,)):
        found = unmoved(replace(GOOD, parameters=(parameter("mass", 1.0, 1.0),), stages=stages))
        assert found is not None
        assert f"made no step that is kept: {stages[-1].reason.ending}" in found.finding
        assert "the data may say nothing of it" not in found.advice and "--solver Kvaerno5" in found.advice


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_check_speaks_where_something_is_wrong_and_says_what_to_try(check):
    view, said, advice = WRONG[check.__name__]
    assert check(GOOD) is None
    found = check(view)
    assert isinstance(found, Finding)
    assert said in found.finding
    assert advice in found.advice
    assert found in diagnose(view)


@pytest.mark.parametrize(
    "new, said",
    [
        (NewRuns(0.29, 0.05, 0.0), None),  # small
        (NewRuns(0.5, 0.4, 0.0), None),  # missed as far from other starts: that is told elsewhere
        (NewRuns(0.9, 0.1, 0.5), "the noise of that row alone moves them by 0.5"),
        (NewRuns(np.inf, 0.1, np.inf), "not followed to the end"),
        (NewRuns(0.9, 0.1, None), "the noise of that row may be why, or the model is wrong where new runs begin"),
        (NewRuns(np.inf, 0.1, 0.2), "so the model is wrong where these runs begin"),
    ],
)
def test_noise_of_a_start_is_blamed_only_as_far_as_it_goes(new, said):
    found = diagnose(replace(GOOD, new_runs=new))
    assert [said in one.finding for one in found] == [True] * (said is not None)
    assert all("--warmup 10" in one.advice for one in found)


def test_a_wrong_model_is_told_of_in_place_of_errors_that_grow_and_their_noise_is_not_told_of_twice():
    grown = replace(GOOD, from_rows=runs(TRUTH + np.linspace(0, 5, TS.size)[:, None]))
    for by_noise, said in ((0.1, "from their first row alone"), (0.5, "errors of a start grow")):
        (found,) = diagnose(replace(grown, new_runs=NewRuns(1.1, 0.08, by_noise)))
        assert found.finding.startswith(said)


def test_what_follows_from_a_model_that_cannot_turn_is_not_told_as_well():
    assert [one.finding.split(",")[0] for one in diagnose(View(ONE, STRAIGHT))] == ["hare rises and falls"]
    assert cannot_turn(View(ONE, ONE)) is None  # time-dependent, maybe
    assert cannot_turn(View(ONE, STRAIGHT, hidden=1)) is None  # it need not turn
    assert cannot_turn(View(STRAIGHT, STRAIGHT)) is None


def test_noise_that_moves_the_system_is_told_in_place_of_its_signs_and_not_where_it_was_reckoned_with():
    driven = replace(GOOD, fitted=runs(FLAT), ahead=np.array([0.11, 0.12]))
    (told,) = diagnose(driven)
    assert "--process-noise" in told.advice
    taken = replace(driven, in_pieces=True)
    (told,) = diagnose(taken)
    assert told.advice.startswith("forecast few rows at a time") and "hidden" not in told.advice
    assert diagnose(replace(taken, fitted=runs(TRUTH + 5 * WAVE / 3))) == ()
    missed = runs(FLAT[::-1] + np.array([0, 4]))
    for view in (replace(driven, held_out=missed), replace(taken, fitted=GOOD.fitted, held_out=missed)):
        assert any(one.finding.startswith("held-out data are missed by 2.3") for one in diagnose(view))


def test_a_decay_that_was_given_is_named_in_place_of_what_follows_from_it_and_only_where_it_matters():
    for fitted, start in ((FLAT, "flat-mean minimum"), (TRUTH + WAVE, "errors are far above the noise")):
        (found,) = diagnose(replace(GOOD, fitted=runs(fitted), held_by=0.1))
        assert found.finding.startswith(start)
        assert "--weight-decay 0.1 may be why" in found.finding
    assert diagnose(replace(GOOD, held_by=0.1)) == ()


def test_advice_for_another_cause_is_not_given_beside_inputs_that_are_late():
    assert [one.finding.split(":")[0] for one in diagnose(LATE)] == ["the states bend before switch steps"]


@pytest.mark.parametrize(
    "seen, model",
    [
        (answer(SWITCH) + FINE, answer(SWITCH)),  # the table is right
        (answer(SWITCH) + 0.1 * np.sin(TS)[:, None], answer(SWITCH)),  # something else moves it
        (
            0.3 * answer(SWITCH) + SWITCH[:, None],
            0.3 * answer(SWITCH),
        ),  # a part that follows at once is told when data are read
    ],
    ids=["right", "other errors", "at once"],
)
def test_inputs_that_are_not_late(seen, model):
    assert late_inputs(View(switched(seen), switched(model))) is None


def test_advice_for_another_cause_is_not_given_beside_states_that_are_inputs():
    assert [one.finding.split(" looks")[0] for one in diagnose(View(DRUG, NO_DRUG))] == ["the drug"]
    assert taken_for_states(View(DRUG, DRUG)) is None  # followed all the same
    alone = Trajectories((Trajectory("a", TS, SWITCH[:, None]),), ("the drug",))
    flat = replace(alone, trajectories=(Trajectory("a", TS, 0 * FINE),))
    assert taken_for_states(View(alone, flat)) is None  # nothing is left that it could drive


def test_inputs_that_step_between_rows():
    between = (answer(SWITCH) + answer(BEFORE)) / 2
    found = late_inputs(View(switched(between), switched(answer(SWITCH))))
    assert found is not None
    assert "before switch steps (by 0." in found.finding and "between two rows" in found.finding
    assert found.advice.startswith("give every step a row of its own")
    assert late_inputs(View(switched(between), switched(between))) is None  # the model follows all the same


def test_errors_in_two_rows_or_in_many_are_no_lone_ones():
    for rows in ((60, 61), tuple(range(0, 121, 10))):
        off = 5.0 * np.isin(np.arange(TS.size), rows)[:, None]
        assert lone_errors(replace(GOOD, train=runs(TRUTH + NOISE + off))) is None


def test_noise_in_proportion_to_a_state_is_no_slip_and_a_slip_in_it_is_one():
    rng = np.random.default_rng(3)
    level = np.exp(2.5 * np.sin(np.arange(400) / 20))
    seen = level * np.exp(0.15 * rng.normal(size=400))
    fitted = Trajectories((Trajectory("a", np.arange(400.0), level[:, None]),), ("algae",))
    for factor, slips in ((1.0, False), (4.0, True)):
        seen[np.argmax(level)] *= factor
        found = lone_errors(View(replace(fitted, trajectories=(replace(fitted[0], ys=seen[:, None]),)), fitted))
        assert (found is not None) == slips, found


def test_a_state_that_jumps_with_an_input_has_no_slips():
    """Which a note tells of, and no model meets."""
    ts = np.arange(400.0)
    switch = np.where(ts % 80 < 40, 0.0, 1.0)[:, None]
    behind = Trajectories(
        (Trajectory("a", ts, np.sin(ts / 30)[:, None], None, switch, (True,)),), ("volts",), ("amps",)
    )
    seen = behind[0].ys + 0.5 * switch + 0.001 * np.random.default_rng(4).normal(size=(400, 1))
    fitted = np.where(np.diff(switch, axis=0, prepend=0) != 0, seen + 0.4, seen + 0.001)
    seen, fitted = (behind.with_trajectories([replace(behind[0], ys=ys)]) for ys in (seen, fitted))
    view = View(seen, fitted)
    assert lone_errors(view) is None
    still = tuple(replace(run, inputs=0 * switch, hold=(True,)) for run in view.train)
    assert lone_errors(replace(view, train=replace(view.train, trajectories=still))) is not None


def test_errors_that_grow_from_none_along_chaotic_runs_are_told_of_once_with_how_far_predictions_hold():
    u = np.sin(TS)[:, None]

    def driven(data):
        return data.with_trajectories([replace(run, inputs=u) for run in data])

    later = np.exp(TS - 10.0)[:, None] * [1, 0]
    grown = replace(
        GOOD,
        train=driven(GOOD.train),
        test=driven(runs(TRUTH[::-1] + NOISE)),
        from_rows=runs(TRUTH + np.linspace(0, 5, TS.size)[:, None]),
        held_out=runs(TRUTH[::-1] + later),
        continued=None,
    )
    (told,) = diagnose(grown)
    assert told.finding.endswith("what is held out is met within 0.18 standard deviations up to t = 10.9 (of 'a')")
    assert told.advice.startswith("trust no forecast of a single run beyond that") and "hidden" not in told.advice
    at_once = diagnose(replace(grown, held_out=runs(TRUTH[::-1] + 1.5)))
    assert sum("the fit does not carry over" in one.finding for one in at_once) == 1
    assert not any("is held out is met" in one.finding for one in at_once)
    wrong = diagnose(replace(grown, fitted=runs(TRUTH + WAVE)))
    assert not any("the model misses nothing else" in one.finding for one in wrong)


def test_starts_whose_errors_grow_are_told_of_once_and_those_that_stay_with_the_data_not_at_all():
    lost = replace(GOOD, from_others=runs(AWAY))
    assert [one.finding.split(":")[0] for one in diagnose(lost)] == ["the model is unstable beside its own runs"]
    grown = replace(lost, from_rows=runs(TRUTH + np.linspace(0, 5, TS.size)[:, None]))
    assert [one.finding.split(":")[0] for one in diagnose(grown)] == ["errors of a start grow"]
    assert diagnose(replace(GOOD, from_others=runs(TRUTH[::-1] * 1.1, TRUTH + 2 * NOISE))) == ()


def test_growing_errors_of_two_states_are_no_chaos_but_may_be_of_a_state_that_is_in_no_column():
    grown = replace(GOOD, from_rows=runs(TRUTH + np.linspace(0, 5, TS.size)[:, None]))
    driven = tuple(replace(run, inputs=np.sin(TS)[:, None]) for run in grown.train)
    for view, chaotic in (grown, False), (replace(grown, train=replace(grown.train, trajectories=driven)), True):
        found = errors_grow(view)
        assert found is not None and ("chaotic" in found.finding) == chaotic
        assert ("--hidden-states 1" in found.advice) == (not chaotic)


def test_of_an_angle_that_begins_anew_nothing_else_is_told():
    view = View(WRAPPED, replace(WRAPPED, trajectories=(replace(WRAPPED[0], ys=0 * WRAPPED[0].ys),)))
    (told,) = diagnose(view)
    assert told.finding.startswith("an angle that begins anew")
    assert begins_anew(replace(view, fitted=WRAPPED)) is None


def test_no_logarithm_of_what_is_below_zero_is_advised():
    shifted = replace(SPIKED, trajectories=(replace(SPIKED[0], ys=SPIKED[0].ys - 1),))
    found = too_coarse(View(shifted, replace(SPIKED, trajectories=(Trajectory("a", TS, 0 * SPIKES),))))
    assert found is not None and "--transform" not in found.advice


def test_spikes_that_are_met_and_noise_are_not_too_coarse():
    assert too_coarse(View(SPIKED, SPIKED)) is None
    noise = Trajectories((Trajectory("a", TS, NOISE[:, :1]),), ("x",))
    assert too_coarse(View(noise, replace(noise, trajectories=(Trajectory("a", TS, 0 * FINE),)))) is None


def test_what_cannot_be_known_is_not_said():
    view = replace(GOOD, test=None, held_out=None, continued=None, stages=(), parameters=())
    assert diagnose(view) == ()
    few = slice(0, 15)  # neighbours tell nothing of noise or structure
    view = replace(view, train=runs((TRUTH + NOISE)[few], ts=TS[few]), fitted=runs((TRUTH + NOISE)[few], ts=TS[few]))
    assert diagnose(view) == ()


def test_failures_that_are_few_or_a_start_that_cannot_be_solved():
    assert solver_failures(replace(GOOD, stages=(stage(12, 9),))) is None
    found = solver_failures(replace(GOOD, stages=(stage(1, 0, StopReason.NONFINITE_START),)))
    assert found is not None and "full began from a model that could not be solved" in found.finding
    again = (stage(1, 0, StopReason.NONFINITE_START), stage(12, 1))
    assert solver_failures(replace(GOOD, stages=again)) is None  # of fewer terms, say
    given_up = replace(stage(1, 0, StopReason.NONFINITE_START), kept=False)
    assert solver_failures(replace(GOOD, stages=(given_up, stage(12, 9)))) is None


def test_a_forecast_that_ends_or_falls_below_zero():
    found = runs_away(replace(GOOD, continued=runs(CUT, ts=TS + 12)))
    assert found is not None and "the solution ends near t = 23.1" in found.finding
    falling = replace(GOOD, continued=runs(TRUTH - [9, 0], ts=TS + 12), low=[2.0, 3.0])
    found = runs_away(falling)
    assert found is not None and "hare falls below zero, to -2" in found.finding
    assert runs_away(replace(falling, low=[-1.0, 3.0])) is None
    for last, told in ((0.0, True), (1.0, False)):  # inputs that begin anew with a jump throw a true law off as well
        inputs = np.linspace(0.0, 1.0, TS.size) if last else np.sin(np.pi * TS / 12)

        def driven(data, u=inputs):
            return Trajectories(tuple(replace(run, inputs=u[:, None]) for run in data), data.state_names)

        assert falling.continued is not None
        found = runs_away(replace(falling, train=driven(falling.train), continued=driven(falling.continued)))
        assert (found is not None and "falls below zero" in found.finding) == told
    found = runs_away(replace(falling, low=[-0.1, 3.0]))  # of nothing, for noise
    assert found is not None and "hare falls below zero, to -2, where the least of the data is -0.1" in found.finding


def test_a_prediction_of_nothing_may_be_a_little_less():
    fitted = TRUTH - [7.05, 0.0]
    assert below_zero(replace(GOOD, fitted=runs(fitted), low=[0.0, 3.0])) is None
    other = Trajectories((Trajectory("b", TS, TRUTH),), ("hare", "lynx"))
    found = below_zero(replace(GOOD, fitted=runs(fitted), held_out=other))
    assert found is not None and "hare (down to -0.05, in 1 of 2 trajectories)" in found.finding
    later = replace(GOOD, fitted=runs(fitted), held_out=runs(fitted))  # the same run, split by time
    found = below_zero(later)
    assert found is not None and "hare (down to -0.05)" in found.finding
    assert below_zero(replace(GOOD, fitted=runs(fitted), logarithms=(0,))) is None


def test_names_with_blanks_are_quoted():
    names = ("E. coli", "P. putida")
    low = replace(runs(TRUTH - 7.2), state_names=names)
    found = below_zero(replace(GOOD, train=replace(GOOD.train, state_names=names), fitted=low, held_out=None))
    assert found is not None
    assert "--positive 'E. coli' 'P. putida'" in found.advice
    assert "--transform 'log=E. coli,P. putida'" in found.advice


def test_noise_of_one_size_or_in_logarithms_already_is_not_in_proportion():
    assert errors_in_proportion(View(yeast(0.0, 0.1), yeast(0.0))) is None
    assert errors_in_proportion(View(yeast(0.005), yeast(0.0))) is None  # too small to matter
    assert errors_in_proportion(View(yeast(0.1), yeast(0.0), logarithms=(0,))) is None
    off = yeast(0.0)
    off = off.with_trajectories([replace(run, ys=1.1 * run.ys) for run in off])  # regular
    assert errors_in_proportion(View(yeast(0.0), off)) is None


def test_what_is_in_proportion_is_weighed_and_logarithms_are_no_advice_for_a_law():
    """In logarithms a linear law is none."""
    network = errors_in_proportion(View(yeast(0.1), yeast(0.0)))
    assert network is not None and "--sd-columns yeast=yeast_sd" in network.advice
    for law in (Kind(False, False), Kind(False, False, second_order=True)):
        found = errors_in_proportion(View(yeast(0.1), yeast(0.0), kind=law))
        assert found is not None and "--sd-columns yeast=yeast_sd" in found.advice
        assert "logarithms" not in found.advice
    weighed = yeast(0.1)
    weighed = weighed.with_trajectories([replace(run, sd=0.1 * run.ys) for run in weighed])
    assert errors_in_proportion(View(weighed, yeast(0.0))) is None  # no advice is given twice


def test_a_law_that_misses_is_compared_with_the_network_and_limits_are_named_where_one_was_reached():
    missed = replace(GOOD, fitted=runs(TRUTH + WAVE))
    for kind, said in ((Kind(), True), (Kind(False, False), True), (Kind(True, False), False), (Kind(own=True), True)):
        found = above_the_noise(replace(missed, kind=kind))
        assert found is not None and ("--degree 0" in found.advice) == said
        assert "limit" not in found.advice
    found = above_the_noise(replace(missed, kind=Kind(False, False, own=True)))
    assert found is not None and "--degree 0" not in found.advice
    stopped = replace(missed, stages=(stage(100, 3, StopReason.MAX_EVALS),))
    found = above_the_noise(stopped)
    assert found is not None and found.advice.startswith("allow more, as it stopped at a limit (--max-iter, --max-ev")
    given_up = above_the_noise(replace(stopped, stages=(replace(stopped.stages[0], kept=False), stage(100, 3))))
    assert given_up is not None and "limit" not in given_up.advice
    went_on = above_the_noise(replace(stopped, stages=(*stopped.stages, stage(100, 3))))
    assert went_on is not None and "limit" not in went_on.advice


def test_logarithms_of_what_goes_over_decades_are_the_first_advice_of_a_fit_that_has_failed():
    wide = np.exp(4 * np.sin(TS))[:, None] * [1.0, 0.0] + np.exp(2.5 * np.cos(TS))[:, None] * [0.0, 1.0]
    found = above_the_noise(replace(GOOD, train=runs(wide), fitted=runs(wide + WAVE + WAVE[:, ::-1])))
    assert found is not None
    assert found.advice.startswith("model logarithms of what goes over decades (--transform log=hare,lynx); try other")
    found = above_the_noise(replace(GOOD, fitted=runs(TRUTH + WAVE)))
    assert found is not None and "logarithms" not in found.advice
    drowned = replace(GOOD, train=runs(np.abs(wide + NOISE)), fitted=runs(wide + 30 * WAVE + 30 * WAVE[:, ::-1]))
    found = above_the_noise(drowned)
    assert found is not None and "logarithms" not in found.advice


def test_an_angle_that_runs_on_may_be_why_another_state_is_missed():
    voltage = 2 + np.sin(2 * TS)
    ys = np.stack([2 * TS - np.cos(2 * TS) / 2, voltage], axis=1)
    names = ("phase", "voltage")
    train = Trajectories((Trajectory("a", TS, ys + NOISE / 10),), names)
    rippled = Trajectories((Trajectory("a", TS, np.stack([ys[:, 0], np.full(TS.size, 2.0)], axis=1)),), names)
    found = goes_round(View(train, rippled))
    assert found is not None and found.finding.startswith("phase goes round 3.9 times if it is in radians")
    assert found.advice.endswith("name what is its rate (--rate phase=voltage)")
    assert goes_round(View(train, Trajectories((Trajectory("a", TS, ys),), names))) is None
    steps = np.stack([np.floor(TS), voltage], axis=1)
    of_program = Trajectories((Trajectory("a", TS, steps),), names)
    assert goes_round(View(of_program, rippled)) is None


def test_jumps_of_inputs_that_are_held_or_misses_elsewhere_are_not_told_of_as_jumps():
    missed = ANSWERED - SMALL - AT_JUMPS
    assert jumping_inputs(View(driven(ANSWERED, (True,)), driven(missed, (True,)))) is None
    away = ANSWERED - SMALL - np.roll(AT_JUMPS, 15, axis=0)
    assert jumping_inputs(View(driven(ANSWERED), driven(away))) is None
    (found,) = diagnose(View(driven(ANSWERED), driven(missed)))
    assert "--input-hold" in found.advice


def test_an_input_that_was_taken_for_a_state_is_not_told_to_be_kept_positive():
    view = View(DRUG, replace(NO_DRUG, trajectories=tuple(replace(run, ys=run.ys - 9) for run in NO_DRUG)))
    found = below_zero(replace(view, low=[0.0] * 2, high=[1.0] * 2))
    assert found is not None and "the drug" not in found.finding
    followed = replace(view, train=replace(NO_DRUG, trajectories=DRUG.trajectories), fitted=view.fitted)
    assert found == below_zero(replace(followed, low=[0.0] * 2, high=[1.0] * 2))


def test_it_is_told_which_held_out_runs_are_missed_and_when():
    found = worse_on_unseen(UNSEEN)
    assert found is not None
    assert found.finding.startswith("c was missed by 0.38 standard deviations, 6.2 times as far as in the end")
    assert "by the model that had not seen it" in found.finding
    assert "c (hare by 0.53" in found.finding and "from t = 8.1 on)" in found.finding
    twice = replace(UNSEEN, hidden=1, test=runs(TRUTH), held_out=runs(TOO_LATE))
    assert sum("from t = 8.1 on" in one.finding for one in diagnose(twice)) == 1


def test_states_that_are_not_in_the_data_are_asked_for_first_where_none_are_in_the_model():
    missed = replace(GOOD, held_out=runs(TRUTH[::-1] + 1.5))
    for hidden, first in ((0, "if the columns may not show all"), (1, "compare with a fit of fewer hidden states")):
        (found,) = [one for one in diagnose(replace(missed, hidden=hidden)) if "held-out data" in one.finding]
        assert found.advice.startswith(first) and ("--hidden-states 1" in found.advice) == (hidden == 0)


def test_held_out_runs_that_go_where_no_other_does_are_told_of():
    far = replace(GOOD, test=runs(TRUTH + np.array([8, 0])), held_out=runs(TRUTH))
    found = worse_on_others(far)
    assert found is not None
    assert "a goes to hare = 21, where what was trained on lies between 6.9" in found.finding
    assert found.advice.startswith("train on runs that go there")
    inside = Trajectories((Trajectory("z", TS, np.broadcast_to([10.0, 5.0], TRUTH.shape)),), ("hare", "lynx"))
    found = worse_on_others(
        replace(GOOD, test=inside, held_out=runs(TRUTH).with_trajectories([replace(inside[0], ys=TRUTH)]))
    )
    assert found is not None and "z starts 1.3 standard deviations from all rows" in found.finding


def test_errors_in_most_rows_are_not_hidden_by_a_few_jumps():
    square = 5 * np.sign(np.sin(2 * TS))[:, None] + FINE
    jumps = Trajectories((Trajectory("a", TS, square),), ("x",))
    off = replace(jumps, trajectories=(Trajectory("a", TS, square + 0.5 * np.sign(np.sin(7 * TS))[:, None]),))
    found = above_the_noise(View(jumps, off))
    assert found is not None and "in most rows, where its noise is at most 0.00" in found.finding
    assert above_the_noise(View(jumps, jumps)) is None


def test_a_held_out_trajectory_that_is_not_reached():
    found = worse_on_others(replace(GOOD, held_out=runs(CUT)))
    assert found is not None and "not reached by the model's solution" in found.finding


def test_known_standard_deviations_take_the_place_of_the_estimate():
    sd = np.full(TRUTH.shape, 1.0)
    told = replace(GOOD, train=Trajectories((Trajectory("a", TS, TRUTH + NOISE, sd),), ("hare", "lynx")))
    found = below_the_noise(told)
    assert found is not None and "its noise is about 1" in found.finding


def test_the_noise_of_neighbours_is_that_which_was_added():
    rng = np.random.default_rng(1)
    ts = np.sort(rng.uniform(0.0, 12.0, 300))  # unevenly
    ys = np.stack([3 * np.sin(ts) + 0.2 * rng.normal(size=ts.size)] * 2, axis=1)
    assert noise_level(runs(ys, ts=ts), 0) == pytest.approx(0.2, rel=0.15)
    # Without noise what bends is told from it, and so is what jumps.
    assert noise_level(runs(TRUTH), 0) is None
    jumps = np.stack([np.sign(np.sin(TS))] * 2, axis=1)
    assert noise_level(runs(jumps), 0) is None
    assert roughness(runs(jumps).trajectories, 0) > 0.1
    thrice = np.stack([np.sin(np.arange(60) * 2.1)] * 2, axis=1)  # a period
    assert noise_level(runs(thrice, ts=np.arange(60.0)), 0) is None
    # Nor a transient that is over after few rows, however much these are off their neighbours.
    rng = np.random.default_rng(12)
    uneven = np.sort(rng.uniform(0.0, 10.0, 40))
    transient = np.stack([np.exp(-8 * uneven) + 0.01 * rng.normal(size=uneven.size)] * 2, axis=1)
    assert noise_level(runs(transient, ts=uneven), 0) is None
    assert np.isnan(roughness(runs(TRUTH[:2], ts=TS[:2]).trajectories, 0))


def test_a_state_that_is_missed_in_what_is_held_out_is_not_hidden_by_others():
    other = 10 * NOISE * [0, 1]
    close = replace(GOOD, train=runs(TRUTH + NOISE / 10 + other), held_out=runs(TRUTH[::-1] + 0.5 * np.array([1, 0])))
    found = worse_on_others(close)
    assert found is not None
    assert found.finding.startswith("single states of held-out data are missed: hare by 0.24 standard deviations, 3")
    assert "most of it is in a (hare by 0.24)" in found.finding
    assert worse_on_others(replace(close, held_out=runs(TRUTH[::-1]))) is None


def test_what_is_held_out_and_missed_farther_than_the_mean_is_said_to_be():
    bad = TRUTH[::-1] + np.array([6.0, 0.0])
    found = worse_on_others(replace(GOOD, held_out=runs(bad)))
    assert found is not None and "and farther than by always predicting the mean (1" in found.finding
    assert "fewer hidden states" not in found.advice
    # As badly as the training data, so that only the mean tells that something is wrong.
    also = replace(GOOD, fitted=runs(TRUTH + np.array([6.0, 0.0])), held_out=runs(bad), hidden=1)
    found = worse_on_others(also)
    assert found is not None and "1 times as far as the training data, and farther than" in found.finding
    assert found.advice.startswith("compare with a fit of fewer hidden states, or of none")
    better = worse_on_others(replace(GOOD, held_out=runs(TRUTH[::-1] + 1.0)))
    assert better is not None and "mean" not in better.finding


def test_hidden_states_that_first_rows_do_not_tell_are_named():
    view = replace(GOOD, from_rows=runs(TRUTH + np.linspace(0, 5, TS.size)[:, None]), hidden=1)
    found = errors_grow(view)
    assert found is not None and found.finding.startswith("hidden states are not found again: from their first rows")
    assert "fewer hidden states" in found.advice


def test_errors_of_states_in_logarithms_are_said_to_be_of_these():
    train, test, held_out = (
        replace(data, state_names=("log hare", "lynx")) for data in (GOOD.train, runs(TRUTH), runs(TRUTH + 1.5))
    )
    found = worse_on_others(replace(GOOD, train=train, test=test, held_out=held_out, logarithms=(0,)))
    assert found is not None
    assert "standard deviations (of log hare, as fitted; the table is in the data's units)" in found.finding


def test_of_many_states_four_are_told_of():
    clauses = [f"s{i} falls" for i in range(6)]
    assert in_turn(clauses) == "s0 falls; s1 falls; s2 falls; s3 falls; 2 more likewise"
    assert in_turn(clauses[:5]) == "; ".join(clauses[:5])
