"""The sandbox as a whole: start, stop, status, reset.

    sandbox = Sandbox(Path(".sandbox"))
    sandbox.start()
    facts = sandbox.status()

The commands of `ops/sandbox.py` and the demo are thin over this class.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.errors import NotRunningError, SandboxError
from sandbox.logs import last_lines
from sandbox.ports import DEFAULT_PORTS, is_free, listener
from sandbox.processes import command_line
from sandbox.services import REPOSITORY, Service, connection_facts, python_module, services
from sandbox.state import Config, State

__all__ = ["DEFAULT_STATE", "NotRunningError", "Sandbox", "ServiceStatus", "Started"]

DEFAULT_STATE = REPOSITORY / ".sandbox"

READY_TIMEOUT_SECONDS = 60.0
STOP_TIMEOUT_SECONDS = 10.0

Progress = Callable[[str], None]
Plan = Callable[[State, Config], list[Service]]


@dataclass(frozen=True)
class ServiceStatus:
    """One service as `status` shows it: `state` is `running` or `down`; `last_words` are log lines of a dead one."""

    name: str
    state: str
    pid: int
    url: str
    last_words: Sequence[str] = ()


@dataclass(frozen=True)
class Started:
    """What `start` found and did: `already` running; `revived` are the services that had died before."""

    already: bool = False
    revived: Sequence[str] = ()


class Sandbox:
    """One sandbox, known by its state directory.

    `preferred_ports` counts at the first start only; `plan` says which services there are.
    """

    def __init__(
        self,
        state_directory: Path = DEFAULT_STATE,
        *,
        preferred_ports: Mapping[str, int] = DEFAULT_PORTS,
        plan: Plan = services,
    ) -> None:
        self.state = State(state_directory)
        self._preferred_ports = preferred_ports
        self._plan = plan

    def start(self, progress: Progress = lambda _text: None) -> Started:
        """Starts what is not running and returns when everything answers.

        A sandbox of which a service died is restarted as a whole. Raises SandboxError if a kept port is taken or a
        service does not get ready; nothing runs then. Whatever interrupts it ends everything that it started.
        """
        with self.state.locked():
            dead: list[str] = []
            if self.state.is_held():
                dead = [service.name for service in self.services() if service.state == "down"]
                if not dead:
                    return Started(already=True)
                progress(f"{' and '.join(dead)} had ended: everything is started again.")
                self._stop()
            was_killed = self._clear_leftovers()
            config = self._configure(patience_seconds=3.0 if was_killed else 0.0)
            plan = self._plan(self.state, config)
            holder = self._spawn(plan)
            try:
                self._wait_ready(holder, plan, progress)
                self._keep(holder)
            except BaseException:
                self._abandon(holder)
                raise
            # The holder lives on after us; Popen would otherwise warn that it does.
            holder.returncode = 0
            return Started(revived=dead)

    def stop(self) -> bool:
        """Ends everything. Returns whether something ran."""
        if not self.state.directory.is_dir():
            return False
        with self.state.locked():
            ran = self._stop()
            self._clear_leftovers()
            return ran

    def reset(self) -> bool:
        """Ends everything and removes all state: data, certificates, secrets, ports. Returns whether something ran."""
        if not self.state.directory.is_dir():
            self.state.remove()
            return False
        with self.state.locked():
            ran = self._stop()
            self._clear_leftovers()
            self.state.remove()
            return ran

    def status(self) -> dict[str, dict[str, str]]:
        """What a client needs to talk to the services. Raises NotRunningError unless all of them run."""
        config = self.state.load()
        found = self.services()
        if config is None or not found:
            if self.state.is_held():
                raise NotRunningError("The sandbox is just starting or ending: ask again in a moment.")
            raise NotRunningError(f"The sandbox is not running: start it with `{self.command('start')}`.")
        dead = [service.name for service in found if service.state == "down"]
        if dead:
            raise NotRunningError(
                f"{' and '.join(dead)} of the sandbox ended (see `{self.command('logs')}`): start it again with "
                f"`{self.command('start')}`."
            )
        return connection_facts(self.state, config)

    def services(self) -> list[ServiceStatus]:
        """The services of a running sandbox; empty if there is none, or if it is still starting."""
        running = self.state.running()
        config = self.state.load()
        if running is None or not running.get("kept") or config is None or not self.state.is_held():
            return []
        urls = {service.name: service.url for service in self._plan(self.state, config)}
        return [
            self._service_status(name, facts, urls.get(name, ""))
            for name, facts in running["services"].items()
        ]

    def command(self, word: str) -> str:
        """The command line that a user types for this sandbox."""
        if self.state.directory == DEFAULT_STATE:
            return f"./dev sandbox {word}"
        return f"./dev sandbox {word} --state {self.state.directory}"

    def _service_status(self, name: str, facts: Mapping[str, Any], url: str) -> ServiceStatus:
        alive = facts["status"] is None and bool(command_line(facts["pid"]))
        return ServiceStatus(
            name=name,
            state="running" if alive else "down",
            pid=facts["pid"],
            url=url,
            last_words=() if alive else last_lines(self.state.logs / f"{name}.log", 5),
        )

    def _configure(self, *, patience_seconds: float) -> Config:
        """The kept configuration, its ports checked, or a new one."""
        config = self.state.load()
        if config is None:
            return self.state.create(self._preferred_ports)
        # A killed holder's services need a moment to notice that it is gone.
        deadline = time.monotonic() + patience_seconds
        taken = {name: port for name, port in config.ports.items() if not is_free(port)}
        while taken and time.monotonic() < deadline:
            time.sleep(0.1)
            taken = {name: port for name, port in taken.items() if not is_free(port)}
        for name, port in taken.items():
            who = listener(port)
            raise SandboxError(
                f"Port {port}, which the sandbox's {name} had until now, is taken{f' by {who}' if who else ''}: end "
                f"that, or give up the ports and all data with `{self.command('reset')}`."
            )
        return config

    def _spawn(self, plan: Sequence[Service]) -> subprocess.Popen[bytes]:
        with (self.state.logs / "supervisor.log").open("ab") as log:
            holder = subprocess.Popen(
                python_module("sandbox.holder"),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=REPOSITORY,
                env={"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"},
                start_new_session=True,
            )
        plan_for_holder = {
            "state": str(self.state.directory),
            "directory": str(REPOSITORY),
            "services": {
                service.name: {
                    "command": list(service.command),
                    "environment": dict(service.environment),
                    "ends_last": service.ends_last,
                }
                for service in plan
            },
        }
        _tell(holder, json.dumps(plan_for_holder))
        return holder

    def _wait_ready(
        self, holder: subprocess.Popen[bytes], plan: Sequence[Service], progress: Progress
    ) -> None:
        began = time.monotonic()
        waiting = {service.name: service for service in plan}
        started: set[str] = set()
        while waiting:
            for service in plan:
                if service.name not in started and not waiting.keys() & set(service.after):
                    started.add(service.name)
                    _tell(holder, f"start {service.name}")
            if holder.poll() is not None:
                raise SandboxError(f"The sandbox ended while it started: {self._last_words('supervisor')}")
            running = self.state.running() or {}
            for name, facts in running["services"].items() if running.get("pid") == holder.pid else ():
                if facts["status"] is not None:
                    raise SandboxError(
                        f"{name} ended while the sandbox started (status {facts['status']}): {self._last_words(name)}"
                    )
                if name in waiting and waiting[name].ready(facts["pid"]):
                    progress(f"{name:<9}{waiting.pop(name).url}  ({time.monotonic() - began:.1f} s)")
            if waiting and time.monotonic() - began > READY_TIMEOUT_SECONDS:
                raise SandboxError(
                    f"{' and '.join(waiting)} did not answer within {READY_TIMEOUT_SECONDS:.0f} s: see the logs in "
                    f"{self.state.logs}."
                )
            time.sleep(0.02)

    def _keep(self, holder: subprocess.Popen[bytes]) -> None:
        """Tells the holder to live on without us, and waits until it has written that down."""
        _tell(holder, "keep")
        while not (self.state.running() or {}).get("kept"):
            if holder.poll() is not None:
                raise SandboxError(f"The sandbox ended while it started: {self._last_words('supervisor')}")
            time.sleep(0.01)
        if holder.stdin is not None:
            holder.stdin.close()

    def _last_words(self, name: str) -> str:
        log = self.state.logs / f"{name}.log"
        lines = last_lines(log, 1)
        return f"{lines[0]} (all of it in {log})" if lines else f"it said nothing in {log}."

    def _abandon(self, holder: subprocess.Popen[bytes]) -> None:
        """Ends a start that failed or was interrupted; a second Ctrl-C can't leave anything running either."""
        with contextlib.suppress(OSError):
            if holder.stdin is not None:
                holder.stdin.close()
        try:
            holder.wait(STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(holder.pid, signal.SIGKILL)
            holder.wait()

    def _stop(self) -> bool:
        """Ends the holder and with it the services. The lock is held."""
        if not self.state.is_held():
            return False
        running = self.state.running()
        pid = int(running["pid"]) if running else None
        if pid is not None and "sandbox.holder" in command_line(pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_TIMEOUT_SECONDS
        while self.state.is_held():
            if time.monotonic() > deadline:
                if pid is None:
                    raise SandboxError(
                        f"Something holds {self.state.holder_lock_file} but says no process id: end it by hand."
                    )
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)
                deadline = float("inf")
            time.sleep(0.01)
        if pid is not None:
            with contextlib.suppress(ChildProcessError):  # unless we are who started it, it is not our child
                os.waitpid(pid, 0)
        return True

    def _clear_leftovers(self) -> bool:
        """Kills what a killed holder may have left, and says whether there was one.

        Pids are used again, so the command line has to match.
        """
        running = self.state.running()
        if running is None:
            return False
        for facts in running["services"].values():
            if command_line(facts["pid"]) == facts["command"]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(facts["pid"], signal.SIGKILL)
        self.state.run_file.unlink(missing_ok=True)
        return True


def _tell(holder: subprocess.Popen[bytes], words: str) -> None:
    """Says a line to the holder. If it has ended, whoever waits for it finds out."""
    if holder.stdin is not None:
        with contextlib.suppress(BrokenPipeError):
            holder.stdin.write(words.encode() + b"\n")
            holder.stdin.flush()
