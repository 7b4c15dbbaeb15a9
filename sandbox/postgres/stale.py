"""What a killed server leaves behind: its pid file, perhaps itself.

A pid alone says nothing, since pids are used again: the file is believed only if the process's command line
names the data directory.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from sandbox.processes import PROC, command_line

__all__ = ["end_leftover"]


def end_leftover(data: Path) -> None:
    """Ends a server that still runs on `data`, and removes a pid file that belongs to nobody.

    Postgres itself refuses to start when the pid in the file is in use, even by a stranger of the same user.
    """
    pid_file = data / "postmaster.pid"
    try:
        pid = int(pid_file.read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        pid_file.unlink(missing_ok=True)
        return
    for how in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        if not _is_server(pid, data):
            break
        os.kill(pid, how)
        deadline = time.monotonic() + 2.0
        while _is_server(pid, data) and time.monotonic() < deadline:
            time.sleep(0.02)
    _wait_for_shared_memory(pid_file)
    pid_file.unlink(missing_ok=True)


def _wait_for_shared_memory(pid_file: Path) -> None:
    """Returns when the last child of a killed server has let go of its shared memory.

    Children notice within milliseconds that the server is gone, but a start in between fails ("pre-existing
    shared memory block is still in use"). Line 7 of the pid file is the block's key and id.
    """
    try:
        block = pid_file.read_text().splitlines()[6].split()[1]
    except (FileNotFoundError, IndexError):
        return
    table = PROC / "sysvipc" / "shm"
    if not table.exists():
        time.sleep(0.5)
        return
    deadline = time.monotonic() + 5.0
    while _attached(table, block) and time.monotonic() < deadline:
        time.sleep(0.01)


def _attached(table: Path, block: str) -> bool:
    """Whether a process still uses the block: columns are key, shmid, perms, size, cpid, lpid, nattch, …"""
    rows = (line.split() for line in table.read_text().splitlines())
    return any(row[1] == block and row[6] != "0" for row in rows if len(row) > 6)


def _is_server(pid: int, data: Path) -> bool:
    words = command_line(pid)
    return f"-D {data} " in f"{words} " and "postgres" in words
