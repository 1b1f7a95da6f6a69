"""Sphinx extension: tables and numbers of the book are read from `results/`, never typed.

A table. Each line of its body is `column: Title | format`; formats are Python's (`.3f`, `.1%`); an empty field shows a
dash:

    ```{results-table} published/table2.csv
    :caption: Published accuracies.
    :name: published-accuracy
    :where: model=S2M-Gauss
    model: Method
    omniglot_5way_5shot: 5-way | .3f
    ```

`where` may give several values of a column: `model=S2M-Gauss or AVG-FT`.

A number in a sentence: {result}`published/table2.csv | model=S2M-Gauss | omniglot_5way_5shot | .1%`
"""

from __future__ import annotations

import csv
import re
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective, SphinxRole

Row = dict[str, str]


def conditions(text: str) -> Row:
    """`way=5, shot=1` as a dict; a value may hold a comma.

    >>> conditions("way=5, shot=1")
    {'way': '5', 'shot': '1'}
    >>> conditions("collection=flowers102, two meanings, method=AVG-FT")
    {'collection': 'flowers102, two meanings', 'method': 'AVG-FT'}
    """
    pairs = (item.split("=", 1) for item in re.split(r",\s*(?=\w+=)", text) if item.strip())
    return {name.strip(): value.strip() for name, value in pairs}


def rows(path: Path, where: str) -> list[Row]:
    """The rows of a CSV file whose fields are as the conditions say. Raises ValueError if there are none."""
    if not path.is_file():
        raise ValueError(f"no such file: {path.name}; the files of results/published and results/tables can be shown")
    with path.open(newline="") as file:
        found = list(csv.DictReader(file))
    wanted = conditions(where)
    columns = found[0].keys() if found else ()
    if unknown := wanted.keys() - columns:
        raise ValueError(f"{path.name} has no column {unknown.pop()!r}; it has: {', '.join(columns)}")
    kept = [row for row in found if all(row[name] in value.split(" or ") for name, value in wanted.items())]
    if not kept:
        raise ValueError(f"{path.name} has no row with {where!r}")
    return kept


def show(row: Row, column: str, spec: str = "") -> str:
    """One field as text, formatted as a number if there is a format.

    >>> show({"accuracy": "0.985"}, "accuracy", ".1%")
    '98.5%'
    """
    if column not in row:
        raise ValueError(f"no column {column!r}; there are: {', '.join(row)}")
    value = row[column]
    return "–" if value == "" else format(float(value), spec) if spec else value


class ResultsTable(SphinxDirective):
    """The directive `results-table`."""

    required_arguments = 1
    has_content = True
    option_spec = {  # noqa: RUF012 (docutils declares it so)
        "caption": directives.unchanged_required,
        "name": directives.unchanged_required,
        "where": directives.unchanged_required,
    }

    def run(self) -> list[nodes.Node]:
        """Write the table as Markdown and let the page's own parser read it."""
        columns, titles, formats = [], [], []
        for line in filter(str.strip, self.content):
            column, _, rest = line.partition(":")
            title, _, spec = rest.partition("|")
            columns.append(column.strip()), titles.append(title.strip()), formats.append(spec.strip())
        path = Path(self.env.srcdir) / "results" / self.arguments[0]
        try:
            found = rows(path, self.options.get("where", ""))
            body = [[show(row, c, f) for c, f in zip(columns, formats)] for row in found]
        except ValueError as error:
            raise self.error(str(error)) from error
        rule = ["---:" if spec else ":---" for spec in formats]
        lines = ["| " + " | ".join(cells) + " |" for cells in (titles, rule, *body)]
        head = [f"```{{table}} {self.options.get('caption', '')}"]
        if "name" in self.options:
            head.append(f":name: {self.options['name']}")
        return self.parse_text_to_nodes("\n".join([*head, *lines, "```"]))


class Result(SphinxRole):
    """The role `result`: one number in a sentence."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Look the number up; a mistake is an error of the build."""
        name, where, column, spec = ([part.strip() for part in self.text.split("|")] + [""] * 3)[:4]
        try:
            found = rows(Path(self.env.srcdir) / "results" / name, where)
            if len(found) > 1:
                raise ValueError(f"{name} has {len(found)} rows with {where!r}: name one")
            return [nodes.Text(show(found[0], column, spec))], []
        except ValueError as error:
            message = self.inliner.reporter.error(str(error), line=self.lineno)
            return [nodes.problematic(self.rawtext, self.rawtext)], [message]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive and the role with Sphinx."""
    app.add_directive("results-table", ResultsTable)
    app.add_role("result", Result())
    return {"parallel_read_safe": True, "parallel_write_safe": True}
