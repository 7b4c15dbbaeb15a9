"""How much memory each service keeps, its child processes included.

Proportional set size: a page that n processes share counts 1/n for each, so the sum is what the machine gives up. From
/proc/PID/smaps_rollup on Linux; where there is none, the resident size that `ps` knows, which counts shared pages twice.
"""

from __future__ import annotations

import re
import subprocess
from collections import defaultdict

from sandbox import processes
from sandbox.state import State

__all__ = ["memory_by_service"]


def memory_by_service(state: State) -> dict[str, int]:
    """Bytes per service, the processes' holder as `supervisor`; empty if nothing runs."""
    running = state.running()
    if running is None or not state.is_held():
        return {}
    children = _children()
    services = {name: int(facts["pid"]) for name, facts in running["services"].items()}
    roots = set(services.values())
    holder = int(running["pid"])
    return {
        **{name: sum(_size(one) for one in _tree(pid, children)) for name, pid in services.items()},
        "supervisor": sum(_size(one) for one in _tree(holder, children, without=roots)),
    }


def _tree(pid: int, children: dict[int, list[int]], without: set[int] | None = None) -> list[int]:
    found = [pid]
    for child in children.get(pid, []):
        if child not in (without or set()):
            found += _tree(child, children, without)
    return found


def _children() -> dict[int, list[int]]:
    """Process ids by the parent's."""
    children: dict[int, list[int]] = defaultdict(list)
    if (processes.PROC / "self" / "stat").exists():
        for stat in processes.PROC.glob("[0-9]*/stat"):
            try:
                # The name in parentheses may hold anything; the parent is the second word after it.
                children[int(stat.read_text().rpartition(")")[2].split()[1])].append(int(stat.parent.name))
            except OSError:
                continue
        return children
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True)
    for line in listed.stdout.splitlines():
        pid, parent = line.split()
        children[int(parent)].append(int(pid))
    return children


def _size(pid: int) -> int:
    rollup = processes.PROC / str(pid) / "smaps_rollup"
    try:
        if rollup.exists():
            found = re.search(r"^Pss:\s+(\d+) kB$", rollup.read_text(), re.MULTILINE)
            return int(found[1]) * 1024 if found else 0
    except OSError:
        return 0  # it ended a moment ago
    listed = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return int(listed.stdout.strip() or 0) * 1024
