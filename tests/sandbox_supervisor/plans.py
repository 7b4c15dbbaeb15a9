"""Plans of stand-ins, and the questions that the tests ask about processes.

`python -m tests.sandbox_supervisor.plans STATE KIND FIRST_PORT` starts such a sandbox, as `./dev sandbox start` would.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

from sandbox.ports import DEFAULT_PORTS, random_ports
from sandbox.processes import command_line
from sandbox.services import Service, answers_http, python_module, services
from sandbox.state import Config, State
from sandbox.supervisor import Plan, Sandbox


def standin_plan(kind: str = "good", *, postgres: bool = False) -> Plan:
    """A plan with the services `web` (good) and `other` (of the kind), perhaps with the real database."""

    def plan(state: State, config: Config) -> list[Service]:
        real = [service for service in services(state, config) if service.name == "postgres"]
        return [*(real if postgres else []), standin("web", "good", config), standin("other", kind, config)]

    return plan


def standin(name: str, kind: str, config: Config) -> Service:
    port = config.ports["app" if name == "web" else "hasura"]
    return Service(
        name=name,
        command=python_module("tests.sandbox_supervisor.standin", kind, str(port)),
        environment={"PATH": "/usr/bin:/bin", "STANDIN": name},
        ready=lambda _pid: answers_http(port, "/"),
        ports=[port],
        url=f"http://127.0.0.1:{port}",
    )


def standin_sandbox(directory: Path, kind: str = "good", *, postgres: bool = False) -> Sandbox:
    return Sandbox(directory, preferred_ports=random_ports(), plan=standin_plan(kind, postgres=postgres))


def all_pids(sandbox: Sandbox) -> list[int]:
    running = sandbox.state.running()
    assert running is not None
    return [running["pid"], *(service["pid"] for service in running["services"].values())]


def eventually(condition: Callable[[], bool]) -> bool:
    """Whether the condition comes true; patient, since the machine may be busy."""
    deadline = time.monotonic() + 20
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def gone(pids: list[int]) -> bool:
    return eventually(lambda: not any(command_line(pid) for pid in pids))


if __name__ == "__main__":
    first = int(sys.argv[3])
    Sandbox(
        Path(sys.argv[1]),
        preferred_ports={name: first + 7 * number for number, name in enumerate(DEFAULT_PORTS)},
        plan=standin_plan(sys.argv[2]),
    ).start(lambda text: print(text, flush=True))
