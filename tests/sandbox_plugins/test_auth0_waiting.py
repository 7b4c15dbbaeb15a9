"""Tokens, limits and failures of the tenant: fetched once and lazily, waited for, tried again."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from providers.kit.errors import ProviderError
from sandbox.plugins.auth0.api import ManagementApi
from tests.plugin import PluginError
from tests.sandbox_plugins.inputs import API, action
from tests.sandbox_plugins.plugins import Executable, stand_in_only
from tests.sandbox_plugins.tenants import Place


def test_one_token_a_run_and_only_when_it_is_needed(tenant: Place):
    """Starting, configuring and checking need none; parallel first calls share one."""
    tenant.recorded()
    with Executable("auth0", tenant.config, tenant.environment) as plugin:
        plugin.check("ResourceServer", API)
        assert tenant.recorded() == []
        with ThreadPoolExecutor(4) as pool:
            names = [action(name=f"action {number}") for number in range(4)]
            made = list(pool.map(lambda inputs: plugin.create("Action", inputs), names))
        sent = tenant.recorded()
        assert [item.line for item in sent].count("POST /oauth/token") == 1
        form = f"audience=https%3A%2F%2F{tenant.domain.replace(':', '%3A')}%2Fapi%2Fv2%2F&grant_type=client_credentials"
        assert sorted(str(sent[0].body).split("&")) == form.split("&")
        assert len({item.id for item in made}) == 4


def test_wrong_credentials_say_which_settings_to_check(tenant: Place):
    """A deployment with a wrong secret names the settings, not the secret."""
    config = {**tenant.config, "clientSecret": "wrong-secret"}
    with Executable("auth0", config, tenant.environment) as plugin, pytest.raises(PluginError) as failed:
        plugin.create("ResourceServer", API)
    assert "wrong-secret" not in str(failed.value)


def test_a_rate_limit_is_waited_for(auth0: Executable, tenant: Place):
    """A refused request is sent again after the reset, as it was; nothing is made twice."""
    reset = {"X-RateLimit-Reset": str(int(time.time()) + 1)}
    tenant.recorded()
    tenant.plan(("POST resource-servers", 429, reset), ("GET resource-servers", 429, reset))
    made = auth0.create("ResourceServer", API)
    lines = [item.line for item in tenant.recorded() if item.line != "POST /oauth/token"]
    assert lines == ["POST resource-servers"] * 2 + [f"GET resource-servers/{made.id}"] * 2


def test_a_server_error_is_tried_again(auth0: Executable, tenant: Place):
    """A gateway that is down for a moment does not fail a deployment."""
    tenant.recorded()
    tenant.plan(("POST resource-servers", 503, {}))
    made = auth0.create("ResourceServer", API)
    lines = [item.line for item in tenant.recorded() if item.line != "POST /oauth/token"]
    assert lines == ["POST resource-servers"] * 2 + [f"GET resource-servers/{made.id}"]


class Answers(requests.adapters.BaseAdapter):
    """The given answers in the tenant's place: a status, headers, or an exception."""

    def __init__(self, *answers: Any) -> None:
        super().__init__()
        self.answers = list(answers)

    def send(self, request: Any, *_: Any, **__: Any) -> requests.Response:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        status, headers = answer
        response = requests.Response()
        response.status_code, response.request, response.url = status, request, request.url
        response.headers.update(headers)
        response._content = json.dumps({"message": "words of the tenant"}).encode()
        return response

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What would have been slept."""
    slept: list[float] = []
    monkeypatch.setattr("sandbox.plugins.auth0.api.time.sleep", slept.append)
    return slept


def tenant_that_answers(*answers: Any) -> tuple[ManagementApi, Answers]:
    """The client of a tenant that gives these answers to a holder of a token."""
    api, adapter = ManagementApi("t.example", "", "", "token"), Answers(*answers)
    api.session.mount("https://", adapter)
    return api, adapter


@stand_in_only
def test_a_limit_without_a_reset_is_five_seconds(waits: list[float]):
    """As in the published plugin; a reset in the past is no wait at all."""
    past = {"X-RateLimit-Reset": "1"}
    api, adapter = tenant_that_answers((429, {}), (429, past), (200, {}))
    api.call("GET", "clients")
    assert adapter.answers == []
    assert waits[0] == pytest.approx(5, abs=1)
    assert waits[1] < 1


@stand_in_only
@pytest.mark.parametrize("failure", [(502, {}), requests.ConnectionError("gone")])
def test_the_fourth_failure_is_the_last(waits: list[float], failure: Any):
    """Three repetitions, each later than the one before may be; then one sentence."""
    api, adapter = tenant_that_answers(*[failure] * 5)
    with pytest.raises(ProviderError, match=r"Auth0 (answered|at https://t\.example cannot be reached)"):
        api.call("POST", "clients", {})
    assert len(adapter.answers) == 1
    assert len(waits) == 3
    assert all(0.2 <= wait <= 10 for wait in waits)


@stand_in_only
def test_a_refusal_is_not_tried_again(waits: list[float]):
    """What the tenant does not like, it will not like later."""
    api, adapter = tenant_that_answers((400, {}), (200, {}))
    with pytest.raises(ProviderError, match="with 400: words of the tenant"):
        api.call("POST", "clients", {})
    assert len(adapter.answers) == 1
    assert waits == []


@stand_in_only
def test_the_users_own_settings_do_not_reach_the_tenant(tenant: Place, tmp_path: Any):
    """Neither another authority nor a .netrc takes the place of what the stack is configured with."""
    (tmp_path / "netrc").write_text("machine localhost login somebody password else\n")
    (tmp_path / "none.pem").write_text("")
    environment = {
        **tenant.environment,
        "NETRC": str(tmp_path / "netrc"),
        "REQUESTS_CA_BUNDLE": str(tmp_path / "none.pem"),
    }
    with Executable("auth0", tenant.config, environment) as plugin:
        plugin.create("ResourceServer", API)
