"""`pulumi up` without changes against an empty Python program on the same engine, backend and Python."""

from __future__ import annotations

import re
import time
from pathlib import Path

from benchmarks.figures import Figure, ratios
from benchmarks.ground import Ground
from ops import paths
from ops.errors import Problem
from ops.stack import Stack

PAIRS = 5
EMPTY = "bench-empty"
PROJECT = f"""\
name: {EMPTY}
runtime:
  name: python
  options:
    toolchain: pip
    virtualenv: {{venv}}
"""
# The tenant's log has a line a request: `PATCH /api/v2/clients/… 200 0.6ms`.
WRITE = re.compile(r"^(POST|PUT|PATCH|DELETE) /api/v2/", re.MULTILINE)


def measure(ground: Ground) -> list[Figure]:
    """Ratio of neighbouring runs, and the Management API writes during those of the stack."""
    stack, empty = ground.stack, _empty_stack(ground)
    program = ground.state / EMPTY
    _up(ground, stack, paths.ROOT)  # files into the page cache, as for the first of the others
    ours, theirs, writes = [], [], 0
    for _ in range(PAIRS):
        before = _writes(ground)
        ours.append(_up(ground, stack, paths.ROOT))
        writes += _writes(ground) - before
        theirs.append(_up(ground, empty, program))
    return [
        Figure(
            "up: without changes against an empty program",
            ratios(ours, theirs),
            "x",
            aim=1.5,
            note=f"fastest {min(ours):.2f} s against {min(theirs):.2f} s: {min(ours) / min(theirs):.2f} x",
        ),
        Figure(
            f"up: Management API writes in {PAIRS} runs without changes",
            [writes],
            "",
            aim=0,
            exactly=True,
        ),
    ]


def _empty_stack(ground: Ground) -> Stack:
    program = ground.state / EMPTY
    program.mkdir(exist_ok=True)
    (program / "Pulumi.yaml").write_text(PROJECT.format(venv=paths.VENV), encoding="utf-8")
    (program / "__main__.py").write_text('"""Nothing."""\n\nimport pulumi  # noqa: F401\n', encoding="utf-8")
    stack = Stack(EMPTY, ground.state, ground.stack.environment, ground.stack.pulumi)
    ground.pulumi(stack, program, "stack", "init")
    _up(ground, stack, program)
    return stack


def _up(ground: Ground, stack: Stack, program: Path) -> float:
    """Seconds of an `up`. Raises `Problem` where it changed something after all."""
    began = time.perf_counter()
    said = ground.pulumi(stack, program, "up", "--yes", "--skip-preview")
    taken = time.perf_counter() - began
    changed = re.search(r"^\s+[+~-]+\s*\d+ (to )?\w+", said, re.MULTILINE)
    if changed and "created" in changed[0] and stack.name == EMPTY:
        return taken  # the empty stack's own entry, at its first up
    if changed:
        raise Problem(f"`pulumi up` of {stack.name} was to change nothing, and says {changed[0].strip()}.")
    return taken


def _writes(ground: Ground) -> int:
    log = ground.sandbox.state.logs / "auth0.log"
    return len(WRITE.findall(log.read_text(encoding="utf-8", errors="replace")))
