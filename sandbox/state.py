"""What a sandbox keeps on disk: ports and secrets that stay the same, and who runs at the moment.

config.json        ports and secrets (0600), made at the first start, kept until `reset`
run.json           process ids, written by the processes' holder while it lives
lock               held by the command that starts, stops or resets
holder.lock        held by the processes' holder as long as it lives: the one proof of life that can't be mistaken
ca.pem tls.pem …   certificates
logs/              one file a service
auth0/ hasura/ postgres/   the services' own data
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, BinaryIO

from sandbox.errors import SandboxError
from sandbox.ports import choose_ports
from sandbox.postgres.place import remove_tree

__all__ = ["Config", "State", "write_atomically"]


@dataclass(frozen=True)
class Config:
    """What stays the same from start to start."""

    ports: dict[str, int]
    postgres_password: str
    auth0_client_id: str
    auth0_client_secret: str
    hasura_admin_secret: str
    hasura_cloud_token: str
    hasura_project_id: str

    @classmethod
    def new(cls, preferred_ports: Mapping[str, int]) -> Config:
        """Free ports and random secrets. They are URL-safe, so that a DSN needs no escapes."""
        return cls(
            ports=choose_ports(preferred_ports),
            postgres_password=secrets.token_hex(16),
            auth0_client_id=secrets.token_urlsafe(24).replace("-", "a").replace("_", "b"),
            auth0_client_secret=secrets.token_urlsafe(48),
            hasura_admin_secret=secrets.token_hex(24),
            hasura_cloud_token=secrets.token_urlsafe(32),
            hasura_project_id=str(uuid.uuid4()),
        )


class State:
    """The state directory of one sandbox."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory.absolute()
        self.config_file = self.directory / "config.json"
        self.run_file = self.directory / "run.json"
        self.lock_file = self.directory / "sandbox.lock"
        self.holder_lock_file = self.directory / "holder.lock"
        self.logs = self.directory / "logs"
        self.postgres = self.directory / "postgres"
        self.auth0 = self.directory / "auth0"
        self.hasura = self.directory / "hasura"
        self.app_file = self.directory / "app.json"

    def make(self) -> None:
        """Makes the directory. Root's may be passed through by others, since Postgres runs as somebody else.

        Raises SandboxError if it can't, or if the directory is in use for something else.
        """
        self.check_own()
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            self.directory.chmod(0o711 if os.geteuid() == 0 else 0o700)
            self.lock_file.touch(mode=0o600)
            self.logs.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise SandboxError(
                f"The sandbox can't keep its state in {self.directory} ({error.strerror}): give another directory "
                "with --state."
            ) from error

    def check_own(self) -> None:
        """Raises SandboxError if the directory holds anything but a sandbox's state: `reset` removes all of it."""
        try:
            # Looked at before the mark, which is the first thing that is made and the last that is removed.
            entries = list(self.directory.iterdir())
            strangers = any(entry != self.lock_file for entry in entries) and not self.lock_file.exists()
        except FileNotFoundError:
            strangers = False
        except NotADirectoryError:
            strangers = True
        except OSError:
            return  # make() says what is wrong with it
        if strangers:
            raise SandboxError(
                f"{self.directory} holds something else than a sandbox's state: give a new or empty directory with "
                "--state."
            )

    def load(self) -> Config | None:
        """The kept configuration; None before the first start. Raises SandboxError if it can't be read."""
        try:
            values = json.loads(self.config_file.read_text())
            return Config(**{field.name: values[field.name] for field in fields(Config)})
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SandboxError(
                f"{self.config_file} can't be read as the sandbox's configuration: `reset` the sandbox, which "
                "makes it anew."
            ) from error

    def create(self, preferred_ports: Mapping[str, int]) -> Config:
        """A new configuration. Data that an earlier one left behind would not know its secrets, so it goes."""
        config = Config.new(preferred_ports)
        self._empty(keep={self.lock_file, self.logs})
        write_atomically(self.config_file, asdict(config))
        return config

    def remove(self) -> None:
        """Removes everything, the part of it outside of the directory included. The mark goes last."""
        self.check_own()
        self._empty(keep={self.lock_file})
        self.lock_file.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self.directory.rmdir()

    def _empty(self, keep: set[Path]) -> None:
        remove_tree(self.postgres)
        entries = set(self.directory.iterdir()) if self.directory.is_dir() else set()
        for entry in entries - keep:
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink(missing_ok=True)

    def running(self) -> dict[str, Any] | None:
        """What the holder last wrote about its processes; None if it never did."""
        try:
            found = json.loads(self.run_file.read_text())
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def is_held(self) -> bool:
        """Whether a holder of processes lives."""
        try:
            file = self.holder_lock_file.open("rb")
        except OSError:
            return False
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Waits until no other command starts, stops or resets this sandbox, and keeps others out meanwhile."""
        with self._lock():
            yield

    def _lock(self) -> BinaryIO:
        """The lock's file, locked. `reset` may remove it while we wait; then that lock is nobody's: once more."""
        while True:
            self.make()
            with contextlib.suppress(FileNotFoundError):
                file = self.lock_file.open("ab")
                try:
                    fcntl.flock(file, fcntl.LOCK_EX)
                    if self.lock_file.stat().st_ino == os.fstat(file.fileno()).st_ino:
                        return file
                except BaseException:
                    file.close()
                    raise
                file.close()


def write_atomically(path: Path, content: Mapping[str, Any]) -> None:
    """Writes JSON that only the user may read; readers see the old or the new text, never half of one."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.unfinished")
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(content, file, indent=2)
    unfinished.replace(path)
