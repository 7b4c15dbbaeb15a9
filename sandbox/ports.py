"""Ports on the loopback: which are free, who has the others.

Fixed ports, so that an application's configuration and a browser's bookmark stay right; the next free one where
somebody else is first; the same ones from then on.
"""

from __future__ import annotations

import contextlib
import errno
import secrets
import shutil
import socket
import subprocess
from collections.abc import Mapping

from sandbox.errors import SandboxError

__all__ = ["DEFAULT_PORTS", "choose_ports", "is_free", "listener", "random_port", "random_ports"]

DEFAULT_PORTS: Mapping[str, int] = {
    "auth0": 8443,
    "hasura": 8080,
    "cloud": 8081,
    "postgres": 5433,
    "app": 3000,
}


def is_free(port: int) -> bool:
    """Whether nobody listens on `port` of the loopback.

    Both of its addresses count: clients that resolve `localhost` to ::1 first would reach the stranger there.
    """
    return all(
        _can_bind(family, host, port)
        for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))
    )


def _can_bind(family: socket.AddressFamily, host: str, port: int) -> bool:
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            # Connections that were closed a moment ago don't count; a listener does.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        if family == socket.AF_INET6:
            return error.errno != errno.EADDRINUSE  # a machine without IPv6 has nobody there
        return False
    return True


def choose_ports(preferred: Mapping[str, int] = DEFAULT_PORTS) -> dict[str, int]:
    """A free port for each name: the preferred one or the next that nobody has. Raises SandboxError if there is none."""
    chosen: dict[str, int] = {}
    for name, first in preferred.items():
        spoken_for = {*chosen.values(), *(port for other, port in preferred.items() if other != name)}
        for port in range(first, min(first + 200, 65536)):
            if port not in spoken_for and is_free(port):
                chosen[name] = port
                break
        else:
            raise SandboxError(
                f"No port from {first} to {first + 199} is free for {name}: stop what listens there."
            )
    return chosen


def random_ports() -> dict[str, int]:
    """Ports to prefer instead of the fixed ones, for a sandbox that must not be in anybody's way."""
    first = random_port()
    return {name: first + 7 * number for number, name in enumerate(DEFAULT_PORTS)}


def random_port() -> int:
    """A port that nobody listens on.

    From below the range that outgoing connections take theirs from (32768 on Linux, 49152 on macOS).
    """
    while True:
        port = 10_000 + secrets.randbelow(20_000)
        if is_free(port):
            return port


def listener(port: int) -> str | None:
    """Who listens on `port`, as 'name (pid 123)'; None where that can't be found out."""
    if shutil.which("lsof") is None:
        return None
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        found = subprocess.run(
            ["lsof", "-nP", f"-iTCP:{port}", "-sTCP:LISTEN", "-Fpc"],
            capture_output=True, text=True, check=False, timeout=5,
        )  # fmt: skip
        fields = {line[0]: line[1:] for line in found.stdout.splitlines() if line}
        if "p" in fields:
            return f"{fields.get('c', 'a process')} (pid {fields['p']})"
    return None
