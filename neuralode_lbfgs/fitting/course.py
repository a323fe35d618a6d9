"""What the stages of a fit hand on to each other."""

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ..data.trajectories import Trajectories
from ..models import Coordinates, NeuralODE, count_trained, trainable
from ..optimise import LBFGS, Optax
from .evidence import Evidence
from .gauss_newton import Point
from .journal import Journal
from .losses import Parameters
from .matching import Slopes
from .mesh import Mesher
from .observing import Observation
from .options import FitOptions
from .pieces import Cut, PieceSolver, cut
from .process_noise import ProcessNoise
from .programs import Programs
from .record import Record, seconds_left
from .smoothing import SmoothTrajectory
from .subspace import Subspace, basis_of_terms, usual_origin, without_network

WORTH_COMPILING = 1_000_000  # entries of a Jacobian, whose network's part takes some 20 ms each time


class Settled(NamedTuple):
    """The loss on steps that are fine enough, of these parameters and the steps of the fit."""

    parameters: Parameters
    counts: Sequence[np.ndarray]
    loss: float

    def is_of(self, parameters: Parameters, counts: Sequence[np.ndarray]) -> bool:
        return self.parameters is parameters and all(map(np.array_equal, self.counts, counts))


@dataclass
class Course:
    """A fit on its way: the data, and the best that was reached so far, which each stage replaces when it ends.

    Args:
        data: what was measured.
        curves: smooth curves through it.
        options: of the fit.
        optimizer: of the full horizon.
        begun: the model as it was before the first stage.
        parameters: the model, and the initial state of each trajectory.
        train_starts: whether initial states are fitted.
        first_rows: of order one, where they are fitted and rows may be exact nevertheless.
        mesher: chooses the steps.
        decay: per group of weights.
        slopes: of the curves, where every state was seen.
        smooth: decay of shooting.
        time_limit: seconds of running that all stages have together.
        observe: what is seen of a state, if that is a function of one's own; then the columns of the data are not
            states, and have coordinates of their own.
        brief: whether the full horizon is followed by a polish.
        programs: compiled for other fits of the same structure, and for them.
        spent: what the stages before have cost.
        path: the numbers of those among them that led here.
        passed: this course and others of the same fit, as they were whenever a stage ended.
        elsewhere: how many of these were of another attempt, and count in no limit of evaluations.
        journal: of the loops of the fit.
        loss, initial_loss: mean square of the residuals, NaN until there was a full horizon.
        noise: estimated standard deviation of the observations, order one.
        determined: how many of the fitted numbers the data determine.
        trial: loss above which polish gives up after a few steps, which are to show whether there is a way.
        uncounted: evaluations since the last stage ended, of this course or a copy of it, which the next one counts.
        terms: of a polynomial, which of them are fitted, and nothing of the network; None where all numbers are.
        zero: from where the variables of these terms are counted, as in `zero_of`; None for where they usually are.
        held_out: mean squared error of held-out trajectories in standard deviations, once a stage has ended.
        times_as_many: numbers are to be fitted once there are those that are held out for a while.
        process: noise that moves the system itself, where jumps between rows are as large as that makes them.
        surprise: -2 log likelihood with it, but for what it is for all models.
        ends: states at the last rows then, of order one.
        as_many: independent numbers the data are worth, where a model leaves something regular; None for all of them.
        ruled_out: terms that are not to be chosen.
        settled: the last loss of its kind.
    """

    data: Trajectories
    curves: Sequence[SmoothTrajectory]
    options: FitOptions
    optimizer: LBFGS | Optax
    begun: NeuralODE
    parameters: Parameters
    train_starts: bool
    mesher: Mesher
    decay: np.ndarray
    slopes: Slopes | None
    smooth: float
    time_limit: float | None
    observe: Observation | None = None
    brief: bool = False
    programs: Programs = field(default_factory=Programs)
    spent: list[Record] = field(default_factory=list)
    path: tuple[int, ...] = ()
    passed: list["Course"] = field(default_factory=list)
    elsewhere: int = 0
    journal: Journal = field(default_factory=Journal)
    loss: float = float("nan")
    initial_loss: float = float("nan")
    noise: float | None = None
    determined: float = 0.0
    trial: float | None = None
    uncounted: list[int] = field(default_factory=list)
    terms: np.ndarray | None = None
    zero: np.ndarray | None = None
    held_out: float | None = None
    settled: Settled | None = None
    first_rows: np.ndarray | None = None
    times_as_many: float = 1.0
    process: ProcessNoise | None = None
    surprise: float = float("inf")
    ends: np.ndarray | None = None
    as_many: int | None = None
    ruled_out: np.ndarray = field(default_factory=lambda: np.zeros(0, int))
    _last_cut: Cut | None = None

    def apart(self) -> "Course":
        """A copy that goes its own way, on a mesh of its own."""
        other = copy(self)
        other.mesher = copy(self.mesher)
        return other

    def passes(self, held_out: float | None) -> None:
        """Remember where it is, for a fit that is cut short.

        Args:
            held_out: as in the arguments; None where that is not known of here.
        """
        here = self.apart()
        here.held_out, here.passed = held_out, []  # a list that held itself would outlive the fit
        self.passed.append(here)

    @property
    def independent(self) -> int:
        """How many independent numbers were observed, by which terms are chosen."""
        return self.as_many or self.data.observed

    @property
    def choose(self) -> Callable[[Evidence], np.ndarray] | None:
        """The decay that follows from the evidence, unless it was given."""
        return None if self.options.weight_decay is not None else lambda evidence: evidence.decay

    def learn(self, evidence: Evidence) -> None:
        """Go on with the decay and the noise that the evidence speaks of; a decay that was given stays."""
        if self.options.weight_decay is None:
            self.decay = evidence.decay
        self.noise, self.determined = evidence.noise, evidence.determined

    def leads_on(self, stage: str) -> bool:
        """Whether a stage only finds a start for others; the last of those that were asked for is the fit itself."""
        return not self.options.stages or self.options.stages[-1] != stage

    def seconds_left(self, record: Record) -> float | None:
        """Of the time limit, for the stage of this record."""
        return seconds_left(self.time_limit, sum(one.run_s for one in [*self.spent, record]))

    def cut(self) -> Cut:
        """The trajectories in pieces, on the present mesh."""
        mesher = self.mesher
        self._last_cut = cut(
            self.data,
            self.curves,
            mesher.coordinates,
            mesher.tableau,
            mesher.counts,
            self._last_cut,
            self.coordinates.linear,
            self.times_as_many,
        )
        return self._last_cut

    def shaped_as(self, before: "Course") -> None:
        """Keep the shape of pieces of a course before, if these have room in it."""
        self._last_cut = before._last_cut

    @property
    def hidden(self) -> bool:
        """Whether some states are not observed at all."""
        seen = np.isfinite(np.concatenate([run.ys for run in self.data])).any(axis=0)
        return self.observe is not None or not bool(seen.all())

    @property
    def known_starts(self) -> dict[str, tuple[float, np.ndarray]]:
        """Time and state, in the data's units, from which each trajectory starts."""
        c = self.coordinates
        starts = c.states_out(np.asarray(self.parameters.starts, np.float64))
        times = [float(c.transform.times_back(run.ts[0])) for run in self.data]
        return dict(zip(self.data.ids, zip(times, starts, strict=True), strict=True))

    @cached_property
    def coordinates(self) -> Coordinates:
        """Of the states, as NumPy arrays: operations on JAX arrays outside a compiled program compile one each."""
        return jax.tree.map(np.asarray, self.parameters.model.coordinates)

    @property
    def solver(self) -> PieceSolver:
        """Of pieces; its program serves shooting and polish."""
        if self.terms is None:
            return self._solver_of_all
        model, origin, alone = self.parameters.model, self.origin, self._solver_of_polynomial
        of_alone = None if alone is None else (alone, basis_of_terms(without_network(model), origin, self.terms))
        return Subspace(self._solver_of_all, basis_of_terms(model, origin, self.terms), of_alone)

    @property
    def origin(self) -> np.ndarray:
        """From where the variables of a polynomial are counted, in standard deviations below their means."""
        return usual_origin(self.parameters.model) if self.zero is None else self.zero

    @property
    def point(self) -> Point:
        """What is fitted: the free numbers of the model, and the starts."""
        return Point(self.solver.numbers(self.parameters.model), np.asarray(self.parameters.starts, np.float64))

    @cached_property
    def _solver_of_all(self) -> PieceSolver:
        return self._solver_of(self.parameters.model)

    @property
    def alone_pays(self) -> bool:
        """Whether data are so many that what a network costs is worth a program without one."""
        return sum(run.ys.size for run in self.data) * count_trained(self.parameters.model) > WORTH_COMPILING

    @cached_property
    def _solver_of_polynomial(self) -> PieceSolver | None:
        pays = self.alone_pays and not self.parameters.model.vector_field.is_law
        return self._solver_of(without_network(self.parameters.model)) if pays else None

    def _solver_of(self, model: NeuralODE) -> PieceSolver:
        tableau = self.mesher.tableau
        return self.programs.shared("pieces", *trainable(model), lambda: PieceSolver(model, tableau))

    def replace(self, model: NeuralODE, starts: np.ndarray | None = None) -> None:
        """A better model, and better starts unless they are given by the data."""
        old = self.parameters.starts
        self.parameters = Parameters(model, old if starts is None else jnp.asarray(starts, old.dtype))
