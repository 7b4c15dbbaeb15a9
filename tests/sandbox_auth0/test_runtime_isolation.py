"""Actions that fail, hang or leave something behind: the login ends loudly, the next one is untouched."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.auth0.runtime import TIME_LIMIT_KEY, run_trigger
from tests.sandbox_auth0.login_kit import (
    AUDIENCE,
    CALLBACK,
    NODE,
    Browser,
    action,
    answer,
    browser_at,
    event_of,
    login,
    make_tenant,
    raw_action,
)

CLAIM = "https://hasura.io/jwt/claims"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser in which somebody has just signed up; the tenant is shared by the module."""
    with pytest.MonkeyPatch.context() as patch:
        tenant = make_tenant(tmp_path_factory.mktemp("tenant"))
        with browser_at(tenant, patch) as browser:
            browser.sign_up("ada@example.com")
            yield browser
        tenant.store.close()


@pytest.mark.parametrize(
    ("code", "described"),
    [
        ("exports.onExecutePostLogin = async () => { throw new Error('boom'); };", "boom"),
        ("exports.onExecutePostLogin = async () => {", "Unexpected end of input"),
        ("exports.other = 1;", "exports.onExecutePostLogin is not a function"),
        ("exports.onExecutePostLogin = () => new Promise(() => {});", "a promise never settled"),
        ("exports.onExecutePostLogin = async () => { process.exit(0); };", "the process was exited"),
        (
            "exports.onExecutePostLogin = async () => { Promise.reject(new Error('forgotten'));"
            " await new Promise((done) => setTimeout(done, 100)); };",
            "forgotten",
        ),
        ("const axios = require('axios');", "Cannot find module 'axios'"),
        (
            "exports.onExecutePostLogin = async () => { require('fs').readFileSync('/etc/hostname'); };",
            "restricted",
        ),
        (
            "exports.onExecutePostLogin = async () => { require('child_process').execSync('id'); };",
            "restricted",
        ),
        (
            "exports.onExecutePostLogin = async (e, api) => { api.multifactor.enable('any'); };",
            "sandbox: api.multifactor.enable is not simulated",
        ),
    ],
)
def test_every_failure_ends_the_login_loudly(browser: Browser, code: str, described: str) -> None:
    """The callback learns it, and the tenant's log and the execution name the Action."""
    refused = login(browser, raw_action("Culprit", code), action("Later", ""))
    assert refused["error"] == "access_denied"
    assert described in refused["error_description"]
    entry = browser.tenant.store.find("log", type="actions_execution_failed")[-1]
    assert entry["description"].startswith("Culprit: ")
    execution = browser.tenant.store.get("execution", entry["details"]["execution"]) or {}
    assert execution["status"] == "final"
    assert [result["action_name"] for result in execution["results"]] == ["Culprit"]
    assert described in execution["results"][0]["error"]["msg"]


def test_an_endless_loop_is_ended_at_the_limit_of_the_whole_trigger(browser: Browser) -> None:
    """Not of each Action."""
    store = browser.tenant.store
    store.put_value(TIME_LIMIT_KEY, 1)
    try:
        refused = login(
            browser,
            action("Slow", "await new Promise((done) => setTimeout(done, 200))"),
            action("Loop", "for (;;) {}"),
        )
    finally:
        store.put_value(TIME_LIMIT_KEY, None)
    assert "did not complete within its limit of 1 seconds" in refused["error_description"]
    assert store.find("log", type="actions_execution_failed")[-1]["description"].startswith("Loop: ")


def test_logs_are_short_and_never_hold_a_secret(browser: Browser, caplog: pytest.LogCaptureFixture) -> None:
    """256 characters an Action, secret values replaced by their names, also in errors."""
    code = "console.log('a'.repeat(200)); console.log(event.secrets.KEY + 'b'.repeat(200)); throw new Error(event.secrets.KEY)"
    with caplog.at_level("INFO", "sandbox.auth0"):
        refused = login(browser, action("Chatty", code, KEY="hunter2-hunter2"))
    assert refused["error_description"] == "<secret KEY>"
    assert "hunter2" not in caplog.text
    execution = browser.tenant.store.all("execution")[-1]
    logs = execution["results"][0]["logs"]
    assert "hunter2" not in json.dumps(execution)
    assert logs.startswith("a" * 200 + "\n<secret KEY>")
    assert logs.count("b") == 256 - 200 - len("hunter2-hunter2")


