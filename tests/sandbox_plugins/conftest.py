"""One tenant and one plugin of each kind a module; each test finds the tenant empty."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

import pytest

from tests.sandbox_plugins.plugins import Executable
from tests.sandbox_plugins.tenants import Place, running_tenant


@pytest.fixture(scope="module")
def tenant_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with running_tenant(tmp_path_factory.mktemp("tenant")) as place:
        yield place


@pytest.fixture(scope="module")
def auth0_plugin(tenant_place: Place) -> Iterator[Executable]:
    with Executable("auth0", tenant_place.config, tenant_place.environment) as plugin:
        yield plugin


@pytest.fixture
def tenant(tenant_place: Place) -> Place:
    """A tenant with nothing in it but the machine client."""
    tenant_place.clear()
    return tenant_place


@pytest.fixture
def auth0(auth0_plugin: Executable, tenant: Place) -> Executable:
    """The auth0 plugin on that tenant."""
    return auth0_plugin


def settings_of(url: str) -> dict[str, str | int | bool]:
    """The postgresql plugin's settings for a DSN, as the stack makes them."""
    parts = urlsplit(url)
    return {
        "host": str(parts.hostname),
        "port": int(parts.port or 5432),
        "database": parts.path.removeprefix("/"),
        "username": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "sslmode": "disable",
        "superuser": False,
        "connectTimeout": 15,
    }


@pytest.fixture
def postgresql(database: str) -> Iterator[Executable]:
    """The postgresql plugin on a database of its own."""
    with Executable("postgresql", settings_of(database)) as plugin:
        yield plugin
