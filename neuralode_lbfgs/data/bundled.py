"""The data sets that come with the package, and their cards."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .arrange import to_trajectories
from .errors import DataError, did_you_mean
from .roles import Roles
from .tables import read_table
from .trajectories import Trajectories


@dataclass(frozen=True)
class Card:
    """What is known of a data set.

    Args:
        name: the name by which it is loaded.
        title: one line.
        description: a few sentences.
        roles: what each column is.
        units: units by column name.
        test_trajectories: the trajectories that are held out by default.
        train_until: the last time of the training data by default, or None.
        good_fit: what a good fit reaches, in words and numbers.
        source: where the data come from.
        licence: under what terms they are here.
        changes: what was changed from the source.
    """

    name: str
    title: str
    description: str
    roles: Roles
    units: dict[str, str]
    test_trajectories: tuple[str, ...]
    train_until: float | None
    good_fit: str
    source: str
    licence: str
    changes: str


def dataset_names() -> tuple[str, ...]:
    """The names of the bundled data sets in alphabetical order."""
    return tuple(sorted(path.stem for path in _folder().glob("*.toml")))


def dataset_path(name: str) -> Path:
    """The CSV file of a bundled data set.

    Raises:
        DataError: if there is no data set of that name.
    """
    if name not in dataset_names():
        known = ", ".join(dataset_names())
        raise DataError(
            f"there is no bundled data set {name!r}{did_you_mean(name, dataset_names())}; there are {known}."
        )
    return _folder() / f"{name}.csv"


def dataset_card(name: str) -> Card:
    """The card of a bundled data set.

    Raises:
        DataError: if there is no data set of that name, or its card is not as it should be.
    """
    return read_card(dataset_path(name).with_suffix(".toml"))


def load_dataset(name: str) -> Trajectories:
    """The trajectories of a bundled data set, with its names and units.

    ```python
    data = nl.load_dataset("hare_lynx")
    ```

    Raises:
        DataError: if there is no data set of that name.
    """
    card = dataset_card(name)
    return to_trajectories(read_table(dataset_path(name)), card.roles, card.units)


def read_card(path: Path) -> Card:
    """Read a card from its TOML file; `data/README.md` has the schema.

    Raises:
        DataError: if the file is not TOML, an entry is missing or of the wrong kind, or there is
            one that no card has.
    """
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"{path.name} is not TOML: {error}.") from None

    units = entries.pop("units", {})
    flat = {name: value for name, value in entries.items() if not isinstance(value, dict)}
    for section, content in entries.items():
        if isinstance(content, dict):
            flat |= {f"{section}.{key}": value for key, value in content.items()}

    def take(key: str, *kinds: type, default: Any = None) -> Any:
        value = flat.pop(key, default)
        if not isinstance(value, kinds):
            raise DataError(f"{path.name}: the entry {key!r} is missing or not of the right kind.")
        return " ".join(value.split()) if isinstance(value, str) else value  # long texts are broken into lines

    card = Card(
        name=take("name", str),
        title=take("title", str),
        description=take("description", str),
        roles=Roles(
            take("columns.trajectory", str, type(None)),
            take("columns.time", str),
            tuple(take("columns.states", list)),
            tuple(take("columns.inputs", list, default=[])),
        ),
        units=units,
        test_trajectories=tuple(take("split.test_trajectories", list, default=[])),
        train_until=take("split.train_until", int, float, type(None)),
        good_fit=take("good_fit.text", str),
        source=take("origin.source", str),
        licence=take("origin.licence", str),
        changes=take("origin.changes", str),
    )
    columns = (card.roles.time, *card.roles.states, *card.roles.inputs)
    flat |= {f"units.{column}": unit for column, unit in units.items() if column not in columns}
    if flat:
        raise DataError(f"{path.name}: a card has no entry {next(iter(flat))!r}.")
    if card.name != path.stem:
        raise DataError(f"{path.name}: the name must be {path.stem!r}; it is {card.name!r}.")
    return card


def _folder() -> Path:
    """Inside an installed package, or the checkout's `data/` beside it: there is one copy of the files."""
    installed = Path(__file__).parent / "bundled_data"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "data"
