"""The sandbox as a whole: start, stop, status, reset.

    sandbox = Sandbox(Path(".sandbox"))
    sandbox.start()
    facts = sandbox.status()

The commands of `ops/sandbox.py` and the demo are thin over this class.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.errors import NotRunningError, SandboxError
from sandbox.launch import launch
from sandbox.logs import last_lines
from sandbox.ports import DEFAULT_PORTS, is_free, listener
from sandbox.processes import command_line
from sandbox.services import REPOSITORY, Service, connection_facts, services
from sandbox.state import Config, State

__all__ = ["DEFAULT_STATE", "NotRunningError", "Sandbox", "ServiceStatus", "Started"]

DEFAULT_STATE = REPOSITORY / ".sandbox"

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
                found = self.services()
                dead = [service.name for service in found if service.state == "down"]
                if found and not dead:
                    return Started(already=True)
                if dead:
                    progress(f"{' and '.join(dead)} had ended: everything is started again.")
                self._stop()  # also a start that was given up and is still ending
            was_killed = self._clear_leftovers()
            config = self._kept_config(patience_seconds=3.0 if was_killed else 0.0)
            if config is None:
                self._first_launch(progress)
            else:
                launch(self.state, self._plan(self.state, config), progress)
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

    def _first_launch(self, progress: Progress) -> None:
        """Chooses ports and starts; once more if somebody else took one between the choice and its use."""
        for last_attempt in (False, False, True):
            config = self.state.create(self._preferred_ports)
            try:
                return launch(self.state, self._plan(self.state, config), progress)
            except SandboxError:
                if last_attempt or all(is_free(port) for port in config.ports.values()):
                    raise
                progress("Somebody took a port in the same moment: starting on the next free ones.")
        return None

    def _kept_config(self, *, patience_seconds: float) -> Config | None:
        """The kept configuration, its ports checked; None at the first start."""
        config = self.state.load()
        if config is None:
            return None
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