def test_the_process_of_an_action_knows_no_environment_of_the_tenant(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where it was started ahead: what is in it is a fixed list."""
    monkeypatch.setenv("SANDBOX_AUTH0_CLIENT_SECRET", "s3cret")
    assert set(map(str, event_of(browser, "Object.keys(process.env)") or [])) <= {  # type: ignore[call-overload]
        *("PATH", "TZ", "LANG", "PWD", "SHLVL", "OLDPWD", "_")
    }


def test_nothing_of_one_run_reaches_the_next(browser: Browser) -> None:
    """A global that an Action sets and a timer that it leaves behind are gone at the next login."""
    leave = "globalThis.left = 'here'; setTimeout(() => { globalThis.late = 1; }, 5)"
    browser.bind(action("Leave", leave))
    for _ in range(2):
        answer(browser.authorize())
    assert event_of(browser, "[globalThis.left ?? null, globalThis.late ?? null]") == [None, None]


def test_a_write_that_is_not_awaited_is_lost(browser: Browser) -> None:
    """The forgotten `await`: the login succeeds, the request is cut off before it is answered."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        server.settimeout(10)
        code = f"fetch('http://127.0.0.1:{port}/', {{method: 'POST', body: 'row'}})"
        assert "code" in login(browser, action("Forgetful", code))
        browser.bind()
        try:
            server.settimeout(0.5)
            connection, _ = server.accept()
        except TimeoutError:
            return  # cut off before the connection was made
        with connection:
            connection.settimeout(10)
            received = b""
            while chunk := connection.recv(4096):
                received += chunk
    assert b"row" not in received


def test_many_logins_at_once_each_run_their_actions(browser: Browser) -> None:
    """Twenty silent logins side by side: twenty codes, no process left over."""
    browser.bind(action("Busy", f"api.accessToken.setCustomClaim('{CLAIM}', {{n: '1'}})"))
    query = {
        "response_type": "code",
        "client_id": "web",
        "redirect_uri": CALLBACK,
        "audience": AUDIENCE,
        "scope": "openid",
    }
    client = browser.http.client
    requests = [client.build_request("GET", "/authorize", params=query) for _ in range(20)]
    responses = browser.http.together(*requests)
    assert len({answer(response)["code"] for response in responses}) == 20


def test_actions_of_registration_triggers_stop_a_sign_up(browser: Browser) -> None:
    """They would have to run and are not simulated: 501, and no user."""
    browser.bind(raw_action("Hook", ""), trigger="pre-user-registration")
    cookies = dict(browser.http.cookies)
    browser.http.cookies.clear()
    response = browser.sign_up("hooked@example.com")
    browser.bind(trigger="pre-user-registration")
    browser.http.cookies.clear()
    browser.http.cookies.update(cookies)
    assert response.status_code == 501
    assert "pre-user-registration" in response.text
    assert browser.tenant.store.find("user", email="hooked@example.com") == []


def test_the_tenant_ends_while_an_action_runs(tmp_path: Path) -> None:
    """Neither the interpreter nor the Node process waits for an endless loop."""
    script = tmp_path / "run.py"
    script.write_text(
        "import sys, threading, time\n"
        "from pathlib import Path\n"
        "from sandbox.auth0.runtime.pool import pool_for\n"
        "pool = pool_for(Path(sys.argv[1]), None)\n"
        "code = 'exports.onExecutePostLogin = async () => { for (;;) {} }'\n"
        "job = {'trigger': 'post-login', 'handler': 'onExecutePostLogin', 'event': {},\n"
        "       'actions': [{'name': 'Loop', 'code': code, 'secrets': {}}]}\n"
        "pool.executor.submit(pool.run, job, 600)\n"
        "while not pool._running: time.sleep(0.01)\n"
        "print(next(iter(pool._running)).popen.pid, flush=True)\n"
    )
    root = Path(__file__).parents[2]
    ended = subprocess.run(
        [sys.executable, str(script), str(NODE)],
        cwd=root,
        env={"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    with pytest.raises(ProcessLookupError):
        os.kill(int(ended.stdout), 0)


def test_without_node_a_login_fails_with_a_reason(browser: Browser, caplog: pytest.LogCaptureFixture) -> None:
    """The log names the binary."""
    tenant = replace(browser.tenant, node=Path("/nowhere/node"))
    actions = [action("Any", "")]
    outcome = asyncio.run(run_trigger(tenant, "post-login", actions, {"user": {}}))
    assert outcome.failure is not None
    assert "could not be started" in outcome.failure
    assert "/nowhere/node" in caplog.text
