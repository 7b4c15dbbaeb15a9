"""`pulumi up` without changes against an empty Python program on the same engine, backend and Python."""

from __future__ import annotations

import re
import resource
import statistics
import time
from dataclasses import dataclass
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
    seconds = [[run.seconds for run in runs] for runs in (ours, theirs)]
    work = [[run.cpu for run in runs] for runs in (ours, theirs)]
    return [
        Figure(
            "up: without changes against an empty program",
            ratios(*seconds),
            "x",
            aim=1.5,
            note=f"fastest {min(seconds[0]):.2f} s against {min(seconds[1]):.2f} s",
        ),
        Figure(
            "up: the same in processor time",
            ratios(*work),
            "x",
            note=f"{statistics.median(work[0]):.2f} s against {statistics.median(work[1]):.2f} s, whoever else is busy",
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
    (program / "__main__.py").write_text('"""Nothing."""\n\nimport pulumi\n', encoding="utf-8")
    stack = Stack(EMPTY, ground.state, ground.stack.environment, ground.stack.pulumi)
    ground.pulumi(stack, program, "stack", "init")
    _up(ground, stack, program)
    return stack


@dataclass(frozen=True)
class Run:
    """Seconds on the clock, and seconds of processor time of the engine, the program and the plugins."""

    seconds: float
    cpu: float


def _up(ground: Ground, stack: Stack, program: Path) -> Run:
    """One `up`. Raises `Problem` where it changed something after all."""
    began, work = time.perf_counter(), _cpu()
    said = ground.pulumi(stack, program, "up", "--yes", "--skip-preview")
    taken = Run(time.perf_counter() - began, _cpu() - work)
    changed = re.search(r"^\s+[+~-]+\s*\d+ (to )?\w+", said, re.MULTILINE)
    if changed and "created" in changed[0] and stack.name == EMPTY:
        return taken  # the empty stack's own entry, at its first up
    if changed:
        raise Problem(f"`pulumi up` of {stack.name} was to change nothing, and says {changed[0].strip()}.")
    return taken


def _cpu() -> float:
    """Processor seconds of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _writes(ground: Ground) -> int:
    log = ground.sandbox.state.logs / "auth0.log"
    return len(WRITE.findall(log.read_text(encoding="utf-8", errors="replace")))
