"""How the documentation site is built: `make docs`. Everything it needs is here or in the theme; nothing is fetched."""

import re

from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

from iop_outcomes import __version__

project = "iop_outcomes"
author = "The iop_outcomes authors"
copyright = author
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
highlight_language = "text"

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 4

autodoc_member_order = "bysource"
autodoc_typehints = "none"
add_module_names = False
napoleon_numpy_docstring = False
napoleon_use_rtype = False

html_theme = "pydata_sphinx_theme"
html_title = "iop_outcomes"
templates_path = ["_templates"]
html_static_path = ["_static"]
html_css_files = ["house.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_sidebars = dict.fromkeys(("index", "directors", "analysts", "grant-writers", "notebooks", "crosswalk"), ())
html_theme_options = {
    "navbar_align": "left",
    "header_links_before_dropdown": 7,
    "navbar_end": ["theme-switcher"],
    "show_toc_level": 2,
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_version_warning_banner": False,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}


def setup(app: Sphinx) -> None:
    """Tables as text, the definitions' pages below their index, shapes of arrays as they are written."""
    app.add_lexer("csv", TextLexer)
    app.connect("source-read", _list_definitions)
    app.connect("autodoc-process-docstring", _keep_shapes)


def _list_definitions(app: Sphinx, page: str, source: list[str]) -> None:
    if page == "definitions":
        source[0] += "\n```{toctree}\n:hidden:\n:glob:\n\ndefinitions/*\n```\n"


def _keep_shapes(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """A shape such as (n) is no item of a list."""
    lines[:] = [re.sub(r"^(\s*|:.*?: )\((\w)\) ", r"\1\\(\2) ", line) for line in lines]
