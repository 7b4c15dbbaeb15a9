"""`auth0.ResourceServer`: an API, that is, an audience."""

from __future__ import annotations

from sandbox.plugins.auth0.resources.simple import SimpleResource
from sandbox.plugins.kinds import StandInInputs


class ResourceServerInputs(StandInInputs):
    """The properties that the stand-in knows."""

    name: str
    identifier: str
    signing_alg: str | None = None
    allow_offline_access: bool | None = None
    token_lifetime: int | None = None
    token_lifetime_for_web: int | None = None


class ResourceServer(SimpleResource[ResourceServerInputs]):
    """An API of the tenant."""

    token = "auth0:index/resourceServer:ResourceServer"
    inputs = ResourceServerInputs
    replace_on = frozenset({"identifier"})
    path = "resource-servers"
    unset_silently = frozenset({"signingAlg", "allowOfflineAccess", "tokenLifetime", "tokenLifetimeForWeb"})
    create_only = frozenset({"identifier"})
