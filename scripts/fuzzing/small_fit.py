"""The checkpoint of a small fit, and what a fit takes from one before it goes on: a part of `fuzz.py`."""

from collections.abc import Sequence

import diffrax
import jax.numpy as jnp
import numpy as np

from neuralode_lbfgs.data import Trajectories, Trajectory
from neuralode_lbfgs.fitting.entry import Entry
from neuralode_lbfgs.fitting.evidence import Evidence
from neuralode_lbfgs.fitting.journal import Journal
from neuralode_lbfgs.fitting.mesh import Mesher
from neuralode_lbfgs.fitting.standing import Standing, standing_of
from neuralode_lbfgs.models import Coordinates, Tableau
from neuralode_lbfgs.optimise import LBFGS, Iteration, Minimiser, StopReason

COUNT, SECONDS = 2**31, 1e14  # beyond all of a fit
HISTORY = [Iteration(k, 2 * k, 1 / k, 0.1, 0.5, 0.1 * k) for k in (1, 2, 3)]


class SmallFit:
    """A loop by Gauss-Newton that has ended, a number, and a loop by L-BFGS on its way."""

    def __init__(self):
        ts = np.arange(6.0)
        data = Trajectories((Trajectory("a", ts, np.stack([ts, -ts], axis=1)),))
        self.params, self.point, self.decay = jnp.zeros(3), (np.full(3, 0.5), np.zeros((2, 2))), np.full(1, 1e-2)
        self.mesher = Mesher(data, Coordinates.identity(2), Tableau(diffrax.Tsit5()), np.float64)
        self.minimiser = Minimiser(lambda x: jnp.sum((x - 1) ** 2), self.params, LBFGS(memory_size=3))

    def entries(self) -> list[Entry]:
        """What its journal holds in the midst of the last loop."""
        kept: list[list[Entry]] = []
        journal = Journal(keep=lambda entries: kept.append(list(entries)))
        standing = Standing(
            *self.point, 0.1, 1.0, Evidence(0.1, self.decay, 2.0), self.decay, 1e-3, 2.0, 1, 20, 0, HISTORY, 0.5, 0.25,
            StopReason.DECREASE,
        )  # fmt: skip
        journal.loop("matching").keep(True, standing.arrays())
        journal.value("held out", lambda: 0.5)
        loop = journal.loop("full", also=self.mesher.kept)
        self.minimiser.run(self.params, max_evals=4, chunk_evals=2, **loop.of(self.minimiser, self.params))
        return next(entries for entries in kept if len(entries) == 3)

    def go_on_from(self, entries: Sequence[Entry]) -> None:
        """Take from entries what a fit takes from them; what is taken can be gone on with.

        Raises:
            JournalError: if a fit would refuse them.
        """
        journal = Journal(entries, lambda entries: None)
        assert 0 <= journal.run_s < SECONDS
        standing = standing_of(journal.loop("matching").saved, *self.point, self.decay)
        value = journal.value("held out", lambda: 0.5)
        loop = journal.loop("full")
        paused = None
        if loop.saved is not None:
            self.mesher.restore(loop.saved)
            assert len(self.mesher.batch(np.dtype(float))[1]) == 1
            paused = loop.of(self.minimiser, self.params)["paused"]
        assert isinstance(value, float)
        for one in (standing, paused):
            if one is not None:
                assert all(0 <= row.iteration < COUNT and 0 <= row.evaluations < COUNT for row in one.history)
                assert isinstance(one.reason, StopReason) and 0 <= one.compile_s < SECONDS and 0 <= one.run_s < SECONDS
        if standing is not None:
            assert all(np.isfinite(numbers).all() for numbers in standing[:2])
            assert standing.growth >= 1 and np.isfinite(standing.damping) and 0 <= standing.evaluations < COUNT
        if paused is not None:
            assert 0 <= int(paused.state.progress.evaluations) < COUNT
