"""Connection settings of a source in the form in which Hasura exports them, and the DSN that they stand for.

Rule (Hasura's `PostgresConnConfiguration`): `connection_info` always shows `isolation_level` and
`use_prepared_statements`; `database_url` is a DSN, `{"from_env": NAME}` or `{"connection_parameters": {…}}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from sandbox.hasura.metadata.faults import Fault, not_simulated, parse_failed
from sandbox.hasura.metadata.names import kind_of, require, require_text

__all__ = ["database_url", "source_configuration"]

_POOL_KEYS = (
    "max_connections",
    "total_max_connections",
    "idle_timeout",
    "retries",
    "pool_timeout",
    "connection_lifetime",
)
_ISOLATION_LEVELS = ("read-committed", "repeatable-read", "serializable")


def source_configuration(raw: object, *, path: str) -> dict[str, Any]:
    """The `configuration` of a source in exported form. Raises `Fault`."""
    info, here = require(raw, "connection_info", path=path), f"{path}.connection_info"
    assert isinstance(raw, dict)  # noqa: S101 - require() has seen to it
    for key in ("read_replicas", "connection_template", "connection_set"):
        if raw.get(key):
            raise not_simulated(f"{key} of a source", path=f"{path}.{key}")
    url = _url_configuration(require(info, "database_url", path=here), path=f"{here}.database_url")
    out: dict[str, Any] = {
        "database_url": url,
        "isolation_level": info.get("isolation_level") or "read-committed",
    }
    if out["isolation_level"] not in _ISOLATION_LEVELS:
        raise parse_failed(
            f"Unexpected isolation level {out['isolation_level']}. Accepted values are: read-committed,"
            " repeatable-read, serializable",
            path=f"{here}.isolation_level",
        )
    if info.get("ssl_configuration"):
        raise not_simulated("ssl_configuration of a source", path=f"{here}.ssl_configuration")
    settings = info.get("pool_settings")
    if settings is not None and not isinstance(settings, dict):
        raise parse_failed(
            f"expected Object, but encountered {kind_of(settings)}", path=f"{here}.pool_settings"
        )
    pool = {k: settings[k] for k in _POOL_KEYS if settings.get(k) is not None} if settings else {}
    if pool:
        out["pool_settings"] = pool
    out["use_prepared_statements"] = bool(info.get("use_prepared_statements", False))
    return {"connection_info": out}


def _url_configuration(value: object, *, path: str) -> str | dict[str, Any]:
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and set(value) == {"from_env"}:
        return {"from_env": require_text(value, "from_env", path=path)}
    if isinstance(value, dict) and set(value) == {"connection_parameters"}:
        parameters, here = value["connection_parameters"], f"{path}.connection_parameters"
        for key in ("host", "username", "database"):
            require_text(parameters, key, path=here)
        return {"connection_parameters": dict(parameters)}
    if isinstance(value, dict) and set(value) == {"dynamic_from_file"}:
        raise not_simulated("dynamic_from_file of a database_url", path=path)
    raise parse_failed("expected a string or an object with from_env or connection_parameters", path=path)


def database_url(configuration: Mapping[str, Any], environment: Mapping[str, str]) -> str:
    """The DSN (secret) of a source in exported form.

    Raises `Fault` with Hasura's words when an environment variable is not set.
    """
    url = configuration["connection_info"]["database_url"]
    if isinstance(url, str):
        return url
    if "from_env" in url:
        name = url["from_env"]
        if name not in environment:
            raise Fault(f'environment variable "{name}" not set', "invalid-params")
        return environment[name]
    part = url["connection_parameters"]
    password = f":{quote(part['password'], safe='')}" if part.get("password") else ""
    return (
        f"postgresql://{quote(part['username'], safe='')}{password}"
        f"@{part['host']}:{part.get('port', 5432)}/{quote(part['database'], safe='')}"
    )
