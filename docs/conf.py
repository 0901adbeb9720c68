"""How the pages are built: offline, nitpicky, tables and API page made from the code."""

import sys
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

here = Path(__file__).resolve().parent
sys.path.insert(0, str(here))
import _tables  # noqa: E402  its folder is only now on the path

import incentives  # noqa: E402

_tables.write(here)

project = "incentives"
author = "The incentives developers"
project_copyright = author
version = release = installed("incentives")
language = "en"

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx-mathjax-offline",
]
exclude_patterns = ["_build", "_generated", "gallery_src"]
templates_path = ["_templates"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}

# ── pages ────────────────────────────────────────────────────────────────────────────────────────
myst_enable_extensions = ["amsmath", "attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

# ── reference ────────────────────────────────────────────────────────────────────────────────────
default_role = "code"  # `name` in a docstring is code, also where it is no link
autosummary_generate = True
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_use_type_comments = False
numpydoc_show_class_members = False  # our class template lists them
python_maximum_signature_line_length = 88

# No intersphinx: the build needs no network. So the names of others stay without a link.
OTHERS = (
    "abc|collections|click|dataclasses|enum|joblib|matplotlib|mesa|np|npt|numba|numpy|os|pandas|"
    "pathlib|pd|rich|scipy|seaborn|statsmodels|types|typing"
)
PLAIN = (
    "Agent|AgentSet|Any|ArrayLike|Axes|Callable|DataCollector|DataFrame|Figure|Generator|Iterable|"
    "Iterator|Literal|Mapping|Model|NDArray|Path|PathLike|SeedSequence|Self|Sequence|Series"
)
nitpick_ignore_regex = [
    (r"py:.*", rf"({OTHERS})\..*"),
    (r"py:.*", rf"({PLAIN})(\[.*)?"),
    (r"py:.*", r"int|float|bool|str|bytes|tuple|list|dict|set|frozenset|type|object|None"),
    (r"py:.*", r"\w*(Error|Warning|Exception)"),
]


def link_public_name(app: Any, env: Any, node: Any, contnode: Any) -> Any:
    """Link `incentives.records.Records` as `incentives.Records`, where the reference has it.

    A name of ours that is not public, such as the base of a mechanism, stays without a link.
    """
    home, _, name = node.get("reftarget", "").rpartition(".")
    if node.get("refdomain") != "py" or not home.startswith("incentives."):
        return None
    if name not in incentives.__all__:
        return contnode
    python, public = env.get_domain("py"), f"incentives.{name}"
    return python.resolve_xref(env, node["refdoc"], app.builder, "obj", public, node, contnode)


def setup(app: Any) -> None:
    """Hook into the build."""
    app.connect("missing-reference", link_public_name)


# ── gallery: as soon as there is a script to show ────────────────────────────────────────────────
if any((here / "gallery_src").glob("plot_*.py")):
    extensions.append("sphinx_gallery.gen_gallery")
    sphinx_gallery_conf: dict[str, Any] = {
        "examples_dirs": "gallery_src",
        "gallery_dirs": "_generated/gallery",
        "write_computation_times": False,
        "doc_module": ("incentives",),
        "backreferences_dir": "_generated/backreferences",
        "show_signature": False,
        "within_subsection_order": "FileNameSortKey",
        "download_all_examples": False,
        "image_scrapers": ("matplotlib",),
    }
    exclude_patterns[:] = ["_build", "_generated/*.md", "gallery_src"]

# ── looks ────────────────────────────────────────────────────────────────────────────────────────
html_theme = "pydata_sphinx_theme"
html_title = "incentives"
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["room.css"]
html_theme_options = {
    "show_prev_next": False,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "icon_links": [],
    "navigation_with_keys": False,
}
