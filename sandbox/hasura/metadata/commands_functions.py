"""Commands about tracked functions and the roles that may call them."""

from __future__ import annotations

from typing import Any

from sandbox.hasura.metadata import objects as ids
from sandbox.hasura.metadata.canonical import function_entry
from sandbox.hasura.metadata.commands_tables import source_of
from sandbox.hasura.metadata.draft import Draft
from sandbox.hasura.metadata.faults import Fault, already_exists, not_exists, not_simulated
from sandbox.hasura.metadata.names import as_key, display, qualified, require, require_text
from sandbox.hasura.metadata.registry import SUCCESS, backend_command

__all__: list[str] = []


def _name(args: Any) -> dict[str, str]:
    # v1 form: the arguments are the function itself, as a string or as {name, schema}
    if isinstance(args, str) or (isinstance(args, dict) and "name" in args and "function" not in args):
        return qualified(args, path="$.args")
    return qualified(require(args, "function"), path="$.args.function")


def _find(draft: Draft, source: str, name: dict[str, str]) -> dict[str, Any] | None:
    functions = draft.source(source).get("functions", [])
    return next((f for f in functions if as_key(f["function"]) == as_key(name)), None)


@backend_command("track_function")
def track_function(draft: Draft, args: Any) -> Any:
    """Serve a function that returns rows of a tracked table."""
    name, source = _name(args), source_of(args)
    options = args if isinstance(args, dict) else {}
    if _find(draft, source, name) is not None:
        raise Fault(f'function already tracked: "{display(name)}"', "already-tracked")
    known = {k: options[k] for k in ("configuration", "comment") if options.get(k)}
    if "response" in (known.get("configuration") or {}):
        raise not_simulated("response of a function's configuration", path="$.args.configuration.response")
    entry = function_entry({"function": name, **known}, path="$.args")
    draft.source(source).setdefault("functions", []).append(entry)
    draft.rebuild(ids.function_id(source, name))
    return SUCCESS


@backend_command("untrack_function")
def untrack_function(draft: Draft, args: Any) -> Any:
    """Stop serving a function."""
    name, source = _name(args), source_of(args)
    entry = _find(draft, source, name)
    if entry is None:
        raise not_exists(f'function "{display(name)}" not found in source: {source}')
    draft.source(source)["functions"].remove(entry)
    draft.rebuild()
    return SUCCESS


@backend_command("create_function_permission")
def create_function_permission(draft: Draft, args: Any) -> Any:
    """Let a role call a function."""
    name, source, role = _name(args), source_of(args), require_text(args, "role")
    entry = _find(draft, source, name)
    if entry is None:
        raise not_exists(f'function "{display(name)}" not found in source: {source}')
    permissions = entry.setdefault("permissions", [])
    if any(item["role"] == role for item in permissions):
        raise already_exists(
            f'permission of role "{role}" already exists for function "{display(name)}" in source: "{source}"'
        )
    permissions.append({"role": role})
    permissions.sort(key=lambda item: item["role"])
    draft.rebuild()
    return SUCCESS


@backend_command("drop_function_permission")
def drop_function_permission(draft: Draft, args: Any) -> Any:
    """Take a role's permission to call a function away."""
    name, source, role = _name(args), source_of(args), require_text(args, "role")
    entry = _find(draft, source, name)
    kept = [item for item in (entry or {}).get("permissions", []) if item["role"] != role]
    if entry is None or len(kept) == len(entry.get("permissions", [])):
        raise not_exists(
            f'permission of role "{role}" does not exist for function "{display(name)}" in source: "{source}"'
        )
    entry["permissions"] = kept
    if not kept:
        del entry["permissions"]
    draft.rebuild()
    return SUCCESS
