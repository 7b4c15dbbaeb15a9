"""One plugin process and one pair of fakes for a module; the fakes forget everything before each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plugin import Plugin
from tests.providers_hasura.fakes import FakeCloud, FakeEngine

FOLDER = Path("providers/hasura")


@pytest.fixture(scope="module")
def services() -> Iterator[tuple[FakeEngine, FakeCloud, Plugin]]:
    engine = FakeEngine()
    cloud = FakeCloud(engine)
    with Plugin(FOLDER) as plugin:
        plugin.configure(
            {
                "endpoint": engine.url,
                "adminSecret": engine.secret,
                "cloudEndpoint": f"{cloud.url}/v1/graphql",
                "cloudToken": cloud.token,
            }
        )
        yield engine, cloud, plugin
    cloud.close()
    engine.close()


@pytest.fixture
def engine(services: tuple[FakeEngine, FakeCloud, Plugin]) -> FakeEngine:
    services[0].reset()
    return services[0]


@pytest.fixture
def cloud(services: tuple[FakeEngine, FakeCloud, Plugin], engine: FakeEngine) -> FakeCloud:
    services[1].reset()
    return services[1]


@pytest.fixture
def plugin(services: tuple[FakeEngine, FakeCloud, Plugin], cloud: FakeCloud) -> Plugin:
    return services[2]
