"""Settings of the tenant: `/api/v2/tenants/settings`.

`default_audience` is acted on (by the authentication half); the others are kept and returned.
"""

from __future__ import annotations

from sandbox.auth0.management.endpoints import Call, Endpoints
from sandbox.auth0.management.merge import merged
from sandbox.auth0.management.paging import FIELDS, pick
from sandbox.auth0.management.schema import Table, flag, integer, items, json_object, text
from sandbox.auth0.store import Document, Store, public

__all__ = ["endpoints"]

endpoints = Endpoints()

_KEY = "tenant_settings"

_DEFAULTS: Document = {
    "enabled_locales": ["en"],
    "flags": {},
    "friendly_name": "Sandbox",
    "session_lifetime": 168,
    "idle_session_lifetime": 72,
    "sandbox_version": "22",
}

_UPDATE: Table = {
    "default_audience": text("Default audience for API Authorization."),
    "default_directory": text("Name of connection used for password grants at the `/token` endpoint."),
    "friendly_name": text("Friendly name for this tenant."),
    "picture_url": text(),
    "support_email": text(),
    "support_url": text(),
    "session_lifetime": integer(smallest=1),
    "idle_session_lifetime": integer(smallest=1),
    "sandbox_version": text(),
    "enabled_locales": items(),
    "flags": json_object(),
    "allowed_logout_urls": items(),
    "default_redirection_uri": text(),
    "customize_mfa_in_postlogin_action": flag(),
}


def _settings(store: Store) -> Document:
    return {**_DEFAULTS, **(store.get_value(_KEY) or {})}


@endpoints("GET", "/tenants/settings", ("read:tenant_settings",), FIELDS)
def get_settings(call: Call) -> Document:
    """The tenant's settings, or some of them."""
    return pick(call.query, public(_settings(call.store)))


@endpoints("PATCH", "/tenants/settings", ("update:tenant_settings",))
def update_settings(call: Call) -> Document:
    """Change what is named; `flags` are merged."""
    body = call.checked(_UPDATE, partial=True)
    with call.store.lock:
        changed = merged(_settings(call.store), body, deep=("flags",))
        call.store.put_value(_KEY, changed)
    return changed
