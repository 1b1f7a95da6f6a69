"""Execute the chapters of the book and lay its pages out for Jupyter Book.

`make book` runs this file: papermill executes every notebook named in `_toc.yml` into `book/_build/source`, the other
pages, figures and tables are copied beside it, and Jupyter Book then builds that folder without executing anything.
`make notebooks` runs it with `--store`, which writes the executed notebooks back to `book/` instead.

    python book/execute.py                           every chapter, quick parameters
    python book/execute.py --only network -p steps=50   one chapter, one parameter changed
"""

from __future__ import annotations

import argparse
import concurrent.futures
import logging
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import nbformat
import yaml

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "book" / "_build"
SOURCE = BUILD / "source"
CELL_SECONDS = 600  # a chapter takes under two minutes; a cell that takes ten hangs


def chapters() -> list[Path]:
    """The notebooks of the book in reading order, read from `_toc.yml`."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    parts = [toc, *toc.get("parts", [])]
    pages = [toc["root"], *(entry["file"] for part in parts for entry in part.get("chapters", []))]
    return [path for page in pages if (path := ROOT / f"{page}.ipynb").is_file()]


def parameters_of(notebook: Path) -> dict[str, Any]:
    """Names (and default values as text) that the cell tagged `parameters` of a notebook declares."""
    import papermill

    return {name: found["default"] for name, found in papermill.inspect_notebook(str(notebook)).items()}


def clean(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Strip whatever differs between two equal runs: times, ids, paths, versions and progress bars.

    Works in place and returns its argument, so that the stored notebooks change only where their content does.

    >>> nb = nbformat.v4.new_notebook(metadata={"papermill": {"duration": 1.5}})
    >>> sorted(clean(nb).metadata)
    ['kernelspec', 'language_info']
    """
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:02d}"
        kept = ("tags", "mystnb")  # what a test and a page read: how to treat the cell, its figure's caption
        cell.metadata = nbformat.from_dict({name: cell.metadata[name] for name in kept if cell.metadata.get(name)})
        if cell.cell_type == "code":
            # A carriage return on stderr is a progress bar: worth watching, not worth keeping.
            cell.outputs = joined([o for o in cell.outputs if not (o.get("name") == "stderr" and "\r" in o.text)])
    return notebook


def joined(outputs: list[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """Pieces of one stream as one output: a busy machine prints a cell in several."""
    whole: list[nbformat.NotebookNode] = []
    for output in outputs:
        if whole and output.output_type == "stream" and whole[-1].get("name") == output.name:
            whole[-1].text += output.text
        else:
            whole.append(output)
    return whole


def write(notebook: nbformat.NotebookNode, path: Path) -> None:
    """Write a notebook to a temporary name, then rename it: never a half-written chapter."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    nbformat.write(notebook, temporary)
    temporary.replace(path)


def execute(notebook: Path, target: Path, parameters: dict[str, Any]) -> float:
    """Execute `notebook` in `book/` and write it, cleaned, to `target`. Returns the seconds it took.

    Raises papermill's own error, which names the cell, when a cell fails. Nothing is then written to `target`; the
    notebook as far as it came is left in `book/_build/failed` to look at.
    """
    import papermill

    logging.getLogger("papermill").setLevel(logging.ERROR)
    # The reader's own IPython start-up files must not change the book.
    os.environ |= {"OMP_NUM_THREADS": "1", "IPYTHONDIR": str(BUILD / "ipython"), "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    begin = time.perf_counter()
    draft = BUILD / "failed" / notebook.name
    draft.parent.mkdir(parents=True, exist_ok=True)
    papermill.execute_notebook(
        str(notebook), str(draft), parameters, kernel_name="python3", cwd=str(notebook.parent),
        progress_bar=False, execution_timeout=CELL_SECONDS, extra_arguments=["--IPKernelApp.log_level=CRITICAL"],
    )  # fmt: skip
    write(clean(nbformat.read(draft, as_version=4)), target)
    draft.unlink()
    return time.perf_counter() - begin


def check_parameters(notebooks: list[Path], parameters: dict[str, Any]) -> None:
    """Stop when a parameter is unknown to any of the notebooks: papermill itself would only warn."""
    for notebook in notebooks if parameters else []:
        known = parameters_of(notebook)
        for name in parameters.keys() - known.keys():
            sys.exit(f"{notebook.name} has no parameter {name!r}; it has: {', '.join(known) or 'none'}")


def lay_out() -> None:
    """Copy the pages, figures and tables to a fresh build folder, mirroring the repository."""
    for stale in ("source", "html", ".doctrees", "failed"):
        shutil.rmtree(BUILD / stale, ignore_errors=True)
    SOURCE.mkdir(parents=True)
    for name in ("_config.yml", "_toc.yml"):
        shutil.copy(ROOT / name, SOURCE)
    skip = shutil.ignore_patterns("_build", "__pycache__", ".ipynb_checkpoints", "*.ipynb", "*.tmp")
    shutil.copytree(ROOT / "book", SOURCE / "book", ignore=skip)
    for name in ("published", "tables", "figures"):
        if (folder := ROOT / "results" / name).is_dir():
            shutil.copytree(folder, SOURCE / "results" / name)


def main(argv: list[str] | None = None) -> None:
    """Parse the command line, execute the chapters (two at a time where there are two cores) and report each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", action="store_true", help="write the executed notebooks back to book/")
    parser.add_argument("--only", action="append", default=[], metavar="CHAPTER", help="file name without .ipynb")
    parser.add_argument("-p", "--parameter", action="append", default=[], metavar="NAME=VALUE", help="a YAML value")
    options = parser.parse_args(argv)

    pairs = [item.partition("=") for item in options.parameter]
    parameters = {name: yaml.safe_load(value) for name, _, value in pairs}
    notebooks = chapters()
    if unknown := set(options.only) - {path.stem for path in notebooks}:
        sys.exit(f"no such chapter: {', '.join(sorted(unknown))}; there are: {', '.join(p.stem for p in notebooks)}")
    notebooks = [path for path in notebooks if not options.only or path.stem in options.only]
    check_parameters(notebooks, parameters)
    if not options.store:
        lay_out()

    targets = {path: path if options.store else SOURCE / path.relative_to(ROOT) for path in notebooks}
    with concurrent.futures.ProcessPoolExecutor(max_workers=min(2, os.cpu_count() or 1)) as pool:
        running = {pool.submit(execute, path, targets[path], parameters): path for path in notebooks}
        for done, future in enumerate(concurrent.futures.as_completed(running), start=1):
            name = running[future].name
            if error := future.exception():
                pool.shutdown(cancel_futures=True)
                sys.exit(f"{name} failed; book/_build/failed/{name} shows how far it came\n{error}")
            print(f"s2m: chapter {done}/{len(running)}: {name}, {future.result():.0f} s", flush=True)


if __name__ == "__main__":
    main()
