"""What a trigger run has decided: the commands of its Actions, summed up.

Claim names: Auth0's list of restricted claims ("Create custom claims"); a restricted name is dropped silently.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from sandbox.auth0.runtime.process import Transcript

__all__ = ["ActionResult", "Outcome", "read_transcript"]

# fmt: off
_RESTRICTED = frozenset(
    [
        "acr", "act", "active", "amr", "at_hash", "ath", "attest", "aud", "auth_time",
        "authorization_details", "azp", "c_hash", "client_id", "cnf", "cty", "dest", "entitlements",
        "events", "exp", "groups", "gty", "htm", "htu", "iat", "internalService", "iss", "jcard", "jku",
        "jti", "jwe", "jwk", "kid", "may_act", "mky", "nbf", "nonce", "object_id", "org_id", "org_name",
        "orig", "origid", "permissions", "roles", "rph", "s_hash", "sid", "sip_callid", "sip_cseq_num",
        "sip_date", "sip_from_tag", "sip_via_branch", "sub", "sub_jwk", "toe", "txn", "typ", "uuid",
        "vot", "vtm", "x5t#S256",
    ]
)
# fmt: on
# Namespaces of Auth0 itself, which custom claims may not use.
_OWN_DOMAINS = ("auth0.com", "webtask.io", "webtask.run")
CLAIMS_LIMIT = 100_000


@dataclass
class ActionResult:
    """One Action's part of a run; `error` None where it ended well."""

    name: str
    id: str | None
    started_at: str
    ended_at: str | None = None
    error: str | None = None
    error_name: str | None = None
    error_at: str | None = None
    commands: list[dict[str, Any]] = field(default_factory=list)
    logs: list[str] = field(default_factory=list)


@dataclass
class Outcome:
    """What the tenant does after a trigger: refuse the login (`denied` or `failure`) or go on with changes."""

    results: list[ActionResult] = field(default_factory=list)
    denied: str | None = None
    denied_code: str = "access_denied"
    failure: str | None = None
    failed_action: str | None = None
    access_token_claims: dict[str, Any] = field(default_factory=dict)
    id_token_claims: dict[str, Any] = field(default_factory=dict)
    scopes_added: list[str] = field(default_factory=list)
    scopes_removed: list[str] = field(default_factory=list)
    app_metadata: dict[str, Any] = field(default_factory=dict)
    user_metadata: dict[str, Any] = field(default_factory=dict)
    execution_id: str | None = None

    @property
    def refusal(self) -> str | None:
        """Why no token may be issued, as the client sees it; None where the login goes on."""
        return self.failure if self.failure is not None else self.denied

    def scopes(self, granted: list[str]) -> list[str]:
        """The granted scopes with what the Actions added and without what they removed."""
        merged = [*granted, *(scope for scope in self.scopes_added if scope not in granted)]
        return [scope for scope in merged if scope not in self.scopes_removed]


def read_transcript(
    transcript: Transcript, actions: list[dict[str, Any]], limit: float, hide: Mapping[str, str]
) -> Outcome:
    """Make the outcome of a run; `hide` maps secret values to what is shown in their place."""
    outcome = Outcome()
    for message in transcript.messages:
        if "start" in message:
            action = actions[message["start"]]
            outcome.results.append(
                ActionResult(name=action["name"], id=action.get("id"), started_at=message["started_at"])
            )
        elif "log" in message:
            outcome.results[-1].logs.append(_hidden(str(message["line"]), hide))
        elif "done" in message:
            result = outcome.results[-1]
            result.ended_at = message["ended_at"]
            result.commands = message["commands"]
            error = message["error"]
            if error:
                result.error = _hidden(error["message"], hide)
                result.error_name, result.error_at = error["name"], error["at"]
    if not transcript.completed:
        _explain(transcript, outcome, actions, limit)
    for result in outcome.results:
        for command in result.commands:
            _apply(outcome, command)
    claims = json.dumps([outcome.access_token_claims, outcome.id_token_claims])
    if outcome.failure is None and len(claims) > CLAIMS_LIMIT:
        outcome.failure = "Custom claims payload exceeds the limit of 100KB"
    return outcome


def _explain(transcript: Transcript, outcome: Outcome, actions: list[dict[str, Any]], limit: float) -> None:
    """Say which Action failed a run that has not ended well, and why."""
    if not outcome.results:
        outcome.failed_action = actions[0]["name"]
        outcome.failure = "The Actions runtime could not be started; see the log of the Auth0 sandbox."
        return
    last = outcome.results[-1]
    if last.error is None:
        if transcript.timed_out:
            last.error = f"The trigger did not complete within its limit of {limit:g} seconds."
        elif transcript.exit_code == 0:
            last.error = (
                "The Action ended without a result: a promise never settled or the process was exited."
            )
        elif "heap out of memory" in transcript.stderr or (transcript.exit_code or 0) < 0:
            last.error = "The Action's process was ended: out of memory or processor time."
        else:
            last.error = f"The Action's process ended with exit code {transcript.exit_code}."
        last.error_name = "Error"
    outcome.failed_action, outcome.failure = last.name, last.error


def _apply(outcome: Outcome, command: dict[str, Any]) -> None:
    kind = command["type"]
    if kind == "access.deny":
        outcome.denied = command["reason"]
        outcome.denied_code = command.get("code") or "access_denied"
    elif kind in ("accessToken.setCustomClaim", "idToken.setCustomClaim"):
        claims = outcome.id_token_claims if kind.startswith("id") else outcome.access_token_claims
        if _allowed(command["key"]):
            claims[command["key"]] = command["value"]
    elif kind == "accessToken.addScope":
        outcome.scopes_removed = [scope for scope in outcome.scopes_removed if scope != command["scope"]]
        outcome.scopes_added.append(command["scope"])
    elif kind == "accessToken.removeScope":
        outcome.scopes_removed.append(command["scope"])
    elif kind == "user.setAppMetadata":
        outcome.app_metadata[command["key"]] = command["value"]
    elif kind == "user.setUserMetadata":
        outcome.user_metadata[command["key"]] = command["value"]


def _allowed(claim: str) -> bool:
    if claim in _RESTRICTED:
        return False
    host = urlsplit(claim).hostname or ""
    return not any(host == domain or host.endswith("." + domain) for domain in _OWN_DOMAINS)


def _hidden(text: str, hide: Mapping[str, str]) -> str:
    for secret, shown in hide.items():
        text = text.replace(secret, shown)
    return text
