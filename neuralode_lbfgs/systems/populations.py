"""Populations: predators and prey, and an epidemic."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, ScalarLike


class LotkaVolterra(eqx.Module):
    r"""Prey $x$ and the predators $y$ that live on them; closed orbits.

    $$x' = \alpha x - \beta x y, \qquad y' = \gamma x y - \delta y$$

    Numbers of animals and time are dimensionless. The orbits circle around
    $(\delta / \gamma, \alpha / \beta) = (2.25, 1.44)$.

    Args:
        growth: $\alpha$, births per prey.
        predation: $\beta$, prey lost per prey and predator.
        conversion: $\gamma$, predators gained per prey and predator.
        death: $\delta$, deaths per predator.

    Source: Rackauckas et al. 2020, "Universal Differential Equations for Scientific Machine Learning", for
    the numbers; Lotka 1925, Volterra 1926.
    """

    growth: float = 1.3
    predation: float = 0.9
    conversion: float = 0.8
    death: float = 1.8

    def __call__(self, t: ScalarLike, y: Float[Array, " 2"], args: None) -> Float[Array, " 2"]:
        prey, predators = y
        meetings = prey * predators
        return jnp.stack(
            [
                self.growth * prey - self.predation * meetings,
                self.conversion * meetings - self.death * predators,
            ]
        )


class SIR(eqx.Module):
    r"""An epidemic in a closed population: susceptible, infected and recovered.

    $$S' = -\beta S I, \qquad I' = \beta S I - \gamma I, \qquad R' = \gamma I$$

    Units: the states are fractions of the population, so their sum is kept; time in days.

    Args:
        contact_rate: $\beta$, infectious contacts of one infected person per day.
        recovery_rate: $\gamma$ per day; one over the days for which a person infects others.

    Source: Kermack and McKendrick 1927; the numbers, with a basic reproduction number of 5, are this
    package's own choice.
    """

    contact_rate: float = 0.5
    recovery_rate: float = 0.1

    def __call__(self, t: ScalarLike, y: Float[Array, " 3"], args: None) -> Float[Array, " 3"]:
        susceptible, infected, _ = y
        infections = self.contact_rate * susceptible * infected
        recoveries = self.recovery_rate * infected
        return jnp.stack([-infections, infections - recoveries, recoveries])
