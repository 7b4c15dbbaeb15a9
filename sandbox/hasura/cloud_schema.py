"""The part of Hasura Cloud's GraphQL schema that is served, with resolvers over one project.

Rule (facts, section 'Hasura Cloud'): `envVars` holds the user's variables under `environment`; changes merge, are
guarded by the hash of the set that the writer has seen, and a set that would stay the same is refused.
"""

from __future__ import annotations

from typing import Any, Protocol

from graphql import GraphQLError, GraphQLResolveInfo, GraphQLSchema, build_schema

__all__ = ["ConfigStatus", "Project", "cloud_schema"]

Info = GraphQLResolveInfo[Any]
_SDL = """
scalar uuid
scalar jsonb
scalar timestamptz

input uuid_comparison_exp { _eq: uuid _in: [uuid!] }
input Boolean_comparison_exp { _eq: Boolean }
input String_comparison_exp { _eq: String _in: [String!] }
input config_status_bool_exp {
  _and: [config_status_bool_exp!]
  tenant_id: uuid_comparison_exp
  is_active: Boolean_comparison_exp
  worker_state: String_comparison_exp
  hash: String_comparison_exp
}
input UpdateEnvObject { key: String! value: String! }

type projects {
  id: uuid!
  name: String!
  endpoint: String!
  domain: String!
  plan_name: String!
  created_at: timestamptz!
  tenant: tenant!
}
type tenant {
  id: uuid!
  slug: String!
  active: Boolean!
  project: projects!
}
type TenantEnv { hash: String! envVars: jsonb! }
type config_status {
  tenant_id: uuid!
  hash: String!
  message: String
  is_active: Boolean!
  worker_state: String!
  worker_id: String!
  updated_at: timestamptz!
}
type Tenant { id: uuid! name: String! }
type Status { status: String! }

type Query {
  tenant_by_pk(id: uuid!): tenant
  getTenantEnv(tenantId: uuid!): TenantEnv!
  config_status(where: config_status_bool_exp, limit: Int): [config_status!]!
  projects: [projects!]!
  projects_by_pk(id: uuid!): projects
}
type Mutation {
  updateTenantEnv(tenantId: uuid!, currentHash: String!, envs: [UpdateEnvObject!]!): TenantEnv!
  deleteTenantEnv(tenantId: uuid!, currentHash: String!, deleteEnvs: [String!]!): TenantEnv!
  createTenant(cloud: String!, region: String!, name: String, plan: String, envs: [UpdateEnvObject!]): Tenant
  deleteTenant(tenantId: uuid!): Status
}
"""


class ConfigStatus(Protocol):
    """How far the engine is with its environment."""

    @property
    def hash(self) -> str:
        """The set of variables that the worker speaks of."""

    @property
    def message(self) -> str:
        """What the worker says."""

    @property
    def updated_at(self) -> str:
        """When it said so."""


class Project(Protocol):
    """What the resolvers need of the project."""

    project_id: str
    endpoint: str
    created_at: str

    def variables(self) -> tuple[str, dict[str, str]]:
        """Hash and variables."""

    def change(self, current_hash: str, variables: dict[str, str]) -> None:
        """Store `variables`; raises ValueError with the reason when they are not accepted."""

    def status(self) -> ConfigStatus:
        """The worker's status."""


def _project(project: Project) -> dict[str, Any]:
    found: dict[str, Any] = {
        "id": project.project_id,
        "name": "sandbox",
        "endpoint": project.endpoint,
        "domain": project.endpoint.partition("://")[2],
        "plan_name": "cloud_free_v2",
        "created_at": project.created_at,
    }
    found["tenant"] = {"id": project.project_id, "slug": "sandbox", "active": True, "project": found}
    return found


def _require(project: Project, tenant: str) -> None:
    if tenant != project.project_id:
        raise GraphQLError("tenant not found", extensions={"code": "not-found", "path": "$"})


def _env(project: Project) -> dict[str, Any]:
    current, variables = project.variables()
    return {"hash": current, "envVars": {"environment": variables}}


def _fits(where: dict[str, Any] | None, row: dict[str, Any]) -> bool:
    for name, condition in (where or {}).items():
        if name == "_and":
            if not all(_fits(part, row) for part in condition):
                return False
        elif ("_eq" in condition and row[name] != condition["_eq"]) or (
            "_in" in condition and row[name] not in condition["_in"]
        ):
            return False
    return True


def cloud_schema(project: Project) -> GraphQLSchema:
    """The executable schema over `project`."""
    schema = build_schema(_SDL)

    def tenant_by_pk(_root: Any, _info: Info, id: str) -> Any:
        return _project(project)["tenant"] if id == project.project_id else None

    def projects_by_pk(_root: Any, _info: Info, id: str) -> Any:
        return _project(project) if id == project.project_id else None

    def get_env(_root: Any, _info: Info, tenantId: str) -> Any:  # noqa: N803 - the API's name
        _require(project, tenantId)
        return _env(project)

    def config_status(
        _root: Any, _info: Info, where: dict[str, Any] | None = None, limit: int | None = None
    ) -> Any:
        status = project.status()
        row = {
            "tenant_id": project.project_id,
            "hash": status.hash,
            "message": status.message,
            "is_active": True,
            "worker_state": "live",
            "worker_id": f"sandbox-{project.project_id[:8]}",
            "updated_at": status.updated_at,
        }
        return [row][:limit] if _fits(where, row) else []

    def changed(tenant: str, current_hash: str, variables: dict[str, str]) -> Any:
        _require(project, tenant)
        try:
            project.change(current_hash, variables)
        except ValueError as reason:
            raise GraphQLError(str(reason), extensions={"code": "unexpected", "path": "$"}) from None
        return _env(project)

    def update_env(
        _root: Any,
        _info: Info,
        tenantId: str,  # noqa: N803 - the API's name
        currentHash: str,  # noqa: N803 - the API's name
        envs: list[dict[str, str]],
    ) -> Any:
        merged = {**project.variables()[1], **{env["key"]: env["value"] for env in envs}}
        return changed(tenantId, currentHash, merged)

    def delete_env(
        _root: Any,
        _info: Info,
        tenantId: str,  # noqa: N803 - the API's name
        currentHash: str,  # noqa: N803 - the API's name
        deleteEnvs: list[str],  # noqa: N803 - the API's name
    ) -> Any:
        kept = {k: v for k, v in project.variables()[1].items() if k not in deleteEnvs}
        return changed(tenantId, currentHash, kept)

    def refused(_root: Any, info: Info, **_args: Any) -> Any:
        raise GraphQLError(
            f"sandbox: {info.field_name} is not simulated", extensions={"code": "not-supported", "path": "$"}
        )

    resolvers = {
        "Query": {
            "tenant_by_pk": tenant_by_pk,
            "projects": lambda _root, _info: [_project(project)],
            "projects_by_pk": projects_by_pk,
            "getTenantEnv": get_env,
            "config_status": config_status,
        },
        "Mutation": {
            "updateTenantEnv": update_env,
            "deleteTenantEnv": delete_env,
            "createTenant": refused,
            "deleteTenant": refused,
        },
    }
    for type_name, fields in resolvers.items():
        for name, resolve in fields.items():
            schema.type_map[type_name].fields[name].resolve = resolve  # type: ignore[attr-defined]  # an object type by its name
    return schema
