"""Flows studied for their geometry: two spirals, a centre, a saturating rise and a strange attractor."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, ScalarLike


class SpiralCubic(eqx.Module):
    r"""A spiral sink that turns slower and slower as it falls inwards.

    $$x' = -a x^3 - b y^3, \qquad y' = b x^3 - a y^3$$

    Along a solution $x^4 + y^4$ decreases, but only algebraically, because near the origin the field
    vanishes with the cube of the distance. Dimensionless, also in time.

    Args:
        decay: $a$, how fast it falls inwards.
        rotation: $b$, how fast it turns.

    Source: Chen et al. 2018, "Neural Ordinary Differential Equations"; torchdiffeq, examples/ode_demo.py.
    """

    decay: float = 0.1
    rotation: float = 2.0

    def __call__(self, t: ScalarLike, y: Float[Array, " 2"], args: None) -> Float[Array, " 2"]:
        x_cubed, y_cubed = y**3
        return jnp.stack(
            [
                -self.decay * x_cubed - self.rotation * y_cubed,
                self.rotation * x_cubed - self.decay * y_cubed,
            ]
        )


class SpiralLinear(eqx.Module):
    r"""A linear spiral sink, solved exactly by a matrix exponential.

    $$x' = -a x + b y, \qquad y' = -c x - a y$$

    Dimensionless, also in time.

    Args:
        decay: $a$, the rate at which both states die away.
        y_to_x: $b$, the coupling of $y$ into $x'$.
        x_to_y: $c$, the coupling of $x$ into $-y'$.

    Source: diffrax, latent_ode example.
    """

    decay: float = 0.1
    y_to_x: float = 1.3
    x_to_y: float = 1.0

    def __call__(self, t: ScalarLike, y: Float[Array, " 2"], args: None) -> Float[Array, " 2"]:
        first, second = y
        return jnp.stack([-self.decay * first + self.y_to_x * second, -self.x_to_y * first - self.decay * second])


class RationalCentre(eqx.Module):
    r"""Closed orbits around the origin: the system of the diffrax neural ODE example.

    $$u_i = \frac{y_i}{s + y_i}, \qquad y_1' = u_2, \qquad y_2' = -u_1$$

    Defined for $y_i > -s$. The energy $\sum_i y_i - s \log(s + y_i)$ is kept, so every orbit closes.
    Dimensionless, also in time.

    Args:
        saturation: $s$, the value of a state at which its rate is half of its limit.

    Source: diffrax, neural_ode example.
    """

    saturation: float = 1.0

    def __call__(self, t: ScalarLike, y: Float[Array, " 2"], args: None) -> Float[Array, " 2"]:
        first, second = y / (self.saturation + y)
        return jnp.stack([second, -first])


class Saturation(eqx.Module):
    r"""One state that rises to a level and stays: production that slows down against a constant loss.

    $$y' = \frac{1}{1 + y} - e^{\gamma}, \qquad y \to e^{-\gamma} - 1$$

    The loss is written through its logarithm so that it stays positive when it is fitted. Dimensionless,
    also in time.

    Args:
        log_gamma: $\gamma$, the logarithm of the loss rate.

    Source: the shape of the hybrid model in optax issue 1304, `mlp(y) - exp(log_gamma)`.
    """

    log_gamma: float = -1.0

    def __call__(self, t: ScalarLike, y: Float[Array, " 1"], args: None) -> Float[Array, " 1"]:
        return 1 / (1 + y) - jnp.exp(self.log_gamma)


class Lorenz63(eqx.Module):
    r"""Convection between a warm floor and a cold ceiling, cut down to three amplitudes; chaotic.

    $$x' = \sigma (y - x), \qquad y' = x (\rho - z) - y, \qquad z' = x y - \beta z$$

    Here $x$ is the strength of the overturning, $y$ the temperature difference between rising and sinking
    fluid, $z$ the departure of the vertical temperature profile from a straight line. Dimensionless; errors
    grow about as $e^{0.9 t}$.

    Args:
        sigma: $\sigma$, the Prandtl number.
        rho: $\rho$, the Rayleigh number over its critical value.
        beta: $\beta$, the aspect ratio of the rolls.

    Source: Lorenz 1963, "Deterministic Nonperiodic Flow", equations 25-27.
    """

    sigma: float = 10.0
    rho: float = 28.0
    beta: float = 8 / 3

    def __call__(self, t: ScalarLike, y: Float[Array, " 3"], args: None) -> Float[Array, " 3"]:
        overturning, difference, profile = y
        return jnp.stack(
            [
                self.sigma * (difference - overturning),
                overturning * (self.rho - profile) - difference,
                overturning * difference - self.beta * profile,
            ]
        )
