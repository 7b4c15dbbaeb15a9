"""Paths such as `$.a.b[0]["c d"]`, as JWT configurations and `path` arguments write them.

Source: graphql-engine `Data.Parser.JSONPath`.
"""

from __future__ import annotations

import re

_STEP = re.compile(r"""\.?([A-Za-z_][\w-]*)|\[(\d+)\]|\[(['"])(.*?)\3\]|\.(\d+)""")


def json_path(path: str) -> list[str | int]:
    """The steps of `$.a.b[0]["c d"]`. Raises ValueError when it is none."""
    rest = path.removeprefix("$")
    steps: list[str | int] = []
    position = 0
    while position < len(rest):
        match = _STEP.match(rest, position)
        if match is None or match.end() == position:
            raise ValueError(f"invalid JSON path: {path!r}")
        key, index, _, quoted, number = match.groups()
        if index is not None or number is not None:
            steps.append(int(index if index is not None else number))
        else:
            steps.append(key if key is not None else quoted)
        position = match.end()
    return steps
