"""One start of the services: the conversation with the detached process that holds them (`sandbox.holder`)."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence

from sandbox.errors import SandboxError
from sandbox.logs import last_lines
from sandbox.services import REPOSITORY, Service, python_module
from sandbox.state import State

__all__ = ["launch"]

READY_TIMEOUT_SECONDS = 60.0
GIVE_UP_TIMEOUT_SECONDS = 10.0


def launch(state: State, plan: Sequence[Service], progress: Callable[[str], None]) -> None:
    """Starts the services and returns when all of them are ready; they live on without us from then on.

    `progress` gets a line for each that is. Raises SandboxError with a service's last words if it ends or is not
    ready in time. Whatever interrupts it, Ctrl-C included, everything that it started has ended when it raises.
    """
    start = Launch(state, plan)
    try:
        start.wait_ready(progress)
        start.keep()
    except BaseException:
        start.abandon()
        raise


class Launch:
    """A holder that was started and not yet told to live on."""

    def __init__(self, state: State, plan: Sequence[Service]) -> None:
        self.state = state
        self.plan = plan
        with (state.logs / "supervisor.log").open("ab") as log:
            self.holder = subprocess.Popen(
                python_module("sandbox.holder"),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=REPOSITORY,
                env={"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"},
                start_new_session=True,
            )
        self.tell(
            json.dumps(
                {
                    "state": str(state.directory),
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
            )
        )

    def wait_ready(self, progress: Callable[[str], None]) -> None:
        """Starts each service when those that it comes after are ready, until all are."""
        began = time.monotonic()
        waiting = {service.name: service for service in self.plan}
        started: set[str] = set()
        while waiting:
            for service in self.plan:
                if service.name not in started and not waiting.keys() & set(service.after):
                    started.add(service.name)
                    self.tell(f"start {service.name}")
            self.check_holder()
            running = self.state.running() or {}
            for name, facts in running["services"].items() if running.get("pid") == self.holder.pid else ():
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

    def keep(self) -> None:
        """Tells the holder to live on without us, and waits until it has written that down."""
        self.tell("keep")
        while not (self.state.running() or {}).get("kept"):
            self.check_holder()
            time.sleep(0.01)
        if self.holder.stdin is not None:
            self.holder.stdin.close()
        self.holder.returncode = 0  # it lives on on purpose: no warning from Popen, please

    def check_holder(self) -> None:
        """Raises SandboxError if the holder has ended."""
        if self.holder.poll() is not None:
            raise SandboxError(f"The sandbox ended while it started: {self._last_words('supervisor')}")

    def abandon(self) -> None:
        """Ends a start that failed or was interrupted; a second Ctrl-C can't leave anything running either."""
        with contextlib.suppress(OSError):
            if self.holder.stdin is not None:
                self.holder.stdin.close()
        self.holder.terminate()  # it may have heard `keep` already
        try:
            self.holder.wait(GIVE_UP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.holder.pid, signal.SIGKILL)
            self.holder.wait()

    def tell(self, words: str) -> None:
        """Says a line to the holder. If it has ended, check_holder finds out."""
        if self.holder.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self.holder.stdin.write(words.encode() + b"\n")
                self.holder.stdin.flush()

    def _last_words(self, name: str) -> str:
        log = self.state.logs / f"{name}.log"
        lines = last_lines(log, 1)
        return f"{lines[0]} (all of it in {log})" if lines else f"it said nothing in {log}."
