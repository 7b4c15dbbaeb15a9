"""`python -m sandbox.postgres --directory DIR --port N --database NAME …`: the server as a service of the sandbox.

Password in SANDBOX_POSTGRES_PASSWORD. This process becomes the server (same pid); it ends with its stdin.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from sandbox.errors import SandboxError

from .server import ENVIRONMENT, Server


def main() -> None:
    """Prepares the data and turns into the server; never returns unless something is wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.postgres", description="A Postgres server on 127.0.0.1."
    )
    parser.add_argument("--directory", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--database", action="append", default=[])
    arguments = parser.parse_args()
    password = os.environ.get("SANDBOX_POSTGRES_PASSWORD", "")
    if not password:
        sys.exit("SANDBOX_POSTGRES_PASSWORD is not set: it is the password of the superuser.")
    server = Server(arguments.directory, port=arguments.port, password=password, databases=arguments.database)
    try:
        server.prepare()
    except SandboxError as error:
        sys.exit(str(error))
    place = server.place
    if place.account is not None and place.borrowed:
        sys.stderr.write(
            f"Postgres does not run as root, and the user {place.account.name} can't reach {arguments.directory}: "
            f"the data is in {place.directory} until `reset`.\n"
        )
        sys.stderr.flush()
    command = server.command()
    os.chdir(place.directory)
    if place.account is not None:
        os.setgroups([])
        os.setgid(place.account.gid)
        os.setuid(place.account.uid)
    os.execve(command[0], command, ENVIRONMENT)  # noqa: S606 -- an argument list of our own making


if __name__ == "__main__":
    main()
