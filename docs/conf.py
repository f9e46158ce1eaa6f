"""The documentation's build: formulas are MathML, made here, so that pages work offline."""

from typing import Any

from docutils import nodes

import symbp
from symbp.derivations.report.mathml import mathml

project = "symbp"
author = "The symbp developers"
copyright = "2026, The symbp developers"
release = version = symbp.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "numpydoc"]
myst_enable_extensions = ["amsmath", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
nitpicky = True
# Docstrings name files of the compiler, which have no page: they are for who reads the code.
nitpick_ignore_regex = [
    ("py:.*", r"symbp\.[a-z_]+\..*"),
    ("py:.*", r"sympy\..*"),
    ("py:obj", r"\w+_"),  # attributes of fitted estimators
]

autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False

html_theme = "furo"
html_title = f"symbp {release}"
html_math_renderer = "symbp"


def _inline(self: Any, node: nodes.math) -> None:
    self.body.append(mathml(node.astext()))
    raise nodes.SkipNode


def _block(self: Any, node: nodes.math_block) -> None:
    self.body.append(f'<div class="math">{mathml(node.astext(), display=True)}</div>')
    raise nodes.SkipNode


def setup(app: Any) -> None:
    app.add_html_math_renderer("symbp", (_inline, None), (_block, None))
