"""The Management API: `/api/v2`, one file per kind of resource.

May know: `sandbox.auth0.store` and `tenant`, starlette. Of the authentication half it knows two functions,
imported late: `authentication.tokens.verify_management_token` and `runtime.run_test`. What the other half uses
of this one: `users.create_user` and `verify_password`, `triggers.deployed_actions`, `roles.permissions_of`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from sandbox.auth0.management.api import Verify
    from sandbox.auth0.tenant import Tenant

__all__ = ["routes"]

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def routes(tenant: Tenant, verify: Verify | None = None, rate_limit: int = 0) -> list[BaseRoute]:
    """Routes of the Management API; `verify` replaces the check of bearer tokens (in tests).

    `rate_limit` is a number of requests a second, 0 for none.
    """
    # Imported here: the other half imports single modules of this package while it is being imported itself.
    from sandbox.auth0.management.api import ManagementApi  # noqa: PLC0415
    from sandbox.auth0.management.catalog import ENDPOINTS  # noqa: PLC0415
    from sandbox.auth0.management.jobs import download_route  # noqa: PLC0415

    api = ManagementApi(tenant, ENDPOINTS, verify, rate_limit)
    return [
        Route("/api/v2/{path:path}", api.answer, methods=_METHODS),
        download_route(tenant),
    ]
