"""Text for people and for shells."""

from pathlib import Path

from neuralode_lbfgs.commands.resume import ended_words, resume_words
from neuralode_lbfgs.outputs.screen import to_type


def test_a_command_is_read_by_a_shell_as_it_is_meant():
    assert to_type("fit", Path("my däta.csv"), "--inputs", "u") == "neuralode-lbfgs fit 'my däta.csv' --inputs u"
    assert resume_words(Path("s p/r"), "my field.py:F") == (
        "neuralode-lbfgs fit --resume 's p/r' --vector-field 'my field.py:F'"
    )
    assert ended_words(Path("s p")).endswith("fit --config 's p/config.toml' --out ANOTHER_FOLDER")
