"""New runs that are missed from their first row, as predictions start, though not from starts that suit the model."""

from .growth import FROM_SEVERAL, errors_grow
from .kind import sentence
from .view import Finding, View, missed_by

MORE_STARTS = "train on more runs that begin in other places"


def missed_from_first_rows(view: View) -> Finding | None:
    """Runs that the model had not seen, missed from their first row; by noise, where that moves them so far, and is not
    told of already, or by the model."""
    new = view.new_runs
    if new is None or not new.are_missed:
        return None
    missed = (
        f"from their first row alone, as predictions start, runs that the model had not seen are "
        f"{missed_by(new.first_row)}, where starts that suit it, from the first half of the rows, hide that "
        f"({new.first_half:.2g})"
    )
    if new.by_noise is None:
        return Finding(
            f"{missed}: the noise of that row may be why, or the model is wrong where new runs begin",
            sentence(MORE_STARTS, FROM_SEVERAL),
        )
    if not new.are_beyond_noise:
        noise = f"the noise of that row alone moves them by {new.by_noise:.2g}"
        return None if errors_grow(view) else Finding(f"{missed}: {noise}", sentence(FROM_SEVERAL, MORE_STARTS))
    return Finding(
        f"{missed}: the noise of that row moves them by no more than {new.by_noise:.2g}, so the model is wrong where "
        "these runs begin",
        f"{MORE_STARTS}; several rows to start from (predict --warmup 10) help only where the model is right there",
    )
