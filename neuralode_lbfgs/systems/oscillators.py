"""Oscillators: a circuit, a neuron, a pendulum, and two that a known force drives.

The driven ones take the force as `args`: it is a known input, not part of the field. The forces that the
registry drives them with stand beside them, as functions of time.
"""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, ScalarLike


class VanDerPol(eqx.Module):
    r"""An oscillator that feeds small swings and damps large ones; every start ends on one limit cycle.

    $$x' = v, \qquad v' = \mu (1 - x^2) v - x$$

    Dimensionless, also in time. With large $\mu$ it is stiff: it creeps for about $0.8 \mu$ and then jumps.

    Args:
        mu: $\mu$, the strength of the damping.

    Source: van der Pol 1926, "On relaxation-oscillations".
    """

    mu: float = 1.0

    def __call__(self, t: ScalarLike, y: Float[Array, " 2"], args: None) -> Float[Array, " 2"]:
        x, velocity = y
        return jnp.stack([velocity, self.mu * (1 - x**2) * velocity - x])


class FitzHughNagumo(eqx.Module):
    r"""The spikes of a nerve cell: a fast voltage and a slow recovery.

    $$V' = c \left(V - \frac{V^3}{3} + R\right), \qquad R' = -\frac{1}{c} (V - a + b R)$$

    Dimensionless, also in time.

    Args:
        a: $a$, the voltage at which the recovery rests.
        b: $b$, the self-damping of the recovery.
        c: $c$, how much faster the voltage is than the recovery.

    Source: Ramsay et al. 2007, "Parameter estimation for differential equations: a generalized smoothing
    approach"; FitzHugh 1961, Nagumo et al. 1962.
    """

    a: float = 0.2
    b: float = 0.2
    c: float = 3.0

    def __call__(self, t: ScalarLike, y: Float[Array, " 2"], args: None) -> Float[Array, " 2"]:
        voltage, recovery = y
        return jnp.stack(
            [
                self.c * (voltage - voltage**3 / 3 + recovery),
                -(voltage - self.a + self.b * recovery) / self.c,
            ]
        )


class DampedPendulum(eqx.Module):
    r"""A pendulum with friction, at any angle.

    $$\theta' = \omega, \qquad \omega' = -b \omega - c \sin\theta$$

    Units: $\theta$ in rad from hanging straight down, $\omega$ in rad/s, time in s.

    Args:
        damping: $b$ in 1/s.
        stiffness: $c = g / l$ in 1/s^2, gravity over length.

    Source: SciPy documentation of `scipy.integrate.odeint`.
    """

    damping: float = 0.25
    stiffness: float = 5.0

    def __call__(self, t: ScalarLike, y: Float[Array, " 2"], args: None) -> Float[Array, " 2"]:
        angle, rate = y
        return jnp.stack([rate, -self.damping * rate - self.stiffness * jnp.sin(angle)])


class ForcedDuffing(eqx.Module):
    r"""A driven beam between two magnets, which hops from one to the other under the force `duffing_force`.

    $$x' = v, \qquad v' = u(t) - \delta v - \alpha x - \beta x^3$$

    Dimensionless, also in time.

    Args:
        alpha: $\alpha$, the linear stiffness; negative makes the middle unstable.
        beta: $\beta$, the cubic stiffness.
        delta: $\delta$, the damping.

    Source: Guckenheimer and Holmes 1983, "Nonlinear Oscillations, Dynamical Systems, and Bifurcations of
    Vector Fields", section 2.2; the numbers are those of Wikipedia's article on the Duffing equation.
    """

    alpha: float = -1.0
    beta: float = 1.0
    delta: float = 0.3

    def __call__(self, t: ScalarLike, y: Float[Array, " 2"], args: Float[Array, " 1"]) -> Float[Array, " 2"]:
        x, velocity = y
        (force,) = args
        return jnp.stack([velocity, force - self.delta * velocity - self.alpha * x - self.beta * x**3])


def duffing_force(t: ScalarLike) -> Float[Array, " 1"]:
    """The force `u = 0.37 cos(1.2 t)` on the Duffing beam, shape `(1,)`: after a long transient the motion repeats
    every five periods of the force."""
    return jnp.stack([0.37 * jnp.cos(1.2 * t)])


class ForcedMassSpring(eqx.Module):
    r"""A mass on a damped spring, pushed by a known force; linear.

    $$x' = v, \qquad m v' = u(t) - c v - k x$$

    Units: $x$ in m, $v$ in m/s, $u$ in N, time in s.

    Args:
        mass: $m$ in kg.
        damping: $c$ in N s/m.
        stiffness: $k$ in N/m.

    Source: any textbook of mechanics; the numbers are this package's own choice.
    """

    mass: float = 1.0
    damping: float = 0.4
    stiffness: float = 4.0

    def __call__(self, t: ScalarLike, y: Float[Array, " 2"], args: Float[Array, " 1"]) -> Float[Array, " 2"]:
        x, velocity = y
        (force,) = args
        return jnp.stack([velocity, (force - self.damping * velocity - self.stiffness * x) / self.mass])


def mass_spring_force(t: ScalarLike) -> Float[Array, " 1"]:
    """The force `u = sin(0.7 t) + 0.5 sin(1.9 t + 0.3)` in N on the mass, shape `(1,)`: one tone below and
    one near the resonance at 2 rad/s."""
    return jnp.stack([jnp.sin(0.7 * t) + 0.5 * jnp.sin(1.9 * t + 0.3)])
