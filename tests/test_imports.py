"""Who may import whom, who may touch files, figures and settings, and what an import costs."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import neuralode_lbfgs

PACKAGE = Path(neuralode_lbfgs.__file__).parent
MODULES = {path.relative_to(PACKAGE).with_suffix("").as_posix(): path for path in PACKAGE.rglob("*.py")}
GROUND = {"compiling", "data", "models", "optimise"}
MAY_IMPORT = {
    "compiling": set(),
    "data": set(),
    "models": {"compiling"},
    "optimise": {"compiling"},
    "systems": GROUND,
    "fitting": GROUND,
    "outputs": GROUND | {"fitting", "systems"},
    "commands": GROUND | {"fitting", "systems", "outputs"},
    "cli": GROUND | {"fitting", "systems", "outputs", "commands"},
    "estimator": GROUND | {"fitting", "outputs"},
}
OPENS_FILES = (
    "compiling/",
    "data/tables",
    "data/opening",
    "data/arrays",
    "data/delimited",
    "data/bundled",
    "outputs/",
    "commands/",
    "cli",
)
FILE_CALLS = {"open", "read_text", "write_text", "read_bytes", "write_bytes", "mkdir", "unlink"}


def imports(name):
    """(module, names) of every import of a file, relative ones made absolute."""
    for node in ast.walk(ast.parse(MODULES[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, []) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level:
                package = ["neuralode_lbfgs", *name.split("/")][: -node.level]
                module = ".".join([*package, *([module] if module else [])])
            yield module, [alias.name for alias in node.names]


def rooms_imported(name):
    for module, names in imports(name):
        parts = module.split(".")
        if parts[0] != "neuralode_lbfgs":
            continue
        if len(parts) > 1:
            yield parts[1]
        else:
            yield from (room for room in names if room in MAY_IMPORT)


@pytest.mark.parametrize("name", sorted(MODULES.keys() - {"__init__", "__main__"}))
def test_a_room_imports_only_what_lies_below_it(name):
    room = name.split("/")[0]
    assert room in MAY_IMPORT, f"{name} belongs to no room; give it one here"
    above = set(rooms_imported(name)) - MAY_IMPORT[room] - {room}
    assert not above, f"{name} imports {above}"


def test_only_plots_import_matplotlib():
    using = {name for name in MODULES for module, _ in imports(name) if module.split(".")[0] == "matplotlib"}
    assert {name for name in using if not name.startswith("outputs/plots/")} == set()


def test_only_the_report_imports_what_makes_web_pages():
    using = {name for name in MODULES for module, _ in imports(name) if module.split(".")[0] in ("bokeh", "jinja2")}
    assert using and {name for name in using if not name.startswith("outputs/report/")} == set()


def test_pandas_is_imported_only_inside_functions():
    for name, path in MODULES.items():
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Import):
                assert not any(alias.name.startswith("pandas") for alias in node.names), name


def called(node):
    function = node.func
    return getattr(function, "attr", getattr(function, "id", None))


def test_only_the_edge_opens_files():
    opening = {
        name
        for name, path in MODULES.items()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and called(node) in FILE_CALLS
    }
    assert {name for name in opening if not name.startswith(OPENS_FILES)} == set()


def test_only_the_command_line_prints_or_sets_the_configuration_of_jax():
    for name, path in MODULES.items():
        if name.startswith(("cli", "commands/", "__main__")):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                assert called(node) != "print", name
                assert ast.unparse(node.func) != "jax.config.update", name


def python(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stderr == ""
    return done.stdout


def test_importing_the_package_imports_nothing_heavy_and_prints_nothing():
    code = """
import sys
before = set(sys.modules)
import neuralode_lbfgs
assert "fit" in dir(neuralode_lbfgs) and neuralode_lbfgs.__version__
new = set(sys.modules) - before
heavy = {"jax", "numpy", "scipy", "pandas", "matplotlib", "equinox", "diffrax", "optax", "cyclopts", "rich", "bokeh"}
assert not new & heavy, new & heavy
"""
    assert python(code) == ""


def test_importing_all_rooms_leaves_the_configuration_of_jax_as_it_was():
    rooms = [
        "neuralode_lbfgs." + name.replace("/", ".").removesuffix(".__init__")
        for name in sorted(MODULES)
        if not name.startswith(("cli", "commands", "__"))
    ]
    code = f"""
import importlib, sys, jax
before = dict(jax.config.values)
for room in {rooms}:
    importlib.import_module(room)
assert dict(jax.config.values) == before
assert "matplotlib.pyplot" not in sys.modules and "pandas" not in sys.modules
"""
    assert python(code) == ""


@pytest.mark.parametrize("name", neuralode_lbfgs.__all__)
def test_every_public_name_is_there(name):
    assert getattr(neuralode_lbfgs, name) is not None
    assert name in dir(neuralode_lbfgs)


def test_a_name_that_is_not_there():
    assert sorted(neuralode_lbfgs._HOMES) == sorted(set(neuralode_lbfgs.__all__) - {"__version__"})
    with pytest.raises(AttributeError, match="module 'neuralode_lbfgs' has no attribute 'fitt'"):
        _ = neuralode_lbfgs.fitt  # pyright: ignore[reportAttributeAccessIssue]


def test_what_draws_imports_only_what_it_draws_with():
    """Both import beside a fit, and take of its processor what they import."""
    for module, others in (("outputs.report.page", {"jax", "matplotlib"}), ("commands.figures", {"jax", "bokeh"})):
        assert python(f"import sys, neuralode_lbfgs.{module}; print({others} & set(sys.modules))") == "set()\n"
