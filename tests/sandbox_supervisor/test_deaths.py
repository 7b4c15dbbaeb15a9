"""What dies, what is left, and who says so. Each way to die ends with no process left."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys

import psycopg
import pytest

from sandbox.errors import SandboxError
from sandbox.processes import command_line
from sandbox.supervisor import NotRunningError, Sandbox
from tests.sandbox_supervisor.plans import all_pids, eventually, gone, standin_sandbox


@pytest.fixture
def sandbox(tmp_path):
    sandbox = standin_sandbox(tmp_path / "state")
    yield sandbox
    sandbox.reset()


def start_elsewhere(sandbox: Sandbox, kind: str) -> subprocess.Popen[bytes]:
    """A start in a process of its own, which can be interrupted."""
    return subprocess.Popen(
        [
            sys.executable, "-m", "tests.sandbox_supervisor.plans", str(sandbox.state.directory), kind,
            str(sandbox._preferred_ports["auth0"]),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip


def test_a_dead_service_is_shown_and_the_next_start_brings_it_back(sandbox):
    """Nothing is restarted silently: status names the dead one with its last words, start starts all again."""
    sandbox.start()
    other = next(service for service in sandbox.services() if service.name == "other")
    os.kill(other.pid, signal.SIGKILL)
    assert eventually(lambda: [service.state for service in sandbox.services()] == ["running", "down"])
    assert sandbox.services()[1].last_words == ["good stand-in"]
    with pytest.raises(NotRunningError, match="other of the sandbox ended"):
        sandbox.status()
    log = sandbox.state.logs / "supervisor.log"
    assert eventually(lambda: "other ended by signal 9" in log.read_text())
    assert sandbox.start().revived == ["other"]
    assert sandbox.status()


def test_a_service_that_ends_at_once_fails_the_start_with_its_own_words(tmp_path):
    """The sentence says which service, and what it said; nothing stays behind."""
    sandbox = standin_sandbox(tmp_path / "state", "broken")
    with pytest.raises(SandboxError, match=r"other ended while .* \(status 1\): the stand-in is broken"):
        sandbox.start()
    assert not sandbox.state.is_held()
    assert not sandbox.services()
    sandbox.reset()


def test_nothing_outlives_a_killed_holder(tmp_path):
    """kill -9 of the one process that holds the others ends them all, even one that ignores everything."""
    sandbox = standin_sandbox(tmp_path / "state", "stubborn", postgres=True)
    sandbox.start()
    pids = all_pids(sandbox)
    with psycopg.connect(sandbox.status()["postgres"]["url"]) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
    os.kill(pids[0], signal.SIGKILL)
    assert gone(pids[1:])
    os.waitpid(pids[0], 0)
    with pytest.raises(NotRunningError):
        sandbox.status()
    again = standin_sandbox(tmp_path / "state", postgres=True)
    try:
        again.start()
        with psycopg.connect(again.status()["postgres"]["url"]) as connection:
            assert connection.execute("SELECT one FROM kept").fetchone() == (1,)
    finally:
        again.reset()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_start_ends_everything(sandbox, how):
    """Ctrl-C or kill -9 of the starting command: what it had started ends, too."""
    starter = start_elsewhere(sandbox, "silent")
    assert eventually(lambda: (sandbox.state.running() or {}).get("services", {}).get("other") is not None)
    pids = all_pids(sandbox)
    starter.send_signal(how)
    starter.wait()
    assert gone(pids)
    assert eventually(lambda: not sandbox.state.is_held())
    assert sandbox.start().already is False


def test_a_service_that_will_not_end_is_killed(tmp_path):
    """Stop waits for a moment, then uses force."""
    sandbox = standin_sandbox(tmp_path / "state", "stubborn")
    sandbox.start()
    pids = all_pids(sandbox)
    assert sandbox.stop()
    assert gone(pids)
    assert "other did not end within" in (sandbox.state.logs / "supervisor.log").read_text()
    sandbox.reset()


def test_a_stranger_with_a_recorded_pid_is_left_alone(sandbox):
    """Pids are used again: what a killed sandbox wrote down is believed only with its command line."""
    sandbox.start()
    pids = all_pids(sandbox)
    record = sandbox.state.run_file.read_text()
    sandbox.stop()
    with subprocess.Popen(["sleep", "600"]) as stranger:
        sandbox.state.run_file.write_text(
            record.replace(str(pids[0]), str(stranger.pid)).replace(str(pids[1]), str(stranger.pid))
        )
        assert not sandbox.stop()
        sandbox.start()
        assert command_line(stranger.pid) == "sleep 600"
        stranger.kill()


def test_removing_the_state_by_hand_ends_the_sandbox(sandbox):
    """`rm -rf .sandbox` leaves no processes behind that nobody can find any more."""
    sandbox.start()
    pids = all_pids(sandbox)
    shutil.rmtree(sandbox.state.directory)
    assert gone(pids)
