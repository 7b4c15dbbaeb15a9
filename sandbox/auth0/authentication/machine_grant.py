"""The grant of machine clients: `client_credentials`, with the Actions of the trigger credentials-exchange."""

from __future__ import annotations

from starlette.requests import Request

from sandbox.auth0.authentication import directory, tokens
from sandbox.auth0.authentication.errors import OAuthError
from sandbox.auth0.authentication.events import credentials_exchange_event, request_part
from sandbox.auth0.authentication.login import tenant_log
from sandbox.auth0.authentication.scopes import scope_values
from sandbox.auth0.management import triggers
from sandbox.auth0.runtime import run_trigger
from sandbox.auth0.store import Document
from sandbox.auth0.tenant import Tenant

__all__ = ["client_credentials"]


async def client_credentials(
    tenant: Tenant, request: Request, client: Document, body: dict[str, str]
) -> Document:
    """A machine client's token for an API that it has a grant for."""
    audience = body.get("audience") or directory.default_audience(tenant)
    if not audience:
        raise OAuthError(
            403,
            "access_denied",
            "No audience parameter was provided, and no default audience has been configured",
        )
    server = directory.find_resource_server(tenant, audience)
    if server is None:
        raise OAuthError(403, "access_denied", f"Service not enabled within domain: {audience}")
    permitted = _client_grant(tenant, client, server, audience)
    requested = body.get("scope", "").split()
    scope = [item for item in permitted if not requested or item in requested]
    claims: Document = {}
    actions = triggers.deployed_actions(tenant, "credentials-exchange")
    if actions:
        event = credentials_exchange_event(
            tenant,
            client=client,
            request=request_part(tenant, request, {}, body),
            audience=audience,
            requested=requested,
            granted=scope,
        )
        outcome = await run_trigger(tenant, "credentials-exchange", actions, event)
        if outcome.refusal is not None:
            tenant_log(tenant, request, "feccft", client, None, outcome.refusal)
            error = outcome.denied_code if outcome.failure is None else "server_error"
            raise OAuthError(403 if outcome.failure is None else 500, error, outcome.refusal)
        claims = outcome.access_token_claims
    token, lifetime = tokens.issue_access_token(
        tenant,
        resource_server=server,
        client_id=client["client_id"],
        subject=f"{client['client_id']}@clients",
        scope=scope,
        custom=claims,
        grant="client-credentials",
        permissions=scope,
    )
    tenant_log(tenant, request, "seccft", client, None, "Client Credentials exchanged for Access Token")
    answer: Document = {"access_token": token, "expires_in": lifetime, "token_type": "Bearer"}
    if scope:
        answer["scope"] = " ".join(scope)
    return answer


def _client_grant(tenant: Tenant, client: Document, server: Document, audience: str) -> list[str]:
    """Scopes that a machine client may have for an API. Raises OAuthError where it has no grant."""
    for grant in tenant.store.find("client_grant", client_id=client["client_id"]):
        if grant.get("audience") == audience and grant.get("subject_type", "client") == "client":
            return scope_values(server) if grant.get("allow_all_scopes") else list(grant.get("scope") or [])
    if client["client_id"] == tenant.management_client_id and audience == tenant.management_audience:
        return scope_values(server)
    raise OAuthError(
        403,
        "access_denied",
        f'Client is not authorized to access "{audience}". You need to create a "client-grant" associated to '
        "this API. See: https://auth0.com/docs/api/v2#!/Client_Grants/post_client_grants",
    )
