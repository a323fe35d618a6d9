"""Second order in time: positions whose accelerations are learned, as of mechanics seen by position alone."""

from collections.abc import Callable

from jaxtyping import PRNGKeyArray

from .activations import tanh
from .vector_fields import MLPVectorField


class SecondOrderField(MLPVectorField):
    """y = (x, v): dx/dt = v exactly, and dv/dt = a(x, v, u) by a network.

    An `MLPVectorField` in which the rate of each position is its velocity. The states are all positions, then all
    velocities in units of position over time. The network sees both, and the inputs, in `Coordinates` of order one.

    Args:
        position_size: the number of positions; there are as many velocities.
        width_size, depth: of the hidden layers, as in `equinox.nn.MLP`.
        input_size: the number of known inputs u(t), which arrive as `args`.
        activation: of the hidden layers.
        key: for the initial weights.

    Raises:
        ValueError: if there is no position.
    """

    def __init__(
        self,
        position_size: int,
        width_size: int = 16,
        depth: int = 2,
        *,
        input_size: int = 0,
        activation: Callable = tanh,
        key: PRNGKeyArray,
    ):
        if position_size < 1:
            raise ValueError(f"position_size must be at least 1; it is {position_size}.")
        super().__init__(
            2 * position_size,
            width_size,
            depth,
            input_size=input_size,
            activation=activation,
            rates={i: position_size + i for i in range(position_size)},
            key=key,
        )

    @property
    def position_size(self) -> int:
        return self.coordinates.centre.shape[0] // 2
