"""Commands about tracked tables: track, untrack, customize."""

from __future__ import annotations

import copy
from typing import Any

from sandbox.hasura.metadata import objects as ids
from sandbox.hasura.metadata.canonical import table_configuration
from sandbox.hasura.metadata.dependencies import refuse_dependents, remove
from sandbox.hasura.metadata.draft import Draft
from sandbox.hasura.metadata.faults import Fault, not_simulated, parse_failed
from sandbox.hasura.metadata.names import as_key, display, kind_of, qualified, require, require_text
from sandbox.hasura.metadata.registry import SUCCESS, backend_command

__all__ = ["source_and_table", "source_of"]


def source_of(args: Any) -> str:
    """The source that a command speaks of: `default` when it names none."""
    if isinstance(args, dict) and args.get("source") is not None:
        return require_text(args, "source")
    return "default"


def source_and_table(args: Any) -> tuple[str, dict[str, str]]:
    """Source and table of a command about a tracked table."""
    return source_of(args), qualified(require(args, "table"), path="$.args.table")


def _track(draft: Draft, args: Any) -> None:
    # v1 form: the arguments are the table itself, as a string or as {name, schema}
    value = args["table"] if isinstance(args, dict) and "table" in args else args
    source = source_of(args)
    path = "$.args.table" if value is not args else "$.args"
    if value is args and not (isinstance(args, str) or (isinstance(args, dict) and "name" in args)):
        require(args, "table")
    table = qualified(value, path=path)
    options = args if isinstance(args, dict) else {}
    if options.get("is_enum"):
        raise not_simulated("is_enum of a table", path="$.args.is_enum")
    configuration = table_configuration(options.get("configuration"), path="$.args.configuration")
    if draft.find_table(source, as_key(table)) is not None:
        raise Fault(f'view/table already tracked: "{display(table)}"', "already-tracked")
    entry: dict[str, Any] = {"table": table}
    if configuration:
        entry["configuration"] = configuration
    draft.source(source)["tables"].append(entry)
    draft.rebuild(ids.table_id(source, table))


@backend_command("track_table")
def track_table(draft: Draft, args: Any) -> Any:
    """Serve a table or view."""
    _track(draft, args)
    return SUCCESS


def _untrack(draft: Draft, args: Any) -> None:
    source, table = source_and_table(args)
    entry = draft.find_table(source, as_key(table))
    if entry is None:
        raise Fault(f'view/table already untracked: "{display(table)}"', "already-untracked")
    dependents = draft.dependencies(source).of_table(as_key(table))
    if dependents and not args.get("cascade"):
        refuse_dependents(source, dependents)
    for dependent in dependents:
        remove(draft.source(source), dependent)
    draft.source(source)["tables"].remove(entry)
    draft.rebuild(ids.table_id(source, table))


@backend_command("untrack_table")
def untrack_table(draft: Draft, args: Any) -> Any:
    """Stop serving a table and forget its permissions and relationships."""
    _untrack(draft, args)
    return SUCCESS


@backend_command("track_tables")
def track_tables(draft: Draft, args: Any) -> Any:
    """Track several; those that cannot be are warnings, unless all fail or warnings are not allowed."""
    return _several(draft, args, _track, "track")


@backend_command("untrack_tables")
def untrack_tables(draft: Draft, args: Any) -> Any:
    """Untrack several, as `track_tables`."""
    return _several(draft, args, _untrack, "untrack")


def _several(draft: Draft, args: Any, one: Any, verb: str) -> Any:
    tables = require(args, "tables")
    if not isinstance(tables, list):
        raise parse_failed(
            f"parsing [] failed, expected Array, but encountered {kind_of(tables)}", path="$.args.tables"
        )
    warnings = []
    for item in tables:
        source, table = source_and_table(item)
        earlier = copy.deepcopy(draft.metadata)
        try:
            one(draft, item)
        except Fault as fault:
            draft.restore(earlier)
            name = f"table {ids.table_id(source, table).name}"
            warnings.append(
                {"code": f"{verb}-table-failed", "message": fault.message, "name": name, "type": "table"}
            )
    if warnings and len(warnings) == len(tables):
        raise Fault(f"all tables failed to {verb}", "invalid-configuration", internal=warnings)
    if warnings and args.get("allow_warnings", True) is False:
        raise Fault("failed due to metadata warnings", "metadata-warnings", internal=warnings)
    return {**SUCCESS, "warnings": warnings} if warnings else SUCCESS


@backend_command("set_table_customization")
def set_table_customization(draft: Draft, args: Any) -> Any:
    """Name the fields and columns of a table in GraphQL."""
    source, table = source_and_table(args)
    entry = draft.table(source, table)
    configuration = table_configuration(args.get("configuration"), path="$.args.configuration")
    entry.pop("configuration", None)
    if configuration:
        entry["configuration"] = configuration
    draft.rebuild(ids.table_id(source, table))
    return SUCCESS
