"""What a fit returns."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from ..data.same_columns import with_columns_of, with_states_of
from ..data.trajectories import Trajectories
from ..models import LinearInputs, NeuralODE, SteppedInputs, Transform
from ..optimise import StopReason
from .band import Band, band_of
from .between_rows import between_rows
from .diagnosis import Finding, View, diagnose
from .diagnosis.kind import kind_of
from .hidden import hidden_size
from .law import Term
from .luck import Luck
from .many_starts import predict_many
from .new_runs import NewRuns, new_runs
from .options import check_choice
from .physics import PhysicalParameter
from .prediction import fitted_starts, predict, predict_from_first_rows, with_earlier_inputs
from .record import Stage, history_rows
from .row_starts import from_rows_between
from .run_on import MOST, run_on
from .start_estimates import estimate_starts, predict_like_training, usual_starts
from .start_prior import say_fewer, say_too_few
from .summary_lines import summary_of
from .transforms import transformed


@dataclass(frozen=True)
class FitResult:
    """A fitted model and how it came about.

    Args:
        model: in the data's units.
        data: what it was trained on.
        starts: initial state of each training trajectory, in the data's units, at its first time.
        stages: what was done, with the history of each stage.
        stop_reason: why the last stage ended.
        initial_loss, loss: mean squared residual of whole trajectories in units of each state's standard deviation,
            or the value of a loss of your own: when a stage first solved whole trajectories (NaN if none did), and
            at the end, with steps so fine that they change it by less than one part in a hundred.
        noise: estimated standard deviation of the observations in the same units, or None.
        estimated: whether initial states were estimated with the model, because first rows are noisy or incomplete.
        compile_s, run_s: seconds of tracing and compiling, and of minimising.
        notes: what a person should know, one sentence each.
        parameters: the physical ones, from where to where; none for a plain network.
        law: the terms of its rates of change, where the model is a polynomial and nothing is left of the network.
        trained: how many numbers of the model were trained.
        held_by: the weight decay that was given, where to it the weights of the network cost more than the residuals.
        validation: root mean square error on trajectories that were held out inside the training data, in standard
            deviations, or None.
        unseen: how these were predicted by the model that had not seen them, or None.
        new_runs: how that model predicts them from their first rows alone, where starts were estimated; or None.
        ahead: root mean square error of each state one row ahead, in the data's units (in logarithms of states that are
            modelled so), where noise moves the system itself, or None.
        ends: then, if short pieces were fitted, the state of each training trajectory at its last row.
        members: of an ensemble; predictions are their median. `model`, `starts`, stages and errors are those of the
            best of them.
        luck: what fits from several initial weights came to, or None.
        observe: what of a state is observed, as it was given to `fit`.
    """

    model: Any
    data: Trajectories
    starts: Mapping[str, np.ndarray]
    stages: tuple[Stage, ...]
    stop_reason: StopReason
    iterations: int
    evaluations: int
    compile_s: float
    run_s: float
    initial_loss: float
    loss: float
    noise: float | None
    estimated: bool
    notes: tuple[str, ...] = field(default=())
    parameters: tuple[PhysicalParameter, ...] = ()
    law: tuple[Term, ...] = ()
    trained: int = 0
    observe: Callable | None = None
    held_by: float | None = None
    validation: float | None = None
    unseen: Trajectories | None = None
    new_runs: NewRuns | None = None
    ahead: np.ndarray | None = None
    ends: Mapping[str, np.ndarray] = field(default_factory=dict)
    members: tuple["FitResult", ...] = ()
    luck: Luck | None = None

    @property
    def hidden(self) -> int:
        """How many states of the model have no column in the data."""
        return hidden_size(self.model, self.data)

    def predict(
        self, data: Trajectories, *, start: Literal["data", "fitted"] = "data", warmup: int | None = None
    ) -> Trajectories:
        """The states at every time of `data`, whose columns are found by name; see `predict`.

        Args:
            data: trajectories to predict; their observations are used only for the start. Timestamps may be counted
                from another origin or in another unit than those of the training data.
            start: "data": from each trajectory's first complete row. "fitted": from the initial state that
                the fit found for the training trajectory of that id.
            warmup: with "data", estimate the initial state from so many rows instead, as is always done where states
                are hidden; see `estimate_starts`. A warning tells of trajectories that have fewer, and of too few for
                hidden states.

        Raises:
            ValueError: if `warmup` is less than one row or given beside a fitted start, a trajectory has no row to
                start from, or one has no fitted start; as a `DataError`, if a column of the training data is not
                there, or in another unit.
        """
        return self.band(data, start=start, warmup=warmup).middle

    def band(self, data: Trajectories, *, start: Literal["data", "fitted"] = "data", warmup: int | None = None) -> Band:
        """The median of the members of an ensemble, and the band in which most of them lie; arguments as in `predict`.

        Of a single fit all three are its prediction.
        """
        data = with_columns_of(self.data, data)
        check_choice("start", start, ("data", "fitted"))
        if warmup is not None:
            if warmup < 1 or start == "fitted":
                raise ValueError(
                    "warmup estimates initial states from so many first rows of the data, at least 1; it does not go "
                    "with start='fitted'."
                )
            asked = data.counted_by(self.data.clock)
            few = say_too_few(asked, self.model.coordinates, warmup) if self.hidden else None
            for told in filter(None, (few, say_fewer(data, warmup))):
                warnings.warn(f"{told}.", stacklevel=3)  # of those who call `predict`
        return band_of([one._predicted(data, start, warmup) for one in self.members or [self]])

    def _predicted(self, data: Trajectories, start: Literal["data", "fitted"], warmup: int | None) -> Trajectories:
        asked = data.counted_by(self.data.clock)
        if start == "fitted":
            starts = fitted_starts(self.data, self.starts, asked)
        else:
            starts = None
            prior = usual_starts(self.model, asked, self.starts.values(), self.noise, self.observe)
            if not (prior is None and warmup is None):
                starts = estimate_starts(self.model, asked, warmup=warmup, prior=prior, observe=self.observe)
        ends = self._known_ends if start == "fitted" else None
        predicted = predict(self.model, asked, starts=starts, ends=ends, observe=self.observe)
        return data.with_trajectories([replace(one, ts=own.ts) for one, own in zip(predicted, data, strict=True)])

    def predict_many(
        self, ts: ArrayLike, y0s: ArrayLike, inputs: LinearInputs | SteppedInputs | None = None
    ) -> np.ndarray:
        """The states at `ts` from many initial states at once, shape `(starts, times, states)`; see `predict_many`."""
        return predict_many(self.model, ts, y0s, inputs)

    def predict_held_out(self, data: Trajectories) -> Trajectories:
        """Predict what was held out: later rows of training trajectories, and others, which start as those did.

        See `predict_like_training`. Of an ensemble the median.
        """
        data = with_columns_of(self.data, data)
        return band_of([one._predicted_held_out(data) for one in self.members or [self]]).middle

    def _predicted_held_out(self, data: Trajectories) -> Trajectories:
        known = fitted_starts(self.data, self.starts, self.data)
        whole = data.with_trajectories(
            [
                with_earlier_inputs(one, self.data[one.id].ts, self.data[one.id].inputs) if one.id in known else one
                for one in data
            ]
        )
        predicted = predict_like_training(
            self.model,
            whole,
            known,
            estimated=self.estimated,
            ends=self._known_ends,
            noise=self.noise,
            observe=self.observe,
        )
        return predicted.rows_of(data)

    @property
    def _known_ends(self) -> dict[str, tuple[float, np.ndarray]]:
        return {name: (float(self.data[name].ts[-1]), state) for name, state in self.ends.items()}

    def diagnose(
        self, test: Trajectories | None = None, predictions: Trajectories | None = None
    ) -> tuple[Finding, ...]:
        """What is wrong with the fit, a finding and an advice each; nothing where all is well.

        Args:
            test: held-out data.
            predictions: of every row of the training data and of `test`, if they are there already; of more times too.
        """
        test = None if test is None else with_columns_of(self.data, test)
        if predictions is None:
            fitted = self.predict(self.data, start="fitted")
            return self._diagnosed(fitted, test, None if test is None else self.predict_held_out(test))
        predictions = with_states_of(self.data, predictions, "the prediction")
        held_out = None if test is None else predictions.rows_of(test)
        return self._diagnosed(predictions.rows_of(self.data), test, held_out, predictions)

    def _diagnosed(
        self,
        fitted: Trajectories,
        test: Trajectories | None,
        held_out: Trajectories | None,
        predictions: Trajectories | None = None,
    ) -> tuple[Finding, ...]:
        """From predictions of the training data and of `test`, and of more times if they are there."""
        times = None if predictions is None else {run.id: predictions[run.id].ts.size for run in self.data}
        between = between_rows(lambda asked: self.predict(asked, start="fitted"), self.data, predictions)
        transform = self.model.coordinates.transform if isinstance(self.model, NeuralODE) else Transform()
        transform = replace(transform, log_time=None)
        logarithms = tuple(number for number, _ in transform.log)
        names = tuple(f"log {name}" if i in logarithms else name for i, name in enumerate(self.data.state_names))

        def as_modelled(data: Trajectories) -> Trajectories:
            return replace(transformed(data, transform), state_names=names)

        seen = np.ma.masked_invalid(np.concatenate([run.ys for run in self.data]))
        return diagnose(
            View(
                train=as_modelled(self.data),
                fitted=as_modelled(fitted),
                test=None if test is None else as_modelled(test),
                held_out=None if held_out is None else as_modelled(held_out),
                unseen=None if self.unseen is None else as_modelled(self.unseen),
                new_runs=self.new_runs_of(test, held_out),
                from_rows=None if (from_rows := self._from_first_rows()) is None else as_modelled(from_rows),
                from_others=from_rows_between(self.model, self.data, times) if self._noisy_rows else None,
                between=None if between is None else as_modelled(between),
                continued=self._run_on(times),
                low=seen.min(axis=0).filled(np.nan).tolist(),
                high=seen.max(axis=0).filled(np.nan).tolist(),
                stages=self.stages,
                parameters=self.parameters,
                held_by=self.held_by,
                hidden=self.hidden,
                kind=kind_of(self.model, self.law, self.observe),
                ahead=self.ahead,
                in_pieces=bool(self.ends),
                logarithms=logarithms,
            )
        )

    def new_runs_of(self, test: Trajectories | None, held_out: Trajectories | None) -> NewRuns | None:
        """How runs that the model has not seen are predicted from their first rows alone: those of the held-out data,
        or those that were held out for a while; None where that is how they start, or is not known.

        Args:
            held_out: predictions of the held-out data, as of `predict_held_out`.
        """
        others = [run for run in test or () if run.id not in self.starts]
        if test is None or held_out is None or not others:
            return self.new_runs
        asked = test.with_trajectories(others)
        return new_runs(self.model, asked, held_out, self.noise) if self._noisy_rows else None

    def _from_first_rows(self) -> Trajectories | None:
        """Some of the training data predicted from the first rows, as new runs are, where starts were estimated."""
        if self._noisy_rows:
            return predict_from_first_rows(self.model, self.data, MOST)
        if not self.estimated or self.members:
            return None
        return self._predicted(self.data.some(MOST), "data", None)

    @property
    def _noisy_rows(self) -> bool:
        """Whether starts were estimated and rows have all states: each row is a start beside the model's runs."""
        return self.estimated and not self.hidden and self.observe is None and not self.members

    def _run_on(self, times: Mapping[str, int] | None) -> Trajectories | None:
        runs = [
            run_on(one.model, one.data, one.starts, times=times, observe=one.observe) for one in self.members or [self]
        ]
        each = [run for run in runs if run is not None]
        return band_of(each).middle if each else None

    def history_rows(self) -> list[dict[str, Any]]:
        """All iterations, a row each; evaluations and seconds are counted over the whole fit."""
        return history_rows(self.stages)

    def summary(self, test: Trajectories | None = None) -> str:
        """A few lines: errors in the data's units, why the fit stopped, what it cost.

        Args:
            test: held-out data, predicted by `predict_held_out`.
        """
        test = None if test is None else with_columns_of(self.data, test)
        fitted = self.predict(self.data, start="fitted")
        held_out = None if test is None else self.predict_held_out(test)
        return summary_of(self, test, fitted, held_out, self._diagnosed(fitted, test, held_out))
