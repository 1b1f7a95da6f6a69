"""Sphinx extension: no page of the book asks another host for anything.

MathJax comes out of the package `sphinx-mathjax-offline` (only the files that a page loads, about 2 MB of its 24 MB),
every script and style sheet with a foreign address is dropped, and so is a script that is already on the page.
"""

from __future__ import annotations

import importlib.metadata
import shutil
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

# The script, the fonts it loads, and the TeX extensions it loads when a formula needs one.
MATHJAX_FILES = ("tex-mml-chtml.js", "output/chtml/fonts/woff-v2/*.woff", "input/tex/extensions/*.js")


def mathjax_folder() -> Path:
    """Folder of the MathJax files inside the installed package (its name has a dash, so it cannot be imported)."""
    distribution = importlib.metadata.distribution("sphinx-mathjax-offline")
    return Path(str(distribution.locate_file("sphinx-mathjax-offline/static/mathjax")))


def copy_mathjax(app: Sphinx, error: Exception | None) -> None:
    """Copy the MathJax files to `_static/mathjax` when the pages are written."""
    if error is not None:
        return
    source, target = mathjax_folder(), Path(app.outdir) / "_static" / "mathjax"
    for pattern in MATHJAX_FILES:
        files = sorted(source.glob(pattern))
        if not files:
            raise FileNotFoundError(f"no {pattern} in {source}: reinstall the pinned sphinx-mathjax-offline")
        for file in files:
            copy = target / file.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)


def describe(asset: Any) -> tuple[str, str]:
    """Address and inline body of a script or style sheet, which Sphinx hands over as text or as an object."""
    return str(getattr(asset, "filename", asset) or ""), str(getattr(asset, "attributes", {}).get("body", ""))


def keep_local(assets: list[Any]) -> list[Any]:
    """The assets without repeats and without foreign addresses, in their text too.

    Thebe, which would run cells on a remote server, is such a script: without its address the rest of it is of no use.

    >>> keep_local(["a.js", "https://cdn.example/b.js", "a.js"])
    ['a.js']
    """
    kept: dict[tuple[str, str], Any] = {}
    for asset in assets:
        name, body = describe(asset)
        if "//" not in name + body and "thebe" not in name:
            kept.setdefault((name, body), asset)
    return list(kept.values())


def drop_foreign(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Filter the scripts and style sheets of one page, after every other extension has added its own."""
    for key in ("script_files", "css_files"):
        context[key] = keep_local(context.get(key, []))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension with Sphinx."""
    app.config.mathjax_path = "mathjax/tex-mml-chtml.js"
    app.connect("html-page-context", drop_foreign, priority=900)
    app.connect("build-finished", copy_mathjax)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
