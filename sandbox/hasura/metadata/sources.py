"""Databases behind the sources: connection pools, and the catalog read from each.

A source's connection is named by its settings with the environment resolved, so a changed variable or setting opens a
new pool and leaves requests on the old one undisturbed until `retire` closes it.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

from sandbox.hasura import catalog
from sandbox.hasura.metadata.canonical_source import database_url
from sandbox.hasura.metadata.faults import Fault

__all__ = ["Source", "SourceRegistry"]

_log = logging.getLogger("sandbox.hasura")
_POOL_SIZE = 8
"""Connections per source. Requests run on 16 threads, and most of a request is not spent in the database."""
_CONNECT_SECONDS = 5.0
_GRACE_SECONDS = 2.0


@dataclass
class Source:
    """A source as it can be used now: a pool and a catalog, or the reason why there are none."""

    name: str
    key: str
    pool: ConnectionPool | None = None
    catalog: catalog.Catalog | None = None
    fault: Fault | None = None

    @property
    def usable_pool(self) -> ConnectionPool:
        """The pool; raises the source's fault when there is none."""
        if self.pool is None:
            raise self.fault or Fault("source has no connection", "unexpected")
        return self.pool


@dataclass
class SourceRegistry:
    """All open sources of the engine, each under its name and resolved settings."""

    _open: dict[tuple[str, str], Source] = field(default_factory=dict)

    def resolve(self, name: str, configuration: Mapping[str, Any], environment: Mapping[str, str]) -> Source:
        """The source `name` with the exported-form `configuration`, opened if it is not open yet.

        Never raises: a source that cannot be reached carries its fault.
        """
        try:
            url = database_url(configuration, environment)
        except Fault as fault:
            return Source(name, "", fault=fault)
        key = json.dumps([url, configuration["connection_info"]], sort_keys=True)
        known = self._open.get((name, key))
        if known is None:
            known = _connect(name, key, url, configuration["connection_info"])
            if known.fault is None:
                self._open[name, key] = known
        return known

    def reread(self, source: Source) -> Source:
        """`source` with its catalog read again; later `resolve` calls give this one.

        The same object where nothing has changed; a source with a fault where the database does not answer.
        """
        if source.pool is None:
            return source
        try:
            with source.pool.connection(timeout=_CONNECT_SECONDS) as connection:
                tables = catalog.introspect(connection)
        except (psycopg.Error, PoolTimeout) as error:
            self._open.pop((source.name, source.key), None)
            _close_later(source.pool)
            return Source(source.name, source.key, fault=_connection_fault(error))
        return source if tables == source.catalog else self.adopt(source, tables)

    def adopt(self, source: Source, tables: catalog.Catalog) -> Source:
        """`source` with a catalog that was just read; later `resolve` calls give this one."""
        fresh = Source(source.name, source.key, source.pool, tables)
        self._open[fresh.name, fresh.key] = fresh
        return fresh

    def retire(self, used: Iterable[Source]) -> None:
        """Close the pools of every open source that is not among `used`, when their requests are done."""
        keep = {(source.name, source.key) for source in used}
        for place in [place for place in self._open if place not in keep]:
            pool = self._open.pop(place).pool
            if pool is not None:
                _close_later(pool)

    def close(self) -> None:
        """Close all pools at once."""
        while self._open:
            pool = self._open.popitem()[1].pool
            if pool is not None:
                pool.close(timeout=1)


def _close_later(pool: ConnectionPool) -> None:
    """Close `pool` after a while: a request that arrived before may be about to take a connection."""
    timer = threading.Timer(_GRACE_SECONDS, pool.close, kwargs={"timeout": 1})
    timer.daemon = True
    timer.start()


def _connect(name: str, key: str, url: str, info: Mapping[str, Any]) -> Source:
    settings = info.get("pool_settings") or {}
    try:
        with psycopg.connect(url, connect_timeout=int(_CONNECT_SECONDS)) as connection:
            tables = catalog.introspect(connection)
    except (psycopg.Error, ValueError) as error:
        _log.warning("source %s cannot be reached: %s", name, type(error).__name__)
        return Source(name, key, fault=_connection_fault(error))
    level = psycopg.IsolationLevel[info["isolation_level"].replace("-", "_").upper()]

    def configure(connection: psycopg.Connection[Any]) -> None:
        connection.isolation_level = level

    size = max(1, min(_POOL_SIZE, int(settings.get("max_connections", _POOL_SIZE))))
    pool = ConnectionPool(
        url,
        min_size=1,
        max_size=size,
        max_idle=float(settings.get("idle_timeout", 180)),
        max_lifetime=float(settings.get("connection_lifetime", 600)),
        timeout=float(settings.get("pool_timeout", 30)),
        kwargs={"autocommit": True, "application_name": "hasura", "connect_timeout": int(_CONNECT_SECONDS)},
        configure=configure,
        check=ConnectionPool.check_connection,
        name=f"source-{name}",
        open=True,
    )
    return Source(name, key, pool, tables)


def _connection_fault(error: Exception) -> Fault:
    """Hasura's `connection error`, and why, in words that cannot hold a part of the connection string."""
    text = str(error)
    if isinstance(error, psycopg.ProgrammingError | ValueError):
        reason = "the connection string cannot be read"
    elif "resolve" in text or "translate host name" in text:
        reason = "the host name cannot be resolved"
    elif "failed: " in text:
        reason = text.rsplit("failed: ", 1)[1].splitlines()[0].strip()
    else:
        reason = "the database does not answer"
    return Fault("connection error", "postgres-error", internal=reason)
