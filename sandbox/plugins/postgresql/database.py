"""The server: short connections, one transaction a change, failures as one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from providers.kit.errors import ProviderError

if TYPE_CHECKING:
    import psycopg


@dataclass(frozen=True)
class Server:
    """A Postgres server as the provider is configured for it."""

    host: str
    port: int
    database: str
    username: str
    password: str = field(repr=False)
    sslmode: str
    connect_timeout: int

    @contextmanager
    def transaction(self, what: str, database: str | None = None) -> Iterator[psycopg.Connection[Any]]:
        """A connection inside one transaction. `what` completes "Postgres refused to …". Raises `ProviderError`."""
        import psycopg  # noqa: PLC0415 — a third of a second that a deployment without changes does not need

        place = f"{self.host}:{self.port}/{database or self.database}"
        try:
            opened = psycopg.connect(
                host=self.host,
                port=self.port,
                dbname=database or self.database,
                user=self.username,
                password=self.password,
                sslmode=self.sslmode,
                connect_timeout=self.connect_timeout,
            )
        except psycopg.OperationalError as error:
            raise ProviderError(
                f"Postgres at {place} cannot be used, “{_last_line(error)}”; check databaseUrl."
            ) from None
        try:
            with opened as connection:
                yield connection
        except psycopg.Error as error:
            raise ProviderError(f"Postgres at {place} refused to {what}, “{_last_line(error)}”.") from None


def _last_line(error: psycopg.Error) -> str:
    text = error.diag.message_primary or str(error)
    return text.strip().splitlines()[-1] if text.strip() else "no reason given"
