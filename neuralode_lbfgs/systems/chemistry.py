"""Reactions: a stiff one with rates nine powers of ten apart, and a chemical oscillator."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, ScalarLike


class Robertson(eqx.Module):
    r"""Three reactions whose rates lie nine powers of ten apart: the standard stiff problem.

    $$A \xrightarrow{k_1} B, \qquad B + B \xrightarrow{k_2} C + B, \qquad B + C \xrightarrow{k_3} A + C$$

    $$A' = -k_1 A + k_3 B C, \qquad B' = k_1 A - k_2 B^2 - k_3 B C, \qquad C' = k_2 B^2$$

    Units: concentrations relative to the initial $A$, so their sum stays one; time in s.

    Args:
        k1: $k_1$, the slow first reaction, 1/s.
        k2: $k_2$, the very fast second one, 1/s.
        k3: $k_3$, the fast third one, 1/s.

    Source: Robertson 1966, "The solution of a set of reaction rate equations"; Hairer and Wanner, "Solving
    Ordinary Differential Equations II", equation 1.4.
    """

    k1: float = 0.04
    k2: float = 3e7
    k3: float = 1e4

    def __call__(self, t: ScalarLike, y: Float[Array, " 3"], args: None) -> Float[Array, " 3"]:
        a, b, c = y
        first, second, third = self.k1 * a, self.k2 * b**2, self.k3 * b * c
        return jnp.stack([third - first, first - second - third, second])


class Brusselator(eqx.Module):
    r"""An autocatalytic reaction that oscillates when $b > 1 + a^2$.

    $$x' = a + x^2 y - (b + 1) x, \qquad y' = b x - x^2 y$$

    The activator $x$ makes more of itself out of the substrate $y$. Concentrations and time are
    dimensionless. Around the unstable rest point $(a, b / a)$ lies one limit
    cycle.

    Args:
        a: $a$, the concentration of the first feed.
        b: $b$, the concentration of the second feed.

    Source: Hairer, Norsett and Wanner, "Solving Ordinary Differential Equations I", section I.16; Prigogine
    and Lefever 1968.
    """

    a: float = 1.0
    b: float = 3.0

    def __call__(self, t: ScalarLike, y: Float[Array, " 2"], args: None) -> Float[Array, " 2"]:
        activator, substrate = y
        autocatalysis = activator**2 * substrate
        return jnp.stack(
            [
                self.a + autocatalysis - (self.b + 1) * activator,
                self.b * activator - autocatalysis,
            ]
        )
