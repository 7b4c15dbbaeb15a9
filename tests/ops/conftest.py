"""Fixtures: executables that stand for the world outside."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

Script = Callable[[str, str], Path]


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """Make an executable shell script `name` with this body in a folder of its own, which may go on a PATH."""

    def make(name: str, body: str) -> Path:
        file = tmp_path / "scripts" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"#!/bin/sh\n{body}\n")
        file.chmod(0o755)
        return file

    return make
