"""The sentences of broken links, read from the source of `proof/`: what is raised is what the document says."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from ops import paths
from proof.links import LINKS

ANY = "any"
_BLANK = "…"

Names = dict[str, str]


def broken_links() -> list[list[str]]:
    """Link, what was found, what to do: one row for each sentence, in the order of the check. `…` stands for what is found then."""
    rows: list[list[str]] = []
    for file in sorted((paths.ROOT / "proof").glob("*.py")):
        rows += [row for row in _rows(file) if row not in rows]
    order = [link.name for link in LINKS]
    return sorted(rows, key=lambda row: order.index(row[0]) if row[0] in order else -1)


def _rows(file: Path) -> Iterator[list[str]]:
    module = ast.parse(file.read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(module) if isinstance(node, ast.FunctionDef)]
    for function in functions:
        # a helper is handed its caller's names: the link, what to do
        caller = next((one for one in functions if list(_calls(one, function.name))), None)
        inherited = _assigned(ast.walk(caller)) if caller else {}
        names = {"link": ANY, **_assigned(module.body), **inherited, **_assigned(ast.walk(function))}
        for call in _calls(function, "BrokenLinkError"):
            yield [_text(argument, names) for argument in call.args]


def _calls(function: ast.FunctionDef, name: str) -> list[ast.Call]:
    """Calls of a plain name in a function, from top to bottom."""
    found = [
        node
        for node in ast.walk(function)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name
    ]
    return sorted(found, key=lambda node: node.lineno)


def _assigned(nodes: Iterable[ast.AST]) -> Names:
    """Names that are given a text, also in `a, b = "x", "y"`; f-strings with their blanks."""
    found: Names = {}
    for node in nodes:
        if not isinstance(node, ast.Assign):
            continue
        target = node.targets[0]
        pairs = [(target, node.value)]
        if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
            pairs = list(zip(target.elts, node.value.elts, strict=True))
        for one, value in pairs:
            if isinstance(one, ast.Name) and isinstance(value, ast.Constant | ast.JoinedStr):
                text = _text(value, {})
                if isinstance(value, ast.JoinedStr) or isinstance(value.value, str):
                    found[one.id] = text
    return found


def _text(node: ast.expr, names: Names) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.Name):
        return names.get(node.id, _BLANK)
    if isinstance(node, ast.JoinedStr):
        text = "".join(str(part.value) if isinstance(part, ast.Constant) else _BLANK for part in node.values)
        return re.sub(rf"{_BLANK}([ .]?{_BLANK})+", _BLANK, text)  # `….…` is one name
    return _BLANK
