"""Questions about processes, asked the same way on Linux and macOS."""

from __future__ import annotations

import subprocess
from pathlib import Path

__all__ = ["PROC", "command_line"]

PROC = Path("/proc")


def command_line(pid: int) -> str:
    """The command line of a process, words joined by blanks; empty if there is no such process (a zombie is
    none).
    """
    if (PROC / "self" / "cmdline").exists():
        try:
            return (
                (PROC / str(pid) / "cmdline")
                .read_bytes()
                .replace(b"\0", b" ")
                .decode(errors="replace")
                .strip()
            )
        except OSError:
            return ""
    found = subprocess.run(
        ["ps", "-ww", "-o", "stat=,command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    state, _, words = found.stdout.strip().partition(" ")
    return "" if state.startswith("Z") else words.strip()
