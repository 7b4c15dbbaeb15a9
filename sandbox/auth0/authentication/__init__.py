"""Authentication API and login pages of the tenant.

May know: `sandbox.auth0.store`, `tenant`, `runtime`, and of `management` how users are made, passwords checked
and bound Actions listed. `routes(tenant)` gives the starlette routes; `tokens` the signing key, and
`verify_management_token` for the Management API.

Simulated: authorization code flow with PKCE, sign-up, single sign-on, silent authentication, refresh tokens
with rotation, client credentials, password grants, userinfo, logout, discovery. Everything else that Auth0
knows (other response types, consent, MFA, organizations, social connections) is answered 501 with its name.
"""

from __future__ import annotations

from sandbox.auth0.authentication.routing import routes

__all__ = ["routes"]
