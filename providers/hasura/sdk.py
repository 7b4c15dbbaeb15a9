"""The plugin's resources for Pulumi programs. Imports the Pulumi SDK and nothing of the plugin.

engine = hasura.Provider("hasura", endpoint=endpoint, admin_secret=secret)
hasura.Metadata("users", fragment={"sources": [{"name": "default", "tables": [...]}]},
                opts=pulumi.ResourceOptions(provider=engine))
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import pulumi

__all__ = ["CloudEnvironment", "Metadata", "Provider"]


class Provider(pulumi.ProviderResource):
    """Where Hasura is and who may change it. Give the engine's settings for `Metadata`, the Cloud's for `CloudEnvironment`."""

    def __init__(
        self,
        resource_name: str,
        *,
        endpoint: pulumi.Input[str] | None = None,
        admin_secret: pulumi.Input[str] | None = None,
        cloud_endpoint: pulumi.Input[str] | None = None,
        cloud_token: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare a provider.

        :param endpoint: base URL of the GraphQL engine, without `/v1/graphql`.
        :param admin_secret: the engine's admin secret; kept as a secret.
        :param cloud_endpoint: GraphQL API of Hasura Cloud; the public one unless given.
        :param cloud_token: personal access token for Hasura Cloud; kept as a secret.
        """
        secrets = pulumi.ResourceOptions(additional_secret_outputs=["adminSecret", "cloudToken"])
        props = {
            "endpoint": endpoint,
            "adminSecret": _secret(admin_secret),
            "cloudEndpoint": cloud_endpoint,
            "cloudToken": _secret(cloud_token),
        }
        super().__init__("hasura", resource_name, props, pulumi.ResourceOptions.merge(secrets, opts))


class Metadata(pulumi.CustomResource):
    """A fragment of an engine's metadata, in the format of metadata v3 (the YAML of a CLI project's `metadata/` folder).

    It owns the objects that it names (source, table, permission of a role, relationship …); objects of others stay. A source
    without `configuration` is only referred to and must exist. Import: the id is the name of a source, for everything in it.
    """

    fragment: pulumi.Output[Mapping[str, Any]]
    """The fragment in canonical form."""
    adopted: pulumi.Output[Sequence[str]]
    """What was there before, identical: it stays when the resource is deleted."""
    replaced: pulumi.Output[Mapping[str, Any]]
    """Former values of what `adopt` overwrote (secret): put back when the resource is deleted."""

    def __init__(
        self,
        resource_name: str,
        *,
        fragment: pulumi.Input[Mapping[str, Any]],
        adopt: pulumi.Input[bool] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare a fragment.

        :param fragment: `{"sources": [{"name": "default", "tables": [...]}], "inherited_roles": [...]}`.
        :param adopt: overwrite objects that exist already and differ; without it that is an error.
        """
        secrets = pulumi.ResourceOptions(additional_secret_outputs=["replaced"])
        props = {"fragment": fragment, "adopt": adopt, "adopted": None, "replaced": None, "changedAt": None}
        super().__init__(
            "hasura:index:Metadata", resource_name, props, pulumi.ResourceOptions.merge(secrets, opts)
        )

    @property
    def changed_at(self) -> pulumi.Output[str]:
        """When a deployment last made or changed it (ISO 8601, UTC)."""
        return cast("pulumi.Output[str]", pulumi.get(self, "changedAt"))


class CloudEnvironment(pulumi.CustomResource):
    """Environment variables of a Hasura Cloud project: owns the ones that it names; done when they are live and healthy.

    Import: the id is the project's tenant id for all variables, or `TENANT/NAME,NAME` for some.
    """

    variables: pulumi.Output[Mapping[str, str]]
    """The variables (values secret)."""
    adopted: pulumi.Output[Sequence[str]]
    """Names of the variables that were there before with the same value: they stay when the resource is deleted."""

    def __init__(
        self,
        resource_name: str,
        *,
        project_id: pulumi.Input[str],
        variables: pulumi.Input[Mapping[str, pulumi.Input[str]]],
        adopt: pulumi.Input[bool] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare variables.

        :param project_id: id of the project's tenant, a UUID. A change replaces the resource.
        :param variables: values by name; every value is kept as a secret.
        :param adopt: overwrite variables that exist already with other values; without it that is an error.
        """
        # each value is a secret of its own (not the whole map), so that a preview shows the names
        hidden: Any = (
            {name: pulumi.Output.secret(value) for name, value in variables.items()}
            if isinstance(variables, Mapping)
            else pulumi.Output.secret(variables)
        )
        props = {
            "projectId": project_id,
            "variables": hidden,
            "adopt": adopt,
            "adopted": None,
            "changedAt": None,
        }
        super().__init__("hasura:index:CloudEnvironment", resource_name, props, opts)

    @property
    def project_id(self) -> pulumi.Output[str]:
        """Id of the project's tenant."""
        # not by the SDK's translation of names: that would also rename a variable `project_id`
        return cast("pulumi.Output[str]", pulumi.get(self, "projectId"))

    @property
    def changed_at(self) -> pulumi.Output[str]:
        """When a deployment last made or changed it (ISO 8601, UTC)."""
        return cast("pulumi.Output[str]", pulumi.get(self, "changedAt"))


def _secret(value: pulumi.Input[str] | None) -> pulumi.Input[str] | None:
    return None if value is None else pulumi.Output.secret(value)
