"""The tables in `docs/` that follow from code: `python -m ops.documents` writes them, a test compares.

A table stands between `<!-- NAME -->` and `<!-- /NAME -->`. Cells that no code knows (what a setting means) are written by hand in
its column `meaning` and stay when the table is made again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ops import paths
from ops.document_links import broken_links
from ops.document_schemas import resource_inputs, resource_outputs, settings
from sandbox.auth0.management.catalog import support_table
from sandbox.hasura.metadata import dispatch  # noqa: F401 - its modules register the commands
from sandbox.hasura.metadata.registry import COMMANDS, NOT_SIMULATED
from sandbox.ports import DEFAULT_PORTS

DOCS = paths.ROOT / "docs"
_BLOCK = re.compile(r"(<!-- (?P<name>[a-z0-9:._-]+) -->\n)(?P<body>.*?)(<!-- /(?P=name) -->)", re.DOTALL)
_CELL = re.compile(r"(?<!\\)\|")

Rows = Sequence[Sequence[str]]


def table(titles: Sequence[str], rows: Rows) -> str:
    """A Markdown table. Pipes in cells are escaped."""
    lines = [titles, ["---"] * len(titles), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def cells(body: str) -> list[list[str]]:
    """The rows of a Markdown table without its head, escapes undone."""
    rows = [line for line in body.splitlines() if line.startswith("|")]
    return [[cell.strip().replace("\\|", "|") for cell in _CELL.split(row.strip()[1:-1])] for row in rows[2:]]


def with_meanings(titles: Sequence[str], rows: Rows, body: str) -> str:
    """A table whose empty cells under `meaning` are filled with what the present one says for the same first cell."""
    place = titles.index("meaning")
    kept = {row[0]: row[place] for row in cells(body) if len(row) == len(titles)}
    filled = [[*row[:place], row[place] or kept.get(row[0], ""), *row[place + 1 :]] for row in rows]
    return table(titles, filled)


def _settings(body: str) -> str:
    return with_meanings(("key", "type", "default", "meaning", "example"), settings(), body)


def _inputs(token: str) -> Callable[[str], str]:
    titles = ("input", "type", "default", "meaning")
    return lambda body: with_meanings(titles, resource_inputs(token), body)


def _outputs(token: str) -> Callable[[str], str]:
    titles = ("output", "type", "meaning")
    return lambda body: with_meanings(titles, resource_outputs(token), body)


def _hasura_commands(body: str) -> str:
    names = set(COMMANDS)
    both = {name.removeprefix("pg_") for name in names if name.startswith("pg_")}
    plain = sorted(name for name in names if not name.startswith(("pg_", "postgres_")))
    rows = [
        ["any", ", ".join(f"`{name}`" for name in plain)],
        ["`pg_…` and `postgres_…`", ", ".join(f"`{name}`" for name in sorted(both))],
    ]
    return table(("prefix", "commands"), rows)


def _hasura_not_simulated(body: str) -> str:
    names = sorted({name.removeprefix("pg_") for name in NOT_SIMULATED if not name.startswith("postgres_")})
    return ", ".join(f"`{name}`" for name in names) + "\n"


def _ports(body: str) -> str:
    rows = [[f"`{name}`", str(port), ""] for name, port in DEFAULT_PORTS.items()]
    return with_meanings(("service", "port", "meaning"), rows, body)


def _links(body: str) -> str:
    return table(("link", "what was found", "what to do"), broken_links())


BLOCKS: Mapping[str, Callable[[str], str]] = {
    "settings": _settings,
    "ports": _ports,
    "auth0-routes": lambda body: support_table(),
    "hasura-commands": _hasura_commands,
    "hasura-not-simulated": _hasura_not_simulated,
    "broken-links": _links,
    **{
        f"{kind}:{token.rsplit(':', maxsplit=1)[-1].lower()}": make(token)
        for token in ("hasura:index:Metadata", "hasura:index:CloudEnvironment", "pgschema:index:Table")
        for kind, make in (("inputs", _inputs), ("outputs", _outputs))
    },
}


def renewed(text: str) -> str:
    """A document with its tables made again. Raises `KeyError` for a block that nothing makes."""
    return _BLOCK.sub(lambda found: f"{found[1]}{BLOCKS[found['name']](found['body'])}{found[4]}", text)


def documents() -> list[Path]:
    """What lies in `docs/`."""
    return sorted(DOCS.glob("*.md"))


def main() -> None:
    """Write the tables."""
    for file in documents():
        text = file.read_text(encoding="utf-8")
        file.write_text(renewed(text), encoding="utf-8")


if __name__ == "__main__":
    main()
