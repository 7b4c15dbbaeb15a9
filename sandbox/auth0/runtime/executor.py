"""Runs the Actions of a trigger: builds the job, keeps the cache, records the execution.

`run_trigger` knows both triggers that are simulated; `run_test` is what the Management API's
`POST /actions/actions/{id}/test` does. What that answers inside `payload` is undocumented; here it is
`{"name", "logs", "commands", "error", "denied", "ended"}` of the one Action, `error` null where it ended well.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from datetime import UTC, datetime
from typing import Any
from weakref import WeakKeyDictionary

from sandbox.auth0.runtime.outcome import Outcome, read_transcript
from sandbox.auth0.runtime.pool import pool_for
from sandbox.auth0.runtime.process import Transcript
from sandbox.auth0.store import Store
from sandbox.auth0.tenant import Tenant

__all__ = ["TIME_LIMIT_KEY", "now", "prune", "run_post_login", "run_test", "run_trigger", "warm"]

log = logging.getLogger("sandbox.auth0.actions")

TIME_LIMIT = 20.0  # seconds for the whole trigger, not per Action
TIME_LIMIT_KEY = "_actions_time_limit"  # a store value that shortens it, for tests
HANDLERS = {
    "post-login": "onExecutePostLogin",
    "credentials-exchange": "onExecuteCredentialsExchange",
}
KEPT = 1000
_caches: WeakKeyDictionary[Store, dict[str, dict[str, Any]]] = WeakKeyDictionary()


def now() -> str:
    """The present moment as Auth0 writes it: UTC, milliseconds, `Z`."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def warm(tenant: Tenant) -> None:
    """Start a waiting Node process in the background."""
    pool_for(tenant.node, tenant.extra_ca).warm()


async def run_post_login(tenant: Tenant, actions: list[dict[str, Any]], event: dict[str, Any]) -> Outcome:
    """Run the bound post-login Actions, in order, and record the execution; see `run_trigger`."""
    return await run_trigger(tenant, "post-login", actions, event)


async def run_trigger(
    tenant: Tenant, trigger: str, actions: list[dict[str, Any]], event: dict[str, Any]
) -> Outcome:
    """Run Actions (`{"id", "name", "code", "secrets": {name: value}}`) of a trigger in one fresh Node process.

    A failing Action is an outcome with `failure`, never an exception. Without Actions nothing is run.
    """
    if not actions:
        return Outcome()
    pool = pool_for(tenant.node, tenant.extra_ca)
    loop = asyncio.get_running_loop()
    outcome = await loop.run_in_executor(pool.executor, _execute, tenant, trigger, actions, event)
    outcome.execution_id = _record(tenant, trigger, actions, outcome)
    return outcome


async def run_test(tenant: Tenant, action_doc: dict[str, Any], payload: dict[str, Any]) -> dict[str, Any]:
    """Run an Action's draft with `payload` (`{"event": {…}}`, or the event itself) and tell what it did.

    `event.secrets` of the payload win over the Action's own. Nothing is recorded and no command is applied.
    Raises ValueError where the Action's trigger is not simulated.
    """
    event = payload["event"] if isinstance(payload.get("event"), dict) else payload
    trigger = (action_doc.get("supported_triggers") or [{"id": "post-login"}])[0]["id"]
    if trigger not in HANDLERS:
        raise ValueError(f"sandbox: Actions of the trigger {trigger} are not simulated")
    action = {
        "id": action_doc.get("id"),
        "name": action_doc.get("name", "action"),
        "code": action_doc.get("code", ""),
        "secrets": {**draft_secrets(action_doc), **(event.get("secrets") or {})},
    }
    pool = pool_for(tenant.node, tenant.extra_ca)
    loop = asyncio.get_running_loop()
    outcome = await loop.run_in_executor(pool.executor, _execute, tenant, trigger, [action], event)
    result = outcome.results[0] if outcome.results else None
    error = None
    if outcome.failure is not None:
        error = {
            "name": (result and result.error_name) or "Error",
            "message": outcome.failure,
            "at": result.error_at if result else None,
        }
    return {
        "payload": {
            "name": action["name"],
            "logs": result.logs if result else [],
            "commands": result.commands if result else [],
            "error": error,
            "denied": outcome.denied,
            "ended": result.ended_at if result else None,
        }
    }


