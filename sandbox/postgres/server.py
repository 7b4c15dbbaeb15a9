"""One database server: made once, started, watched, stopped.

The server ends with whoever started it: its stdin is a pipe, and a shell of half a megabyte that waits at the
other end of it interrupts the server at end of file. That holds after `kill -9` of the parent, on Linux as on
macOS.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from sandbox.errors import SandboxError
from sandbox.ports import random_port

from .place import Place, find_place, remove_tree
from .stale import end_leftover

__all__ = ["SETTINGS", "Server", "is_ready", "temporary_server"]

SUPERUSER = "postgres"

# Small, and safe against killed processes but not against a power cut: what is committed has reached the
# operating system.
SETTINGS: Mapping[str, str] = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # a socket's path may have 103 bytes, a clone's path has more
    "max_connections": "60",
    "shared_buffers": "16MB",
    "fsync": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "min_wal_size": "16MB",
    "max_wal_size": "128MB",
    "wal_init_zero": "off",
    "io_method": "sync",  # spares three worker processes
    "max_worker_processes": "4",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_destination": "stderr",
    "logging_collector": "off",
    "password_encryption": "scram-sha-256",
}

# stdin moves to descriptor 3, since a shell gives its background jobs /dev/null for a stdin. `$$` is the
# server: exec keeps the pid.
RUN_UNTIL_END_OF_STDIN = """
exec 3<&0 </dev/null
(trap '' INT TERM; read -r _ <&3; kill -INT $$ 2>/dev/null) &
exec 3<&-
exec "$@"
"""

ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC", "PATH": "/usr/bin:/bin"}


class Server:
    """A server with its data below `directory`, on 127.0.0.1:`port`, superuser `postgres` with `password`.

    `databases` are made together with the data. As a context manager it starts, and stops at the end.
    """

    def __init__(
        self, directory: Path, *, port: int, password: str, databases: Sequence[str] = ("app",)
    ) -> None:
        self.directory = directory
        self.port = port
        self._password = password
        self._databases = tuple(databases)
        self._process: subprocess.Popen[bytes] | None = None
        self._place: Place | None = None

    def url(self, database: str = "app") -> str:
        """The DSN of `database`, as superuser."""
        return f"postgres://{SUPERUSER}:{self._password}@127.0.0.1:{self.port}/{database}"

    @property
    def place(self) -> Place:
        """Where the files lie and as whom the server runs."""
        if self._place is None:
            self._place = find_place(self.directory)
        return self._place

    @property
    def pid(self) -> int:
        """Process id of the running server. Raises SandboxError if it was not started."""
        if self._process is None:
            raise SandboxError("Postgres was not started.")
        return self._process.pid

    def prepare(self) -> None:
        """Makes the data directory if there is none, and mends what a killed server left behind.

        Raises SandboxError with initdb's own words if it fails.
        """
        data = self.place.data
        if data.is_dir():
            end_leftover(data)
            return
        # Made beside its final name: an interrupted initdb leaves nothing that looks like a database.
        unfinished = data.with_name("data.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        self._initdb(unfinished)
        unfinished.rename(data)

    def command(self) -> list[str]:
        """Arguments that run the prepared server in the foreground until its stdin ends."""
        settings = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
        server = [self.place.program("postgres"), "-D", str(self.place.data), "-p", str(self.port), *settings]
        return ["/bin/sh", "-c", RUN_UNTIL_END_OF_STDIN, "postgres-until-end-of-stdin", *server]

    def start(self, log: Path | None = None) -> None:
        """Prepares and starts the server; returns before it is ready. Its words go to `log`, or nowhere."""
        self.prepare()
        with (log or Path(os.devnull)).open("ab") as output:
            self._process = subprocess.Popen(
                self.command(), stdin=subprocess.PIPE, stdout=output, stderr=output, **self._identity()
            )

    def is_ready(self) -> bool:
        """Whether the server takes connections."""
        return self._process is not None and is_ready(self.place.data, self._process.pid)

    def wait_ready(self, timeout: float = 30.0) -> None:
        """Returns when connections are taken. Raises SandboxError after `timeout` seconds or if the server
        ended.
        """
        deadline = time.monotonic() + timeout
        while not self.is_ready():
            if self._process is not None and self._process.poll() is not None:
                raise SandboxError(
                    f"Postgres ended with status {self._process.returncode} instead of taking connections "
                    f"on port {self.port}."
                )
            if time.monotonic() > deadline:
                raise SandboxError(f"Postgres did not take connections within {timeout:.0f} s.")
            time.sleep(0.01)

    def stop(self, timeout: float = 5.0) -> None:
        """Ends the server and its connections; kills it after `timeout` seconds. Not running is fine."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(timeout)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if process.stdin is not None:
            process.stdin.close()

    def __enter__(self) -> Server:
        try:
            self.start()
            self.wait_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _identity(self) -> dict[str, Any]:
        """Popen's arguments for the server's account, working directory and environment."""
        options: dict[str, Any] = {"cwd": self.place.directory, "env": ENVIRONMENT}
        account = self.place.account
        if account is not None:
            options |= {"user": account.uid, "group": account.gid, "extra_groups": []}
        return options

    def _initdb(self, data: Path) -> None:
        data.mkdir(mode=0o700)
        password_file = data.with_name("password")
        password_file.unlink(missing_ok=True)
        with os.fdopen(os.open(password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(self._password + "\n")
        try:
            if self.place.account is not None:
                for path in (data, password_file):
                    os.chown(path, self.place.account.uid, self.place.account.gid)
            self._run(
                [
                    self.place.program("initdb"), "-D", str(data), "-U", SUPERUSER,
                    "--auth", "scram-sha-256", "--pwfile", str(password_file),
                    "--encoding", "UTF8", "--locale", "C", "--locale-provider", "builtin",
                    "--builtin-locale", "C.UTF-8", "--no-sync", "--no-instructions", "--wal-segsize", "4",
                ],
                b"",
            )  # fmt: skip
        finally:
            password_file.unlink(missing_ok=True)
        # Single-user mode (-j: a statement ends with a semicolon and an empty line) needs no client and no
        # port.
        statements = "".join(f'CREATE DATABASE "{name}";\n\n' for name in self._databases)
        self._run(
            [
                self.place.program("postgres"),
                "--single",
                "-j",
                "-D",
                str(data),
                "-c",
                "fsync=off",
                "postgres",
            ],
            statements.encode(),
        )

    def _run(self, command: list[str], stdin: bytes) -> None:
        done = subprocess.run(command, input=stdin, capture_output=True, check=False, **self._identity())
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        complaints = [line for line in lines if "FATAL:" in line or "ERROR:" in line or "error:" in line]
        # Single-user mode ends with 0 whatever became of its statements.
        if done.returncode != 0 or complaints:
            # initdb's last line says that it tidies up after itself
            reasons = [line for line in reversed(lines) if "removing" not in line]
            said = [*complaints, *reasons, "it gave no reason"][0]
            raise SandboxError(
                f"Postgres could not make its data directory {self.place.data}: {said} "
                f"(status {done.returncode})."
            )


def is_ready(data: Path, pid: int) -> bool:
    """Whether the server with this data and process id takes connections (line 8 of its pid file, as pg_ctl reads it).

    The pid counts because a killed server's file still says `ready`.
    """
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except (FileNotFoundError, PermissionError):
        return False
    return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"


@contextlib.contextmanager
def temporary_server(databases: Sequence[str] = ("app",)) -> Iterator[Server]:
    """A server with new data on a free port, both gone afterwards. For tests and measurements."""
    directory = Path(tempfile.mkdtemp(prefix="postgres-"))
    try:
        with Server(
            directory / "server", port=random_port(), password=secrets.token_hex(16), databases=databases
        ) as server:
            yield server
    finally:
        remove_tree(directory / "server")
        shutil.rmtree(directory, ignore_errors=True)
