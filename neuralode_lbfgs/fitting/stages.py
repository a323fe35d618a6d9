"""The stages of a fit: each is a loss, a minimisation, and a word on why it is done."""

from collections.abc import Callable
from dataclasses import replace

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial

from ..models import trainable
from ..optimise import Minimiser, StopReason
from .course import Course
from .dual import FEWEST_WEIGHTS
from .evidence import Evidence, EvidenceEstimate
from .full import FullHorizon, settled
from .gauss_newton import Damping, GaussNewtonFit, Point, gauss_newton
from .innovations import Filter
from .matching import SlopeRegression, matching_loss, matching_residuals, thinned
from .problems import in_pieces, suit_mesh, suited, whole_trajectories, with_states
from .process_noise import errors_ahead
from .record import Record
from .settled import is_settled
from .shooting import Shooting

FIRST_DECAY = 1e-2  # of matching; a strong pull first: from a smooth field the evidence lets go where the data insist
LOOSER = (1e-2, 1e-4)  # times that, where it smothers the network of an own field
MATCHING_EVALS, MATCHING_ROUNDS = 2000, 8
MATCHING_STEPS = 60  # of Gauss-Newton: a start for the next stage, no more
FINER_STEPS = 10  # with more slopes, from there
FLAT = 0.5  # of the mean square slope: unexplained, it makes matching useless
SLOPE_ERROR = 0.02  # of a smoothing spline, in units of a typical slope
CONTINUITY = (10.0, 100.0, 1e4)  # how many observations a jump counts as much as; then jumps are negligible
# Of a law that is found in pieces, which need not lead from a jump into the basin of whole runs where errors grow.
EXACT_CONTINUITY = (*CONTINUITY, 1e6, 1e8)
SHOOTING_STEPS = 12  # at each of them
NOISE_ROUNDS = (False, False, True, True)  # filtered or not; the noise is asked anew of the model found with it
NOISE_STEPS, NOISE_FTOL = 40, 1e-3
# Steps on each mesh, the next one chosen for the model found there: on one mesh for long, a model without decay grows
# features between its steps that only the mesh does not see.
POLISH_STEPS = (30, 40, 40, 40, 50)
LARGE_POLISH_STEPS = (15, 15, 20)  # of a large network a step takes a second, and more weights need fewer
LARGE_FTOL = 1e-2  # for the same reason
# Less for many observations: of chi-square, `CHANCE` is little for a step of some hundred numbers together (at 2,
# held-out trajectories were as well predicted, after half as many steps again); but a ten thousandth is nothing.
POLISH_FTOL, LEAST_FTOL = 1e-3, 1e-4
CHANCE = 5.0
FINER = 1e-2  # of the error of a step, where errors grow along trajectories
TRIAL_STEPS = 6  # a tangent that leads to the basin does so at once, or when what it is off by has been damped
LARGE_SLOPES = (256, 1024)  # numbers, of the regression of a large network: what J J^T costs grows with their square


