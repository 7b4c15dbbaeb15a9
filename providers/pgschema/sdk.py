"""The plugin's resources for Pulumi programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import pulumi


class Provider(pulumi.ProviderResource):
    """The database that the tables are in. `url`: secret, `postgres://user:password@host:port/database?sslmode=...`."""

    def __init__(
        self, resource_name: str, *, url: pulumi.Input[str], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("pgschema", resource_name, {"url": pulumi.Output.secret(url)}, opts)


@pulumi.input_type
class ColumnArgs:
    """A column. `type` is a Postgres type, `default` an SQL expression."""

    def __init__(
        self,
        *,
        name: pulumi.Input[str],
        type: pulumi.Input[str],
        nullable: pulumi.Input[bool] = True,
        default: pulumi.Input[str] | None = None,
        comment: pulumi.Input[str] | None = None,
    ) -> None:
        pulumi.set(self, "name", name)
        pulumi.set(self, "type", type)
        pulumi.set(self, "nullable", nullable)
        if default is not None:
            pulumi.set(self, "default", default)
        if comment is not None:
            pulumi.set(self, "comment", comment)

    name: pulumi.Input[str] = pulumi.property("name")
    type: pulumi.Input[str] = pulumi.property("type")
    nullable: pulumi.Input[bool] = pulumi.property("nullable")
    default: pulumi.Input[str] | None = pulumi.property("default")
    comment: pulumi.Input[str] | None = pulumi.property("comment")


@pulumi.input_type
class UniqueConstraintArgs:
    """A unique constraint by its Postgres name, over columns in order."""

    def __init__(
        self, *, name: pulumi.Input[str], columns: pulumi.Input[Sequence[pulumi.Input[str]]]
    ) -> None:
        pulumi.set(self, "name", name)
        pulumi.set(self, "columns", columns)

    name: pulumi.Input[str] = pulumi.property("name")
    columns: pulumi.Input[Sequence[pulumi.Input[str]]] = pulumi.property("columns")


class Table(pulumi.CustomResource):
    """A table: its columns, primary key, unique constraints and comment. It owns those that it declares, no others.

    `adopt`: take over a table of this name that exists already. `allow_data_loss`: permit changes that lose data (drop a column,
    narrow a type). `on_delete`: `keep` (default) or `drop`; an adopted table always stays.
    """

    schema: pulumi.Output[str]
    name: pulumi.Output[str]

    def __init__(
        self,
        resource_name: str,
        *,
        schema: pulumi.Input[str],
        name: pulumi.Input[str],
        columns: pulumi.Input[Sequence[pulumi.Input[ColumnArgs]]],
        primary_key: pulumi.Input[Sequence[pulumi.Input[str]]],
        unique_constraints: pulumi.Input[Sequence[pulumi.Input[UniqueConstraintArgs]]] | None = None,
        comment: pulumi.Input[str] | None = None,
        adopt: pulumi.Input[bool] | None = None,
        allow_data_loss: pulumi.Input[bool] | None = None,
        on_delete: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        props = {
            "schema": schema,
            "name": name,
            "columns": columns,
            "primaryKey": primary_key,
            "uniqueConstraints": unique_constraints,
            "comment": comment,
            "adopt": adopt,
            "allowDataLoss": allow_data_loss,
            "onDelete": on_delete,
            "changedAt": None,
        }
        super().__init__("pgschema:index:Table", resource_name, props, opts)

    @property
    def changed_at(self) -> pulumi.Output[str]:
        """When a deployment last made or changed it (ISO 8601, UTC)."""
        return cast("pulumi.Output[str]", pulumi.get(self, "changedAt"))
