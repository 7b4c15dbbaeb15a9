"""The link between the tenant and Hasura: Hasura must verify the tenant's tokens for this audience.

Hasura shows next to nothing of its JWT configuration, so a real token is tried: one that the Management API client gets for the
audience by a grant that exists for that moment alone. No login Action runs for such a token, so it carries no claims and opens
nothing; Hasura looks for claims only after signature, audience and issuer were found right (graphql-engine, `Server/Auth/JWT.hs`).
"""

from __future__ import annotations

from typing import Any

from proof.chain import Chain
from proof.errors import BrokenLinkError
from proof.http import Hasura, Management, management_of

_LINK = "token verification"
_MEND = "set HASURA_GRAPHQL_JWT_SECRET as the output hasuraEnv says (`pulumi up --refresh` does it on Hasura Cloud)"


def verification(chain: Chain) -> str:
    """Hasura verifies tokens of this tenant, for this audience."""
    config = Hasura(chain).call(_LINK, "GET", "/v1alpha1/config").json()
    if not config.get("is_jwt_set"):
        raise BrokenLinkError(_LINK, "Hasura has no JWT configuration, so no token opens anything", _MEND)
    pinned = f"audience {chain.audience}, issuer https://{chain.domain}/"
    token = _token(management_of(chain), chain)
    if token is None:
        return f"a JWT configuration is set (with the scopes create:client_grants and delete:client_grants a token is tried for {pinned})"
    answer = Hasura(chain, credentials={"Authorization": f"Bearer {token}"}).call(
        _LINK, "POST", "/v1/graphql", {"query": "{ __typename }"}
    )
    refusal = _refusal(answer.json())
    if refusal is not None:
        found = f"Hasura refuses a token that Auth0 has just issued for {pinned}, “{refusal}”"
        raise BrokenLinkError(_LINK, found, _MEND)
    return f"a token for {pinned} is taken"


def _refusal(body: Any) -> str | None:
    """Why a token was not believed; None if it was, whatever it may open."""
    for error in body.get("errors") or []:
        if error.get("extensions", {}).get("code") in ("invalid-jwt", "invalid-headers", "access-denied"):
            return str(error.get("message", "no reason given"))
    return None


def _token(management: Management, chain: Chain) -> str | None:
    """A token for the chain's audience; None where the Management API client may not grant itself one."""
    grant = management.attempt(
        _LINK,
        "POST",
        "client-grants",
        {"client_id": chain.management_client_id, "audience": chain.audience, "scope": []},
    )
    if grant.status_code == 403:
        return None
    if grant.status_code not in (201, 409):  # 409: somebody else has granted it, and keeps it
        management.refused(_LINK, "POST", "client-grants", grant)
    try:
        return management.token(_LINK, chain.audience)
    finally:
        if grant.status_code == 201:
            management.call(_LINK, "DELETE", f"client-grants/{grant.json()['id']}")