def match_derivatives(course: Course, record: Record) -> StopReason:
    """Regress the vector field on the slopes of smooth curves; no ODE is solved.

    Plain regression, so that Gauss-Newton with the decay asked anew at every step is cheap and goes to the
    bottom (Foresee & Hagan 1997). Models with too many weights for that take L-BFGS.

    A decay that was given is that of whole trajectories. Where it is small, a field that follows the wiggles of the
    curves is a poor start for them: it swings between the rows, and run freely it leaves. So it is not used here,
    unless this is the last stage.
    """
    assert course.slopes is not None
    options, slopes, observed, decay = course.options, course.slopes, course.data.observed, course.decay
    model = course.parameters.model

    def from_slopes(evidence: Evidence) -> np.ndarray:
        # What a spline says of slopes is never exact, and its errors are no noise that averages out.
        return evidence.decay * max(1.0, (SLOPE_ERROR / max(evidence.noise, 1e-12)) ** 2)

    choose = None if options.weight_decay is not None else from_slopes
    free, fixed = trainable(model)
    problem = course.programs.shared("slopes", free, fixed, lambda: SlopeRegression(model, slopes, observed))
    problem = problem.begun(model, slopes, observed)
    ever_finer = [slopes]
    if problem.groups.numbers.size > FEWEST_WEIGHTS:
        ever_finer = [thinned(slopes, max(number // slopes.rate.shape[1], 1)) for number in LARGE_SLOPES]
        problem = problem.begun(model, ever_finer[-1], observed)
    if problem.affordable and course.leads_on("matching"):
        choose = from_slopes
    if choose is not None:
        decay = np.full_like(decay, FIRST_DECAY)
    if problem.affordable:

        def regressed(decay: np.ndarray) -> GaussNewtonFit:
            point, found, begun = problem.start, None, None
            for some in ever_finer:
                steps = MATCHING_STEPS if found is None else FINER_STEPS
                found = gauss_newton(
                    problem.begun(model, some, observed), point, decay, choose=choose, max_steps=steps,
                    watch=record.watch, time_limit=course.seconds_left(record), loop=course.journal.loop("matching"),
                )  # fmt: skip
                record.add(found)
                begun = begun or found
                point, decay = found.point, decay if choose is None else choose(found.evidence)
                if found.reason.cut_short:
                    break
            assert found is not None and begun is not None
            return replace(found, initial_mean_square=begun.initial_mean_square)

        fit = regressed(decay)
        on_raw_units = getattr(model.vector_field, "normalised", None) is None  # an own field, known physics maybe
        for looser in LOOSER if on_raw_units and choose is not None else ():
            if fit.reason.cut_short or not smothered(problem, fit.evidence):
                break
            fit = regressed(looser * decay)
        if fit.mean_square > FLAT * fit.initial_mean_square:
            return fit.reason  # noise hides the slopes: a field that was smoothed to nothing is a worse start than none
        course.replace(problem.model(fit.point.x))
        course.learn(fit.evidence)
        return fit.reason
    minimiser = course.programs.shared(
        "matching", free, fixed,
        lambda: Minimiser(Partial(matching_loss, fixed), free),
    )  # fmt: skip
    estimate = EvidenceEstimate(Partial(matching_residuals, fixed), free)
    if choose is not None and not estimate.affordable(free, slopes):
        choose, decay = None, course.decay  # no evidence could move it
    reason = StopReason.RUNNING
    for _ in range(MATCHING_ROUNDS):
        minimum = minimiser.run(
            free, slopes, jnp.asarray(decay), max_evals=MATCHING_EVALS, ftol=1e-5, callback=record.watch,
            time_limit=course.seconds_left(record), **course.journal.loop("matching").of(minimiser, free),
        )  # fmt: skip
        record.add(minimum)
        free, reason = minimum.params, minimum.reason
        course.replace(eqx.combine(free, fixed))
        if reason.cut_short:
            break
        evidence = estimate(free, slopes, decay=decay, observed=observed)
        old, decay = decay, decay if choose is None else choose(evidence)
        course.decay, course.noise = decay, evidence.noise
        if settled(decay, old):
            break
    return reason


def smothered(problem: SlopeRegression, evidence: Evidence) -> bool:
    """Whether no more than a constant for each state is well determined any more: the decay has won, and the evidence
    keeps it so.

    Known physics may explain most of the slopes without the network, and a network on raw units needs large weights.
    """
    numbers = problem.groups.numbers
    weights = int((numbers >= 0).sum())
    states = problem.slopes.rate.shape[1]
    return weights > 0 and evidence.determined - (numbers.size - weights) <= states


def shoot(course: Course, record: Record) -> StopReason:
    """Fit the states at all nodes with the model, and drive the jumps between them to zero."""
    data, options = course.data, course.options
    x = course.solver.numbers(course.parameters.model)
    suit_mesh(course, x, lambda cuts: cuts.guess)
    cuts = course.cut()
    given = None if course.train_starts else np.asarray(course.parameters.starts, np.float64)
    problem = Shooting(course.solver, cuts, data.observed, course.observe, given)
    point = Point(x, cuts.guess)
    decay = np.full_like(course.decay, course.smooth)
    if options.weight_decay is not None:  # of whole trajectories; a start for them may be smoother
        decay = np.maximum(course.decay, decay) if course.leads_on("shooting") else course.decay
    reason = StopReason.RUNNING
    for problem.continuity in CONTINUITY if course.terms is None else EXACT_CONTINUITY:
        fit = gauss_newton(
            problem, point, decay, choose=None, max_steps=SHOOTING_STEPS, ftol=0.03, patience=1, watch=record.watch,
            time_limit=course.seconds_left(record), loop=course.journal.loop("shooting"),
        )  # fmt: skip
        record.add(fit)
        reason = fit.reason
        if reason is StopReason.NONFINITE_START:
            break
        point = fit.point
        course.replace(course.solver.model(point.x), point.states[cuts.first] if course.train_starts else None)
        course.noise = fit.evidence.noise
        if reason.cut_short:
            break
    if options.weight_decay is None:
        course.decay = decay
    return reason


def let_noise_move(course: Course, record: Record) -> StopReason:
    """Fit short pieces between which noise moves the system, as much as errors one row ahead say: first with the states
    as unknowns, then each row as predicted from those before it."""
    x, states, reason = course.solver.numbers(course.parameters.model), None, StopReason.NONFINITE_START
    suit_mesh(course, x, lambda cuts: cuts.guess)
    for filtered in NOISE_ROUNDS:
        cuts = course.cut()
        ahead = errors_ahead(course.solver, cuts, x)
        if not ahead.is_enough:
            break
        course.process = ahead.noise
        if states is None:
            states = cuts.as_measured
        problem = in_pieces(course, states) if filtered else with_states(course)
        fit = gauss_newton(
            problem, Point(x, states), course.decay, choose=course.choose, max_steps=NOISE_STEPS, ftol=NOISE_FTOL,
            watch=record.watch, time_limit=course.seconds_left(record), loop=course.journal.loop("process noise"),
        )  # fmt: skip
        record.add(fit)
        reason = fit.reason
        if reason is StopReason.NONFINITE_START:
            break
        x, states = fit.point
        if isinstance(problem.process, Filter):
            course.surprise = problem.process.surprise(cuts, states)
            states, _ = problem.process.corrected(cuts, states)
        else:
            course.ends = states[cuts.first + cuts.sizes - 1]
        starts = states[cuts.first] if course.train_starts and not filtered else None
        course.replace(course.solver.model(x), starts)
        course.learn(fit.evidence)
        course.loss = float("nan")
        if reason.cut_short:
            break
    return reason


def full_horizon(course: Course, record: Record) -> StopReason:
    """Whole trajectories, by L-BFGS or another optimiser."""
    stage = FullHorizon(
        course.data, course.parameters, course.mesher, course.options, course.optimizer,
        train_starts=course.train_starts, record=record, time_limit=course.seconds_left(record),
        observe=None if course.observe is None else course.observe.of, journal=course.journal, programs=course.programs,
    )  # fmt: skip
    try:
        full = stage.run(course.decay, brief=course.brief)
    finally:
        course.parameters = stage.parameters
    course.learn(full.evidence)
    course.initial_loss, course.loss = full.initial_loss, full.mean_square
    return full.reason


def polish(course: Course, record: Record) -> StopReason:
    """Whole trajectories, by Gauss-Newton, with the decay asked anew at every step."""
    options, data = course.options, course.data
    starts = np.asarray(course.parameters.starts, np.float64)
    point = Point(course.solver.numbers(course.parameters.model), starts)
    if not any(one.stage in ("shooting", "full") for one in course.spent[course.elsewhere :]):
        suited(course)  # on the first mesh, which knows no model, a fit would fit its errors
    reason, damping = StopReason.RUNNING, Damping()
    large = point.x.size > FEWEST_WEIGHTS
    ftol = LARGE_FTOL if large else float(np.clip(CHANCE / data.observed, LEAST_FTOL, POLISH_FTOL))
    for part, most in enumerate(LARGE_POLISH_STEPS if large else POLISH_STEPS):
        cuts = course.cut()
        problem = whole_trajectories(course, cuts)
        limited = [one for one in [*course.spent[course.elsewhere :], record] if one.stage in ("full", "polish")]
        left = options.max_evals - sum(one.evaluations for one in limited)
        steps = min(most, left // 3, options.max_iter - sum(one.iterations for one in limited))
        if steps < 1:
            return StopReason.MAX_EVALS if left < 3 else StopReason.MAX_ITER
        loop = course.journal.loop("polish", also=problem.kept)
        fit: GaussNewtonFit = gauss_newton(
            problem, point, course.decay, choose=course.choose, max_steps=steps,
            ftol=ftol, damping=damping, eager=True, watch=record.watch,
            trial=None if course.trial is None or part else (TRIAL_STEPS, course.trial),
            time_limit=course.seconds_left(record), loop=loop,
        )  # fmt: skip
        if loop.had_ended and loop.saved is not None:
            problem.restore(loop.saved)
        record.add(fit)
        reason = fit.reason
        if reason is StopReason.NONFINITE_START:
            break
        point = fit.point
        course.replace(course.solver.model(point.x), point.states)
        course.learn(fit.evidence)
        course.loss = fit.mean_square
        if np.isnan(course.initial_loss):
            course.initial_loss = fit.initial_mean_square
        course.mesher.refine_pieces(cuts, problem.errors)
        if reason is not StopReason.STEPS and not (reason is StopReason.DECREASE and part == 0):
            if reason.cut_short or is_settled(course):
                break
            # Its errors were fitted, too.
            course.mesher.tolerance *= FINER
            course.mesher.refine_pieces(cuts, problem.errors)
        if course.trial is not None and course.loss > course.trial:
            break
    return reason


STAGES: dict[str, Callable[[Course, Record], StopReason]] = {
    "matching": match_derivatives,
    "shooting": shoot,
    "full": full_horizon,
    "polish": polish,
    "process noise": let_noise_move,
}
WHY = {
    "matching": "the field is regressed on the slopes of smooth curves first",
    "shooting": "every row begins a short piece, and the jumps between pieces are driven to zero",
    "full": "all trajectories solved over their whole length",
    "polish": "Gauss-Newton goes to the bottom of the valley",
    "process noise": "every row begins a short piece, and noise that moves the system itself makes jumps between them",
}
WHY_BESIDE = "the network, and beside it a polynomial of degree {}, are regressed on the slopes of smooth curves first"
WHY_FORCES = (
    "accelerations, by a network of the positions alone and linear terms of all else, are regressed on the slopes of "
    "smooth curves"
)
WHY_MOTION = (
    "equations of motion (masses that depend on positions, a potential, friction, inputs as forces) are regressed on "
    "the slopes of smooth curves first"
)
WHY_RATES = (
    "rates that may saturate (products of powers and Hill functions, whose exponents are {:g} at first) are regressed "
    "on the slopes of smooth curves"
)
WHY_WITHOUT = (
    "as simpler models miss what smooth curves follow, or leave the data, the network alone is regressed on the slopes"
)
WHY_AWAKE = "the network, which slopes had no use for, is woken beside the polynomial: it {}"
WHY_SEEN = "every state is observed: {}"
WHY_HIDDEN = "hidden states begin as derivatives of the observed ones: {}"
