"""Auth0: the application, its API, and the login flow with the two Actions in order."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_auth0 as auth0

_ACTIONS = Path(__file__).parent.parent / "actions"
_TRIGGER = "post-login"


@dataclass(frozen=True, kw_only=True)
class Auth0LoginArgs:
    """`sync` and `claims`: the configuration of the two Actions, see `actions/README.md`.

    `revision`: any text. Another one has both Actions deployed anew, in place: for when somebody has changed their secrets, whose
    values Auth0 never shows. `after`: what a login rests on: the Actions are deployed, and bound, when all of it exists.
    """

    app_name: str
    single_page: bool
    callbacks: Sequence[str]
    logout_urls: Sequence[str]
    web_origins: Sequence[str]
    audience: str
    connections: Sequence[str]
    graphql_url: str
    admin_secret: pulumi.Input[str]
    sync: dict[str, object]
    claims: dict[str, object]
    revision: str
    after: Sequence[pulumi.Resource]
    hooks: pulumi.ResourceHookBinding | None = None


class Auth0Login(pulumi.ComponentResource):
    """The application and its login. `client_secret` is secret, and None for a single-page application."""

    client_id: pulumi.Output[str]
    client_secret: pulumi.Output[str | None]
    sync_action_id: pulumi.Output[str]
    claims_action_id: pulumi.Output[str]
    configuration: pulumi.Output[str]
    """Everything that the two Actions are made of, secret: whoever proves the login proves it again when this changes."""
    ready: list[pulumi.Resource]

    def __init__(self, name: str, args: Auth0LoginArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("auth0-hasura:index:Auth0Login", name, None, opts)
        self._child = pulumi.ResourceOptions(parent=self, hooks=args.hooks)
        api = auth0.ResourceServer(
            f"{name}-api",
            name=f"{args.app_name} (Hasura)",
            identifier=args.audience,
            signing_alg="RS256",
            allow_offline_access=True,
            # The identifier is unique in a tenant: one that waits to be deleted would stand in the way of its own return.
            opts=pulumi.ResourceOptions.merge(
                self._child, pulumi.ResourceOptions(delete_before_replace=True)
            ),
        )
        client = self._application(name, args)
        credentials = auth0.ClientCredentials(
            f"{name}-credentials",
            client_id=client.client_id,
            authentication_method="none" if args.single_page else "client_secret_post",
            opts=self._child,
        )
        enabled = [self._enable(name, connection, client) for connection in args.connections]
        sync = self._action(
            f"{name}-sync-user",
            "sync-user.js",
            f"{args.app_name}: sync user to Hasura",
            {
                "CLIENT_IDS": client.client_id,
                "REVISION": args.revision,
                "HASURA_GRAPHQL_URL": args.graphql_url,
                "HASURA_GRAPHQL_ADMIN_SECRET": args.admin_secret,
                "SYNC": _json(args.sync),
            },
            args.after,
        )
        claims = self._action(
            f"{name}-hasura-claims",
            "hasura-claims.js",
            f"{args.app_name}: Hasura claims",
            {"CLIENT_IDS": client.client_id, "REVISION": args.revision, "CLAIMS": _json(args.claims)},
            args.after,
        )
        # The chain fixes the order of the Actions, and keeps two read-modify-writes of the tenant's one list apart.
        first = self._bind(f"{name}-sync-user", sync, [api, credentials, *enabled])
        second = self._bind(f"{name}-hasura-claims", claims, [first], follows=first)
        self.client_id = client.client_id
        self.client_secret = pulumi.Output.secret(credentials.client_secret)
        self.sync_action_id, self.claims_action_id = sync.id, claims.id
        self.configuration = pulumi.Output.secret(
            pulumi.Output.json_dumps(
                [sync.code, sync.secrets, sync.id, claims.code, claims.secrets, claims.id]
            )
        )
        self.ready = [api, client, credentials, *enabled, sync, claims, first, second]
        self.register_outputs({"client_id": self.client_id})

    def _application(self, name: str, args: Auth0LoginArgs) -> auth0.Client:
        return auth0.Client(
            name,
            name=args.app_name,
            app_type="spa" if args.single_page else "regular_web",
            callbacks=list(args.callbacks),
            allowed_logout_urls=list(args.logout_urls),
            web_origins=list(args.web_origins),
            # Auth0's defaults for a new client allow the implicit flow and sign with a shared secret.
            oidc_conformant=True,
            grant_types=["authorization_code", "refresh_token"],
            jwt_configuration=auth0.ClientJwtConfigurationArgs(alg="RS256"),
            opts=self._child,
        )

    def _enable(self, name: str, connection: str, client: auth0.Client) -> auth0.ConnectionClient:
        connection_id: pulumi.Input[str] = connection
        if not connection.startswith("con_"):
            connection_id = self._connection_id(connection)
        return auth0.ConnectionClient(
            f"{name}-{connection}", connection_id=connection_id, client_id=client.client_id, opts=self._child
        )

    async def _connection_id(self, name: str) -> str:
        """The id of a connection. The failure of an output would reach the user as a traceback of the language host."""
        try:
            found = await pulumi.runtime.invoke_async(
                "auth0:index/getConnection:getConnection",
                {"name": name},
                pulumi.InvokeOptions(parent=self),
                typ=auth0.GetConnectionResult,
            )
        except Exception as error:
            reason = str(error).rpartition("returned an error: ")[2]
            raise pulumi.RunError(
                f"The connection {name} of `connections` cannot be looked up: {reason}"
            ) from None
        return str(found.id)

    def _action(
        self,
        name: str,
        file: str,
        title: str,
        secrets: dict[str, pulumi.Input[str]],
        after: Sequence[pulumi.Resource],
    ) -> auth0.Action:
        return auth0.Action(
            name,
            name=title,
            code=(_ACTIONS / file).read_text(encoding="utf-8"),
            runtime="node22",
            deploy=True,
            supported_triggers=auth0.ActionSupportedTriggersArgs(id=_TRIGGER, version="v3"),
            secrets=[
                auth0.ActionSecretArgs(name=key, value=pulumi.Output.secret(secrets[key]))
                for key in sorted(secrets)
            ],
            # Names are unique in a tenant: the old one must go first (`pulumi up --replace`).
            opts=pulumi.ResourceOptions.merge(
                self._child, pulumi.ResourceOptions(depends_on=list(after), delete_before_replace=True)
            ),
        )

    def _bind(
        self,
        name: str,
        action: auth0.Action,
        after: Sequence[pulumi.Resource],
        follows: pulumi.Resource | None = None,
    ) -> auth0.TriggerAction:
        # The plural TriggerActions would take over the tenant's whole list. This one appends: where the first Action is bound anew,
        # the second has to be, too, to stay behind it; and a binding that is replaced must go before the same one is made again.
        order = pulumi.ResourceOptions.merge(
            self._child,
            pulumi.ResourceOptions(
                depends_on=list(after),
                delete_before_replace=True,
                replace_with=[follows] if follows else None,
            ),
        )
        return auth0.TriggerAction(
            name, trigger=_TRIGGER, action_id=action.id, display_name=action.name, opts=order
        )


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)
