"""The lowest versions that are promised are those that are tested."""

import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]


def test_the_floors_of_the_project_are_the_ones_that_are_tested():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    promised = {canonicalize_name(r.name): str(r.specifier) for r in map(Requirement, project["dependencies"])}
    lines = (ROOT / ".ci/floors.txt").read_text(encoding="utf-8").splitlines()
    pinned = [Requirement(line) for line in lines if line and not line.startswith("#")]
    assert promised == {canonicalize_name(r.name): str(r.specifier).replace("==", ">=") for r in pinned}
