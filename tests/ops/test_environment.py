"""The environment in which the engine runs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ops import paths
from ops.environment import engine_environment, for_loopback
from ops.toolchain import Toolchain

TOOLS = Toolchain(
    pulumi=Path("/tools/pulumi"),
    version="3.259.0",
    source="Go modules",
    bin_dirs=(Path("/tools"), Path("/node")),
    plugins="published",
    home=Path("/tmp/pulumi-home"),
    node=Path("/node/node"),
    npm=Path("/node/npm"),
)


def test_settings_of_other_stacks_do_not_reach_the_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A shell set up for a real tenant, a real database or another Pulumi project changes nothing here."""
    for name in (
        "AUTH0_DOMAIN",
        "AUTH0_API_TOKEN",
        "PGHOST",
        "PGPASSWORD",
        "PULUMI_ACCESS_TOKEN",
        "PULUMI_STACK",
    ):
        monkeypatch.setenv(name, "someone else's")
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    monkeypatch.setenv("PULUMI_HOME", "/elsewhere")
    environment = engine_environment(TOOLS, tmp_path, "word")
    assert "someone else's" not in environment.values()
    assert "/elsewhere" not in environment.values()
    assert environment["PULUMI_HOME"] == str(TOOLS.home)


def test_project_python_comes_first_then_the_tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The language host takes the first Python, the engine the first plugin."""
    monkeypatch.setenv("PATH", "/usr/bin")
    environment = engine_environment(TOOLS, tmp_path, "word")
    assert environment["PATH"].split(os.pathsep) == [str(paths.VENV_BIN), "/tools", "/node", "/usr/bin"]
    assert environment["PULUMI_PYTHON_CMD"] == str(paths.VENV_BIN / "python")


def test_state_lies_in_the_folder_named(tmp_path: Path):
    """The backend is a folder below the state, made where missing, its name a proper URL."""
    environment = engine_environment(TOOLS, tmp_path / "a state", "word")
    assert environment["PULUMI_BACKEND_URL"].endswith("/a%20state/pulumi")
    assert (tmp_path / "a state" / "pulumi").is_dir()
    assert environment["PULUMI_CONFIG_PASSPHRASE"] == "word"


def test_loopback_needs_no_proxy_and_no_bundle():
    """A client of the sandbox reaches it directly and trusts the CA that it was told."""
    environment = for_loopback(
        {"NO_PROXY": "intern.example", "REQUESTS_CA_BUNDLE": "/x", "HTTPS_PROXY": "http://p"}
    )
    assert environment["NO_PROXY"] == environment["no_proxy"] == "intern.example,localhost,127.0.0.1"
    assert "REQUESTS_CA_BUNDLE" not in environment
    assert environment["HTTPS_PROXY"] == "http://p"
