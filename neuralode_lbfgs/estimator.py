"""An estimator in the manner of scikit-learn, which it does not need: `fit`, `predict`, `score`."""

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

if TYPE_CHECKING:
    from .data import Trajectories, Trajectory
    from .fitting import FitResult
    from .models import NeuralODE


class NeuralODERegressor:
    """States over time as a regression of `y` on `X`, for pipelines, searches and cross-validation.

    A row of `X` is a time, then the inputs at that time if there are any; a row of `y` is the state there (NaN where
    it was not observed). With several trajectories one more column of `X`, `trajectory`, holds their number or name.

    ```python
    model = nl.NeuralODERegressor(trajectory=1, max_evals=300)
    model.fit(np.column_stack([ts, runs]), ys)
    GridSearchCV(model, {"width_size": [8, 16]}, cv=TimeSeriesSplit(3))
    ```

    A prediction is solved from the initial state that `fit` found for the trajectory of that number, whatever rows
    are asked for: earlier ones, later ones, in any order. So split rows, as KFold and TimeSeriesSplit do; a trajectory
    that was not in `fit` has no initial state, and is refused. Inputs are known at the rows of `fit` and of `predict`,
    which wins where both have a time.

    Set `jax.config.update("jax_enable_x64", True)` first, as for `fit`.

    Args:
        trajectory: the number of the column of `X` that tells trajectories apart; None for a single one.
        width_size, depth, activation: of the network.
        second_order: whether the states are positions, whose velocities are hidden.
        random_state: for the initial weights, an integer.
        fit_options: further keywords of `fit`, such as `{"positive": ["y0"]}`; states are called y0, y1, ...
        max_evals, weight_decay, time_limit: as in `FitOptions`.

    After `fit` it has `result_`, the `FitResult`, `model_`, `n_features_in_` and `n_outputs_`.
    """

    _estimator_type = "regressor"

    def __init__(
        self,
        *,
        trajectory: int | None = None,
        width_size: int = 16,
        depth: int = 2,
        activation: str = "tanh",
        second_order: bool = False,
        random_state: int = 0,
        max_evals: int = 3000,
        weight_decay: float | None = None,
        time_limit: float | None = None,
        fit_options: Mapping[str, Any] | None = None,
    ):
        self.trajectory = trajectory
        self.width_size = width_size
        self.depth = depth
        self.activation = activation
        self.second_order = second_order
        self.random_state = random_state
        self.max_evals = max_evals
        self.weight_decay = weight_decay
        self.time_limit = time_limit
        self.fit_options = fit_options

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The arguments it was made with, by name."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    def set_params(self, **params: Any) -> "NeuralODERegressor":
        """Replace some of them.

        Raises:
            ValueError: for one that it does not have.
        """
        known = self.get_params()
        for name, value in params.items():
            if name not in known:
                raise ValueError(f"there is no parameter {name!r}; there are {', '.join(known)}.")
            setattr(self, name, value)
        return self

    def fit(self, X: ArrayLike, y: ArrayLike) -> "NeuralODERegressor":  # noqa: N803 - scikit-learn's names
        """Fit a neural ODE.

        Args:
            X: times, inputs and the trajectory, shape `(rows, features)`, in any order of rows.
            y: states, shape `(rows, states)` or `(rows,)`.

        Raises:
            ValueError: if shapes do not agree, a time comes twice in a trajectory, or as `fit` does.
        """
        import jax

        from .fitting import fit
        from .outputs.spec import ModelSpec, build_model

        columns = np.asarray(X)
        states = np.asarray(y, np.float64)
        if columns.ndim != 2 or states.ndim not in (1, 2) or len(columns) != len(states):
            raise ValueError(
                f"X must have shape (rows, features) and y (rows, states), but they have {columns.shape} and "
                f"{states.shape}."
            )
        self.n_features_in_: int = columns.shape[1]
        self._flat = states.ndim == 1
        data = self._trajectories(columns, states.reshape(len(states), -1))
        self.n_outputs_: int = data.state_size
        spec = ModelSpec(
            state_size=data.state_size * (2 if self.second_order else 1),
            input_size=data.input_size,
            width_size=self.width_size,
            depth=self.depth,
            activation=self.activation,
            second_order=self.second_order,
        )
        limits = {"max_evals": self.max_evals, "weight_decay": self.weight_decay, "time_limit": self.time_limit}
        model = build_model(spec, jax.random.key(self.random_state))
        self.result_: FitResult = fit(model, data, **{**limits, **(self.fit_options or {})})
        self.model_: NeuralODE = self.result_.model
        return self

    def predict(self, X: ArrayLike) -> np.ndarray:  # noqa: N803
        """The states at the rows of `X`, in their order; NaN where a solve diverges.

        Raises:
            ValueError: if it is not fitted yet, `X` has another number of columns, or names a new trajectory.
        """
        from .fitting.prediction import free_run, observed

        if not self.__sklearn_is_fitted__():
            raise ValueError("this estimator is not fitted yet; call fit first.")
        columns = np.asarray(X)
        if columns.ndim != 2 or columns.shape[1] != self.n_features_in_:
            raise ValueError(f"X must have shape (rows, {self.n_features_in_}); it has {columns.shape}.")
        result, size = self.result_, self.n_outputs_
        found = np.empty((len(columns), size))
        for name, rows in self._rows(columns).items():
            if name not in result.starts:
                raise ValueError(
                    f"trajectory {name!r} was not in fit, so its initial state is not known; split the rows of "
                    "trajectories rather than whole ones."
                )
            trained = result.data[name]
            # Rows may come twice, and are solved once.
            ts, first, back = np.unique(columns[rows, 0].astype(np.float64), return_index=True, return_inverse=True)
            asked = self._trajectory(name, columns[rows[first]], np.full((len(ts), size), np.nan), ts)
            driven = _driven_by_both(trained, asked)
            solved = free_run(result.model, driven, float(trained.ts[0]), np.asarray(result.starts[name]))
            found[rows] = observed(solved, size, None).ys[np.searchsorted(driven.ts, ts)][back]
        return found[:, 0] if self._flat else found

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:  # noqa: N803
        """R², 1 - residual variance / variance, of the entries that were observed; the mean over the states.

        A diverging prediction scores minus infinity.
        """
        true, weights = np.asarray(y, np.float64), np.ones(len(np.asarray(y)))
        if sample_weight is not None:
            weights = np.asarray(sample_weight, np.float64)
        true, predicted = true.reshape(len(true), -1), self.predict(X).reshape(len(true), -1)
        scores = []
        for one, other in zip(true.T, predicted.T, strict=True):
            seen = np.isfinite(one)
            if not np.isfinite(other[seen]).all():
                return -np.inf
            w = weights[seen]
            residual = np.sum(w * (one[seen] - other[seen]) ** 2)
            spread = np.sum(w * (one[seen] - np.average(one[seen], weights=w)) ** 2)
            scores.append(1 - residual / spread if spread > 0 else float(residual == 0))
        return float(np.mean(scores))

    def _rows(self, columns: np.ndarray) -> dict[str, np.ndarray]:
        """Positions of the rows of each trajectory."""
        if self.trajectory is None:
            return {"0": np.arange(len(columns))}
        ids = columns[:, self.trajectory].tolist()
        groups: dict[str, list[int]] = {}
        for row, one in enumerate(ids):
            groups.setdefault(str(one), []).append(row)
        return {name: np.array(rows) for name, rows in groups.items()}

    def _trajectory(self, name: str, columns: np.ndarray, ys: np.ndarray, ts: np.ndarray) -> "Trajectory":
        from .data import Trajectory

        left_out = [0] if self.trajectory is None else [0, self.trajectory % columns.shape[1]]
        inputs = np.delete(columns, left_out, axis=1).astype(np.float64)
        return Trajectory(name, ts, ys, inputs=inputs if inputs.shape[1] else None)

    def _trajectories(self, columns: np.ndarray, states: np.ndarray) -> "Trajectories":
        from .data import Trajectories

        if self.trajectory is not None and self.trajectory % columns.shape[1] == 0:
            raise ValueError("the first column of X holds the times; trajectory must be the number of another one.")
        ts, runs = columns[:, 0].astype(np.float64), []
        for name, rows in self._rows(columns).items():
            order = rows[np.argsort(ts[rows], kind="stable")]
            runs.append(self._trajectory(name, columns[order], states[order], ts[order]))
        return Trajectories(tuple(runs))

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "result_")

    def __sklearn_tags__(self) -> Any:
        # Asked for by scikit-learn alone, which is there then.
        from sklearn.utils import (  # pyright: ignore[reportMissingImports]
            InputTags,
            RegressorTags,
            Tags,
            TargetTags,
        )

        return Tags(
            estimator_type="regressor",
            target_tags=TargetTags(required=True, multi_output=True),
            regressor_tags=RegressorTags(poor_score=True),
            input_tags=InputTags(string=True),
        )

    def __repr__(self) -> str:
        defaults = {name: one.default for name, one in inspect.signature(type(self)).parameters.items()}
        given = {name: value for name, value in self.get_params().items() if value != defaults[name]}
        return f"NeuralODERegressor({', '.join(f'{name}={value!r}' for name, value in given.items())})"


def _driven_by_both(trained: "Trajectory", asked: "Trajectory") -> "Trajectory":
    """What is asked for; if it is driven, with the times and inputs of the training data too."""
    from .data import Trajectory

    if trained.inputs is None or asked.inputs is None:
        return asked
    ts = np.union1d(trained.ts, asked.ts)
    inputs = np.empty((len(ts), trained.inputs.shape[1]))
    inputs[np.searchsorted(ts, trained.ts)] = trained.inputs
    inputs[np.searchsorted(ts, asked.ts)] = asked.inputs
    return Trajectory(asked.id, ts, np.full((len(ts), asked.ys.shape[1]), np.nan), inputs=inputs, hold=trained.hold)
