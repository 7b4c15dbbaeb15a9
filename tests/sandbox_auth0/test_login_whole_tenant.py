"""Both halves of the tenant together: declared through the Management API, used by a person."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from sandbox.auth0.app import create_app
from sandbox.auth0.store import Store
from sandbox.auth0.tenant import DEFAULT_CONNECTION, Tenant
from tests.sandbox_auth0.login_kit import AUDIENCE, CALLBACK, DOMAIN, NODE, PASSWORD, answer, claims_of

CODE = (
    "exports.onExecutePostLogin = async (event, api) => {"
    " if (event.client.client_id !== event.secrets.CLIENT_ID) return;"
    " api.accessToken.setCustomClaim('https://hasura.io/jwt/claims', {'x-hasura-user-id': event.user.user_id}); };"
)


def test_an_action_deployed_through_the_api_runs_at_the_next_login(tmp_path: Path) -> None:
    """As the stack does it: API, client, connection, Action, binding; then a sign-up, and the log of it."""
    store = Store(tmp_path / "tenant.db")
    tenant = Tenant(store, DOMAIN, NODE, None, "management", "management-secret")
    transport = httpx.ASGITransport(create_app(tenant))
    try:
        asyncio.run(_deploy_and_log_in(transport))
    finally:
        store.close()


async def _deploy_and_log_in(transport: httpx.ASGITransport) -> None:
    async with httpx.AsyncClient(transport=transport, base_url=f"https://{DOMAIN}") as http:
        reply = await http.post(
            "/oauth/token",
            data={"grant_type": "client_credentials", "audience": f"https://{DOMAIN}/api/v2/"},
            auth=("management", "management-secret"),
        )
        assert reply.status_code == 200, reply.text
        bearer = {"Authorization": f"Bearer {reply.json()['access_token']}"}

        async def api(method: str, path: str, body: Any = None) -> Any:
            answered = await http.request(method, f"/api/v2{path}", json=body, headers=bearer)
            assert answered.status_code < 300, answered.text
            return answered.json() if answered.content else None

        await api(
            "POST", "/resource-servers", {"name": "API", "identifier": AUDIENCE, "signing_alg": "RS256"}
        )
        client = await api(
            "POST",
            "/clients",
            {
                "name": "Web",
                "app_type": "regular_web",
                "oidc_conformant": True,
                "callbacks": [CALLBACK],
                "jwt_configuration": {"alg": "RS256"},
                "grant_types": ["authorization_code"],
                "token_endpoint_auth_method": "client_secret_post",
            },
        )
        connections = await api("GET", f"/connections?name={DEFAULT_CONNECTION}")
        enable = [{"client_id": client["client_id"], "status": True}]
        await api("PATCH", f"/connections/{connections[0]['id']}/clients", enable)
        action = await api(
            "POST",
            "/actions/actions",
            {
                "name": "claims",
                "code": CODE,
                "runtime": "node22",
                "supported_triggers": [{"id": "post-login", "version": "v3"}],
                "secrets": [{"name": "CLIENT_ID", "value": client["client_id"]}],
            },
        )
        path = f"/actions/actions/{action['id']}"
        probe = {"client": {"client_id": client["client_id"]}, "user": {"user_id": "auth0|probe"}}
        tested = await api("POST", f"{path}/test", {"payload": {"event": probe}})
        assert tested["payload"]["commands"][0]["value"] == {"x-hasura-user-id": "auth0|probe"}
        while (await api("GET", path))["status"] != "built":
            await asyncio.sleep(0.02)
        await api("POST", f"{path}/deploy")
        bindings = {"bindings": [{"ref": {"type": "action_id", "value": action["id"]}}]}
        await api("PATCH", "/actions/triggers/post-login/bindings", bindings)

        query = {"response_type": "code", "client_id": client["client_id"], "redirect_uri": CALLBACK}
        query |= {"audience": AUDIENCE, "scope": "openid", "screen_hint": "signup"}
        form = (await http.get("/authorize", params=query)).headers["location"]
        state = parse_qs(urlsplit(form).query)["state"][0]
        fields = {"state": state, "email": "ada@example.com", "password": PASSWORD}
        code = answer(await http.post(form, data=fields))["code"]
        tokens = await http.post(
            "/oauth/token",
            json={
                "grant_type": "authorization_code",
                "client_id": client["client_id"],
                "client_secret": client["client_secret"],
                "code": code,
                "redirect_uri": CALLBACK,
            },
        )
        claims = claims_of(tokens.json()["access_token"])
        assert claims["https://hasura.io/jwt/claims"] == {"x-hasura-user-id": claims["sub"]}
        kinds = [entry["type"] for entry in await api("GET", "/logs")]
        assert kinds[:3] == ["seacft", "s", "ss"]
        userinfo = await http.get("/userinfo", headers=bearer)
        assert userinfo.status_code == 401
