"""The login pipeline: what every way to a token has in common.

A login counts (`logins_count`, `last_login`, `updated_at`), then the post-login Actions run, then what they
changed is written and what they decided is given back. A refresh runs the Actions without counting.
"""

from __future__ import annotations

import secrets
from typing import Any

from starlette.requests import Request

from sandbox.auth0.authentication.directory import update_user
from sandbox.auth0.authentication.errors import NotSimulatedError
from sandbox.auth0.authentication.events import post_login_event
from sandbox.auth0.authentication.sessions import client_of
from sandbox.auth0.management import triggers
from sandbox.auth0.runtime import Outcome, run_post_login
from sandbox.auth0.runtime.executor import now, prune
from sandbox.auth0.store import Document
from sandbox.auth0.tenant import Tenant

__all__ = ["Refusal", "refuse_unsimulated_triggers", "tenant_log", "through_actions"]

BLOCKED = "user is blocked"


class Refusal(Exception):  # noqa: N818 (a decision, not a fault)
    """The login ends without a token: `error` and `description` as the client learns them."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error, self.description = error, description


async def through_actions(
    tenant: Tenant,
    request: Request,
    *,
    user_id: str,
    client: Document,
    connection: Document,
    request_part: Document,
    transaction: Document,
    audience: str | None,
    session: Document | None = None,
    refresh_token: Document | None = None,
    counts: bool = True,
) -> tuple[Document, Outcome]:
    """Run a login through the Actions; gives the user as it is then, and the outcome.

    Raises Refusal where the user is blocked or gone, an Action denies or fails.
    """
    address, _ = client_of(request)
    first = False

    def count(user: Document) -> None:
        nonlocal first
        first = not user.get("logins_count")
        moment = now()
        user["logins_count"] = int(user.get("logins_count") or 0) + 1
        user["last_login"] = user["updated_at"] = moment
        user["last_ip"] = address

    user = tenant.store.get("user", user_id)
    if user is None:
        raise Refusal("invalid_grant", "The user does not exist.")
    if user.get("blocked"):
        tenant_log(tenant, request, "f", client, user, BLOCKED)
        raise Refusal("unauthorized", BLOCKED)
    if counts:
        user = update_user(tenant, user_id, count) or user
    event = post_login_event(
        tenant,
        user=user,
        client=client,
        connection=connection,
        request=request_part,
        transaction=transaction,
        audience=audience,
        session=session,
        refresh_token=refresh_token,
    )
    if first:
        event["user"].pop("last_login", None)
    outcome = await run_post_login(tenant, triggers.deployed_actions(tenant, "post-login"), event)
    user = _write_metadata(tenant, user, outcome)
    if outcome.failure is not None:
        tenant_log(
            tenant,
            request,
            "actions_execution_failed",
            client,
            user,
            f"{outcome.failed_action}: {outcome.failure}",
            execution=outcome.execution_id,
        )
    if outcome.refusal is not None:
        tenant_log(tenant, request, "f", client, user, outcome.refusal, execution=outcome.execution_id)
        raise Refusal(outcome.denied_code if outcome.failure is None else "access_denied", outcome.refusal)
    return user, outcome


def _write_metadata(tenant: Tenant, user: Document, outcome: Outcome) -> Document:
    """One write for all metadata changes of a run, also of one that denies; a failed run changes nothing."""
    if outcome.failure is not None or not (outcome.app_metadata or outcome.user_metadata):
        return user

    def change(stored: Document) -> None:
        for field, changes in (
            ("app_metadata", outcome.app_metadata),
            ("user_metadata", outcome.user_metadata),
        ):
            if changes:
                merged = {**(stored.get(field) or {}), **changes}
                stored[field] = {key: value for key, value in merged.items() if value is not None}
        stored["updated_at"] = now()

    return update_user(tenant, user["user_id"], change) or user


def refuse_unsimulated_triggers(tenant: Tenant, *names: str) -> None:
    """Raise NotSimulatedError where Actions are bound to a trigger that would have to run now and does not."""
    for trigger in names:
        if triggers.deployed_actions(tenant, trigger):
            raise NotSimulatedError(f"running the Actions bound to the trigger {trigger}")


def tenant_log(  # noqa: PLR0917 (who, what, why: read in this order everywhere)
    tenant: Tenant,
    request: Request,
    kind: str,
    client: Document | None,
    user: Document | None,
    description: str = "",
    **details: Any,
) -> None:
    """Write an event of the tenant's log (`s`, `f`, `ss`, `seacft`, …), as `GET /api/v2/logs` shows it."""
    address, agent = client_of(request)
    ident = "9" + secrets.token_hex(20)
    entry: Document = {
        "_id": ident,
        "log_id": ident,
        "date": now(),
        "type": kind,
        "description": description,
        "ip": address,
        "user_agent": agent,
        "client_id": client["client_id"] if client else None,
        "client_name": client.get("name") if client else None,
        "user_id": user["user_id"] if user else None,
        "user_name": (user.get("email") or user.get("name")) if user else None,
        "details": {key: value for key, value in details.items() if value is not None},
    }
    tenant.store.put("log", ident, {key: value for key, value in entry.items() if value is not None})
    prune(tenant, "log")
