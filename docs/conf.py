from importlib.metadata import version as installed_version

project = "symbp"
author = "The symbp developers"
copyright = "2026, The symbp developers"
release = version = installed_version("symbp")

extensions = ["myst_parser", "sphinx.ext.mathjax"]
myst_enable_extensions = ["amsmath", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
nitpicky = True

html_theme = "furo"
html_title = f"symbp {release}"
