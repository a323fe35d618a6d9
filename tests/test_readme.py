"""Every block of the README runs, but for the two set-up commands, which .ci/run runs."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"(<!-- setup: \w+ -->\n)?```(\w+)\n(.*?)```", re.DOTALL)


def blocks(language):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return [body for setup, kind, body in BLOCK.findall(text) if kind == language and not setup]


def test_the_two_setup_commands_are_marked():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"<!-- setup: (\w+) -->\n```bash\n", text) == ["fit", "test"]


def test_blocks_run_in_order(tmp_path, capsys, monkeypatch):
    from neuralode_lbfgs.cli import main

    monkeypatch.chdir(tmp_path)
    (tmp_path / "scripts").symlink_to(ROOT / "scripts")
    for body in blocks("python"):
        if body.startswith("# my_physics.py"):
            (tmp_path / "my_physics.py").write_text(body)
    for body in blocks("bash"):
        for line in body.strip().splitlines():
            words = shlex.split(line)
            if words[0] == "neuralode-lbfgs":
                assert main(words[1:]) == 0, line
            else:
                assert words[0] == "python"
                subprocess.run([sys.executable, *words[1:]], check=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert (tmp_path / "forecast.csv").exists()
    namespace: dict = {}
    for body in blocks("python"):
        exec(compile(body, "README.md", "exec"), namespace)
    assert namespace["result"].loss < 0.1
    assert "held out" in capsys.readouterr().out
