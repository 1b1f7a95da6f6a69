"""The book as a reader meets it: stored notebooks that were run, and built pages that open cleanly in a browser."""

from __future__ import annotations

import functools
import http.server
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
import torch
import yaml
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
HTML = ROOT / "book" / "_build" / "html"
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text())
FILES = [TOC["root"], *(entry["file"] for part in TOC["parts"] for entry in part["chapters"])]
NOTEBOOKS = [ROOT / f"{name}.ipynb" for name in FILES if (ROOT / f"{name}.ipynb").is_file()]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = ["background-networking", "component-update", "sync"]  # what the browser would fetch for itself
FLAGS = ["--no-sandbox", "--disable-gpu", *(f"--disable-{name}" for name in QUIET)]


@pytest.fixture(scope="module")
def execute() -> object:
    """The script `book/execute.py` as a module."""
    sys.path.insert(0, str(ROOT / "book"))
    try:
        import execute
    finally:
        sys.path.pop(0)
    return execute


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_stored_notebook_was_executed_and_cleaned(path: Path, execute) -> None:
    """nbval passes vacuously on a notebook that was never run, and uncleaned metadata makes noisy diffs."""
    stored = nbformat.read(path, as_version=4)
    code = [cell for cell in stored.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1)), "store it with: make notebooks"
    assert sum("parameters" in cell.metadata.get("tags", []) for cell in code) == 1
    assert not [o for cell in code for o in cell.outputs if o.output_type == "error"]
    assert execute.clean(nbformat.read(path, as_version=4)) == stored, "store it with: make notebooks"


def test_unknown_parameter_is_an_error() -> None:
    command = [sys.executable, "book/execute.py", "--only", NOTEBOOKS[0].stem, "-p", "no_such_name=1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert "has no parameter 'no_such_name'" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_readme_example_runs() -> None:
    """The ten lines of the README are code like any other."""
    block = (ROOT / "README.md").read_text().split("```python\n")[1].split("```")[0]
    scope: dict[str, object] = {}
    exec(block, scope)
    assert scope["answer"].shape == (75,)
    assert torch.isfinite(scope["loss"])


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serves files without a line per request."""

    def do_GET(self) -> None:
        if self.path == "/favicon.ico":  # Chromium asks for it unbidden on the redirecting index page
            self.send_response(204)
            self.end_headers()
        else:
            super().do_GET()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Address of the built book on this machine."""
    if not (HTML / "index.html").is_file():
        pytest.skip("the book is not built: run make book")
    handler = functools.partial(QuietHandler, directory=str(HTML))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium as the machine has it; playwright's own download is not needed."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is installed")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield chromium
        chromium.close()


def watch(page: Page, address: str) -> list[str]:
    """A list that fills with every complaint of the page while it loads."""
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(f"console: {m.text}") if m.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(f"page error: {error}"))
    page.on("requestfailed", lambda r: complaints.append(f"failed request: {r.url}"))
    page.on("response", lambda r: complaints.append(f"status {r.status}: {r.url}") if r.status >= 400 else None)
    local = (address, "data:", "blob:")
    page.on("request", lambda r: None if r.url.startswith(local) else complaints.append(f"foreign request: {r.url}"))
    return complaints


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", [*FILES, "index", "search"])
def test_page_renders(name: str, theme: str, address: str, browser: Browser) -> None:
    """No console error, no foreign request, math typeset, images whole, no sideways scrolling, in both themes."""
    context = browser.new_context(color_scheme=theme, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    complaints = watch(page, address)
    page.goto(f"{address}{name}.html", wait_until="networkidle")
    page.wait_for_load_state("load")
    assert page.evaluate("document.documentElement.dataset.theme") == theme
    if page.locator(".math").count():
        page.wait_for_function("window.MathJax && MathJax.startup && MathJax.startup.promise")
        page.evaluate("MathJax.startup.promise.then(() => true)")
        assert page.locator("mjx-container").count() >= page.locator(".math").count(), "formulas left as raw TeX"
        assert page.locator("mjx-merror").count() == 0, page.locator("mjx-merror").all_inner_texts()
    broken = "[...document.images].filter(i => !i.complete || i.naturalWidth === 0).map(i => i.src)"
    assert page.evaluate(broken) == []
    assert page.evaluate("document.scrollingElement.scrollWidth <= window.innerWidth"), "the page scrolls sideways"
    context.close()
    assert complaints == []
