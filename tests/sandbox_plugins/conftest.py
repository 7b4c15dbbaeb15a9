"""One tenant and one plugin of each kind a module; each test finds the tenant empty."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sandbox_plugins.databases import granted, place
from tests.sandbox_plugins.plugins import Executable
from tests.sandbox_plugins.tenants import Place, running_tenant

__all__ = ["granted", "place"]


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