def _execute(tenant: Tenant, trigger: str, actions: list[dict[str, Any]], event: dict[str, Any]) -> Outcome:
    """One run in one process; blocks."""
    limit = float(tenant.store.get_value(TIME_LIMIT_KEY) or TIME_LIMIT)
    cache = _caches.setdefault(tenant.store, {}).setdefault(trigger, {})
    job = {
        "trigger": trigger,
        "handler": HANDLERS[trigger],
        "actions": [
            {"name": action["name"], "code": action["code"], "secrets": action["secrets"]}
            for action in actions
        ],
        "event": event,
        "cache": dict(cache),
        "can_redirect": (event.get("transaction") or {}).get("protocol") == "oidc-basic-profile",
    }
    try:
        transcript = pool_for(tenant.node, tenant.extra_ca).run(job, limit)
    except OSError as error:
        transcript = Transcript(stderr=f"{tenant.node} cannot be started: {error.strerror}")
    hide = {
        value: f"<secret {name}>"
        for action in actions
        for name, value in action["secrets"].items()
        if len(value) >= 4  # shorter values are switches and numbers; hiding them would garble every text
    }
    outcome = read_transcript(transcript, actions, limit, hide)
    for message in transcript.messages:
        if "end" in message:
            _write_cache(cache, message["cache"], outcome)
    _log(trigger, outcome, transcript.stderr)
    return outcome


def draft_secrets(action_doc: dict[str, Any]) -> dict[str, str]:
    """Secret values of a stored Action's draft, by name."""
    values = action_doc.get("_secrets") or action_doc.get("_secret_values") or {}
    if isinstance(values, list):
        return {item["name"]: item.get("value") or item.get("_value") or "" for item in values}
    if values:
        return dict(values)
    listed = action_doc.get("secrets") or []
    return {item["name"]: item.get("_value") or item.get("value") or "" for item in listed}


def prune(tenant: Tenant, kind: str) -> None:
    """Keep about the newest thousand documents of a kind that only ever grows."""
    store = tenant.store
    if store.count(kind) > KEPT + 200:
        with store.lock:
            for document in store.all(kind)[:-KEPT]:
                store.delete(kind, document.get("_id") or document.get("id") or document["log_id"])


def _record(tenant: Tenant, trigger: str, actions: list[dict[str, Any]], outcome: Outcome) -> str:
    """Write the execution document of `GET /actions/executions/{id}`; gives its id."""
    ident = secrets.token_urlsafe(24) + datetime.now(UTC).strftime("%Y%m%d")
    versions = {action["name"]: action.get("version_id") for action in actions}
    moment = now()
    results = []
    for result in outcome.results:
        entry: dict[str, Any] = {
            "action_name": result.name,
            "action_id": result.id,
            "version_id": versions.get(result.name),
            "started_at": result.started_at,
            "ended_at": result.ended_at or moment,
            "logs": "\n".join(result.logs),
        }
        if result.error is not None:
            entry["error"] = {"id": result.error_name, "msg": result.error}
        results.append(entry)
    tenant.store.put(
        "execution",
        ident,
        {
            "id": ident,
            "trigger_id": trigger,
            "status": "final",
            "results": results,
            "created_at": moment,
            "updated_at": moment,
        },
    )
    prune(tenant, "execution")
    return ident


def _write_cache(cache: dict[str, Any], after: dict[str, Any], outcome: Outcome) -> None:
    """Take over the keys that this run has touched; other runs write at the same time."""
    for command in (command for result in outcome.results for command in result.commands):
        if command["type"] in ("cache.set", "cache.delete"):
            key = command["key"]
            if key in after:
                cache[key] = after[key]
            else:
                cache.pop(key, None)


def _log(trigger: str, outcome: Outcome, stderr: str) -> None:
    for result in outcome.results:
        for line in result.logs:
            log.info("%s %r: %s", trigger, result.name, line)
        if result.error is not None:
            log.error("%s %r failed: %s (%s)", trigger, result.name, result.error, result.error_at or "-")
    if outcome.denied is not None:
        log.info("%s denied: %s", trigger, outcome.denied)
    if not outcome.results and outcome.failure is not None:
        log.error("%s could not run: %s", trigger, stderr.strip() or "no output from Node")
