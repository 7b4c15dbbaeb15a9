"""The sandbox's cold start, and the memory of all of its processes after some logins."""

from __future__ import annotations

import time

from benchmarks.figures import Figure
from benchmarks.ground import Ground
from ops.browser import Browser
from ops.errors import Problem
from sandbox.errors import SandboxError
from sandbox.memory import memory_by_service

COLD_STARTS = 3
LOGINS = 20
MEGABYTE = 1_000_000


def measure(ground: Ground) -> list[Figure]:
    """From nothing to every service answering; proportional memory of all processes together."""
    seconds = [_cold_start(ground) for _ in range(COLD_STARTS)]
    person, *_ = ground.people(1)
    application = ground.application
    for _ in range(LOGINS):
        Browser(ground.ca_file).log_in(application, person.email, person.password)
    by_service = {name: size / MEGABYTE for name, size in memory_by_service(ground.sandbox.state).items()}
    return [
        Figure("sandbox: cold start to ready", seconds, "s", aim=5),
        Figure(
            f"sandbox: memory of all processes after {LOGINS} logins",
            [sum(by_service.values())],
            "MB",
            aim=350,
            note=", ".join(f"{name} {size:.0f}" for name, size in by_service.items()),
        ),
    ]


def _cold_start(ground: Ground) -> float:
    """Seconds of a first start, with a new certificate authority and a new database."""
    try:
        began = time.monotonic()
        ground.second.start()
        return time.monotonic() - began
    except SandboxError as error:
        raise Problem(str(error)) from None
    finally:
        ground.second.reset()
