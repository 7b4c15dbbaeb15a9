"""Questions about processes have the same answers from /proc (Linux) and from `ps` (macOS)."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from sandbox import processes
from sandbox.memory import memory_by_service
from sandbox.processes import command_line
from tests.sandbox_supervisor.plans import eventually, standin_sandbox


@pytest.fixture(params=["as it is here", "without /proc"])
def system(request, monkeypatch, tmp_path):
    if request.param == "without /proc":
        monkeypatch.setattr(processes, "PROC", tmp_path / "no-proc")


@pytest.mark.usefixtures("system")
def test_a_command_line_is_that_of_a_living_process():
    """Words joined by blanks; nothing for a process that has ended, waited for or not."""
    command = [sys.executable, "-c", "import sys; sys.stdin.read()", "a long argument " * 20 + "end"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as child:
        # Linux shows the words a moment after exec has begun.
        assert eventually(lambda: command_line(child.pid) == " ".join(command))
        assert child.stdin is not None
        child.stdin.close()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # ended, not yet waited for
        assert eventually(lambda: command_line(child.pid) == "")
    assert command_line(child.pid) == ""


@pytest.mark.usefixtures("system")
def test_memory_is_counted_per_service(tmp_path):
    """Each service with its children, and the holder without the services."""
    sandbox = standin_sandbox(tmp_path / "state")
    sandbox.start()
    used = memory_by_service(sandbox.state)
    sandbox.reset()
    assert set(used) == {"web", "other", "supervisor"}
    assert all(1_000_000 < size < 200_000_000 for size in used.values())
    assert memory_by_service(sandbox.state) == {}
