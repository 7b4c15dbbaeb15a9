"""Databases behind the sources: connection pools, and the catalog read from each.

A source's connection is named by its settings with the environment resolved, so a changed variable or setting opens a
new pool and leaves requests on the old one undisturbed until `retire` closes it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool

from sandbox.hasura import catalog
from sandbox.hasura.metadata.canonical_source import database_url
from sandbox.hasura.metadata.faults import Fault

__all__ = ["Source", "SourceRegistry"]

_log = logging.getLogger("sandbox.hasura")
_POOL_SIZE = 8
"""Connections per source. Requests run on 16 threads, and most of a request is not spent in the database."""
_CONNECT_SECONDS = 5.0


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

    def reread(self) -> Source:
        """The same source with its catalog read again."""
        if self.pool is None:
            return self
        with self.pool.connection() as connection:
            return Source(self.name, self.key, self.pool, catalog.introspect(connection))


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
        """`source` with its catalog read again; later `resolve` calls give this one."""
        fresh = source.reread()
        if fresh.pool is not None:
            self._open[fresh.name, fresh.key] = fresh
        return fresh

    def retire(self, used: Iterable[Source]) -> None:
        """Close the pools of every open source that is not among `used`."""
        keep = {(source.name, source.key) for source in used}
        for place in [place for place in self._open if place not in keep]:
            pool = self._open.pop(place).pool
            if pool is not None:
                pool.close(timeout=1)

    def close(self) -> None:
        """Close all pools."""
        self.retire(())


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
    """The words of libpq without its connection string, as Hasura shows them."""
    return Fault(
        "connection error",
        "postgres-error",
        internal=str(error).strip()
        if isinstance(error, psycopg.OperationalError)
        else "invalid connection settings",
    )
