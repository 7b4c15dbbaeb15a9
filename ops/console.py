"""What the commands say, and how: one rich console on stderr for progress and errors, results on stdout.

`run_logged` runs a long child process in a process group of its own, with a line of progress, its output in a log
file, and nothing left behind when it is interrupted.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape

console = Console(stderr=True, highlight=False, soft_wrap=True)


def say(text: str) -> None:
    """One plain line of progress."""
    console.print(escape(text))


def section(title: str) -> None:
    """A heading between the steps of a command."""
    console.rule(f"[bold]{escape(title)}", align="left", style="dim")


def print_problem(text: str) -> None:
    """An error: one sentence."""
    console.print(f"[bold red]dev:[/] {escape(text)}")


@dataclass(frozen=True)
class Finished:
    """A child process that ended: exit status, its last lines, seconds it took."""

    status: int
    tail: list[str]
    seconds: float


def run_logged(
    title: str,
    command: Sequence[str],
    *,
    log: Path,
    cwd: Path,
    env: Mapping[str, str],
    describe: Callable[[str], str | None] = lambda line: None,
    out: Console = console,
) -> Finished:
    """Run `command` to its end under a spinner with the elapsed time.

    `describe` turns a line of output into what the spinner shows (None: keep what is shown). Off a terminal the
    title is printed once. The process group is killed when an exception, Ctrl-C included, leaves this function.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    started, detail, tail = time.monotonic(), "", deque[str](maxlen=20)
    if not out.is_terminal:
        out.print(f"{escape(title)} …")
    with (
        log.open("w", buffering=1, encoding="utf-8") as sink,
        out.status(f"{escape(title)} …") as status,
        subprocess.Popen(
            list(command),
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        ) as child,
    ):
        try:
            for line in child.stdout or ():
                sink.write(line)
                tail.append(line.rstrip())
                detail = describe(line.rstrip()) or detail
                minutes, seconds = divmod(int(time.monotonic() - started), 60)
                status.update(f"{escape(title)} … {minutes}:{seconds:02d} [dim]{escape(detail)}")
            child.wait()
        except BaseException:
            end_group(child)
            raise
    return Finished(child.returncode, list(tail), time.monotonic() - started)


def end_group(child: subprocess.Popen[str]) -> None:
    """Kill the process group that `child` leads, and wait for it."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    child.wait()
