"""Start, status, stop and reset, with stand-ins for the services."""

from __future__ import annotations

import json
import shutil
import socket
import stat
import threading
import urllib.request

import psycopg
import pytest

from sandbox.errors import SandboxError
from sandbox.memory import memory_by_service
from sandbox.ports import random_ports
from sandbox.supervisor import NotRunningError, Sandbox
from tests.sandbox_supervisor.plans import all_pids, gone, standin_plan, standin_sandbox


@pytest.fixture
def sandbox(tmp_path):
    sandbox = standin_sandbox(tmp_path / "state")
    yield sandbox
    sandbox.reset()


def test_a_start_brings_everything_up_and_a_second_one_finds_it_running(sandbox):
    """The first start returns when all answer; the second says so and changes nothing."""
    lines: list[str] = []
    assert not sandbox.start(lines.append).already
    assert [line.split()[0] for line in sorted(lines)] == ["other", "web"]
    pids = all_pids(sandbox)
    assert sandbox.start(lines.append).already
    assert all_pids(sandbox) == pids
    assert {service.name: service.state for service in sandbox.services()} == {
        "web": "running",
        "other": "running",
    }
    assert set(memory_by_service(sandbox.state)) == {"web", "other", "supervisor"}
    assert all(memory_by_service(sandbox.state).values())


def test_status_has_the_shape_that_clients_read(sandbox):
    """Every value is text, URLs have no path, the certificate is where it says."""
    sandbox.start()
    facts = sandbox.status()
    assert {name: sorted(part) for name, part in facts.items()} == {
        "auth0": ["ca_file", "client_id", "client_secret", "domain", "url"],
        "hasura": ["admin_secret", "url"],
        "hasura_cloud": ["project_id", "token", "url"],
        "postgres": ["url"],
        "app": ["url"],
    }
    assert facts["auth0"]["url"] == f"https://{facts['auth0']['domain']}"
    with open(facts["auth0"]["ca_file"]) as file:  # noqa: PTH123 - the path is text, as clients get it
        assert "BEGIN CERTIFICATE" in file.read()


def test_nothing_of_the_callers_environment_reaches_a_service(sandbox, monkeypatch):
    """A service sees what the plan gives it and no more."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not for you")
    sandbox.start()
    with urllib.request.urlopen(f"{sandbox.services()[0].url}/") as answer:
        seen = json.load(answer)
    assert seen.pop("LC_CTYPE", "C.UTF-8") == "C.UTF-8"  # Python's own
    assert seen == {"PATH": "/usr/bin:/bin", "STANDIN": "web"}


def test_secrets_are_for_the_user_alone(sandbox):
    """No file with a secret can be read by others."""
    sandbox.start()
    for name in ("config.json", "run.json", "tls.key", "logs"):
        mode = (sandbox.state.directory / name).stat().st_mode
        assert not mode & (stat.S_IRWXG | stat.S_IRWXO), name


def test_ports_secrets_and_data_survive_a_restart(tmp_path):
    """Stopping keeps everything; the next start serves it on the same ports."""
    sandbox = standin_sandbox(tmp_path / "state", postgres=True)
    try:
        sandbox.start()
        before = sandbox.status()
        with psycopg.connect(before["postgres"]["url"]) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
        pids = all_pids(sandbox)
        assert sandbox.stop()
        assert gone(pids)
        assert not sandbox.stop()
        sandbox.start()
        assert sandbox.status() == before
        with psycopg.connect(before["postgres"]["url"]) as connection:
            assert connection.execute("SELECT one FROM kept").fetchone() == (1,)
    finally:
        sandbox.reset()
    assert not sandbox.state.directory.exists()


def test_a_stopped_sandbox_says_how_to_start_it(sandbox):
    """Status of what doesn't run is a sentence with the command to type."""
    with pytest.raises(NotRunningError, match=r"not running: start it with `\./dev sandbox start --state "):
        sandbox.status()
    sandbox.start()
    sandbox.stop()
    with pytest.raises(NotRunningError, match="not running"):
        sandbox.status()


def test_a_taken_port_makes_way_at_the_first_start_and_is_named_at_a_later_one(sandbox):
    """New sandboxes take the next free port; kept ports are never changed silently."""
    with socket.create_server(("127.0.0.1", sandbox._preferred_ports["app"])):
        sandbox.start()
        assert sandbox.status()["app"]["url"] != f"http://localhost:{sandbox._preferred_ports['app']}"
    sandbox.stop()
    kept = int(sandbox.state.load().ports["app"])
    with (
        socket.create_server(("127.0.0.1", kept)),
        pytest.raises(SandboxError, match=rf"Port {kept}, which .* app had until now, is taken .*reset"),
    ):
        sandbox.start()
    sandbox.start()
    assert sandbox.state.load().ports["app"] == kept


def test_two_starts_at_once_make_one_sandbox(sandbox):
    """The second start waits for the first and finds it running."""
    found = []
    starts = [threading.Thread(target=lambda: found.append(sandbox.start().already)) for _ in range(2)]
    for start in starts:
        start.start()
    for start in starts:
        start.join()
    assert sorted(found) == [False, True]


def test_an_unreadable_configuration_is_a_sentence(sandbox):
    """A broken file is not mended by guessing."""
    sandbox.state.make()
    sandbox.state.config_file.write_text("{")
    with pytest.raises(SandboxError, match="reset"):
        sandbox.start()


def test_a_directory_with_something_else_in_it_is_left_alone(sandbox):
    """`--state` with a slip of the finger must not cost anybody's files."""
    theirs = sandbox.state.directory / "auth0" / "thesis.txt"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("years of work")
    mode = sandbox.state.directory.stat().st_mode
    for act in (sandbox.start, sandbox.reset):
        with pytest.raises(SandboxError, match="holds something else"):
            act()
    assert theirs.read_text() == "years of work"
    assert sandbox.state.directory.stat().st_mode == mode
    assert not sandbox.state.lock_file.exists()
    shutil.rmtree(sandbox.state.directory)


def test_reset_removes_all_of_it(sandbox):
    """After a reset there is no directory, and a second reset is fine."""
    sandbox.start()
    pids = all_pids(sandbox)
    secret = sandbox.status()["hasura"]["admin_secret"]
    assert sandbox.reset()
    assert gone(pids)
    assert not sandbox.state.directory.exists()
    assert not sandbox.reset()
    sandbox.start()
    assert sandbox.status()["hasura"]["admin_secret"] != secret


def test_a_port_that_is_taken_between_choice_and_use_is_replaced(tmp_path):
    """Two first starts side by side may choose the same port; the later one chooses again."""
    thieves: list[socket.socket] = []

    def plan(state, config):
        if not thieves:
            thieves.append(socket.create_server(("127.0.0.1", config.ports["app"])))
        return standin_plan()(state, config)

    sandbox = Sandbox(tmp_path / "state", preferred_ports=random_ports(), plan=plan)
    lines: list[str] = []
    sandbox.start(lines.append)
    assert any("Somebody took a port" in line for line in lines)
    assert f"http://localhost:{thieves[0].getsockname()[1]}" != sandbox.status()["app"]["url"]
    thieves[0].close()
    sandbox.reset()
