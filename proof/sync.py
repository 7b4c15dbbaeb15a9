"""The last link: the deployed sync Action is run with a probe user, and its row is looked for, read as its owner, and removed."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg import sql

from proof.chain import Chain
from proof.errors import BrokenLinkError
from proof.http import Hasura, management_of

ANEW = "set actionsRevision in the configuration to another text and run `pulumi up`, which deploys both Actions anew"

_LINK = "sync"
_PROBE = "auth0|pulumi-proof-"


def sync_run(chain: Chain) -> str:
    """Run the Action through the Management API's test call; a row must come of it that its owner, and nobody else, can read."""
    probe = _PROBE + secrets.token_hex(8)
    answer = management_of(chain).call(
        _LINK, "POST", f"actions/actions/{chain.sync_action_id}/test", {"payload": _event(chain, probe)}
    )
    try:
        if not _row_exists(chain, probe):
            said, mend = _reason(answer)
            found = f"the deployed sync Action ran for a probe user and no row came to {chain.schema}.{chain.table}{said}"
            raise BrokenLinkError(_LINK, found, mend)
        _owner_reads_only_own_row(chain, probe)
    finally:
        _remove(chain, probe)
    return "a probe user's row was written by the deployed Action, read by its owner alone, and removed"


def _event(chain: Chain, probe: str) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    user = {
        "user_id": probe,
        "email": "probe@pulumi.invalid",
        "email_verified": False,
        "name": "Probe of a deployment",
        "nickname": "probe",
        "picture": "https://pulumi.invalid/probe.png",
        "created_at": now,
        "updated_at": now,
        "app_metadata": {},
        "user_metadata": {},
        "identities": [],
    }
    return {
        "user": user,
        "client": {"client_id": chain.client_id, "name": "proof", "metadata": {}},
        "transaction": {"protocol": "oidc-basic-profile", "requested_scopes": ["openid"]},
        "request": {"method": "GET", "query": {}, "body": {}},
        "stats": {"logins_count": 1},
    }


def _reason(answer: Any) -> tuple[str, str]:
    """What the Action itself said, where the platform shows it (the answer's shape is not documented), and what to do."""
    payload = answer.get("payload") if isinstance(answer, dict) else None
    payload = payload if isinstance(payload, dict) else {}
    code = "correct actions/sync-user.js and run `pulumi up`"
    for key, mend in (
        ("error", code),
        (
            "denied",
            f"where somebody has changed the Action's secrets, {ANEW}; else its log in Auth0 says more",
        ),
        ("logs", code),
    ):
        said = payload.get(key)
        if said:
            text = said.get("message") or said.get("reason") if isinstance(said, dict) else said
            return f" (it said: {str(text)[:200]})", mend
    return "", f"{code}; where somebody has changed the deployed Action, {ANEW}"


def _owner_reads_only_own_row(chain: Chain, probe: str) -> None:
    query = {"query": f"{{ rows: {chain.graphql_name} {{ {chain.key_column} }} }}"}
    as_owner = {"x_hasura_role": chain.role, "x_hasura_user_id": probe}
    body = Hasura(chain).call(_LINK, "POST", "/v1/graphql", query, **as_owner).json()
    if "errors" in body:
        message = body["errors"][0].get("message", "no reason given")
        raise BrokenLinkError(
            _LINK, f"the role {chain.role} cannot read its own row, “{message}”", "run `pulumi up --refresh`"
        )
    rows = [row[chain.key_column] for row in body["data"]["rows"]]
    if rows != [probe]:
        found = f"the role {chain.role} sees {len(rows)} rows where it must see exactly its own"
        raise BrokenLinkError(_LINK, found, "run `pulumi up --refresh` to put the permission back")


def _table(chain: Chain) -> sql.Identifier:
    return sql.Identifier(chain.schema, chain.table)


def _row_exists(chain: Chain, probe: str) -> bool:
    query = sql.SQL("SELECT 1 FROM {} WHERE {} = %s").format(_table(chain), sql.Identifier(chain.key_column))
    with psycopg.connect(chain.database_url, connect_timeout=10) as connection:
        return connection.execute(query, (probe,)).fetchone() is not None


def _remove(chain: Chain, probe: str) -> None:
    query = sql.SQL("DELETE FROM {} WHERE {} = %s").format(_table(chain), sql.Identifier(chain.key_column))
    with psycopg.connect(chain.database_url, connect_timeout=10) as connection:
        connection.execute(query, (probe,))
