"""Every block of the README and of the pages in docs/ runs, in the order of the page, and prints what is said there.

A block is

- `bash`: commands of the program, run in this process, or of Python;
- `python`: run in the namespace of its page; one that begins with `# NAME.py` is that file as well;
- `text` that begins with `# NAME`: that file;
- `text` after `<!-- printed -->`: lines that the blocks before it have printed, with `...` for what varies;
- after `<!-- setup: NAME -->`, run by .ci/run; after `<!-- in the README -->`, one of the README's, run there; after
  `<!-- not run: WHY -->`, run by nobody.
"""

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from neuralode_lbfgs import StopReason
from neuralode_lbfgs import __all__ as public_names
from neuralode_lbfgs.cli import main

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"^(?:<!-- ([^>]*) -->\n)?```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
FILE = re.compile(r"# ([\w-]+\.\w+)\n")
TESTED_ELSEWHERE = {"optax_recipe"}
PAGES = {
    path.stem: path
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    if path.stem not in TESTED_ELSEWHERE
}


pytestmark = pytest.mark.usefixtures("one_cache")


def blocks(page):
    return [match.groups(default="") for match in BLOCK.finditer(page.read_text(encoding="utf-8"))]


def run_page(page, capsys):
    """Run all blocks of a page in the present folder; what they have printed, and the namespace of its Python."""
    namespace: dict = {}
    printed = ""
    for mark, kind, body in blocks(page):
        if mark.startswith(("setup: ", "in the README", "not run: ")):
            continue
        if file := FILE.match(body):
            Path(file[1]).write_text(body, encoding="utf-8")
        if kind == "bash":
            for line in body.replace("\\\n", " ").strip().splitlines():
                run_command(line)
        elif kind == "python":
            exec(compile(body, page.name, "exec"), namespace)
        elif mark == "printed":
            printed += "".join(capsys.readouterr())
            assert re.search(pattern_of(body), stripped(printed)), f"{body}\nis not what was printed:\n{printed}"
            printed = ""
        else:
            assert kind == "text" and not mark, f"{page.name}: a block of {kind} {mark}"
    return printed + "".join(capsys.readouterr()), namespace


def stripped(text):
    return "\n".join(line.strip() for line in text.strip().splitlines())


def pattern_of(said):
    return re.escape(stripped(said)).replace(r"\.\.\.", ".*")


def run_command(line):
    words = shlex.split(line, comments=True)
    if words[0] == "neuralode-lbfgs":
        assert main(words[1:]) == 0, line
    else:
        assert words[0] == "python", line
        subprocess.run([sys.executable, *words[1:]], check=True, env={**os.environ, "PYTHONPATH": str(ROOT)})


@pytest.mark.parametrize("name", PAGES)
def test_blocks_run_in_order(name, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scripts").symlink_to(ROOT / "scripts")
    printed, namespace = run_page(PAGES[name], capsys)
    if name == "README":
        assert (tmp_path / "forecast.csv").exists()
        assert namespace["result"].loss < 0.1
        assert "held out" in printed


def test_the_two_setup_commands_are_marked():
    marked = re.findall(r"<!-- setup: (\w+) -->\n```bash\n", PAGES["README"].read_text(encoding="utf-8"))
    assert marked == ["fit", "test"]


def test_blocks_that_run_elsewhere_are_those_of_the_readme():
    there = [(mark.partition(": ")[0], body) for mark, _, body in blocks(PAGES["README"])]
    for name, page in PAGES.items():
        for mark, _, body in blocks(page):
            if mark.startswith("setup: "):
                assert any(body.strip() in known for kind, known in there if kind == "setup"), name
            elif mark == "in the README":
                assert ("", body) in there, name


def test_flags_that_pages_name_are_those_of_the_program(capsys):
    known = {"--version"}
    for words in ([], ["fit"], ["predict"], ["plot"], ["generate"], ["datasets"]):
        with contextlib.redirect_stdout(io.StringIO()) as helped:
            assert main([*words, "--help"]) == 0
        known |= set(re.findall(r"--[a-z][a-z0-9-]*", helped.getvalue()))
    for name, page in PAGES.items():
        if name not in ("README", "benchmark", "published", "scaling"):  # they have flags of scripts as well
            unknown = set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*", page.read_text(encoding="utf-8"))) - known
            assert not unknown, f"{name}: {unknown}"


def test_the_page_on_the_engine_has_every_reason_to_stop():
    text = PAGES["engine"].read_text(encoding="utf-8")
    for reason in StopReason:
        if reason is not StopReason.RUNNING:
            assert f"| `{reason.name}` | {reason.sentence} |" in text


def test_the_reference_has_every_public_name():
    text = PAGES["api"].read_text(encoding="utf-8")
    documented = set(re.findall(r":: neuralode_lbfgs\.(\w+)", text))
    assert set(public_names) - {"__version__"} <= documented
