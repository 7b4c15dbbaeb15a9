"""The database: connections, one transaction a change under a lock timeout, failures as one sentence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from providers.kit.errors import ProviderError

if TYPE_CHECKING:
    import psycopg

    from providers.pgschema.operations import Operation

_CONNECT_TIMEOUT = 15  # seconds
_LOCK_TIMEOUT = "10s"
"""DDL waits for every transaction that uses the table, and everybody who comes later waits behind it: better to give up."""


class Database:
    """A Postgres database by its URL. Connections are short: a deployment holds none while it waits for other resources."""

    def __init__(self, url: str) -> None:
        self._url = url

    @property
    def place(self) -> str:
        """Host, port and database, for messages: no user and no password."""
        parts = urlsplit(self._url)
        return f"{parts.hostname}:{parts.port or 5432}{parts.path}"

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection[Any]]:
        """A connection. Raises `ProviderError` where the database refuses or cannot be reached."""
        with self._connect() as connection:
            yield connection

    def _connect(self) -> psycopg.Connection[Any]:
        import psycopg  # noqa: PLC0415 — a deployment without changes never connects

        try:
            return psycopg.connect(
                self._url, connect_timeout=_CONNECT_TIMEOUT, application_name="pulumi pgschema"
            )
        except psycopg.OperationalError as error:
            # libpq's last line may be a question to the user, indented: the line before says what happened
            said = [line for line in str(error).splitlines() if line.strip() and not line.startswith("\t")]
            raise ProviderError(
                f"Postgres at {self.place} cannot be used, “{said[-1] if said else 'no reason given'}”; check that it runs and that "
                "databaseUrl is right."
            ) from None

    def execute(self, operations: Sequence[Operation], what: str) -> None:
        """Carry operations out in one transaction. `what` completes "Postgres refused to …". Raises `ProviderError`."""
        from sqlalchemy import create_engine, text  # noqa: PLC0415 — slow to import, and only changes need it
        from sqlalchemy.exc import DBAPIError  # noqa: PLC0415 — ditto
        from sqlalchemy.pool import NullPool  # noqa: PLC0415 — ditto

        from providers.pgschema.operations import execute  # noqa: PLC0415 — ditto

        engine = create_engine("postgresql+psycopg://", creator=self._connect, poolclass=NullPool)
        try:
            with engine.begin() as connection:
                connection.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'"))
                execute(operations, connection)
        except DBAPIError as error:
            raise ProviderError(
                f"Postgres at {self.place} refused to {what}, “{_first_line(error.orig)}”{_advice(error.orig)}"
            ) from None


def _first_line(error: BaseException | None) -> str:
    diagnosis = getattr(error, "diag", None)
    message = getattr(diagnosis, "message_primary", None) or str(error)
    return message.strip().splitlines()[-1] if message.strip() else "no reason given"


def _advice(error: BaseException | None) -> str:
    import psycopg  # noqa: PLC0415 — see `connection`

    if isinstance(error, psycopg.errors.LockNotAvailable):
        return f"; another transaction has held the table for {_LOCK_TIMEOUT}: end it, or try again."
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        return "; give the role in databaseUrl the right to do it."
    if isinstance(error, psycopg.errors.UniqueViolation):
        return "; remove the duplicate rows first."
    if isinstance(error, psycopg.errors.NotNullViolation):
        return "; give the column a default, or fill it in the existing rows first."
    if isinstance(error, psycopg.errors.DependentObjectsStillExist):
        return "; something that is not ours depends on it."
    return "."
