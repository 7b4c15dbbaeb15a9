"""The tenant: what both halves of the simulator share beside the store."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sandbox.auth0.store import Store

__all__ = ["DEFAULT_CONNECTION", "Tenant"]

DEFAULT_CONNECTION = "Username-Password-Authentication"


@dataclass(frozen=True)
class Tenant:
    """One Auth0 tenant, reached at `https://{domain}`.

    `node` is the Node 22 binary that Actions run in; `extra_ca` the certificate that their `fetch` trusts
    beside the system's. The management client is seeded with every scope of the Management API.
    """

    store: Store
    domain: str
    node: Path
    extra_ca: Path | None
    management_client_id: str
    management_client_secret: str

    @property
    def issuer(self) -> str:
        """`iss` of every token of the tenant, with the slash at its end."""
        return f"https://{self.domain}/"

    @property
    def management_audience(self) -> str:
        """Audience of the tokens that open the Management API."""
        return f"https://{self.domain}/api/v2/"
