"""One sandbox and one stack for the module: its life is lived once, whatever tests ask for it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.environment import for_loopback
from ops.toolchain import ensure
from sandbox.ports import random_ports
from sandbox.supervisor import Sandbox
from tests.life.story import Story


@pytest.fixture(scope="package")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """A stack that is not deployed yet, and a sandbox for it."""
    state: Path = tmp_path_factory.mktemp("life") / "state"
    sandbox = Sandbox(state, preferred_ports=random_ports())
    sandbox.start()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in for_loopback(os.environ).items():
            patch.setenv(name, value)
        # the proof is run in this process, too: it trusts what requests trusts
        patch.setenv("REQUESTS_CA_BUNDLE", sandbox.status()["auth0"]["ca_file"])
        lived = Story(sandbox, ensure(quiet=True), state)
        try:
            yield lived
        finally:
            lived.engine.close()
            sandbox.reset()
