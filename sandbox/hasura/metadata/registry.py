"""The table of metadata commands: name, whether it changes the metadata, and the function that runs it.

Commands about one kind of database carry its prefix (`pg_` or `postgres_`), the others none. The names that Hasura
has and this engine has not are listed, so that they are refused as 'not simulated' and not as unknown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.hasura.metadata.draft import Draft

__all__ = ["COMMANDS", "NOT_SIMULATED", "SUCCESS", "Command", "backend_command", "command"]

Handler = Callable[[Draft, Any], Any]
SUCCESS = {"message": "success"}


@dataclass(frozen=True)
class Command:
    """A metadata command; `changes` is false for those that only read."""

    run: Handler
    changes: bool = True
    atomic: bool = False
    """Whether `bulk_atomic` takes it."""


COMMANDS: dict[str, Command] = {}


def command(name: str, *, changes: bool = True) -> Callable[[Handler], Handler]:
    """Register a command that has no database prefix."""

    def register(handler: Handler) -> Handler:
        COMMANDS[name] = Command(handler, changes)
        return handler

    return register


def backend_command(name: str, *, atomic: bool = False) -> Callable[[Handler], Handler]:
    """Register a command under `pg_<name>` and `postgres_<name>`."""

    def register(handler: Handler) -> Handler:
        for prefix in ("pg", "postgres"):
            COMMANDS[f"{prefix}_{name}"] = Command(handler, atomic=atomic)
        return handler

    return register


_BACKEND_NOT_SIMULATED = [
    "set_table_is_enum",
    "set_apollo_federation_config",
    "set_permission_comment",
    "set_relationship_comment",
    "rename_relationship",
    "create_remote_relationship",
    "update_remote_relationship",
    "delete_remote_relationship",
    "set_function_customization",
    "create_event_trigger",
    "delete_event_trigger",
    "redeliver_event",
    "invoke_event_trigger",
    "get_event_logs",
    "get_event_invocation_logs",
    "get_event_by_id",
    "track_native_query",
    "untrack_native_query",
    "get_native_query",
    "track_logical_model",
    "untrack_logical_model",
    "get_logical_model",
    "create_logical_model_select_permission",
    "drop_logical_model_select_permission",
    "suggest_relationships",
    "test_connection_template",
    "get_source_kind_capabilities",
    "get_table_info",
    "get_source_tables",
]

NOT_SIMULATED = frozenset(
    [f"{prefix}_{name}" for prefix in ("pg", "postgres") for name in _BACKEND_NOT_SIMULATED]
    + [
        "rename_source",
        "list_source_kinds",
        "get_source_kind_capabilities",
        "get_source_tables",
        "get_table_info",
        "add_remote_schema",
        "update_remote_schema",
        "remove_remote_schema",
        "reload_remote_schema",
        "introspect_remote_schema",
        "add_remote_schema_permissions",
        "drop_remote_schema_permissions",
        "create_remote_schema_remote_relationship",
        "update_remote_schema_remote_relationship",
        "delete_remote_schema_remote_relationship",
        "cleanup_event_trigger_logs",
        "resume_event_trigger_cleanup",
        "pause_event_trigger_cleanup",
        "create_cron_trigger",
        "delete_cron_trigger",
        "create_scheduled_event",
        "delete_scheduled_event",
        "get_scheduled_events",
        "get_scheduled_event_invocations",
        "get_event_invocations",
        "get_cron_triggers",
        "create_action",
        "drop_action",
        "update_action",
        "create_action_permission",
        "drop_action_permission",
        "create_query_collection",
        "rename_query_collection",
        "drop_query_collection",
        "add_query_to_collection",
        "drop_query_from_collection",
        "add_collection_to_allowlist",
        "drop_collection_from_allowlist",
        "update_scope_of_collection_in_allowlist",
        "create_rest_endpoint",
        "drop_rest_endpoint",
        "dc_add_agent",
        "dc_delete_agent",
        "set_custom_types",
        "set_api_limits",
        "remove_api_limits",
        "set_metrics_config",
        "remove_metrics_config",
        "set_opentelemetry_config",
        "set_opentelemetry_status",
        "add_host_to_tls_allowlist",
        "drop_host_from_tls_allowlist",
        "set_query_tags",
        "set_graphql_schema_introspection_options",
        "dump_internal_state",
        "get_catalog_state",
        "set_catalog_state",
        "test_webhook_transform",
        "get_feature_flags",
        "set_feature_flag",
    ]
)
