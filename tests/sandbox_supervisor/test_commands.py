"""`./dev sandbox` as it is typed: exit statuses, what goes to stdout, what to stderr."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from sandbox.services import REPOSITORY
from tests.sandbox_supervisor.plans import standin_sandbox


def dev(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ops", "sandbox", *words],
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    sandbox = standin_sandbox(tmp_path_factory.mktemp("running") / "state")
    sandbox.start()
    yield sandbox
    sandbox.reset()


def test_status_of_nothing_exits_with_3_and_one_sentence(tmp_path):
    """Scripts see the status, people the sentence; stdout stays empty, and so does the disk."""
    done = dev("status", "--json", "--state", str(tmp_path / "none"))
    assert done.returncode == 3
    assert done.stdout == ""
    assert "The sandbox is not running: start it with `./dev sandbox start --state" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "none").exists()


def test_json_is_all_that_goes_to_stdout(running):
    """`status --json` can be piped into a parser."""
    done = dev("status", "--json", "--state", str(running.state.directory))
    assert done.returncode == 0
    assert json.loads(done.stdout) == running.status()


def test_the_table_shows_no_secret(running):
    """People look at it with others beside them."""
    done = dev("status", "--memory", "--state", str(running.state.directory))
    assert done.returncode == 0
    assert "web" in done.stdout
    assert "running" in done.stdout
    config = running.state.load()
    for secret in (config.postgres_password, config.auth0_client_secret, config.hasura_admin_secret):
        assert secret not in done.stdout + done.stderr


def test_stop_and_reset_of_nothing_are_fine(tmp_path):
    """Both say what is the case and exit with 0."""
    for word in ("stop", "reset"):
        assert dev(word, "--state", str(tmp_path / "none")).returncode == 0
    assert not (tmp_path / "none").exists()


def test_logs_shows_the_services_lines(running):
    """Of one service plain, of all with the name in front."""
    state = str(running.state.directory)
    assert dev("logs", "web", "--state", state).stdout == "good stand-in\n"
    assert "other     good stand-in" in dev("logs", "-n", "1", "--state", state).stdout
    unknown = dev("logs", "nobody", "--state", state)
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert "other, supervisor, web" in unknown.stderr


def test_the_real_engine_is_refused_in_a_sentence(tmp_path):
    """What isn't there yet isn't pretended."""
    done = dev("start", "--hasura", "docker", "--state", str(tmp_path / "none"))
    assert done.returncode == 1
    assert "not supported yet" in done.stderr
