"""How the pages are built: `sphinx-build -W docs site`, without a network."""

import importlib.metadata
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # a checkout documents itself

project = "neuralode_lbfgs"
release = version = importlib.metadata.version("neuralode-lbfgs")
copyright = "the authors of neuralode_lbfgs; Apache-2.0"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["conf.py"]

html_theme = "furo"  # system fonts and its own scripts: nothing is fetched when a page is read
html_title = "neuralode_lbfgs"
html_copy_source = False
html_show_sphinx = False

myst_heading_anchors = 3  # so that a page can link to a section of another

# Docstrings are written for `help` and for editors, in Google's form and with Markdown's marks.
default_role = "code"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_preprocess_types = False
napoleon_custom_sections = [("Other arguments", "params_style")]
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the text says it in words, with shapes and units
python_maximum_signature_line_length = 80


def fences_to_blocks(app, what, name, obj, options, lines):
    """Fenced code of a docstring as reStructuredText has it."""
    text = re.sub(
        r"^( *)```python\n(.*?)^ *```$",
        lambda found: f"{found[1]}.. code-block:: python\n\n" + re.sub(r"^(?=.)", "   ", found[2], flags=re.MULTILINE),
        "\n".join(lines),
        flags=re.DOTALL | re.MULTILINE,
    )
    lines[:] = text.split("\n")


def setup(app):
    app.connect("autodoc-process-docstring", fences_to_blocks, priority=400)  # before napoleon's
