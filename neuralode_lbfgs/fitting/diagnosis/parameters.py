"""Physical parameters that stayed where they began, went as far as they may, or that the data do not tell."""

from .view import Finding, View, listed


def unmoved(view: View) -> Finding | None:
    """Physical parameters that were to be trained and stayed where they began."""
    still = [one.name for one in view.parameters if not (one.moved or one.frozen)]
    if not still:
        return None
    if view.stages and not any(stage.kept and stage.history for stage in view.stages):
        return Finding(
            f"{listed(still)} did not move, as the fit made no step that is kept: {view.stages[-1].reason.ending}",
            "if it has not begun at the bottom, begin elsewhere or with a shorter part (--train-until), or, where the "
            "system is stiff, take an implicit solver (--solver Kvaerno5)",
        )
    return Finding(
        f"{listed(still)} did not move",
        "look at where it enters the equations, for the data may say nothing of it; start it elsewhere, or --freeze it",
    )


def undetermined(view: View) -> Finding | None:
    """Physical parameters of which the data tell little, alone or beside others."""
    unknown = [one.name for one in view.parameters if one.undetermined]
    if not unknown:
        return None
    return Finding(
        f"the data hardly determine {listed(unknown)}: with the noise that was found, other values fit as well "
        "(standard deviation over half of the value)",
        "where several trade off against each other, --freeze one at a known value; else measure more of the states, "
        "other starts, or with less noise",
    )


def at_bound(view: View) -> Finding | None:
    """Physical parameters that went as far as they may."""
    ended = [f"{one.name} ended at its bound {one.at_bound:g}" for one in view.parameters if one.at_bound is not None]
    if not ended:
        return None
    return Finding(
        listed(ended), "widen the bound if the equations allow it (--bounds); if not, they lack what draws it there"
    )
